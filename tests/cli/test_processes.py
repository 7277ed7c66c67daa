"""More than one process, and processes that do unusual things while they are recorded."""

import os
import shutil
import subprocess
import sys
import tempfile

from support import FIXTURES, Run, Skip, contains, equal, near, run_tests

BEHAVIOUR = FIXTURES / "fixture_behaviour"
MIB = 1 << 20


def by_exe(summary, name):
    return [p for p in summary["processes"] if p["exe"].endswith(f"/{name}")]


def test_fork_children_have_their_own_record():
    with Run(BEHAVIOUR, "forks", "5") as run:
        summary = run.summary()
        equal(run.status, 0)
        equal(len(summary["processes"]), 6)
        parent, *children = summary["processes"]
        near(parent["memory"]["live_bytes"], MIB, 3)
        for child in children:
            equal(child["forked"], True)
            equal(child["ppid"], parent["pid"])
            near(child["memory"]["inherited_bytes"], MIB, 3)
            near(child["allocated_bytes"], MIB // 4, 8)
            near(child["memory"]["live_bytes"], MIB + MIB // 4, 3)
        equal(len({p["pid"] for p in summary["processes"]}), 6)
        contains(run.err, "PROCESSES")


def test_processes_beyond_the_room_are_counted():
    with Run(BEHAVIOUR, "forks", "200") as run:
        summary = run.summary()
        equal(run.status, 0)
        equal(len(summary["processes"]) + summary["processes_without_record"], 201)
        assert summary["processes_without_record"] > 0
        contains(run.err, "more found no room")


def test_exec_children_attach():
    with Run("sh", "-c", f"{BEHAVIOUR} exit 0; {BEHAVIOUR} signal 0; true") as run:
        summary = run.summary()
        equal(run.status, 0)
        equal(len(by_exe(summary, "fixture_behaviour")), 2, run.err)
        # The one that allocated most is reported on, not the shell that was started.
        main = summary["processes"][summary["main_process"]]
        assert main["exe"].endswith("/fixture_behaviour"), main["exe"]
        assert main["memory"]["peak_bytes"] > 4 * MIB - MIB // 8


def test_exec_in_place_attaches():
    with Run("sh", "-c", f"exec {BEHAVIOUR} signal 0") as run:
        equal(run.status, 2)
        summary = run.summary()
        equal(len({p["pid"] for p in summary["processes"]}), 1)
        near(run.main()["memory"]["peak_bytes"], 4 * MIB, 3)


def test_vfork_and_exec():
    with Run(BEHAVIOUR, "vfork", BEHAVIOUR, "exit", "7") as run:
        equal(run.status, 7, run.err)
        equal(len(run.summary()["processes"]), 2)


def test_pipelines():
    with Run("sh", "-c", "seq 1 20000 | sort -n | tail -1") as run:
        equal((run.status, run.out), (0, "20000\n"))
        names = {p["exe"].rsplit("/", 1)[1] for p in run.summary()["processes"]}
        assert {"seq", "sort", "tail"} <= names, names


def test_children_with_a_cleared_environment_run_on():
    with Run(BEHAVIOUR, "clearenv", "/bin/echo", "hello") as run:
        equal((run.status, run.out), (0, "hello\n"))
        equal(len(run.summary()["processes"]), 1)


def test_nothing_recorded_is_said():
    # A program that never allocates may leave no trace but what libc itself asks for.
    with Run("env", "-i", "/bin/true") as run:
        equal(run.status, 0)
        contains(run.err, "bosk: env exited with 0")


def test_target_that_closes_all_files():
    with Run(BEHAVIOUR, "closefds") as run:
        equal(run.status, 7)
        near(run.main()["memory"]["live_bytes"], 8 * MIB, 2)
        contains(run.err, "AT THE PEAK")


def test_target_that_changes_its_user():
    if os.getuid() != 0:
        raise Skip("needs to be root")
    with Run(BEHAVIOUR, "setuid", "65534") as run:
        equal(run.status, 0)
        near(run.main()["memory"]["live_bytes"], 8 * MIB, 2)


def test_exec_after_a_change_of_user_says_why_it_is_not_recorded():
    if os.getuid() != 0:
        raise Skip("needs to be root")
    with Run(BEHAVIOUR, "setuid", "65534", "/bin/echo", "hello") as run:
        equal((run.status, run.out), (0, "hello\n"), run.err)
        equal(len(run.summary()["processes"]), 1)
        contains(run.err, "cannot attach to the recording")


def test_a_process_that_outlives_the_observer_is_quiet():
    with tempfile.TemporaryDirectory() as d:
        late = f"sleep 1.5; {BEHAVIOUR} exit 0 2> {d}/err; echo $? > {d}/status"
        with Run("sh", "-c", f"({late}) > /dev/null 2>&1 &") as run:
            equal(run.status, 0)
        subprocess.run(["sleep", "2.5"], check=True)
        equal(open(f"{d}/status", encoding="ascii").read(), "0\n")
        equal(open(f"{d}/err", encoding="ascii").read(), "")


def test_threads():
    with Run(BEHAVIOUR, "threads", "200") as run:
        main = run.main()
        equal(run.status, 0)
        assert 200 <= main["threads_started"] <= 203
        assert 200_000 <= main["calls"] <= 205_000, main["calls"]
        assert 199_000 <= main["frees"] <= main["calls"], main["frees"]


def test_deep_stacks_are_cut():
    for depth in (1, 5, 128):
        with Run(BEHAVIOUR, "deep", options=["--depth", str(depth), "--sample", "64K"]) as run:
            longest = max(len(s["locations"]) for s in run.profile().samples)
            equal(longest, depth)


def test_places_in_a_library_that_is_closed_again():
    cc = os.environ.get("CC", "cc").split()
    folder = tempfile.mkdtemp(prefix="bosk-test-")
    try:
        for name in ("first", "second"):
            source = f"{folder}/{name}.c"
            with open(source, "w", encoding="ascii") as f:
                f.write(f"#include <stdlib.h>\nvoid *from_{name}(size_t n) "
                        "{ void *p = malloc(n); __asm__ volatile(\"\" : \"+r\"(p)); return p; }\n")
            library = f"{folder}/lib{name}.so"
            subprocess.run([*cc, "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
            with Run(BEHAVIOUR, "dlopen", library, f"from_{name}",
                     options=["--sample", "4K"]) as run:
                equal(run.status, 0)
                found = [p for p in run.main()["places"]
                         if p["place"].startswith(f"from_{name} < main")]
                equal(len(found), 1)
                near(found[0]["live_bytes"], 64 * 106496, 2)
    finally:
        shutil.rmtree(folder)


def test_a_library_that_changed_on_disk_is_not_believed():
    cc = os.environ.get("CC", "cc").split()
    with tempfile.TemporaryDirectory() as d:
        def build(name):
            with open(f"{d}/x.c", "w", encoding="ascii") as f:
                f.write(f"#include <stdlib.h>\nvoid *{name}(size_t n) "
                        "{ void *p = malloc(n); __asm__ volatile(\"\" : \"+r\"(p)); return p; }\n")
            subprocess.run([*cc, "-O2", "-shared", "-fPIC", "-Wl,--build-id", "-o", f"{d}/new.so",
                            f"{d}/x.c"], check=True)

        build("honest")
        shutil.copy(f"{d}/new.so", f"{d}/lib.so")
        build("another")
        # The program itself puts the other file in place before it ends.
        swap = f"{BEHAVIOUR} dlopen {d}/lib.so honest; mv {d}/new.so {d}/lib.so; true"
        with Run("sh", "-c", swap) as run:
            equal(run.status, 0)
            text = " ".join(p["place"] for p in run.main()["places"])
            assert "another" not in text and "honest" not in text, text
            contains(text, "main")


def test_labels():
    with Run(BEHAVIOUR, "labels", options=["--sample", "4K"]) as run:
        equal(run.status, 0)
        labels = {x["label"]: x for x in run.main()["labels"]}
        near(labels["request"]["allocated_bytes"], 8 * MIB, 8)
        near(labels["\x1b[31minner"]["allocated_bytes"], 2 * MIB, 15)
        for label in labels.values():
            assert 0 < label["standard_error_bytes"] < 0.1 * label["allocated_bytes"]
        contains(run.err, "LABELS")
        assert "\x1b" not in run.err, "what the program wrote must not steer the terminal"
        kinds = [s["labels"].get("label") for s in run.profile().samples]
        assert "request" in kinds and None in kinds


run_tests(sys.modules[__name__])
