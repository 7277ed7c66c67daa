#!/usr/bin/env python3
"""Measures the heap beside its peers.  See bench/README.md.

    ./dev bench alloc            everything, about 25 minutes on two cores
    ./dev bench alloc --quick    everything with less work, about 7 minutes
    bench/run.py --groups --libs LIB.so=bosk    one part by hand
"""

import argparse
import importlib
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import inputs  # noqa: E402
from measure import boards, contender, groups, instructions, machine, memory  # noqa: E402
from measure import plot, probe, programs, share  # noqa: E402
from measure.check import Check  # noqa: E402
from measure.report import Report  # noqa: E402

PARTS = {
    "instr": "exact instruction counts", "groups": "the 65 throughput rows in ten groups",
    "latency": "tails of single calls", "programs": "real programs, CPU time and peak memory",
    "share": "how much of the real programs is the allocator",
    "startup": "what a small program has resident", "memory": "after a phase, under churn",
    "square": "a load that goes up and down", "storms": "1,000 threads, 10,000 forks",
    "recording": "bosk run against the same preload", "small": "profile=small",
}


def arguments():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", nargs="?", default="alloc", choices=["alloc"])
    for name, text in PARTS.items():
        p.add_argument(f"--{name}", action="append_const", dest="parts", const=name, help=text)
    p.add_argument("--libs", nargs="*", default=[], metavar="LIB.so[=LABEL[:VAR=VALUE]]",
                   help="more contenders; the first whose label begins with bosk is judged")
    p.add_argument("--peers", default="glibc,mimalloc,jemalloc,tcmalloc",
                   help="comma-separated; empty for none")
    p.add_argument("--peers-dir", help="a folder of ./dev peers: newer peers beside the packaged")
    p.add_argument("--build", help="where libbosk-malloc.so and bosk are (default: $BUILD_DIR, "
                                   "build/release)")
    p.add_argument("--tests", help="only these tests of the probe, comma-separated")
    p.add_argument("--rounds", type=int, help="interleaved rounds (9; 3 with --quick)")
    p.add_argument("--quick", action="store_true", help="a quarter of the work, fewer rounds")
    p.add_argument("--wall", action="store_true", help="judge rows by the clock, not CPU time")
    p.add_argument("--docs", metavar="FOLDER", help="where the report goes (docs/bench when "
                                                    "everything is run, else the scratch folder)")
    p.add_argument("--work", default="/tmp/bosk-bench", help="scratch folder")
    p.add_argument("--seed", type=int, default=1, help="of the order of contenders")
    return p.parse_args()


class Run:
    """One run of the command: who is compared, with which programs, on which inputs."""

    def __init__(self, args):
        self.args = args
        self.report = Report()
        self.rounds = args.rounds or (3 if args.quick else 9)
        build = args.build or os.environ.get("BUILD_DIR") or os.path.join(machine.ROOT, "build",
                                                                          "release")
        self.peers, self.missing = contender.default_peers([n for n in args.peers.split(",") if n])
        self.others = [contender.Contender.parse(t) for t in args.libs]
        if args.peers_dir:
            self.peers += contender.unpacked_peers(args.peers_dir)
        self.ours = next((c for c in self.others if c.label.startswith("bosk")), None)
        if self.ours is None and (lib := contender.find_bosk([build, os.path.join(build, "lib")])):
            self.ours = contender.Contender("bosk", lib)
            self.others.append(self.ours)
        self.tool = next((t for t in (os.path.join(build, "bin", "bosk"),
                                      os.path.join(build, "cmd", "bosk", "bosk"))
                          if os.access(t, os.X_OK) and os.path.isfile(t)), None)
        self.contenders = self.peers + self.others
        self.labels = [c.label for c in self.contenders]
        self.label = self.ours.label if self.ours else None
        self.inputs_dir = os.path.join(args.work, "inputs-quick" if args.quick else "inputs")

    def exe(self, name):
        return machine.build(name, self.args.work)

    def scratch(self, name):
        path = os.path.join(self.args.work, name)
        os.makedirs(path, exist_ok=True)
        return path

    # ---- parts ------------------------------------------------------------------------

    def instr(self):
        counts = instructions.measure(self.exe("countprobe"), self.contenders)
        self.report.section("Instructions to ret", instructions.table(counts, self.labels),
                            "Median / mean over 1,000 calls; the mean holds refills and flushes.")
        self.report.judge(instructions.checks(counts, self.label))

    def groups(self):
        tests = self.args.tests.split(",") if self.args.tests else probe.GROUP_TESTS
        rows = probe.interleave(self.exe("allocprobe"), self.contenders, tests, ["thr"],
                                self.rounds, self.args.quick, self.args.seed)
        g = groups.Groups(rows, self.labels, [p.label for p in self.peers], self.label,
                          self.args.wall)
        self.report.section("Rows", groups.table(g),
                            f"Medians of {g.rounds} interleaved rounds. `<--`: above "
                            f"{groups.GROUP_BAR} of the row's best peer; the bars are on groups.")
        self.report.section("Rows, first run", groups.first_table(g),
                            "The first chunk of work, when nothing is cached.")
        self.report.section("Geometric means relative to the best peer", groups.means_table(g))
        self.report.judge(g.checks())
        if not self.args.tests or "append" in tests:
            self.report.judge(g.append_checks())
        self.report.go += groups.go_lines(g)
        self.report.svg = plot.dots(groups.means(g), self.labels, self.label,
                                    "ns per operation / best peer, geometric mean of the rows")
        self.report.raw["groups"] = rows

    def latency(self):
        tests = [t for t in ("pair", "batch", "zero", "append", "large", "churn")
                 if not self.args.tests or t in self.args.tests.split(",")]
        rows = probe.interleave(self.exe("allocprobe"), self.contenders, tests, ["lat"],
                                min(self.rounds, 2), True, self.args.seed, warm=False)
        self.report.section("Latency of single calls", groups.latency_table(rows, self.labels),
                            "Least over the rounds; from p99.9 up preemption shows.")

    def programs(self):
        sums = inputs.write(self.inputs_dir, self.args.quick)
        scratch = self.scratch("programs")
        listed = programs.programs(self.inputs_dir, scratch)
        costs = programs.measure(self.exe("launch"), self.contenders, self.inputs_dir, scratch,
                                 self.rounds, self.args.seed)
        versions = "; ".join(f"{p.name}: {programs.version(p)}" for p in listed if p.name in costs)
        self.report.section("Real programs", programs.table(costs, self.labels),
                            f"CPU seconds, peak MiB, both relative to glibc. {versions}. Inputs: "
                            + ", ".join(f"{n} {s[:12]}" for n, s in sums.items()) + ".")
        self.report.judge(programs.checks(costs, self.label))
        self.report.go += [
            f"BenchmarkProgram/{p}/alloc={lb}\t1\t{c.cpu_s * 1e9:.0f} cpu-ns/op\t"
            f"{c.rss_kb * 1024} peak-B" for p in costs for lb in costs[p] for c in costs[p][lb]]

    def share(self):
        folder = os.path.join(self.args.work, "inputs-quick")
        inputs.write(folder, True)
        scratch = self.scratch("share")
        got = share.measure(programs.programs(folder, scratch), scratch)
        self.report.section("The allocator's share of the real programs", share.table(got),
                            "Instructions on glibc, by callgrind, on the smaller inputs.")

    def startup(self):
        kb = memory.startup(self.exe("startup"), self.contenders, 15)
        self.report.section("Start-up", "\n".join(
            f"{lb:<14} {v[0]:>6.0f} KiB resident, {v[1]:>5.0f} of it private and written, peak "
            f"{v[2]:>6.0f}" for lb, v in kb.items()))
        self.report.judge(memory.startup_checks(kb, self.label))

    def memory(self):
        values = memory.phases(self.exe("allocprobe"), self.contenders,
                               1 if self.args.quick else 2)
        rows = dict.fromkeys((t, p) for _, t, p in values)
        lines = ["resident / requested (MiB)".ljust(34) + "".join(
            lb[:14].rjust(16) for lb in self.labels)]
        for test, param in rows:
            cells = (values.get((lb, test, param)) for lb in self.labels)
            lines.append(f"{test} {param}".ljust(34) + "".join(
                (f"{c[0]:.2f} ({c[1] / 1024:.1f})" if c else "-").rjust(16) for c in cells))
        self.report.section("Resident memory", "\n".join(lines))
        self.report.judge(memory.phase_checks(values, self.label))

    def square(self):
        values = memory.square(self.exe("square"), self.contenders,
                               rounds=1 if self.args.quick else 2)
        lines = ["half period, contender".ljust(34) + "faulted in again    up   down   CPU ms"]
        for (label, half), v in sorted(values.items(), key=lambda kv: kv[0][1]):
            lines.append(f"{half} ms {label}".ljust(34) + f"{v['cycle_kb']:>9.0f} KiB/cycle"
                         f"{v['up_kb'] / 1024:7.1f}{v['down_kb'] / 1024:7.1f}{v['cpu_ms']:9.0f}")
        self.report.section("Square wave", "\n".join(lines), "64 MiB up, 4 MiB down.")
        self.report.judge(memory.square_checks(values, self.label))

    def storms(self):
        exe, lines = self.exe("storm"), []
        nthreads, nforks = 1000, 1000 if self.args.quick else 10000
        control = self.peers[0] if self.peers else None
        for c, forks in ((control, nforks // 10), (self.ours, nforks)):
            if c is None:
                continue
            t = memory.storm(exe, c, "threads", nthreads)
            f = memory.storm(exe, c, "forks", forks)
            for what, row in ((f"threads 40 x {nthreads}", t), (f"forks {forks}", f)):
                lines.append(f"{c.label:<10} {what:<18} " + ("no end" if row is None else (
                    f"{row['failures']:.0f} failures, RSS {row['rss_early'] / 1024:.1f} -> "
                    f"{row['rss_late'] / 1024:.1f} MiB, address space "
                    f"{row['space_early'] / 1024:.0f} -> {row['space_late'] / 1024:.0f} MiB, "
                    f"{row['wall_ms'] / 1000:.1f} s, CPU {row['cpu_ms'] / 1000:.1f} s")))
            if c is self.ours:
                self.report.judge(memory.storm_checks(t, f, nthreads, nforks))
        self.report.section("Threads and forks", "\n".join(lines))
        if self.ours is None:
            self.report.judge([Check.missing("1,000 threads; 10,000 forks", "no growth, no hang")])

    def recording(self):
        if self.ours is None or self.tool is None:
            self.report.judge(programs.recording_checks({}))
            return
        inputs.write(self.inputs_dir, self.args.quick)
        costs = programs.measure_recording(self.exe("launch"), self.exe("launch-dynamic"),
                                           self.tool, self.ours, self.inputs_dir,
                                           self.scratch("recording"), self.rounds, self.args.seed)
        self.report.section("Recording", "\n".join(
            f"{p:<10} preloaded {a.cpu_s:.3f} s, recorded {b.cpu_s:.3f} s, with the report "
            f"{w.cpu_s:.3f} s (the first round)" for p, rows in costs.items()
            for a, b, w in rows[:1]))
        self.report.judge(programs.recording_checks(costs))

    def small(self):
        if self.ours is None:
            self.report.judge([Check.missing("profile=small", f"<= {boards.BAR}")])
            return
        got, start_kb, seen = boards.measure(self.ours, self.exe("startup"),
                                             self.scratch("small"), 1 if self.args.quick else 3,
                                             self.peers[:1])
        lines = [f"{n:<10} default {a / 1024:6.2f} MiB, small {b / 1024:6.2f} MiB"
                 for n, rows in got.items() for a, b in rows]
        lines += [f"{n:<10} {lb} {kb / 1024:6.2f} MiB" for lb, by in seen.items()
                  for n, kb in by.items()]
        self.report.section("profile=small", "\n".join(lines),
                            "Mean resident memory under bursts and pauses.")
        self.report.judge(boards.checks(got, start_kb))

    # ---- the whole ----------------------------------------------------------------------

    def run(self, parts):
        for name in self.missing:
            self.report.judge([Check.missing(f"peer {name}", "measured", "not installed: run "
                                             "./dev setup bench")])
        if self.ours is None:
            machine.say("no libbosk-malloc.so found: peers only, every bar is missing")
        self.report.machine = machine.describe(self.contenders, {
            c.label: contender.package_version(c.lib) for c in self.peers})
        for name in parts:
            machine.say(f"{name}: {PARTS[name]}")
            try:
                with machine.lock():
                    getattr(self, name)()
            except (probe.Failed, programs.Failed, subprocess.TimeoutExpired, OSError) as e:
                machine.say(f"{name}: {e}")
                self.report.judge([Check.of(f"part {name} runs to its end", "yes", "no", False,
                                            str(e))])
        good = self.report.verdict()
        everything = set(parts) == set(PARTS) and not self.args.quick and self.ours is not None
        folder = self.args.docs or (os.path.join(machine.ROOT, "docs", "bench") if everything
                                    else os.path.join(self.args.work, "report"))
        self.report.write(folder, "alloc", "./dev bench alloc" + (
            " --quick" if self.args.quick else ""))
        self.report.write_raw(os.path.join(self.args.work, "alloc.json"))
        machine.say(f"written to {folder}/alloc.md; raw rows in {self.args.work}/alloc.json")
        return 0 if good else 1


# ./dev bench NAME of the containers: each a module of its own with main(words).
OTHERS = {"slice": "slicebench", "map": "mapbench"}


def main():
    if len(sys.argv) > 1 and sys.argv[1] in OTHERS:
        return importlib.import_module(OTHERS[sys.argv[1]]).main(sys.argv[2:])
    args = arguments()
    return Run(args).run(args.parts or list(PARTS))


if __name__ == "__main__":
    sys.exit(main())
