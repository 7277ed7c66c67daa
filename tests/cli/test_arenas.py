"""What a recording tells of arenas and huge buffers: who asked for them, and that a reset frees."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from support import BUILD, SOURCE, Run, equal, near, run_tests

PROGRAM = r"""
#include <bosk/bosk.h>
__attribute__((noinline)) void in_arena(bosk_arena *a, int i)
{
    char *p = bosk_arena_alloc(a, (size_t)(100 + i % 5000), 0);
    p[0] = 1;
    __asm__ volatile("" : : "r"(p) : "memory");
}
__attribute__((noinline)) void in_huge(void)
{
    char *p = bosk_hugealloc((size_t)8 << 20, BOSK_HUGE_TRANSPARENT, NULL);
    p[0] = 1;
    __asm__ volatile("" : : "r"(p) : "memory");
    bosk_hugefree(p);
}
int main(int argc, char **argv)
{
    bosk_arena *a = bosk_arena_new(0);
    (void)argv;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 20000; i++) in_arena(a, i);
        char *g = bosk_arena_alloc(a, 100000, 0);
        for (int i = 0; i < 50; i++) g = bosk_realloc(g, 100000 + (size_t)i * 50000);
        in_huge();
        if (argc < 2) bosk_arena_reset(a, SIZE_MAX);
    }
    if (argc < 3) return 0;
    bosk_arena_free(a);
    return 0;
}
"""
CALLS = 20 * (20000 + 1 + 1)


def record(*arguments):
    """The main process of a run, with whatever was sampled of it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bosk-test-"))
    try:
        (folder / "p.c").write_text(PROGRAM)
        cc = os.environ.get("CC", "cc").split()
        subprocess.run([*cc, "-g", "-O1", f"-I{SOURCE}/include", "-o", folder / "p", folder / "p.c",
                        BUILD / "lib" / "libbosk.a", "-pthread", "-ldl"], check=True)
        with Run(folder / "p", *arguments) as run:
            equal(run.status, 0, run.err)
            return run.main()
    finally:
        shutil.rmtree(folder)


def place(process, name):
    found = [p for p in process["places"] if p["place"].startswith(f"{name} < main")]
    equal(len(found), 1, f"places of {name} in {[p['place'] for p in process['places']]}")
    return found[0]


def test_reset_frees():
    p = record()
    assert CALLS <= p["calls"] <= CALLS + 100, p["calls"]
    assert p["memory"]["live_bytes"] < 1 << 20, p["memory"]
    asked = 20 * sum(100 + i % 5000 + 8 for i in range(20000))
    near(place(p, "in_arena")["allocated_bytes"], asked, 5, "bytes of the arena")
    near(place(p, "in_huge")["allocated_bytes"], 20 * (8 << 20), 20, "bytes of huge buffers")
    equal(place(p, "in_arena")["live_blocks"], 0)
    assert p["reallocs"]["grown_in_place"] >= 500, p["reallocs"]


def test_what_is_kept_is_live():
    p = record("keep")
    near(p["memory"]["live_bytes"], p["allocated_bytes"] - p["freed_bytes"], 0.01, "live bytes")
    near(place(p, "in_arena")["live_bytes"], place(p, "in_arena")["allocated_bytes"], 0.1, "kept")
    equal(place(p, "in_huge")["live_blocks"], 0)


def test_free_of_the_arena_frees():
    p = record("keep", "free")
    assert p["memory"]["live_bytes"] < 1 << 20, p["memory"]
    equal(place(p, "in_arena")["live_blocks"], 0)


run_tests(sys.modules[__name__])
