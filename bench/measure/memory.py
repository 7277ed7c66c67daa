"""What stays resident: start-up, after a phase, square wave, storms."""

import csv
import io
import subprocess

from . import machine, probe
from .check import Check
from .stats import median

START_ABOVE_KB = 307  # 0.3 MiB above glibc
PHASE_BAR = 1.5
SQUARE_BAR = 0.1
GROWTH = 1.05  # "no growth": over thousands of threads or forks nothing real stays below
GROWTH_KB = 1024


def spawn(command, contender, timeout=300, both=False):
    one, two = machine.cpus()
    return subprocess.run(["taskset", "-c", two if both else one, "env", "-i",
                           *(f"{k}={v}" for k, v in contender.environ().items()), *command],
                          capture_output=True, text=True, check=False, timeout=timeout)


# ---- start-up ---------------------------------------------------------------------------


def startup(exe, contenders, rounds=9):
    """{label: (resident, private dirty, peak) KiB}, medians."""
    got = {c.label: [] for c in contenders}
    for _ in range(rounds):
        for c in contenders:
            done = spawn([exe], c)
            if done.returncode != 0:
                raise probe.Failed(f"{c.label}: startup: {done.stderr.strip()}")
            got[c.label].append([int(x) for x in done.stdout.split()])
    return {lb: tuple(median(r[i] for r in rows) for i in range(3)) for lb, rows in got.items()}


def startup_checks(kb, ours):
    if ours not in kb or "glibc" not in kb:
        return [Check.missing("start-up RSS of a small program - glibc's", "<= 0.3 MiB")]
    above = kb[ours][0] - kb["glibc"][0]
    return [Check.of("start-up RSS of a small program - glibc's", "<= 0.3 MiB",
                     f"{above / 1024:.2f} MiB", above <= START_ABOVE_KB,
                     f"{kb[ours][0] / 1024:.2f} MiB, glibc {kb['glibc'][0] / 1024:.2f} MiB")]


# ---- phase and churn ---------------------------------------------------------------------


def phases(exe, contenders, rounds, tests=probe.MEMORY_TESTS):
    """{(label, test, param): ratio of resident to requested, resident KiB}, medians.

    A quarter of the work: 108 MiB of objects, of which 4 MiB live on.
    """
    ratio, rss = {}, {}
    for _ in range(rounds):
        for test in tests:
            for c in contenders:
                if test == "phase-idle":
                    c = c.with_env(c.label, **idle_env(c))
                for row in probe.run(exe, c, [test], ["mem"], quick=True):
                    if row["kind"] == "mem" and row["test"] != "start":
                        key = (c.label, row["test"], row["param"])
                        ratio.setdefault(key, []).append(float(row["extra"]))
                        rss.setdefault(key, []).append(int(row["rss_kb"]))
    return {k: (median(ratio[k]), median(rss[k])) for k in ratio}


def idle_env(contender):
    """Idle memory is given back by bosk's thread, which has to be asked for."""
    if not contender.label.startswith("bosk"):
        return {}
    have = contender.env.get("BOSK_CONF")
    return {"BOSK_CONF": (have + "," if have else "") + "scavenger=thread"}


def phase_checks(values, ours):
    out = []
    for param, how in (("after-1.2s", "as the program goes on"),
                       ("after-1.2s-sparse", "one malloc per 100 ms"),
                       ("after-1.2s-idle", "idle, scavenger=thread")):
        what = f"RSS 1.2 s after a phase / live, {how}"
        got = values.get((ours, "phase.freed", param))
        if got is None:
            out.append(Check.missing(what, f"<= {PHASE_BAR}"))
            continue
        others = ", ".join(f"{lb} {v[0]:.1f}" for (lb, t, p), v in sorted(values.items())
                           if (t, p) == ("phase.freed", param) and lb != ours)
        out.append(Check.of(what, f"<= {PHASE_BAR}", f"{got[0]:.2f}", got[0] <= PHASE_BAR,
                            f"{got[1] / 1024:.1f} MiB; {others}"))
    return out


# ---- square wave ----------------------------------------------------------------------------


SQUARE_FIELDS = ("label half_ms cycles faulted_kb cycle_kb up_kb down_kb cpu_ms released_kb "
                 "thrashed_kb").split()
SQUARE_JUDGED_MS = 250


def square(exe, contenders, half_periods=(SQUARE_JUDGED_MS, 500), rounds=2, cycles=12):
    """{(label, half period): {field: median}}; a bosk also runs with scavenge_window=0."""
    all_of = list(contenders)
    for c in contenders:
        if c.label.startswith("bosk"):
            have = c.env.get("BOSK_CONF")
            all_of.append(c.with_env(c.label + "-window0", BOSK_CONF=(
                have + "," if have else "") + "scavenge_window=0"))
    got = {}
    for _ in range(rounds):
        for half in half_periods:
            for c in all_of:
                if half != SQUARE_JUDGED_MS and not c.label.startswith("bosk"):
                    continue
                done = spawn([exe, "-l", c.label, "-p", str(half), "-c", str(cycles)], c)
                if done.returncode != 0:
                    raise probe.Failed(f"{c.label}: square: {done.stderr.strip()}")
                row = next(csv.DictReader(io.StringIO(done.stdout), SQUARE_FIELDS))
                got.setdefault((c.label, half), []).append(row)
    return {k: {f: median(float(r[f]) for r in rows) for f in SQUARE_FIELDS[1:]}
            for k, rows in got.items()}


def square_checks(values, ours):
    what = "square wave: KiB given back and faulted in again, default window / window 0"
    a = values.get((ours, SQUARE_JUDGED_MS))
    b = values.get((f"{ours}-window0", SQUARE_JUDGED_MS))
    if a is None or b is None:
        return [Check.missing(what, f"<= {SQUARE_BAR}")]
    if b["faulted_kb"] <= 0:
        return [Check.missing(what, f"<= {SQUARE_BAR}", "window 0 faulted nothing in again")]
    ratio = a["faulted_kb"] / b["faulted_kb"]
    return [Check.of(what, f"<= {SQUARE_BAR}", f"{ratio:.3f}", ratio <= SQUARE_BAR,
                     f"a cycle {a['cycle_kb']:.0f} KiB against {b['cycle_kb']:.0f} KiB, of 64 MiB; "
                     f"half period {SQUARE_JUDGED_MS} ms")]


# ---- storms -----------------------------------------------------------------------------------


STORM_FIELDS = "kind n failures rss_early rss_late space_early space_late wall_ms cpu_ms".split()


def storm(exe, contender, kind, n, timeout=600):
    try:
        done = spawn([exe, kind, str(n)], contender, timeout, both=True)
    except subprocess.TimeoutExpired:
        return None
    if not done.stdout:
        raise probe.Failed(f"{contender.label}: storm {kind}: exit {done.returncode}: "
                           f"{done.stderr.strip()[-300:]}")
    row = next(csv.DictReader(io.StringIO(done.stdout), STORM_FIELDS))
    return {f: float(row[f]) for f in STORM_FIELDS[1:]}


def storm_checks(threads, forks, nthreads, nforks):
    out = []
    for what, row in ((f"{nthreads} threads started and ended, 40 times", threads),
                      (f"{nforks} forks under load", forks)):
        bar = "no growth, no hang"
        if row is None:
            out.append(Check.of(what, bar, "hangs", False))
            continue
        grew = row["rss_late"] - row["rss_early"]
        ok = row["failures"] == 0 and (grew <= GROWTH_KB or
                                       row["rss_late"] <= GROWTH * row["rss_early"])
        out.append(Check.of(what, bar, f"{row['failures']:.0f} failures, {grew:+.0f} KiB", ok,
                            f"RSS {row['rss_early'] / 1024:.1f} -> {row['rss_late'] / 1024:.1f} "
                            f"MiB, {row['wall_ms'] / 1000:.1f} s"))
    return out
