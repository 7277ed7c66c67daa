"""Runs allocprobe over the contenders and reads its rows."""

import csv
import io
import random
import subprocess

from .machine import cpus, say

# Tests that run as one process each, so that no group inherits the heap of another.
GROUP_TESTS = ("pair", "batch", "zero", "append", "large", "xthread", "threads", "churn")
MEMORY_TESTS = ("phase", "phase-sparse", "phase-idle", "churn")
TWO_CORES = ("xthread", "threads", "concurrent")
TIMEOUT_S = 300

GROUPS = {  # name: tests of its rows, number of rows
    "pair": 7, "batch": 15, "zero": 5, "append.realloc": 6, "append.copy": 6, "realloc+64": 3,
    "large": 12, "xthread": 8, "threads": 1, "churn": 2,
}
ROWS = sum(GROUPS.values())


def group_of(test):
    """The group a row counts in, or None: phase.free is shown but counts nowhere."""
    if test in GROUPS:
        return test
    head = test.split(".")[0]
    return head if head in GROUPS else None


class Failed(Exception):
    pass


def run(probe, contender, tests, kinds, quick=False):
    """One process; its rows as dictionaries."""
    one, both = cpus()
    where = both if any(t in TWO_CORES for t in tests) else one
    command = ["taskset", "-c", where, "env", "-i",
               *(f"{k}={v}" for k, v in contender.environ().items()),
               contender.exe or probe, "-l", contender.label, "-t", ",".join(tests),
               "-k", ",".join(kinds)]
    if quick:
        command.append("-q")
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise Failed(f"{contender.label}: {','.join(tests)}: no end after {TIMEOUT_S} s") from None
    if done.returncode != 0:
        raise Failed(f"{contender.label}: {','.join(tests)}: exit {done.returncode}: "
                     f"{done.stderr.strip()[-300:]}")
    return list(csv.DictReader(io.StringIO(done.stdout)))


def row_ns(row, wall=False):
    """The value of a throughput row: CPU time where the chunks are long, else the clock."""
    if row["cpu_med"] and not wall:
        return float(row["cpu_med"])
    return float(row["ns_med"])


def interleave(probe, contenders, tests, kinds, rounds, quick=False, seed=1, warm=True):
    """rows[label] = one list of rows for each round.

    In each round and for each test the contenders run one after another in an order drawn anew;
    one round before the first is not counted: it lets the machine back its memory.
    A contender that fails stops the measurement: a missing figure is never a passed one.
    """
    order = random.Random(seed)
    rows = {c.label: [] for c in contenders}
    for r in range(-1 if warm else 0, rounds):
        if r >= 0:
            for c in contenders:
                rows[c.label].append([])
        for test in tests:
            for c in order.sample(contenders, len(contenders)):
                got = run(probe, c, [test], kinds, quick=quick or r < 0)
                if r >= 0:
                    rows[c.label][r] += got
        if r >= 0:
            say(f"{'/'.join(kinds)}: round {r + 1} of {rounds}")
    return rows


def count(probe, contender, kind, rounds=10):
    """Exact instructions per call: {call: row}."""
    one, _ = cpus()
    command = ["taskset", "-c", one, "env", "-i",
               *(f"{k}={v}" for k, v in contender.environ().items()),
               probe, "-l", contender.label, "-n", str(rounds), kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    if done.returncode != 0:
        raise Failed(f"{contender.label}: {kind}: exit {done.returncode}: {done.stderr.strip()}")
    return {row["call"]: row for row in csv.DictReader(io.StringIO(done.stdout))}
