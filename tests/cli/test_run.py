"""bosk run as a command: exit statuses, refusals before anything is started, signals, limits."""

import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

from support import BOSK, FIXTURES, LIBRARY, SOURCE, Run, Skip, contains, equal, near, run_tests

BEHAVIOUR = FIXTURES / "fixture_behaviour"
CC = os.environ.get("CC", "cc")


def refused(status, *texts, command, options=(), **more):
    """The program is not started, and the message says what, why, and what to do."""
    with Run(*command, options=options, **more) as run:
        equal(run.status, status, run.err)
        for text in texts:
            contains(run.err, text)
        lines = run.err.splitlines()
        assert lines[0].startswith("bosk: "), run.err
        assert all(line.startswith("      ") for line in lines[1:]), run.err
        assert len(lines) <= 4, run.err
        assert not list(run.dir.glob("bosk.*")), "nothing is left behind"
        equal(run.out, "")


class Workshop:
    """A folder to compile programs in."""

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="bosk-test-"))
        os.chmod(self.dir, 0o755)
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.dir, ignore_errors=True)

    def compile(self, source, name, *flags, compiler=CC):
        path = self.dir / f"{name}.c"
        path.write_text(source)
        out = self.dir / name
        done = subprocess.run([*compiler.split(), "-o", out, path, *flags], capture_output=True,
                              check=False)
        if done.returncode != 0:
            how = " ".join([compiler, *map(str, flags)])
            raise Skip(f"cannot compile with {how}: {done.stderr.decode()[:200]}")
        return out


# ---- the program's own status ----------------------------------------------------------

def test_status_is_the_programs():
    for n in (0, 1, 42, 255):
        with Run(BEHAVIOUR, "exit", str(n)) as run:
            equal(run.status, n)


def test_status_of_a_signal_is_128_more():
    for n in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT):
        with Run(BEHAVIOUR, "signal", str(int(n))) as run:
            equal(run.status, 128 + n)
            near(run.main()["memory"]["live_bytes"], 4 << 20, 1)


def test_stdin_and_stdout_are_the_programs():
    with tempfile.TemporaryFile() as f:
        f.write(b"from stdin\n")
        f.seek(0)
        with Run("cat", stdin=f) as run:
            equal((run.status, run.out), (0, "from stdin\n"))
            contains(run.err, "cat exited with 0")


def test_everything_of_bosk_goes_to_stderr():
    with Run("/bin/echo", "hello") as run:
        equal(run.out, "hello\n")


def test_path_is_searched():
    with Run("true", env={"PATH": "/nowhere:/usr/bin:/bin"}) as run:
        equal(run.status, 0)


def test_user_preload_and_configuration_are_kept():
    with Run("sh", "-c", "echo $LD_PRELOAD; echo $BOSK_CONF",
             env={"LD_PRELOAD": "libdl.so.2", "BOSK_CONF": "verbose=0,sample=4096"}) as run:
        preload, conf = run.out.splitlines()
        equal(preload, f"{LIBRARY.resolve()}:libdl.so.2")
        assert conf.startswith("verbose=0,sample=4096,record=/proc/"), conf


# ---- refusals --------------------------------------------------------------------------

def test_missing_program():
    refused(127, "'no-such-program': not found", command=["no-such-program"])
    refused(127, "not found", "No such file", command=["./no-such-program"])
    refused(127, "no program to run", command=[""])


def test_not_executable():
    with Workshop() as w:
        plain = w.dir / "plain"
        plain.write_text("data")
        refused(126, "cannot be run", "chmod +x", command=[plain])
        refused(126, "It is a folder", command=[w.dir])
        refused(126, "'plain' cannot be run", command=["plain"], env={"PATH": str(w.dir)})


def test_static_program():
    with Workshop() as w:
        program = w.compile("int main(void) { return 0; }", "still", "-static")
        refused(126, "'still' is statically linked", "No library can be preloaded",
                command=[program])


def test_static_pie_program():
    with Workshop() as w:
        program = w.compile("int main(void) { return 0; }", "pie", "-static-pie")
        refused(126, "statically linked", command=[program])


def test_static_go_program_is_told_of_its_own_profiler():
    go = shutil.which("go")
    if go is None:
        raise Skip("there is no go")
    with Workshop() as w:
        (w.dir / "hello.go").write_text('package main\nfunc main() { println("hello") }\n')
        env = {**os.environ, "CGO_ENABLED": "0", "GO111MODULE": "off",
               "GOCACHE": str(w.dir / "cache")}
        subprocess.run([go, "build", "-o", "hello", "hello.go"], cwd=w.dir, env=env, check=True,
                       capture_output=True)
        refused(126, "static Go program", "go tool pprof", command=[w.dir / "hello"])


def test_program_of_another_libc():
    with Workshop() as w:
        program = w.compile("int main(void) { return 0; }", "other",
                            "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1")
        refused(126, "program of musl", "ld-musl-x86_64.so.1", command=[program])
        program = w.compile("int main(void) { return 0; }", "strange",
                            "-Wl,--dynamic-linker=/lib/own.so")
        refused(126, "another C library", command=[program])


def test_program_of_another_machine():
    with Workshop() as w:
        program = w.compile("int main(void) { return 0; }", "alien")
        image = bytearray(program.read_bytes())
        struct.pack_into("<H", image, 18, 22)  # s390
        program.write_bytes(image)
        refused(126, "'alien' is a s390x program", command=[program])


def test_32_bit_program():
    with Workshop() as w:
        program = w.compile("void _start(void) { for (;;) {} }", "narrow", "-nostdlib",
                            compiler="i686-linux-gnu-gcc")
        refused(126, "32-bit x86", command=[program])


def test_program_with_its_own_malloc():
    with Workshop() as w:
        program = w.compile("#include <stddef.h>\n"
                            "void *malloc(size_t n) { (void)n; return 0; }\n"
                            "int main(void) { return 0; }", "own", "-rdynamic", "-fno-builtin")
        refused(126, "defines its own malloc", command=[program])


def test_program_with_a_sanitizer():
    with Workshop() as w:
        program = w.compile("int main(void) { return 0; }", "checked", "-fsanitize=address")
        refused(126, "built with a sanitizer (", command=[program])


def test_set_user_id_program():
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        raise Skip("needs to be root and setpriv")
    with Workshop() as w:
        program = w.compile("int main(void) { return 0; }", "raised")
        os.chmod(program, 0o4755)
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        cwd = pathlib.Path(tempfile.mkdtemp(prefix="bosk-test-"))
        os.chmod(cwd, 0o777)
        try:
            refused(126, "'raised' is set-user-id", "ignores preloads", command=[program],
                    prefix=as_nobody, cwd=cwd)
            os.chmod(program, 0o2755)
            refused(126, "is set-group-id", command=[program], prefix=as_nobody, cwd=cwd)
        finally:
            shutil.rmtree(cwd, ignore_errors=True)
        # For root it is nothing special, and the kernel agrees.
        os.chmod(program, 0o4755)
        with Run(program) as run:
            equal(run.status, 0)
            assert run.summary()["processes"] or "nothing was recorded" in run.err


def test_program_with_file_capabilities():
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        raise Skip("needs to be root and setpriv")
    with Workshop() as w:
        program = w.compile("int main(void) { return 0; }", "able")
        try:  # version 2, effective, CAP_NET_RAW permitted
            os.setxattr(program, "security.capability",
                        struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))
        except OSError as err:
            raise Skip(f"cannot set capabilities: {err}") from err
        cwd = pathlib.Path(tempfile.mkdtemp(prefix="bosk-test-"))
        os.chmod(cwd, 0o777)
        try:
            refused(126, "'able' has file capabilities", "ignores preloads", command=[program],
                    prefix=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"], cwd=cwd)
        finally:
            shutil.rmtree(cwd, ignore_errors=True)


def test_garbage_is_no_program():
    with Workshop() as w:
        for name, data in (("empty_elf", b"\x7fELF" + bytes(60)), ("short", b"\x7fELF")):
            path = w.dir / name
            path.write_bytes(data)
            os.chmod(path, 0o755)
            with Run(path) as run:
                assert run.status in (126, 2, 127), (run.status, run.err)


# ---- a runtime linked statically -------------------------------------------------------

def test_embedded_runtime_is_not_preloaded():
    with Workshop() as w:
        program = w.compile("#include <stdlib.h>\n#include <stdio.h>\n"
                            "int main(void) { for (int i = 0; i < 4096; i++) {\n"
                            "  void *p = malloc(1024); __asm__ volatile(\"\" : \"+r\"(p)); }\n"
                            "  puts(getenv(\"LD_PRELOAD\") ? \"preloaded\" : \"plain\");\n"
                            "  return 0; }",
                            "embedded", "-Wl,--whole-archive", LIBRARY.with_suffix(".a"),
                            "-Wl,--no-whole-archive", "-pthread", "-ldl")
        with Run(program) as run:
            equal((run.status, run.out), (0, "plain\n"), run.err)
            main = run.main()
            near(main["memory"]["live_bytes"], 4 << 20, 1)
            assert main["places"][0]["place"].startswith("main"), main["places"][0]


def test_embedded_runtime_of_another_version():
    note = ('__asm__(".pushsection .note.bosk,\\"a\\",%note\\n.balign 4\\n.4byte 5, 10, 1\\n'
            '.asciz \\"bosk\\"\\n.balign 4\\n.4byte 999\\n.asciz \\"9.9.9\\"\\n.balign 4\\n'
            '.popsection\\n");\nint main(void) { return 0; }')
    with Workshop() as w:
        program = w.compile(note, "newer")
        refused(126, "runtime of bosk 9.9.9", command=[program])


# ---- scripts ---------------------------------------------------------------------------

def script(folder, name, text):
    path = folder / name
    path.write_text(text)
    os.chmod(path, 0o755)
    return path


def test_scripts_are_followed():
    with Workshop() as w:
        with Run(script(w.dir, "hello", "#!/bin/sh\necho $1\n"), "hi") as run:
            equal((run.status, run.out), (0, "hi\n"), run.err)
        with Run(script(w.dir, "viaenv", "#!/usr/bin/env -S sh\necho env\n")) as run:
            equal((run.status, run.out), (0, "env\n"), run.err)
        with Run(script(w.dir, "bare", "echo bare $1\n"), "word") as run:
            equal((run.status, run.out), (0, "bare word\n"), run.err)


def test_scripts_with_bad_interpreters():
    with Workshop() as w:
        refused(126, "bad interpreter '/no/such'", command=[script(w.dir, "bad", "#!/no/such\n")])
        loop = w.dir / "loop"
        script(w.dir, "loop", f"#!{loop}\n")
        refused(126, "script again", command=[loop])


# ---- usage -----------------------------------------------------------------------------

def test_wrong_usage():
    for options, text in ((["--sample", "lots"], "--sample"), (["--sample", "0"], "--sample"),
                          (["--depth", "0"], "--depth"), (["--depth", "1.5"], "--depth"),
                          (["--timeout", "-1"], "--timeout"), (["--nonsense"], "not an option"),
                          (["--sample"], "")):
        with Run("true", options=options) as run:
            equal(run.status, 2, run.err)
            contains(run.err, text)
    for argv in ([], ["frobnicate"], ["run"], ["run", "--"], ["help", "nothing"]):
        done = subprocess.run([BOSK, *argv], capture_output=True, check=False)
        equal(done.returncode, 2, argv)
        assert done.stderr.startswith(b"bosk: ")


def test_help_and_version():
    for argv, text in ((["--version"], "bosk "), (["help"], "Usage:"), (["--help"], "Usage:"),
                       (["help", "run"], "--sample"), (["run", "--help"], "--sample")):
        done = subprocess.run([BOSK, *argv], capture_output=True, check=False)
        equal(done.returncode, 0, argv)
        contains(done.stdout.decode(), text)
    header = (SOURCE / "include/bosk/base.h").read_text()
    done = subprocess.run([BOSK, "--version"], capture_output=True, check=True)
    version = done.stdout.decode().split()[1]
    contains(header, f'#define BOSK_VERSION "{version}"')


def test_library_is_missed():
    with Workshop() as w:
        (w.dir / "bin").mkdir()
        shutil.copy(BOSK, w.dir / "bin/bosk")
        with Run("true", tool=w.dir / "bin/bosk") as run:
            if run.status == 0:
                raise Skip("an installed library was found")
            equal(run.status, 125)
            contains(run.err, "cannot find libbosk-malloc.so")


def test_library_in_a_folder_that_cannot_be_preloaded():
    with Workshop() as w:
        folder = w.dir / "two words"
        (folder / "bin").mkdir(parents=True)
        (folder / "lib").mkdir()
        shutil.copy(BOSK, folder / "bin/bosk")
        shutil.copy(LIBRARY, folder / "lib/libbosk-malloc.so")
        with Run("true", tool=folder / "bin/bosk") as run:
            equal(run.status, 125)
            contains(run.err, "cannot preload")


# ---- signals and time ------------------------------------------------------------------

def start(*command, options=()):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bosk-test-"))
    return folder, subprocess.Popen([BOSK, "run", *options, "--", *command], cwd=folder,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    start_new_session=True)


def test_signals_are_passed_on():
    for n in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
        folder, bosk = start(BEHAVIOUR, "waitusr1")
        try:
            equal(bosk.stdout.readline(), b"ready\n")
            bosk.send_signal(n)
            _, err = bosk.communicate(timeout=20)
            equal(bosk.returncode, 100 + n, err)
            contains(err.decode(), f"exited with {100 + n}")
        finally:
            bosk.kill()
            shutil.rmtree(folder)


def test_a_signal_of_the_terminal_arrives_once():
    # To the whole group, as the terminal sends it; bosk must not send another.
    count = "n=0; trap 'n=$((n+1))' USR2; echo ready; sleep 1 & wait; wait; exit $n"
    folder, bosk = start("sh", "-c", count)
    try:
        equal(bosk.stdout.readline(), b"ready\n")
        subprocess.run(["pkill", "-USR2", "-P", str(bosk.pid)], check=True)
        bosk.communicate(timeout=20)
        equal(bosk.returncode, 1)
    finally:
        bosk.kill()
        shutil.rmtree(folder)


def test_time_limit():
    begin = time.monotonic()
    with Run("sleep", "60", options=["--timeout", "0.3"]) as run:
        equal(run.status, 124)
        contains(run.err, "was ended at its time limit")
    assert time.monotonic() - begin < 5
    with Run(BEHAVIOUR, "ignoreterm", options=["--timeout", "0.3"]) as run:
        equal(run.status, 124)
        near(run.main()["memory"]["live_bytes"], 4 << 20, 1)
    assert time.monotonic() - begin < 15
    with Run("true", options=["--timeout", "30"]) as run:
        equal(run.status, 0)


def test_an_ignored_sigchld_is_no_trouble():
    with Run(BEHAVIOUR, "exit", "9", prefix=["env", "--ignore-signal=CHLD"]) as run:
        equal(run.status, 9, run.err)


run_tests(sys.modules[__name__])
