"""What the tests of the tool share: running it, reading what it writes, counting results.

Tests are functions named test_*; run_tests() runs those of the calling module, prints the count,
and exits with 0, with 1 when any failed, or with 77 when all were skipped.
"""

import gzip
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import traceback

BUILD = pathlib.Path(os.environ["BUILD_DIR"])
SOURCE = pathlib.Path(os.environ["SOURCE_DIR"])
BOSK = BUILD / "bin" / "bosk"
LIBRARY = BUILD / "lib" / "libbosk-malloc.so"
FIXTURES = BUILD / "tests" / "cli"


class Skip(Exception):
    """The machine lacks what the test needs."""


class Run:
    """One run of bosk in a folder of its own."""

    def __init__(self, *command, options=(), env=None, cwd=None, tool=None, prefix=(), timeout=120,
                 stdin=subprocess.DEVNULL):
        self.dir = pathlib.Path(cwd or tempfile.mkdtemp(prefix="bosk-test-"))
        self._own = cwd is None
        environment = {k: v for k, v in os.environ.items()
                       if not k.startswith(("BOSK", "LD_")) and k not in ("NO_COLOR", "LC_ALL")}
        environment["LC_ALL"] = "C"
        environment.update(env or {})
        argv = [*prefix, tool or BOSK, "run", *options, "--", *command]
        done = subprocess.run([str(a) for a in argv], cwd=self.dir, env=environment, stdin=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
        self.status = done.returncode
        self.out = done.stdout.decode("utf-8", "replace")
        self.err = done.stderr.decode("utf-8", "replace")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self._own:
            shutil.rmtree(self.dir, ignore_errors=True)

    @property
    def folder(self):
        return self.dir / "bosk.last"

    def summary(self):
        return json.loads((self.folder / "summary.json").read_text())

    def profile(self):
        return Profile((self.folder / "heap.pb.gz").read_bytes())

    def main(self):
        s = self.summary()
        return s["processes"][s["main_process"]]


# ---- a decoder of profile.proto that knows nothing of the one that wrote it ------------

def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """(number, value) of each field: int for varints, bytes for the rest."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(data, at)
        elif kind == 2:
            size, at = _varint(data, at)
            if at + size > len(data):
                raise ValueError("field runs past its message")
            value, at = data[at:at + size], at + size
        else:
            raise ValueError(f"wire type {kind} has no place in a profile")
        yield number, value


def numbers(value):
    """A repeated number: packed or alone."""
    if isinstance(value, int):
        return [value]
    out, at = [], 0
    while at < len(value):
        n, at = _varint(value, at)
        out.append(n)
    return out


def message(data, repeated=(), packed=()):
    out = {n: [] for n in (*repeated, *packed)}
    for number, value in fields(data):
        if number in packed:
            out[number].extend(numbers(value))
        elif number in repeated:
            out[number].append(value)
        else:
            out[number] = value
    return out


class Profile:
    """A profile, checked against the rules that readers rely on while it is read."""

    def __init__(self, data):
        p = message(gzip.decompress(data), repeated=(1, 2, 3, 4, 5, 6), packed=(13,))
        self.raw = p
        self.strings = [s.decode("utf-8") for s in p[6]]
        assert self.strings[0] == "", "the first string is the empty one"
        assert len(set(self.strings)) == len(self.strings), "strings are stored once"
        self.types = [(self.text(t.get(1, 0)), self.text(t.get(2, 0)))
                      for t in (message(m) for m in p[1])]
        self.mappings = self.by_id(p[3])
        self.functions = self.by_id(p[5])
        self.locations = {}
        for m in p[4]:
            location = message(m, repeated=(4,))
            location[4] = [message(line) for line in location[4]]
            assert location[1] not in self.locations and location[1] != 0
            assert location.get(2, 0) in self.mappings or location.get(2, 0) == 0
            assert all(line[1] in self.functions for line in location[4])
            self.locations[location[1]] = location
        self.samples = [self.sample(m) for m in p[2]]
        keys = [(tuple(s["locations"]), tuple(sorted(s["labels"].items()))) for s in self.samples]
        assert len(set(keys)) == len(keys), "samples with equal stacks and labels are merged"

    def text(self, index):
        return self.strings[index]

    def by_id(self, items):
        out = {}
        for m in map(message, items):
            assert m[1] != 0 and m[1] not in out, "ids are unique and not 0"
            out[m[1]] = m
        return out

    def sample(self, data):
        s = message(data, repeated=(3,), packed=(1, 2))
        assert len(s[2]) == len(self.types), "one value for each sample type"
        assert all(i in self.locations for i in s[1])
        labels = {}
        for m in map(message, s[3]):
            assert not (2 in m and 3 in m), "a label is text or a number"
            labels[self.text(m[1])] = self.text(m[2]) if 2 in m else m.get(3, 0)
        return {"locations": s[1], "values": s[2], "labels": labels, "names": self.names(s[1])}

    def names(self, locations):
        out = []
        for i in locations:
            for line in self.locations[i][4]:
                out.append(self.text(self.functions[line[1]].get(2, 0)))
        return out

    def total(self, kind, function):
        """Sum of a value over the samples that have `function` on their stack."""
        index = [t[0] for t in self.types].index(kind)
        return sum(s["values"][index] for s in self.samples if function in s["names"])


# ---- results ---------------------------------------------------------------------------

def near(got, want, percent, what=""):
    """Fails unless `got` is within `percent` of `want`."""
    off = abs(got - want) / abs(want) * 100 if want else abs(got)
    assert off <= percent, f"{what}: {got} is {off:.2f} % off {want}"


def equal(got, want, what=""):
    assert got == want, f"{what}: {got!r}, not {want!r}"


def contains(text, part):
    assert part in text, f"{part!r} is not in:\n{text}"


def run_tests(module):
    name = pathlib.Path(sys.argv[0]).stem.removeprefix("test_")
    passed = failed = skipped = 0
    for key, test in list(vars(module).items()):
        if not key.startswith("test_") or not callable(test):
            continue
        try:
            test()
            passed += 1
        except Skip as reason:
            skipped += 1
            print(f"skip {key}: {reason}")
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"FAIL {key}")
            traceback.print_exc(file=sys.stdout)
    print(f"{name}: {passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0 if passed else 77)
