"""Measures slices beside other growable arrays.  See bench/README.md.

    ./dev bench slice            everything, about 15 minutes; writes docs/bench/slice.*
    ./dev bench slice --quick    everything with less work, about 5 minutes; decides nothing
    bench/run.py slice --tests push,make --rounds 5    some rows by hand
"""

import argparse
import os
import subprocess

from measure import contender, machine, plot, probe, slices
from measure.check import Check
from measure.report import Report
from measure.stats import median

PROGRAMS = {"bosk": "bosk's slices", "realloc": "doubling by hand on realloc",
            "stb": "stb_ds-style", "stc": "STC-style", "vector": "std::vector"}
TESTS = ("push", "longest", "triple", "bulk", "append", "fill", "make", "pool")
STARTS = 5  # processes a round for all but `longest`
ON_MALLOCS = "vector"  # shown on the packaged allocators too


def arguments(words):
    p = argparse.ArgumentParser(prog="./dev bench slice", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--tests", help=f"only these of {','.join((*TESTS, 'stalls', 'concurrent'))}")
    p.add_argument("--only", help="only these contenders, comma-separated")
    p.add_argument("--build", help="where the programs are (default: $BUILD_DIR, build/release)")
    p.add_argument("--rounds", type=int, help="interleaved rounds (9; 3 with --quick)")
    p.add_argument("--quick", action="store_true", help="a quarter of the work, fewer rounds")
    p.add_argument("--docs", metavar="FOLDER", help="where the report goes (docs/bench when "
                                                    "everything is run, else the scratch folder)")
    p.add_argument("--work", default="/tmp/bosk-bench", help="scratch folder")
    p.add_argument("--seed", type=int, default=1, help="of the order of contenders")
    return p.parse_args(words)


def find_go():
    """A go command of at least 1.22, unpacked if need be, or None."""
    script = os.path.join(machine.ROOT, "tools", "peers", "go.sh")
    found = subprocess.run(["bash", script], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        machine.say(found.stderr.strip().splitlines()[-1] if found.stderr else "no Go")
        return None
    return found.stdout.strip()


def build_go(work):
    """(the program in Go, the version that built it), or (None, '')."""
    go = find_go()
    if go is None:
        return None, ""
    root = os.path.dirname(os.path.dirname(go))
    target = os.path.join(work, "sliceprobe-go")
    env = {**os.environ, "GOROOT": root, "GOTOOLCHAIN": "local", "GO111MODULE": "off",
           "GOFLAGS": "", "GOCACHE": os.path.join(work, "gocache"), "CGO_ENABLED": "0"}
    source = os.path.join(machine.HERE, "sliceprobe", "sliceprobe.go")
    done = subprocess.run([go, "build", "-o", target, source], env=env, capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        machine.say(f"go build: {done.stderr.strip()[-300:]}")
        return None, ""
    version = subprocess.run([go, "version"], env=env, capture_output=True, text=True, check=False)
    return target, version.stdout.split()[2]


class Run:
    def __init__(self, args):
        self.args = args
        self.report = Report("slices beside other growable arrays",
                             "time of each row relative to bosk's")
        self.rounds = args.rounds or (3 if args.quick else 9)
        self.tests = args.tests.split(",") if args.tests else [*TESTS, "stalls", "concurrent"]
        self.build = args.build or os.environ.get("BUILD_DIR") or os.path.join(
            machine.ROOT, "build", "release")
        os.makedirs(args.work, exist_ok=True)
        self.contenders = []
        for label, what in PROGRAMS.items():
            exe = os.path.join(self.build, "bench", f"sliceprobe-{label}")
            if os.access(exe, os.X_OK):
                self.contenders.append(contender.Contender(label, exe=exe))
            else:
                self.report.judge([Check.missing(what, "measured", f"{exe}: not built")])
        exe, self.go_version = build_go(args.work)
        if exe is None:
            self.report.judge([Check.missing("Go", "measured", "no Go of at least 1.22: set GO")])
        else:
            self.contenders.append(contender.Contender("go", exe=exe))
        if args.only:
            self.contenders = [c for c in self.contenders if c.label in args.only.split(",")]

    def on_mallocs(self):
        """std::vector on each packaged allocator."""
        base = next((c for c in self.contenders if c.label == ON_MALLOCS), None)
        if base is None:
            return []
        return [contender.Contender(f"{base.label}+{p.label}"[:15], p.lib, exe=base.exe)
                for p in contender.default_peers(list(contender.PEERS))[0]]

    def measure(self, tests, starts):
        """{label: rows of each round}."""
        if not tests:
            return {}
        rows = probe.interleave(None, self.contenders, tests, ["thr"], self.rounds * starts,
                                self.args.quick, self.args.seed)
        return slices.best_starts(rows, starts)

    def throughput(self):
        tests = [t for t in self.tests if t in TESTS]
        if not tests:
            return
        rows = self.measure([t for t in tests if t != "longest"], STARTS)
        for label, rounds in self.measure([t for t in tests if t == "longest"], 1).items():
            rows[label] = [a + b for a, b in zip(rows[label], rounds)] if label in rows else rounds
        got = slices.Rows(rows)
        self.report.section("Rows", got.table(got.value),
                            f"CPU time per element; medians of {got.rounds} interleaved rounds, "
                            f"each the best of {STARTS} starts (of arrays of 1e8: of one).")
        self.report.section("Rows, first run", got.table(got.first),
                            "The first array of each row in a fresh process, by the clock.")
        self.report.section("Page faults per element", got.table(
            {k: [f * 1000 for f in v] for k, v in got.faults.items()}), "Thousandths.")
        self.report.judge(got.checks())
        self.report.go += got.go_lines()
        self.report.svg = plot.dots(got.picture_rows(), got.labels, slices.OURS,
                                    "ns / bosk's ns: right of 1 is slower than bosk")
        self.report.raw["rows"] = rows

    def vector_on_mallocs(self):
        tests = [t for t in self.tests if t in ("push", "longest", "triple", "bulk")]
        others = self.on_mallocs()
        ours = [c for c in self.contenders if c.label == slices.OURS]
        if not tests or not others:
            return
        rows = probe.interleave(None, ours + others, tests, ["thr"], min(self.rounds, 3),
                                self.args.quick, self.args.seed)
        got = slices.Rows(rows)
        self.report.section("std::vector on other allocators", got.table(got.value),
                            "Shown, not judged: the bars are on std::vector as a compiler comes.")

    def stalls(self):
        if "stalls" not in self.tests:
            return
        lines = []
        for c in self.contenders:
            runs = [probe.run(None, c, ["stalls"], ["lat"]) for _ in range(
                slices.STALL_RUNS if c.label == slices.OURS else 2)]
            found = slices.Stalls(runs)
            lines.append(found.line(c.label))
            if c.label == slices.OURS:
                self.report.judge([found.check()])
        self.report.section("Single pushes of 1e8", "\n".join(lines),
                            "Wall time. The least over identical runs per push, then the greatest: "
                            "of bosk over five runs, of the others over two.")

    def concurrent(self):
        if "concurrent" not in self.tests:
            return
        exe = os.path.join(self.build, "bench", "cslice")
        if not os.access(exe, os.X_OK):
            self.report.judge([slices.concurrent_check({})])
            return
        got = slices.concurrent(exe, 2, max(self.rounds, 9), self.args.quick)
        self.report.section("Two threads append to one vector", "\n".join(
            f"{what:<16} {median(w for w, _ in v):8.2f} ns by the clock "
            f"{median(c for _, c in v):8.2f} ns of CPU" for what, v in got.items()),
            "Per element.")
        self.report.judge([slices.concurrent_check(got)])

    def run(self):
        self.report.machine = machine.describe([], {})
        if self.go_version:
            self.report.machine["go"] = self.go_version
        for part in (self.throughput, self.vector_on_mallocs, self.stalls, self.concurrent):
            try:
                with machine.lock():
                    part()
            except (probe.Failed, subprocess.TimeoutExpired, OSError) as e:
                machine.say(f"{part.__name__}: {e}")
                self.report.judge([Check.of(f"part {part.__name__} runs to its end", "yes", "no",
                                            False, str(e))])
        good = self.report.verdict()
        everything = not (self.args.tests or self.args.only or self.args.quick)
        folder = self.args.docs or (os.path.join(machine.ROOT, "docs", "bench") if everything
                                    else os.path.join(self.args.work, "report"))
        self.report.write(folder, "slice", "./dev bench slice" + (
            " --quick" if self.args.quick else ""))
        self.report.write_raw(os.path.join(self.args.work, "slice.json"))
        machine.say(f"written to {folder}/slice.md; raw rows in {self.args.work}/slice.json")
        return 0 if good else 1


def main(words):
    return Run(arguments(words)).run()
