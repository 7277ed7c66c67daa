"""Growable arrays: the rows of sliceprobe by contender, the bars, the stalls of single pushes."""

import csv
import io
import subprocess

from .check import Check
from .machine import cpus
from .probe import TIMEOUT_S, Failed, row_ns
from .stats import Ratio, median, verdict

OURS, BARE = "bosk", "realloc"
LENGTHS = ("100", "10000", "1000000")
LONGEST = ("longest", "100000000")
STALL_BAR_NS = 20000
STALL_RUNS = 5
CONCURRENT_BAR = 0.25  # of the time of a vector guarded by a mutex

# what, our row, whose row it is compared with, that row, bar
BARS = [
    *((f"push of i64, {n}", ("push", n), "go", ("push", n), bar)
      for n, bar in zip(LENGTHS, (0.25, 0.12, 0.08))),
    *((f"push of i64, {n}", ("push", n), "vector", ("push", n), bar)
      for n, bar in zip(LENGTHS, (0.5, 0.10, 0.06))),
    *((f"push of i64, {n}, room in hand, against plain stores", ("fill", n), BARE, ("fill", n), 1.1)
      for n in LENGTHS),
    *((f"append of i64 in an arena, {n}", ("append", n), "go", ("append", n), 0.60)
      for n in LENGTHS),
    ("push of i64, 1e8", LONGEST, "go", LONGEST, 0.40),
    ("push of i64, 1e8", LONGEST, "vector", LONGEST, 0.40),
    *((f"push of 24-byte structs, {n}", ("triple", n), "go", ("triple", n), 0.15)
      for n in LENGTHS),
    *((f"push of 64 at a time, {n}", ("bulk", n), "go", ("bulk", n), 0.15) for n in LENGTHS),
    ("make([]int, 100) and free", ("make", "len"), "go", ("make", "len"), 0.12),
    ("make([]int, 0, 100) and free", ("make", "cap"), "go", ("make", "cap"), 0.07),
    ("make([]int, 0, 100), against make([]int, 100)", ("make", "cap"), OURS, ("make", "len"), 0.75),
    *((f"push of i64, {n}, against doubling by hand", ("push", n), "realloc", ("push", n), 1.10)
      for n in LENGTHS),
    ("push of i64, 1e8, against doubling by hand", LONGEST, "realloc", LONGEST, 1.10),
    ("get and put of a pool", ("pool", "64"), "go", ("pool", "64"), 0.5),
]


def best_starts(rows, starts):
    """Each round's rows out of `starts` processes: of each row the one with the least value.

    Loops of five instructions run at one of two speeds, which a process keeps as long as it lives:
    it depends on where address-space randomisation has put the code.  That is the processor's
    throw, not the contender's, so each contender gets the same few throws.
    """
    out = {}
    for label, rounds in rows.items():
        out[label] = []
        for first in range(0, len(rounds), starts):
            least = {}
            for listed in rounds[first:first + starts]:
                for row in listed:
                    key = (row["kind"], row["test"], row["param"])
                    if key not in least or row_ns(row) < row_ns(least[key]):
                        least[key] = row
            out[label].append(list(least.values()))
    return out


class Rows:
    """Values per (label, (test, param)), one a round."""

    def __init__(self, rows):
        self.labels = list(rows)
        self.rounds = max((len(v) for v in rows.values()), default=0)
        self.value, self.first, self.faults, self.keys = {}, {}, {}, []
        for label, rounds in rows.items():
            for r, listed in enumerate(rounds):
                for row in listed:
                    if row["kind"] != "thr":
                        continue
                    key = (row["test"], row["param"])
                    if key not in self.keys:
                        self.keys.append(key)
                    self.value.setdefault((label, key), [None] * self.rounds)[r] = row_ns(row)
                    self.first.setdefault((label, key), []).append(float(row["ns_first"]))
                    self.faults.setdefault((label, key), []).append(float(row["faults"]))

    def whole(self, label, key):
        """The values of a row, or None unless every round has one."""
        values = self.value.get((label, key))
        return None if values is None or None in values else values

    def ratio(self, key, other, other_key):
        """Ours against another's, paired by round; None when either is missing."""
        ours, theirs = self.whole(OURS, key), self.whole(other, other_key)
        if ours is None or theirs is None:
            return None
        return Ratio([a / b for a, b in zip(ours, theirs)])

    def checks(self):
        out = []
        for what, key, other, other_key, bar in BARS:
            name = f"{what}" if other in (OURS, BARE) else f"{what} / {other}"
            ratio = self.ratio(key, other, other_key)
            if ratio is None:
                missing = OURS if self.whole(OURS, key) is None else other
                out.append(Check.missing(name, f"<= {bar}", f"{missing} has no such row"))
                continue
            out.append(Check(name, f"<= {bar}", str(ratio), verdict(ratio, bar),
                             f"{median(self.whole(OURS, key)):.2f} ns, {other} "
                             f"{median(self.whole(other, other_key)):.2f} ns"))
        return out

    def table(self, values):
        lines = ["row (ns)".ljust(22) + "".join(lb[:15].rjust(16) for lb in self.labels)]
        for key in sorted(self.keys, key=lambda k: [b[1] for b in BARS].index(k)
                          if k in [b[1] for b in BARS] else len(BARS)):
            cells = (values.get((lb, key)) for lb in self.labels)
            lines.append(f"{key[0]} {key[1]}".ljust(22) + "".join(
                (f"{median(c):16.2f}" if c and None not in c else "-".rjust(16)) for c in cells))
        return "\n".join(lines)

    def picture_rows(self):
        """[(row, None, {label: ns relative to ours})] for rows that more than one has."""
        out = []
        for key in self.keys:
            ours = self.whole(OURS, key)
            if ours is None:
                continue
            by = {lb: median(v) / median(ours) for lb in self.labels
                  if (v := self.whole(lb, key)) is not None}
            if len(by) > 1:
                out.append((f"{key[0]} {key[1]}", None, by))
        return out

    def go_lines(self):
        """Go's benchmark format, a line a round."""
        return [f"Benchmark{key[0].capitalize()}/{key[1]}/array={label}\t1\t{ns:.3f} ns/op"
                for (label, key), values in self.value.items() for ns in values if ns is not None]


class Stalls:
    """Single pushes that took long, over several identical runs.

    A stall of the library's own making is in every run at the same push; what the machine adds is
    not.  So of each push the least over all runs counts, and of these the greatest.
    """

    def __init__(self, runs):
        """runs: the rows of each."""
        self.runs, self.raw, self.empty = len(runs), [], []
        seen = {}
        for rows in runs:
            for row in rows:
                ns = float(row["max"]) if row["test"] == "stalls" else None
                if row["kind"] == "stall":
                    seen.setdefault(row["param"], []).append(ns)
                elif row["kind"] == "raw":
                    self.raw.append(ns)
                elif row["kind"] == "empty":
                    self.empty.append(ns)
        always = {int(at): min(v) for at, v in seen.items() if len(v) == self.runs}
        self.over = len(always)
        self.at, self.det_ns = max(always.items(), key=lambda kv: kv[1], default=(None, 3000.0))

    def line(self, label):
        det = f"{self.det_ns / 1000:9.1f}" if self.at is not None else "      < 3"
        empty = f"{max(self.empty) / 1000:9.1f}" if self.empty else "        -"
        return (f"{label:<10}{det} us at push {self.at}; {self.over} pushes always above 3 us; "
                f"raw {min(self.raw) / 1000:.1f} to {max(self.raw) / 1000:.1f} us; "
                f"empty loop {empty.strip()} us")

    def check(self):
        what = "longest single push of 1e8"
        bar = f"<= {STALL_BAR_NS // 1000} us"
        if self.runs < STALL_RUNS or len(self.raw) != self.runs:
            return Check.missing(what, bar, f"{len(self.raw)} runs")
        return Check.of(what, bar, f"{self.det_ns / 1000:.1f} us", self.det_ns <= STALL_BAR_NS,
                        f"least of {self.runs} runs per push; raw {min(self.raw) / 1000:.1f} to "
                        f"{max(self.raw) / 1000:.1f} us, empty loop up to "
                        f"{max(self.empty) / 1000:.1f} us")


def concurrent(exe, threads, rounds, quick):
    """{what: [(wall, cpu) ns per element, one a round]} of cslice.c."""
    _, both = cpus()
    command = ["taskset", "-c", both, exe, str(threads), "300000" if quick else "1000000",
               str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    if done.returncode != 0:
        raise Failed(f"cslice: exit {done.returncode}: {done.stderr.strip()[-300:]}")
    out = {}
    for row in csv.DictReader(io.StringIO(done.stdout)):
        out.setdefault(row["what"], []).append((float(row["wall_ns"]), float(row["cpu_ns"])))
    return out


def concurrent_check(got):
    what, bar = "append by two threads / a vector guarded by a mutex", f"<= {CONCURRENT_BAR}"
    ours, mutex = got.get("cslice"), got.get("mutex")
    if not ours or not mutex or len(ours) != len(mutex):
        return Check.missing(what, bar, "no such rows")
    ratio = Ratio([a[1] / b[1] for a, b in zip(ours, mutex)])
    wall = Ratio([a[0] / b[0] for a, b in zip(ours, mutex)])
    return Check(what, bar, str(ratio), verdict(ratio, CONCURRENT_BAR),
                 f"CPU time; by the clock {wall}")
