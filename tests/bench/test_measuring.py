#!/usr/bin/env python3
"""The measuring programs measure what they say, and their verdicts catch seeded faults."""

import os
import subprocess
import sys

import harness
from harness import Tally, need_native

import inputs  # noqa: E402  (harness sets the path)
from measure import contender, groups, machine, memory, plot, probe, stats  # noqa: E402

NAME = "measuring"


def program(name):
    return machine.build(name, harness.WORK.name, harness.CC)


def verdicts(tally):
    ratio = stats.Ratio([1.10, 1.11, 1.12, 1.09, 1.10, 1.13, 1.10, 1.11, 1.12])
    tally.check("above the bar fails", stats.verdict(ratio, 1.05) == stats.FAIL, ratio)
    tally.check("below the bar passes", stats.verdict(ratio, 1.20) == stats.PASS)
    wide = stats.Ratio([1.0, 1.0, 1.02, 1.04, 1.06, 1.08, 1.1, 1.2, 1.3])
    tally.check("an interval across the bar is noise", stats.verdict(wide, 1.05) == stats.NOISE)
    few = stats.Ratio([1.0, 1.06, 1.3])
    tally.check("few rounds decide nothing", stats.verdict(few, 1.05) == stats.UNDECIDED)
    tally.check("undecided is not passed", not stats.passed(stats.UNDECIDED))
    tally.check("a missing figure is not passed",
                not stats.passed(stats.verdict(None, 1.05)))
    tally.check("one disturbed round moves nothing",
                stats.Ratio([1.0] * 8 + [50.0]).high == 1.0)
    tally.check("ranks of the 95 % interval",
                [stats.interval_rank(n) for n in (5, 6, 8, 9, 11, 12)] == [0, 1, 1, 2, 2, 3])


def rows(tally):
    """The probe's rows are the 65 in ten groups, and the runner's tests print all of them."""
    exe = program("allocprobe")
    label = contender.Contender("glibc")
    got = []
    for test in probe.GROUP_TESTS:
        got += probe.run(exe, label, [test], ["thr"], quick=True)
    fake = {"glibc": [got], "bosk": [[dict(r, alloc="bosk", ns_med=2 * float(r["ns_med"]),
                                           cpu_med="") for r in got]]}
    g = groups.Groups(fake, ["glibc", "bosk"], ["glibc"], "bosk", wall=True)
    tally.check("65 rows", len(g.keys) == probe.ROWS == 65, len(g.keys))
    tally.check("ten groups, complete", g.complete() and len(g.groups()) == 10)
    tally.check("twice as slow is 2.0 in each group", all(
        abs(g.ratio("bosk", "glibc", name).value - 2) < 1e-9 for name in [None, *g.groups()]))
    failed = [c for c in g.checks() if c.outcome == stats.FAIL]
    tally.check("twice as slow fails each of eleven bars", len(failed) == 11, len(failed))
    del fake["bosk"][0][0]
    g = groups.Groups(fake, ["glibc", "bosk"], ["glibc"], "bosk", wall=True)
    tally.check("a dropped row is noticed", not g.complete())
    svg = plot.dots([(None, 65, {"glibc": 1.0, "bosk": 0.7})], ["glibc", "bosk"], "bosk", "t")
    tally.check("the plot is XML", well_formed(svg))


def well_formed(text):
    from xml.etree import ElementTree
    try:
        return ElementTree.fromstring(text) is not None
    except ElementTree.ParseError:
        return False


def seeded(tally):
    exe = program("allocprobe")
    glibc = contender.Contender("glibc")

    def fault(name, number):
        return contender.Contender("bosk", harness.shared("fault_malloc.c", name,
                                                          f"-DFAULT={number}"))

    slow = fault("slow", 1)
    timed = probe.interleave(exe, [glibc, slow], ["pair"], ["thr"], 3, quick=True, warm=False)
    g = groups.Groups(timed, ["glibc", "bosk"], ["glibc"], "bosk")
    found = [c for c in g.checks() if c.what.startswith("pair")]
    tally.check("a slow free fails the group", found[0].outcome == stats.FAIL, found[0].value)

    leak = fault("leak", 2)
    values = memory.phases(exe, [leak], 1, ["phase-idle"])
    checks = [c for c in memory.phase_checks(values, "bosk") if "idle" in c.what]
    tally.check("a leak fails the phase", checks[0].outcome == stats.FAIL, checks[0].value)
    row = memory.storm(program("storm"), leak, "threads", 50)
    checks = memory.storm_checks(row, row, 50, 50)
    tally.check("a leak fails the storm", checks[0].outcome == stats.FAIL, checks[0].value)

    row = memory.storm(program("storm"), fault("fork", 3), "forks", 5)
    checks = memory.storm_checks(row, row, 5, 5)
    tally.check("a malloc that fails in fork children is counted", row["failures"] == 5
                and checks[1].outcome == stats.FAIL, row["failures"])
    row = memory.storm(program("storm"), glibc, "forks", 5)
    tally.check("libc passes the forks", row["failures"] == 0)
    same = {("bosk", memory.SQUARE_JUDGED_MS): {"faulted_kb": 5000.0, "cycle_kb": 1.0},
            ("bosk-window0", memory.SQUARE_JUDGED_MS): {"faulted_kb": 9000.0, "cycle_kb": 1.0}}
    tally.check("half the faults are not a tenth",
                memory.square_checks(same, "bosk")[0].outcome == stats.FAIL)


def launcher(tally):
    """Peak memory is the program's own and not that of who started it."""
    launch, out = program("launch"), os.path.join(harness.WORK.name, "cost")
    ballast = bytearray(64 << 20)
    ballast[::4096] = b"x" * len(ballast[::4096])

    def cost(*command):
        done = subprocess.run([launch, "-o", out, "--", *command], check=False,
                              stdout=subprocess.DEVNULL)
        with open(out, encoding="ascii") as f:
            return done.returncode, [int(w) for w in f.read().split()]

    status, words = cost(program("startup"))
    tally.check("a small program is small", status == 0 and words[4] < 16 * 1024, words[4])
    status, words = cost(sys.executable, "-S", "-c", "x = bytearray(100 << 20); x[::4096] = "
                         "x[1::4096]")
    tally.check("100 MiB are seen", status == 0 and 100 << 10 < words[4] < 150 << 10, words[4])
    status, words = cost("/bin/sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done")
    tally.check("CPU time is seen", 0 < words[0] <= 1.2 * words[3] + 5e6, words[0])
    tally.check("an exit status is handed on", cost("/bin/sh", "-c", "exit 7")[0] == 7)
    tally.check("a signal is handed on", cost("/bin/sh", "-c", "kill -9 $$")[0] == 137)
    tally.check("a missing program is 127", cost("/nonexistent/program")[0] == 127)


def fixed_inputs(tally):
    folder = os.path.join(harness.WORK.name, "inputs")
    one = inputs.write(folder, quick=True)
    two = inputs.write(folder, quick=True)
    want = {"document.json": "920f48bbd3ca", "query.jq": "cb56a011fc7d", "big.c": "650e86d928d2",
            "orders.csv": "0aee16ecd910"}
    tally.check("inputs are the same each time", one == two)
    tally.check("inputs are those of the records",
                all(one[n].startswith(s) for n, s in want.items()))


def main():
    need_native(NAME)
    tally = Tally(NAME)
    verdicts(tally)
    rows(tally)
    seeded(tally)
    launcher(tally)
    fixed_inputs(tally)
    tally.end()


if __name__ == "__main__":
    main()
