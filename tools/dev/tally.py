#!/usr/bin/env python3
"""Adds up test results and decides whether a run is green.

Reads the JUnit files that CTest wrote and outcomes.tsv from the folder given.  A test program
may have printed lines "NAME: N passed, N failed, N skipped"; these count then, else the program
counts as one.  Prints what failed and was skipped, a line for each run, and at the very end
the plain line "N passed, N failed, N skipped".  Exit 0 only if nothing failed and
something passed.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as ET

LINE = re.compile(r"^\S+: (\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
# These count their cases themselves: one that passes without saying so has not run its tests.
MUST_COUNT = re.compile(r"^(unit|fuzz)\b")


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, passed, failed, skipped):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def judge(name, status, output):
    """Counts and a reason for one test of CTest, whose status is run, fail, notrun, disabled."""
    lines = [tuple(map(int, m)) for m in LINE.findall(output)]
    passed, failed, skipped = (sum(column) for column in zip(*lines)) if lines else (0, 0, 0)
    if status == "run":
        if not lines and MUST_COUNT.match(name):
            return (0, 1, 0), "ended well but never said how many tests ran"
        if lines and passed + failed + skipped == 0:
            return (0, 1, 0), "ran no test"
        return ((passed, failed, skipped) if lines else (1, 0, 0)), ""
    if status == "notrun" and "SKIP_RETURN_CODE" in output:
        return (passed, failed, max(skipped, 1)), "skipped"
    # A crash or time-out after the last count must not vanish in it.
    return (passed, max(failed, 1), skipped), "failed" if status == "fail" else "could not run"


def read_junit(path, problems):
    tally = Tally()
    try:
        root = ET.parse(path).getroot()
    except ET.ParseError as err:
        problems.append(("failed", path.stem, f"unreadable result: {err}"))
        tally.add(0, 1, 0)
        return tally
    cases = list(root.iter("testcase"))
    if not cases:
        problems.append(("failed", path.stem, "there was no test to run"))
        tally.add(0, 1, 0)
    for case in cases:
        name = case.get("name", "?")
        output = case.findtext("system-out") or ""
        for kind in ("skipped", "failure"):
            for node in case.findall(kind):
                output += "\n" + (node.get("message") or "")
        counts, why = judge(name, case.get("status", "?"), output)
        tally.add(*counts)
        if counts[1]:
            problems.append(("failed", f"{path.stem} {name}", why or f"{counts[1]} cases"))
        if counts[2]:
            reasons = re.findall(r"^.*\bskip(?:ped|ping)?\b: *(.*)$", output, re.M | re.I)
            reasons = list(dict.fromkeys(r for r in reasons if "RETURN_CODE" not in r))
            problems.append(("skipped", f"{path.stem} {name}",
                             "; ".join(reasons[:4]) or f"{counts[2]} cases"))
    return tally


def main():
    folder = pathlib.Path(sys.argv[1])
    total, problems, runs = Tally(), [], []
    for path in sorted(folder.glob("*.xml")):
        tally = read_junit(path, problems)
        runs.append((path.stem, tally))
    outcomes = folder / "outcomes.tsv"
    if outcomes.exists():
        for line in outcomes.read_text().splitlines():
            name, what, why = line.split("\t", 2)
            tally = Tally()
            tally.add(what == "passed", what == "failed", what == "skipped")
            if what not in ("passed", "skipped") and not tally.failed:
                tally.add(0, 1, 0)
            runs.append((name, tally))
            if what != "passed":
                problems.append((what, name, why))
    for what in ("skipped", "failed"):
        for kind, name, why in problems:
            if kind == what:
                print(f"{what}: {name}: {why}")
    print()
    for name, tally in runs:
        print(f"{name:12} {tally}")
        total.add(tally.passed, tally.failed, tally.skipped)
    print()
    print(total)
    return 0 if total.failed == 0 and total.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
