#!/usr/bin/env python3
"""Instructions of malloc and free, counted exactly, stay within their limits.

Runs in the optimised builds of both compilers.  A median is the fast path; a mean holds its share
of refills, flushes and slow paths over 1,000 objects.
"""

import harness
from harness import Tally, cache, need_native, skip

from measure import contender, machine, probe  # noqa: E402  (harness sets the path)

NAME = "instructions"
# kind: (fast path: greatest sum of medians, whole: greatest sum of means)
LIMITS = {
    "pair:64": (30, 45), "lifo:64": (30, 34), "fifo:64": (30, 34), "random:64": (30, 34),
    "random:0": (30, 60), "calloc:64": (60, 72), "calloc:800": (90, 110),
    "remote-free:64": (20, 65), "remote-malloc:64": (15, 54), "refill:64": (15, 65),
}


def totals(exe, lib, kind, rounds=1):
    """(sum of medians, sum of means) over the calls of a kind."""
    rows = probe.count(exe, lib, kind, rounds).values()
    return (sum(float(r["median"]) for r in rows), sum(float(r["mean"]) for r in rows))


def main():
    need_native(NAME)
    for variable in ("BOSK_SANITIZE", "BOSK_HOSTILE", "BOSK_COVERAGE", "BOSK_ASSERT_LEVEL"):
        if cache(variable):
            skip(NAME, f"{variable} is set: not the code that is shipped")
    if cache("CMAKE_BUILD_TYPE") not in ("RelWithDebInfo", "Release"):
        skip(NAME, "not an optimised build")
    tally = Tally(NAME)
    exe = machine.build("countprobe", harness.WORK.name, harness.CC)

    # The counting itself: five instructions are seen as five, one as one.
    five = contender.Contender("five", harness.shared("five_malloc.c", "five"))
    for kind in ("pair:64", "random:64"):
        rows = probe.count(exe, five, kind)
        for call, want in (("malloc", "5"), ("free", "1")):
            seen = {rows[call][k] for k in ("min", "median", "max")}
            tally.check(f"counting: {kind} {call} of {want} instructions", seen == {want}, seen)
    # The limit: libc's malloc with a detour is over it.
    slow = contender.Contender("slow", harness.shared("fault_malloc.c", "slow", "-DFAULT=1"))
    median, _ = totals(exe, slow, "pair:64")
    tally.check("a slow malloc is over the limit", median > LIMITS["pair:64"][0], median)

    bosk = contender.Contender("bosk", harness.built_library())
    for kind, (most_median, most_mean) in LIMITS.items():
        median, mean = totals(exe, bosk, kind)
        tally.check(f"{kind} fast path <= {most_median}", 0 < median <= most_median, f"{median:g}")
        tally.check(f"{kind} mean <= {most_mean}", 0 < mean <= most_mean, f"{mean:.2f}")
    tally.end()


if __name__ == "__main__":
    main()
