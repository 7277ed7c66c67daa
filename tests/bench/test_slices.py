#!/usr/bin/env python3
"""The measuring of slices: what its rows are, and that its verdicts catch seeded faults."""

import os
import subprocess

import harness
from harness import Tally, need_native

from measure import contender, probe, slices, stats  # noqa: E402  (harness sets the path)

NAME = "slices"
HAVE = ("bosk", "realloc", "stb", "stc", "vector")


def program(name):
    return os.path.join(harness.BUILD, "bench", f"sliceprobe-{name}")


def fake_row(test, param, ns):
    return {"kind": "thr", "test": test, "param": param, "ns_med": str(ns), "cpu_med": str(ns),
            "ns_first": str(ns), "faults": "0"}


def fake_rounds(rounds, ns_of):
    """Rows of every bar for every contender: ns_of(label, key)."""
    keys = {b[1] for b in slices.BARS} | {b[3] for b in slices.BARS}
    return {label: [[fake_row(*key, ns_of(label, key)) for key in sorted(keys)]
                    for _ in range(rounds)] for label in (*HAVE, "go")}


def verdicts(tally):
    fast = slices.Rows(fake_rounds(9, lambda label, key: 1 if label == "bosk" else 100))
    own = [c for c in fast.checks() if "against make" in c.what]
    rest = [c for c in fast.checks() if "against make" not in c.what]
    tally.check("a hundred times as fast meets all bars", all(c.ok for c in rest), len(rest))
    tally.check("make of a capacity as dear as of a length fails", not own[0].ok)
    slow = slices.Rows(fake_rounds(9, lambda label, key: 100 if label == "bosk" else 1))
    tally.check("a hundred times as slow fails all bars", not any(
        c.ok for c in slow.checks() if "against make" not in c.what))
    without = fake_rounds(9, lambda label, key: 1)
    del without["go"]
    missing = [c for c in slices.Rows(without).checks() if "/ go" in c.what]
    tally.check("without Go its bars are missing, not met",
                missing and all(c.outcome == stats.MISSING and not c.ok for c in missing),
                len(missing))
    dropped = fake_rounds(9, lambda label, key: 1 if label == "bosk" else 100)
    dropped["bosk"][4] = [r for r in dropped["bosk"][4] if r["test"] != "push"]
    tally.check("a row that one round lacks is missing", any(
        c.outcome == stats.MISSING for c in slices.Rows(dropped).checks()
        if c.what.startswith("push of i64, 100")))
    few = slices.Rows(fake_rounds(3, lambda label, key: 1))
    tally.check("few rounds never pass a bar by noise", not any(
        c.outcome == stats.NOISE for c in few.checks()))


def starts(tally):
    rounds = {"bosk": [[fake_row("push", "100", v)] for v in (3, 1, 2, 6, 5, 4)]}
    best = slices.best_starts(rounds, 3)["bosk"]
    tally.check("the best of three starts, a round", [r[0]["cpu_med"] for r in best] == ["1", "4"])


def stall_rows(stalls, raw=9000):
    return [*({"kind": "stall", "test": "stalls", "param": str(at), "max": str(ns)}
              for at, ns in stalls.items()),
            {"kind": "raw", "test": "stalls", "param": "-", "max": str(raw)},
            {"kind": "empty", "test": "stalls", "param": "-", "max": "50000"}]


def stalls(tally):
    ours = slices.Stalls([stall_rows({7: 30000 + i, 10 + i: 900000}) for i in range(5)])
    tally.check("a stall of every run counts", ours.det_ns == 30000 and ours.at == 7)
    tally.check("and fails its bar", not ours.check().ok)
    quiet = slices.Stalls([stall_rows({10 + i: 900000}) for i in range(5)])
    tally.check("one of a single run does not", quiet.at is None and quiet.check().ok)
    four = slices.Stalls([stall_rows({})] * 4)
    tally.check("four runs are too few", four.check().outcome == stats.MISSING)
    cut = slices.Stalls([stall_rows({})] * 4 + [[]])
    tally.check("a run without its last row is no run", not cut.check().ok)


def threads(tally):
    got = {"cslice": [(1.0, 1.0)] * 9, "mutex": [(5.0, 5.0)] * 9}
    tally.check("a fifth of the mutex meets the bar", slices.concurrent_check(got).ok)
    got["cslice"] = [(2.0, 2.0)] * 9
    tally.check("two fifths do not", not slices.concurrent_check(got).ok)
    tally.check("nothing is missing, not met",
                slices.concurrent_check({}).outcome == stats.MISSING)


def programs(tally):
    """Every program offers the rows the bars are about; wrong words end it with 2."""
    wanted = {b[1][0] for b in slices.BARS} - {"longest"}
    for name in HAVE:
        seen = set()
        for test in ("fill", "make", "append", "pool"):
            seen |= {r["test"] for r in probe.run(None, contender.Contender(
                name, exe=program(name)), [test], ["thr"], quick=True)}
        want = {"fill", "make"} | ({"append", "pool"} if name == "bosk" else set())
        tally.check(f"{name} measures {' '.join(sorted(want))}", seen == want, sorted(seen))
    tally.check("bosk offers each row of the bars", wanted <= {
        "push", "triple", "bulk", "fill", "append", "make", "pool"}, sorted(wanted))
    for words in (["-t", "nothing"], ["-x"], ["word"], ["-t", "push,"]):
        code = subprocess.run([program("bosk"), *words], capture_output=True, check=False)
        tally.check(f"{' '.join(words)} is refused", code.returncode == 2)


def seeded_stall(tally):
    """A realloc that takes a millisecond is found at the pushes that call it."""
    library = harness.shared("stall_realloc.c", "stall")
    found = []
    for lib in ("", library):
        environ = contender.Contender("x", lib).environ()
        runs = []
        for _ in range(5):
            out = subprocess.run([program("realloc"), "-t", "stalls", "-k", "lat", "-n", "100000"],
                                 env=environ, capture_output=True, text=True, check=True).stdout
            lines = [line.split(",") for line in out.splitlines()[1:]]
            runs.append([{"kind": f[1], "test": f[2], "param": f[3], "max": f[13]} for f in lines])
        found.append(slices.Stalls(runs))
    tally.check("no push takes a millisecond in every run", found[0].det_ns < 1e6,
                found[0].det_ns)
    tally.check("but with the fault", found[1].det_ns >= 1e6 and found[1].at in (
        8192, 16384, 32768, 65536), (found[1].at, found[1].det_ns))
    tally.check("and that fails the bar", not found[1].check().ok)


def main():
    need_native(NAME)
    if not os.access(program("bosk"), os.X_OK):
        harness.skip(NAME, "needs the measuring programs")
    tally = Tally(NAME)
    for part in (verdicts, starts, stalls, threads, programs, seeded_stall):
        part(tally)
    tally.end()


if __name__ == "__main__":
    main()
