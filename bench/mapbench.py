"""Measures maps beside other hash tables.  See bench/README.md.

    ./dev bench map            everything, about 25 minutes; writes docs/bench/map.*
    ./dev bench map --quick    sizes to 1e5 and less of everything; decides nothing
    bench/run.py map --shapes 1 --sizes 1e6 --only bosk,boost --rounds 3    some rows by hand
"""

import argparse
import os
import subprocess
import sys

from measure import machine, maps
from measure.check import Check
from measure.report import Report
from slicebench import find_go

SOURCES = os.path.join(machine.HERE, "mapprobe")
CXX = ["g++", "-std=c++17", "-O3"]
CC = ["gcc", "-std=gnu11", "-O3"]
# label: what it is, command but for shape and libraries, libraries by pkg-config, shapes
PROGRAMS = {
    "bosk": ("bosk's maps", [*CC, "-I", os.path.join(machine.ROOT, "include"), "bosk.c"], "", 4),
    "boost": ("boost::unordered_flat_map", [*CXX, "-DTABLE=1", "cxx.cc"], "", 4),
    "absl": ("absl::flat_hash_map", [*CXX, "-DTABLE=2", "cxx.cc"],
             "absl_flat_hash_map absl_hash", 4),
    "std": ("std::unordered_map", [*CXX, "-DTABLE=3", "cxx.cc"], "", 4),
    "glib": ("GHashTable", [*CC, "glib.c"], "glib-2.0", 4),
    "uthash": ("uthash", [*CC, "uthash.c"], "", 4),
}
SIZES = ["1e3", "1e5", "1e6", "1e7"]
# Slow enough at 1e7 to take all the time there is.
NOT_LARGE = {"std", "uthash", "glib", "go"}


def arguments(words):
    p = argparse.ArgumentParser(prog="./dev bench map", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--shapes", default="1,2,3,4", help="1 u64, 2 u32, 3 and 4 strings")
    p.add_argument("--sizes", help="entries, comma-separated (1e3,1e5,1e6,1e7)")
    p.add_argument("--only", help="only these contenders, comma-separated")
    p.add_argument("--build", help="where libbosk.a is (default: $BUILD_DIR, build/release)")
    p.add_argument("--rounds", type=int, help="interleaved rounds (5; 2 with --quick)")
    p.add_argument("--quick", action="store_true", help="small sizes, fewer rounds")
    p.add_argument("--no-latency", action="store_true", help="throughput only")
    p.add_argument("--docs", metavar="FOLDER", help="where the report goes (docs/bench when "
                                                    "everything is run, else the scratch folder)")
    p.add_argument("--work", default="/tmp/bosk-bench", help="scratch folder")
    return p.parse_args(words)


def pkg_config(names):
    if not names:
        return []
    done = subprocess.run(["pkg-config", "--cflags", "--libs", *names.split()],
                          capture_output=True, text=True, check=False)
    return done.stdout.split() if done.returncode == 0 else None


class Run:
    def __init__(self, args):
        self.args = args
        self.report = Report("maps beside other hash tables",
                             "latency of single insertions into a growing table")
        self.rounds = args.rounds or (2 if args.quick else 5)
        self.shapes = [int(s) for s in args.shapes.split(",")]
        self.sizes = (args.sizes or ("1e3,1e5" if args.quick else ",".join(SIZES))).split(",")
        self.build = args.build or os.environ.get("BUILD_DIR") or os.path.join(
            machine.ROOT, "build", "release")
        self.exe = {}
        self.go_version = ""
        os.makedirs(args.work, exist_ok=True)

    def compile(self):
        for label, (what, command, libs, _) in PROGRAMS.items():
            if self.args.only and label not in self.args.only.split(","):
                continue
            flags = pkg_config(libs)
            for shape in self.shapes:
                target = os.path.join(self.args.work, f"mapprobe-{label}-{shape}")
                line = [*command[:-1], f"-DSHAPE={shape}", os.path.join(SOURCES, command[-1]),
                        "-o", target, *(flags or [])]
                if label == "bosk":
                    line += [os.path.join(self.build, "lib", "libbosk.a"), "-lpthread", "-ldl"]
                done = None if flags is None else subprocess.run(
                    line, capture_output=True, text=True, check=False)
                if done is None or done.returncode != 0:
                    note = "not installed" if done is None else done.stderr.strip()[-200:]
                    self.report.judge([Check.missing(what, "measured", note)])
                    break
                self.exe[label, shape] = target
        self.compile_go()

    def compile_go(self):
        if self.args.only and "go" not in self.args.only.split(","):
            return
        go = find_go()
        if go is None:
            self.report.judge([Check.missing("Go", "measured", "no Go of at least 1.22: set GO")])
            return
        env = {**os.environ, "GOROOT": os.path.dirname(os.path.dirname(go)), "GOFLAGS": "",
               "GOTOOLCHAIN": "local", "GO111MODULE": "off", "CGO_ENABLED": "0",
               "GOCACHE": os.path.join(self.args.work, "gocache")}
        for shape in self.shapes:
            target = os.path.join(self.args.work, f"mapprobe-go-{shape}")
            if shape not in (1, 3):
                continue
            done = subprocess.run([go, "build", "-o", target, "mapprobe.go", f"shape{shape}.go"],
                                  cwd=SOURCES, env=env, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                self.exe["go", shape] = target
            else:
                self.report.judge([Check.missing("Go", "measured", done.stderr.strip()[-200:])])
        version = subprocess.run([go, "version"], env=env, capture_output=True, text=True,
                                 check=False)
        self.go_version = version.stdout.split()[2] if version.stdout else ""

    def measure(self, exe, mode, sizes):
        """[(row, entries, value)]."""
        done = subprocess.run(["taskset", "-c", machine.cpus()[0], exe, mode, *sizes],
                              capture_output=True, text=True, timeout=900, check=False)
        if done.returncode != 0:
            raise OSError(f"{os.path.basename(exe)}: {done.stdout[-80:]}{done.stderr[-200:]}")
        return [(row, int(n), float(v)) for row, n, v in map(str.split, done.stdout.splitlines())]

    def throughput(self):
        found, labels = {}, []
        for r in range(self.rounds):
            for shape in self.shapes:
                for size in self.sizes:
                    who = [lb for lb, s in self.exe if s == shape]
                    for label in who[r % len(who):] + who[:r % len(who)]:
                        if label not in labels:
                            labels.append(label)
                        go = label == "go" and shape == 1
                        large = float(size) >= 1e7
                        if large and (shape in (2, 4) or (label in NOT_LARGE and not go)):
                            continue
                        if large and r >= 3:
                            continue
                        for row, n, v in self.measure(self.exe[label, shape], "full", [size]):
                            found.setdefault((shape, row, n), {}).setdefault(label, []).append(v)
        labels.sort(key=[*PROGRAMS, "go"].index)
        table = maps.Table(found, labels)
        for shape in self.shapes:
            self.report.section(maps.SHAPES[shape].capitalize(), "\n\n".join(
                table.text(shape, int(float(s))) for s in self.sizes),
                f"CPU time; medians of {self.rounds} interleaved rounds, at most 3 of 1e7.")
        self.report.judge(table.checks([int(float(s)) for s in self.sizes], self.args.quick))
        self.report.go += table.go_lines()
        self.report.raw["rows"] = [[*k, v] for k, v in found.items()]

    def patterns(self):
        if 1 not in self.shapes:
            return
        lines = ["pattern".ljust(14) + "row".ljust(8) + "".join(
            lb.rjust(10) for lb in PROGRAMS if (lb, 1) in self.exe)]
        for pattern in ("random", "sequential", "clustered", "high"):
            got = {lb: {row: v for row, _, v in self.measure(self.exe[lb, 1], pattern, ["1e5"])}
                   for lb in PROGRAMS if (lb, 1) in self.exe}
            lines += [pattern.ljust(14) + row.ljust(8) + "".join(
                f"{by[row]:10.1f}" for by in got.values()) for row in ("grow", "hit", "erase")]
        self.report.section("Patterns of integer keys, 1e5 entries", "\n".join(lines),
                            "CPU ns; clustered: runs of 64; high: counters in the upper half.")

    def latency(self):
        if self.args.no_latency or 1 not in self.shapes:
            return
        n = "1e6" if self.args.quick else "1e7"
        who = [lb for lb in ("bosk", "boost", "absl", "glib") if (lb, 1) in self.exe]
        found = {lb: {row: v for row, _, v in self.measure(self.exe[lb, 1], "latency", [n])}
                 for lb in who}
        self.report.section(f"Single insertions into a table growing to {n}",
                            maps.latency_text(found),
                            "Wall time, ns. least: for each insertion the best of five identical "
                            "runs; raw: the first run as it was; empty: a loop without a table.")
        self.report.judge(maps.latency_checks(found))
        self.report.svg = maps.ccdf_svg(found, int(float(n)))

    def run(self):
        self.report.machine = machine.describe([], {})
        self.compile()
        if self.go_version:
            self.report.machine["go"] = self.go_version
        for part in (self.throughput, self.patterns, self.latency):
            try:
                with machine.lock():
                    part()
            except (subprocess.TimeoutExpired, OSError) as e:
                machine.say(f"{part.__name__}: {e}")
                self.report.judge([Check.of(f"part {part.__name__} runs to its end", "yes", "no",
                                            False, str(e))])
        good = self.report.verdict()
        everything = not (self.args.only or self.args.quick or self.args.sizes or
                          self.args.no_latency or len(self.shapes) < 4)
        folder = self.args.docs or (os.path.join(machine.ROOT, "docs", "bench") if everything
                                    else os.path.join(self.args.work, "report"))
        self.report.write(folder, "map", "./dev bench map" + (
            " --quick" if self.args.quick else ""))
        self.report.write_raw(os.path.join(self.args.work, "map.json"))
        machine.say(f"written to {folder}/map.md; raw rows in {self.args.work}/map.json")
        return 0 if good else 1


def main(words):
    return Run(arguments(words)).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
