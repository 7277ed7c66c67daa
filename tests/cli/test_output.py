"""The folder that bosk run writes: where it is, what is in it, what happens when it cannot be."""

import contextlib
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile

from support import BOSK, FIXTURES, Run, Skip, contains, equal, run_tests

BEHAVIOUR = FIXTURES / "fixture_behaviour"
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def need_root():
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        raise Skip("needs to be root and setpriv")


@contextlib.contextmanager
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="bosk-test-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def test_default_folder_and_link():
    with Run("true") as run:
        found = [p for p in run.dir.iterdir() if p.name.startswith("bosk.true.")]
        equal(len(found), 1)
        equal(sorted(p.name for p in found[0].iterdir()), ["heap.pb.gz", "summary.json"])
        equal(os.readlink(run.dir / "bosk.last"), found[0].name)
        equal(run.summary()["ending"]["pid"], int(found[0].name.rsplit(".", 1)[1]))


def test_named_folder():
    with Run("true", options=["-o", "a/b/%e-%p-%%"]) as run:
        summary = next((run.dir / "a/b").glob("true-*/summary.json"))
        pid = json.loads(summary.read_text())["ending"]["pid"]
        assert (run.dir / "a/b" / f"true-{pid}-%" / "heap.pb.gz").exists()
        equal(os.readlink(run.dir / "a/b/bosk.last"), f"true-{pid}-%")
    with Run("true", options=["-o", "a%q"]) as run:
        equal(run.status, 125)
        contains(run.err, "cannot write to 'a")


def test_the_last_run_is_linked():
    with folder() as cwd:
        for name in ("true", "echo"):
            with Run(name, cwd=cwd) as run:
                equal(run.status, 0)
        assert os.readlink(cwd / "bosk.last").startswith("bosk.echo.")


def test_a_file_named_as_the_link_is_left_alone():
    with folder() as cwd:
        (cwd / "bosk.last").write_text("mine")
        with Run("true", cwd=cwd) as run:
            equal(run.status, 0)
        equal((cwd / "bosk.last").read_text(), "mine")


def test_odd_program_names():
    with folder() as cwd:
        program = cwd / "-we ird;\x1b[31m"
        shutil.copy("/bin/true", program)
        with Run(f"./{program.name}", cwd=cwd) as run:
            equal(run.status, 0)
            assert "\x1b" not in run.err
            names = [p.name for p in cwd.iterdir()]
            assert any(name.startswith("bosk.-we_ird__") for name in names), names


def test_folder_that_cannot_be_made_is_refused_before_the_run():
    with folder() as cwd:
        (cwd / "file").write_text("")
        for name in ("file", "file/below"):
            with Run("touch", "ran", options=["-o", name], cwd=cwd) as run:
                equal(run.status, 125)
                contains(run.err, f"cannot write to '{name}'")
                contains(run.err, "has not been started")
                assert not (cwd / "ran").exists()


def test_unwritable_folder():
    need_root()
    with folder() as cwd:
        os.chmod(cwd, 0o755)
        with Run("true", options=["-o", "out"], cwd=cwd, prefix=NOBODY) as run:
            equal(run.status, 125)
            contains(run.err, "Permission denied")
        # Nobody asked for files: the report alone is worth the run.
        with Run("/bin/echo", "ran", cwd=cwd, prefix=NOBODY) as run:
            equal((run.status, run.out), (0, "ran\n"))
            contains(run.err, "no files are written")
            contains(run.err, "AT THE PEAK")
        equal(list(cwd.iterdir()), [])


def check_failed_write(run, status):
    equal(run.status, status, run.err)
    contains(run.err, "cannot write ")
    contains(run.err, "AT THE PEAK")
    left = [p for p in run.dir.rglob("*") if p.is_file() and not p.is_symlink()]
    assert all(p.suffix != ".tmp" and p.stat().st_size > 0 for p in left), left


def test_full_disk():
    need_root()
    with folder() as cwd:
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "bosk-test", cwd],
                               capture_output=True, check=False)
        if mount.returncode != 0:
            raise Skip("cannot mount a small file system")
        try:
            with Run(BEHAVIOUR, "exit", "0", cwd=cwd) as run:
                check_failed_write(run, 125)
                contains(run.err, "No space left on device")
            # The program's own failure is not covered up.
            with Run(BEHAVIOUR, "exit", "3", cwd=cwd) as run:
                check_failed_write(run, 3)
        finally:
            subprocess.run(["umount", cwd], check=False)


def test_file_size_limit():
    def limit(bytes_):
        return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, resource.RLIM_INFINITY))

    # The recording itself is a file too: what cannot be made is told, and nothing is started.
    with folder() as cwd:
        env = {k: v for k, v in os.environ.items() if not k.startswith("BOSK")}
        done = subprocess.run([BOSK, "run", "--", "touch", "ran"], cwd=cwd, env=env,
                              capture_output=True, preexec_fn=limit(512), check=False)
        equal(done.returncode, 125, done.stderr)
        contains(done.stderr.decode(), "cannot make the recording")
        assert not (cwd / "ran").exists()
        # Room for some processes only.
        done = subprocess.run([BOSK, "run", "--", "touch", "ran"], cwd=cwd, env=env,
                              capture_output=True, preexec_fn=limit(5 << 20), check=False)
        equal(done.returncode, 0, done.stderr)
        assert (cwd / "ran").exists()


def test_little_address_space():
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (400 << 20, resource.RLIM_INFINITY))

    with folder() as cwd:
        env = {k: v for k, v in os.environ.items() if not k.startswith("BOSK")}
        done = subprocess.run([BOSK, "run", "--", BEHAVIOUR, "signal", "0"], cwd=cwd, env=env,
                              capture_output=True, preexec_fn=limit, check=False)
        equal(done.returncode, 2, done.stderr)
        contains(done.stderr.decode(), "AT THE PEAK")
        main = json.loads((cwd / "bosk.last/summary.json").read_text())["processes"][0]
        assert main["memory"]["peak_bytes"] > 4_000_000


def test_quiet_and_json():
    with Run("true", options=["--quiet"]) as run:
        equal((run.status, run.err), (0, ""))
        assert run.folder.exists()
    with Run("true", options=["--json"]) as run:
        equal(json.loads(run.err), run.summary())


def test_summary_is_complete_and_typed():
    with Run(BEHAVIOUR, "threads", "16") as run:
        summary, main = run.summary(), run.main()
        equal(summary["bosk_summary"], 1)
        equal(summary["command"][1:], ["threads", "16"])
        equal(summary["ending"]["status"], 0)
        assert main["threads_started"] >= 16
        for key in ("calls", "allocated_bytes", "frees", "freed_bytes", "failed", "samples",
                    "samples_lost", "rounding_bytes"):
            assert isinstance(main[key], int) and main[key] >= 0, key
        assert set(main["latency"]) == {"malloc", "free", "realloc"}
        timeline = main["timeline"]
        assert timeline["interval_ns"] > 0
        equal(len(timeline["live_bytes"]), len(timeline["held_bytes"]))
        assert max(x or 0 for x in timeline["live_bytes"]) <= main["memory"]["peak_bytes"]


def test_program_text_that_is_no_utf8():
    with Run("sh", "-c", ":", os.fsdecode(b"\xff\xfe")) as run:
        equal(run.status, 0)
        equal(run.summary()["command"][3], "??")


run_tests(sys.modules[__name__])
