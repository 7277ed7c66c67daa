"""Counting, building and the measuring package, for the scripts in this folder."""

import os
import platform
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("SOURCE_DIR", os.path.dirname(os.path.dirname(HERE)))
BUILD = os.environ.get("BUILD_DIR", os.path.join(SOURCE, "build", "release"))
CC = os.environ.get("CC", "cc")
sys.path.insert(0, os.path.join(SOURCE, "bench"))
sys.dont_write_bytecode = True

WORK = tempfile.TemporaryDirectory(prefix="bosk-bench-test-")


class Tally:
    def __init__(self, name):
        self.name, self.passed, self.failed, self.skipped = name, 0, 0, 0

    def check(self, what, ok, seen=""):
        if ok:
            self.passed += 1
            print(f"ok      {what} {seen}".rstrip())
        else:
            self.failed += 1
            print(f"FAILED: {what} {seen}".rstrip())
        return ok

    def end(self):
        print(f"{self.name}: {self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        sys.exit(0 if self.failed == 0 and self.passed > 0 else 1)


def skip(name, why):
    print(f"{name}: skipped: {why}")
    sys.exit(77)


def need_native(name):
    """The measuring programs run as they are on x86-64 only."""
    if platform.machine() != "x86_64" or os.environ.get("BOSK_TEST_EMULATOR"):
        skip(name, "needs x86-64")


def cache(variable):
    """A variable of the build, '' when it is not set."""
    try:
        with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as f:
            for line in f:
                if line.startswith(variable + ":"):
                    value = line.split("=", 1)[1].strip()
                    return "" if value in ("OFF", "0") else value
    except FileNotFoundError:
        pass
    return ""


def shared(source, name, *flags):
    """Compiles one file of faults/ as a library to preload."""
    out = os.path.join(WORK.name, name + ".so")
    subprocess.run([CC, "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fno-builtin",
                    "-shared", "-fPIC", *flags, os.path.join(HERE, "faults", source), "-o", out],
                   check=True)
    return out


def built_library():
    return os.path.join(BUILD, "lib", "libbosk-malloc.so")
