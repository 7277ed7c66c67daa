"""bosk caps asm: what compilers make of the fast paths stays within its limits, and the counting is
shown to notice what it is there for."""

import csv
import io
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile

from support import BOSK, SOURCE, Skip, contains, equal, run_tests

INCLUDE = SOURCE / "include"
# Instructions that one bosk_append of an int adds to a loop.
APPEND_MOST = 8


def asm(*args, status=0, path=None):
    env = dict(os.environ, LC_ALL="C")
    if path is not None:
        env["PATH"] = str(path)
    done = subprocess.run([BOSK, "caps", "asm", *map(str, args)], capture_output=True, timeout=300,
                          check=False, env=env)
    out, err = done.stdout.decode(), done.stderr.decode()
    equal(done.returncode, status, f"{args}: {err}{out[:500]}")
    return out if status == 0 else err


def rows(*args, go="none", **more):
    return json.loads(asm("--json", "--toolchain", go, *args, **more))["rows"]


def compiled(what, arch, include=INCLUDE):
    """The rows of one snippet on one architecture, of each compiler there is."""
    target = arch.split()[0]
    try:
        found = rows(what, "--arch", target, "--include", include)
    except AssertionError as problem:
        if "no compiler for" in str(problem):
            raise Skip(f"no compiler for {arch}") from None
        raise
    found = [r for r in found if r["arch"] == arch]
    assert found, f"nothing for {arch}"
    return found


def changed_headers(work, name, *changes):
    """The headers with something replaced that stands in one of them."""
    to = pathlib.Path(work) / "include"
    shutil.copytree(INCLUDE, to)
    header = to / "bosk" / name
    text = header.read_text()
    for old, new in changes:
        assert old in text, f"{name} does not say {old}"
        text = text.replace(old, new)
    header.write_text(text)
    return to


def cslice_is_good(row):
    return (row["atomics"], row["fences"], row["fast_calls"]) == (1, 0, 0)


# ---- the limits -------------------------------------------------------------------------

def test_cslice_append_is_one_locked_instruction():
    found = compiled("cslice", "amd64")
    equal({r["by"].split()[0] for r in found}, {"gcc", "clang"})
    for row in found:
        assert cslice_is_good(row), row
        contains(row["text"], "xadd")
        assert "mfence" not in row["text"]


def test_cslice_append_has_no_barrier_on_arm64():
    for arch in ("arm64 LSE", "arm64"):
        for row in compiled("cslice", arch):
            assert cslice_is_good(row), row
            contains(row["text"], "ldadd" if "LSE" in arch else "ldxr")
            contains(row["text"], "stlrb")
            assert "dmb" not in row["text"]


def test_cslice_append_calls_no_library_on_32_bits():
    seen = 0
    for arch in ("386", "arm"):
        try:
            found = compiled("cslice", arch)
        except Skip:
            continue
        for row in found:
            seen += 1
            equal((row["atomics"], row["fast_calls"]), (1, 0), row["text"])
            assert "__atomic" not in row["text"] and "__sync" not in row["text"], row["text"]
    if not seen:
        raise Skip("no compiler for 386 or arm")


def test_append_fast_path():
    for row in compiled("append", "amd64"):
        assert 0 < row["fast"] <= APPEND_MOST, row
        assert row["fast"] < row["turn"] <= APPEND_MOST + 4, row
        equal(row["fast_calls"], 0)


def test_make_of_nothing_calls_nothing():
    for row in compiled("make-zero", "amd64"):
        equal((row["calls"], row["atomics"], row["fences"]), (0, 0, 0), row["text"])
        contains(row["text"], "bosk_zerobase")


def test_constants_are_boxed_without_a_call():
    for row in compiled("box-const", "amd64"):
        equal(row["fast_calls"], 0, row["text"])
    for row in compiled("box", "amd64"):
        assert row["fast_calls"] <= (row["what"] == "box"), row["text"]


# ---- the limits notice ---------------------------------------------------------------------

def test_stronger_orders_are_noticed():
    """A sequentially consistent store is an exchange or a fence on amd64, both of which count."""
    with tempfile.TemporaryDirectory() as work:
        include = changed_headers(
            work, "cslice.h",
            ("BOSKI_CS_READY_STORE __ATOMIC_RELEASE", "BOSKI_CS_READY_STORE __ATOMIC_SEQ_CST"))
        for row in compiled("cslice", "amd64", include):
            assert not cslice_is_good(row), row


def test_a_fence_is_noticed():
    with tempfile.TemporaryDirectory() as work:
        include = changed_headers(
            work, "cslice.h",
            ("#define BOSKI_CS_STORE(p, v, order) __atomic_store_n(",
             "#define BOSKI_CS_STORE(p, v, order) __atomic_thread_fence(__ATOMIC_SEQ_CST), "
             "__atomic_store_n("))
        for row in compiled("cslice", "amd64", include):
            equal(row["fences"], 1, row["text"])
        seen = 0
        for arch in ("arm64 LSE", "arm64"):
            try:
                found = compiled("cslice", arch, include)
            except Skip:
                continue
            for row in found:
                equal(row["fences"], 1, row["text"])
                seen += 1
        print(f"fences seen in {seen} functions of arm64")


def test_a_second_locked_instruction_is_noticed():
    with tempfile.TemporaryDirectory() as work:
        include = changed_headers(
            work, "cslice.h",
            ("#define BOSKI_CS_ADD(p, n) ",
             "#define BOSKI_CS_ADD(p, n) __atomic_fetch_add((p) + 1, 1, __ATOMIC_RELAXED) + "))
        for row in compiled("cslice", "amd64", include):
            equal(row["atomics"], 2, row["text"])


def test_a_longer_append_is_noticed():
    with tempfile.TemporaryDirectory() as work:
        include = changed_headers(work, "slice.h", ("#endif /* BOSK_SLICE_H */", """
#undef bosk_append
extern int boski_slower;
#define BOSKI_SLOWER(s) __atomic_store_n(&boski_slower, (int)(s).len, __ATOMIC_RELAXED);
#define BOSKI_SLOWER3(s) BOSKI_SLOWER(s) BOSKI_SLOWER(s) BOSKI_SLOWER(s)
#define bosk_append(s, v) (__extension__({ __typeof__(s) boski_s = (s); \\
    BOSKI_SLOWER3(boski_s) BOSKI_SLOWER3(boski_s) BOSKI_SLOWER3(boski_s) \\
    bosk_push(&boski_s, v); boski_s; }))
#endif"""))
        for row in compiled("append", "amd64", include):
            assert row["fast"] > APPEND_MOST or row["fast_calls"], row


# ---- what is shown ----------------------------------------------------------------------------

def test_all_formats_say_the_same():
    found = rows("append", "make", "--arch", "amd64")
    table = list(csv.DictReader(io.StringIO(
        asm("append", "make", "--arch", "amd64", "--csv", "--toolchain", "none"))))
    equal(len(table), len(found))
    for a, b in zip(table, found):
        for key in ("what", "arch", "by"):
            equal(a[key], b[key])
        for key in ("instructions", "fast", "calls", "fast_calls", "atomics", "fences"):
            equal(int(a[key]), b[key], key)
    text = asm("append", "make", "--arch", "amd64", "--toolchain", "none")
    for row in found:
        contains(text, row["text"])
        lines = [l for l in row["text"].splitlines() if not l.endswith(":")]
        equal(len(lines), row["instructions"], row["text"])
    equal({r["what"] for r in found}, {"make-len", "make-cap", "make-zero", "append"})


def test_every_architecture_there_is_a_compiler_for():
    arches = {r["arch"] for r in rows("make-zero")}
    for triple, arch in (("aarch64-linux-gnu", "arm64"), ("i686-linux-gnu", "386"),
                         ("arm-linux-gnueabihf", "arm")):
        if shutil.which(f"{triple}-gcc"):
            contains(arches, arch)
    contains(arches, "amd64")


def test_go_beside():
    go = shutil.which("go")
    if not go:
        raise Skip("no Go")
    found = [r for r in rows("--arch", "all", go=go) if r["language"] == "Go"]
    equal({r["arch"] for r in found}, {"amd64", "arm64", "386", "arm"})
    for row in found:
        assert row["by"].startswith("go1."), row
        assert 0 < row["fast"] <= row["instructions"], row
        if row["what"] in ("make-len", "make-cap", "box"):
            equal(row["fast_calls"], 1, row["text"])
        if row["what"] == "append":
            contains(row["text"], "runtime.growslice")
            assert row["fast_calls"] == 0 < row["turn"], row


# ---- what is refused ---------------------------------------------------------------------------

def test_wrong_input_is_one_line():
    for args, part in (
            (["nothing"], "'nothing' is nothing that is compiled; there are make"),
            (["--compiler", "tcc"], "--compiler: 'tcc' is not known"),
            (["--compiler"], "'--compiler' needs a value"),
            (["--include", "/nowhere"], "there is no bosk/slice.h in '/nowhere'"),
            (["--include="], "there is no bosk/slice.h in ''"),
            (["--arch", "mips"], "--arch: 'mips' is not known"),
            (["--elem", "24"], "--elem means nothing here"),
            (["--svg"], "--svg means nothing here"),
            ([""], "'' is nothing that is compiled"),
            (["\x1b[31m"], "is nothing that is compiled"),
            (["x" * 5000], "is nothing that is compiled")):
        err = asm(*args, status=2)
        equal(err.count("\n"), 1, err)
        contains(err, part)
        assert "\x1b" not in err


def fake(folder, name, text):
    path = folder / name
    path.write_text(f"#!{shutil.which('sh')}\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_no_compiler():
    with tempfile.TemporaryDirectory() as work:
        contains(asm("append", status=125, path=work), "no compiler found")
        contains(asm("append", "--arch", "arm", status=125, path=work), "no compiler for arm")


def test_compilers_that_write_nonsense():
    """What is read from a compiler is not trusted: lines of any length, no function, no end."""
    cases = ["exit 1", "kill -9 $$", "exit 0", "echo nothing here", "echo f:",
             "printf 'f:\\n\\tjmp\\t.L1\\n\\t.size\\tf, 1\\n'", "head -c 300000 /dev/urandom",
             "printf 'f:\\n'; yes '\tjne\t.L1' | head -n 100000",
             "printf 'f:\\n\\t%0200000d\\n' 1", "printf 'f:\\n.L1:\\n\\tjmp .L1\\n'",
             "printf 'f:\\n\\tlock\\n\\tlock;\\n\\trep\\n\\t.size\\tf, 1\\n'"]
    for case in cases:
        with tempfile.TemporaryDirectory() as work:
            folder = pathlib.Path(work)
            for tool in ("head", "yes", "cat"):
                (folder / tool).symlink_to(shutil.which(tool))
            fake(folder, "gcc", f'case "$1" in -dump*) echo 1; exit;; esac\n{case}')
            fake(folder, "x86_64-linux-gnu-gcc",
                 f'case "$1" in -dump*) echo 1; exit;; esac\n{case}')
            done = subprocess.run([BOSK, "caps", "asm", "append", "--arch", "amd64"],
                                  capture_output=True, check=False, timeout=120,
                                  env=dict(os.environ, PATH=work))
            equal(done.returncode, 125, f"{case}: {done.stdout[:300]}{done.stderr[:300]}")
            contains(done.stderr.decode(), "cannot compile it for amd64")


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
