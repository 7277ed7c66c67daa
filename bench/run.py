#!/usr/bin/env python3
"""Measures the heap against its peers.  See bench/README.md."""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measure import contender, groups, machine, probe  # noqa: E402

COUNT_KINDS = ("pair:64", "lifo:64", "fifo:64", "random:64", "calloc:64", "calloc:800",
               "remote-free:64", "remote-malloc:64", "random:0", "refill:64")


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--groups", action="store_true", help="the 65 throughput rows in ten groups")
    p.add_argument("--instr", action="store_true", help="exact instruction counts")
    p.add_argument("--libs", nargs="*", default=[], metavar="LIB.so=LABEL[:VAR=VALUE]",
                   help="more contenders; one labelled bosk* is the one that is judged")
    p.add_argument("--peers", default="glibc,mimalloc,jemalloc,tcmalloc",
                   help="comma-separated; empty for none")
    p.add_argument("--build", default=os.path.join(machine.ROOT, "build"),
                   help="where libbosk-malloc.so is looked for when --libs names no bosk")
    p.add_argument("--tests", help="only these tests of the probe, comma-separated")
    p.add_argument("--rounds", type=int, help="interleaved rounds (default 9; 3 with --quick)")
    p.add_argument("--quick", action="store_true", help="a quarter of the work, fewer rounds")
    p.add_argument("--wall", action="store_true", help="judge by the clock, not by CPU time")
    p.add_argument("--work", default="/tmp/bosk-bench", help="scratch folder")
    p.add_argument("--seed", type=int, default=1, help="of the order of contenders")
    return p.parse_args()


def main():
    args = arguments()
    peers, missing = contender.default_peers([n for n in args.peers.split(",") if n])
    extra = [contender.Contender.parse(t) for t in args.libs]
    contenders = peers + extra
    labels = [c.label for c in contenders]
    ours = next((lb for lb in labels if lb.startswith("bosk")), None)
    if ours is None:
        lib = contender.find_bosk([args.build, os.path.join(args.build, "release")])
        if lib:
            ours = "bosk"
            contenders.append(contender.Contender("bosk", lib))
            labels.append("bosk")
    for name in missing:
        machine.say(f"{name} is not installed: its bars are missing, not passed")
    rounds = args.rounds or (3 if args.quick else 9)
    exe = machine.build("allocprobe", args.work)
    failed = bool(missing)

    with machine.lock():
        if args.instr:
            print("test".ljust(18) + "".join(lb[:14].rjust(18) for lb in labels))
            for kind in COUNT_KINDS:
                counts = [probe.count(exe, c, kind, 2 if args.quick else 4) for c in contenders]
                for call in counts[0]:
                    print(f"{kind} {call}".ljust(24) + "".join(
                        f"{c[call]['median']:>6} / {float(c[call]['mean']):8.2f} " for c in counts))
        if args.groups:
            tests = args.tests.split(",") if args.tests else probe.GROUP_TESTS
            rows = probe.interleave(exe, contenders, tests, ["thr"], rounds, args.quick, args.seed)
            g = groups.Groups(rows, labels, [p.label for p in peers], ours, args.wall)
            print(groups.table(g))
            print(groups.summary(g))
            if ours:
                failed |= any(v[-1] == "FAIL" for v in g.verdicts())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
