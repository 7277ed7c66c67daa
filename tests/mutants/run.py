#!/usr/bin/env python3
"""run.py - breaks the heap on purpose, one fault at a time; the unit tests must notice each.

    tests/mutants/run.py [--list] [--jobs N] [NAME...]

A mutant is a file NAME.mutant beside this script:

    What is broken, in a sentence or two.
    file: src/heap/mcentral.c
    tests: heaps threads
    <<<<
    text that stands exactly once in the file
    ====
    text that replaces it
    >>>>

More such pairs may follow.  `tests` names executables of tests/unit without `_test`, or `name@CONF`
to run one with BOSK_CONF=CONF; they are run in turn until one is red.  A mutant that does not apply
any more, does not compile, or leaves all of them green makes this script fail.  Works in a copy of
the tree.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(os.environ.get("SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
HERE = ROOT / "tests" / "mutants"
COPIED = ["CMakeLists.txt", "CMakePresets.json", "cmake", "include", "src", "tests/CMakeLists.txt",
          "tests/unit", "tests/golden", "tools/fuzz_replay.c"]
TIMEOUT_S = 300


class Mutant:
    def __init__(self, path):
        self.name = path.stem
        text = path.read_text()
        pair = r"<<<<\n(.*?)====\n(.*?)>>>>\n"
        m = re.fullmatch(rf"(.*?)\nfile: (\S+)\ntests: ([^\n]+)\n((?:{pair})+)", text, re.S)
        if not m:
            sys.exit(f"{path.name}: not a mutant, see the head of run.py")
        self.what, self.file, tests = m.group(1, 2, 3)
        self.pairs = re.findall(pair, m.group(4), re.S)
        self.tests = tests.split()

    def applied_to(self, source):
        for old, new in self.pairs:
            n = source.count(old)
            if n != 1:
                raise ValueError(f"its text stands {n} times in {self.file}: {old[:60]!r}")
            source = source.replace(old, new)
        return source


def copy_tree(to):
    for name in COPIED:
        source, target = ROOT / name, to / name
        if not source.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)


class Build:
    def __init__(self, tree, jobs):
        self.tree, self.dir, self.jobs = tree, tree / "build", jobs
        subprocess.run(
            ["cmake", "-S", tree, "-B", self.dir, "-G", "Ninja",
             "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
             "-DBOSK_BUILD_TESTS=ON", "-DBOSK_BUILD_TOOL=OFF", "-DBOSK_BUILD_SHIM=OFF",
             "-DBOSK_BUILD_BENCH=OFF", "-DBOSK_WERROR=OFF"],
            check=True, stdout=subprocess.DEVNULL)

    def make(self, tests):
        """Builds; returns the compiler's words when it fails, else None."""
        names = {t.split("@")[0] for t in tests}
        done = subprocess.run(
            ["ninja", "-C", self.dir, f"-j{self.jobs}", *(f"tests/unit/{n}_test" for n in names)],
            capture_output=True, text=True)
        return done.stdout[-2000:] if done.returncode else None

    def red(self, test):
        """Runs one executable; returns why it is red, or None."""
        name, _, conf = test.partition("@")
        env = {k: v for k, v in os.environ.items() if not k.startswith("BOSK_")}
        env["BOSK_TEST_SCALE"] = os.environ.get("BOSK_TEST_SCALE", "50")
        env["BOSK_TEST_TIMEOUT"] = "60"
        if conf:
            env["BOSK_CONF"] = conf
        try:
            done = subprocess.run([self.dir / "tests" / "unit" / f"{name}_test"],
                                  env=env, text=True,
                                  errors="replace", stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return f"{test}: no end"
        if done.returncode == 0:
            return None
        first = re.search(r":[FE]:([\w]+:[\w]+):", done.stdout)
        return f"{test}: {first.group(1).replace(':', '.') if first else done.returncode}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    mutants = [Mutant(p) for p in sorted(HERE.glob("*.mutant"))]
    if args.names:
        unknown = set(args.names) - {m.name for m in mutants}
        if unknown:
            sys.exit(f"no such mutant: {', '.join(sorted(unknown))}")
        mutants = [m for m in mutants if m.name in args.names]
    if args.list:
        for m in mutants:
            print(f"{m.name:28} {m.what.splitlines()[0]}")
        return 0

    passed, failed = 0, 0
    with tempfile.TemporaryDirectory(prefix="bosk-mutants-") as scratch:
        tree = pathlib.Path(scratch)
        copy_tree(tree)
        build = Build(tree, args.jobs)
        # What is red without a fault proves nothing.
        tests = sorted({t for m in mutants for t in m.tests})
        print(f"building {len(tests)} tests without a fault", flush=True)
        words = build.make(tests)
        if words:
            sys.exit(words)
        for t in tests:
            why = build.red(t)
            if why:
                sys.exit(f"red without a fault: {why}")
        for m in mutants:
            start = time.monotonic()
            path = tree / m.file
            source = path.read_text()
            try:
                path.write_text(m.applied_to(source))
            except ValueError as e:
                print(f"FAILED {m.name}: does not apply: {e}", flush=True)
                failed += 1
                continue
            words = build.make(m.tests)
            why = None
            if words is None:
                for t in m.tests:
                    why = build.red(t)
                    if why:
                        break
            path.write_text(source)
            seconds = time.monotonic() - start
            if words is not None:
                print(f"FAILED {m.name}: does not compile:\n{words}", flush=True)
                failed += 1
            elif why is None:
                print(f"FAILED {m.name}: nobody noticed ({' '.join(m.tests)})", flush=True)
                failed += 1
            else:
                print(f"ok {m.name}: {why} ({seconds:.0f} s)", flush=True)
                passed += 1
    print(f"mutants: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
