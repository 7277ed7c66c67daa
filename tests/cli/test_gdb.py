"""bosk-gdb.py: the heap seen from gdb, in a running process and in a core file."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from support import LIBRARY, SOURCE, Skip, contains, equal, near, run_tests

PROGRAM = r"""
#include <pthread.h>
#include <stdlib.h>
char *kept[1000], *large, *freed, *one, *never = "";
void stop(void) { __asm__ volatile(""); }
static void *other(void *arg)
{
    for (int i = 0; i < 100; i++) free(malloc(3000));
    return arg;
}
int main(void)
{
    pthread_t t;
    for (int i = 0; i < 1000; i++) kept[i] = malloc(200);
    for (int i = 0; i < 500; i++) free(kept[i * 2]);
    freed = kept[998];
    one = kept[501];
    large = malloc(1000000);
    pthread_create(&t, 0, other, 0);
    pthread_join(t, 0);
    stop();
    return 0;
}
"""


class Session:
    """The program stopped where all is allocated, in gdb."""

    def __enter__(self):
        if shutil.which("gdb") is None:
            raise Skip("there is no gdb")
        self.dir = tempfile.mkdtemp(prefix="bosk-test-")
        with open(f"{self.dir}/p.c", "w", encoding="ascii") as f:
            f.write(PROGRAM)
        cc = os.environ.get("CC", "cc").split()
        subprocess.run([*cc, "-g", "-O0", "-fno-builtin", "-pthread", "-o", f"{self.dir}/p",
                        f"{self.dir}/p.c"], check=True)
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.dir)

    def gdb(self, *commands, target=()):
        argv = ["gdb", "-nx", "-batch"]
        for c in commands:
            argv += ["-ex", c]
        done = subprocess.run([*argv, f"{self.dir}/p", *target], capture_output=True, timeout=120,
                              cwd=self.dir, check=False)
        return done.stdout.decode() + done.stderr.decode()

    def start(self):
        return ("set startup-with-shell off", "set breakpoint pending on",
                f"set environment LD_PRELOAD {LIBRARY}", "break stop", "run",
                f"source {SOURCE}/gdb/bosk-gdb.py")


def check_heap(out):
    # 500 blocks of 208, one large, and what libc keeps.
    row = re.search(r"^ +15 +208 B +\d+ +[\d.]+ KiB +(\d+) ", out, re.M)
    assert row, out
    equal(int(row.group(1)), 500)
    row = re.search(r"^ +0 +large +(\d+)", out, re.M)
    equal(int(row.group(1)), 1)
    total = re.search(r"^([\d.]+) MiB in (\d+) blocks", out, re.M)
    near(float(total.group(1)), (500 * 208 + 1007616) / (1 << 20), 3, "live bytes")
    assert 501 <= int(total.group(2)) <= 520, out


def check_who(out):
    contains(out, "of 208 bytes, in use; span at ")
    contains(out, "is 5 bytes into the block at")
    contains(out, "of 208 bytes, free, in the cache of a thread")
    contains(out, "70000 bytes into the block at")
    contains(out, "is not in a span of this heap")


WHO = ("bosk who one", "bosk who one+5", "bosk who freed", "bosk who large+70000", "bosk who &main")


def test_running_process():
    with Session() as s:
        out = s.gdb(*s.start(), "bosk heap", *WHO, "bosk spans 15", "bosk who")
        check_heap(out)
        check_who(out)
        contains(out, "class 15")
        contains(out, "usage: bosk who ADDRESS")


def test_core_file():
    with Session() as s:
        contains(s.gdb(*s.start(), "generate-core-file the.core"), "Saved corefile")
        out = s.gdb(f"source {SOURCE}/gdb/bosk-gdb.py", "bosk heap", *WHO, target=["the.core"])
        check_heap(out)
        check_who(out)


def test_arenas():
    with Session() as s:
        out = s.gdb("set environment BOSK_CONF reserve=1", *s.start(), "bosk heap", *WHO)
        check_heap(out)
        check_who(out)


def test_process_without_the_heap():
    with Session() as s:
        out = s.gdb("break stop", "run", f"source {SOURCE}/gdb/bosk-gdb.py", "bosk heap")
        contains(out, "no bosk heap")


MAPS = r"""
#include <bosk/bosk.h>
typedef BOSK_MAP(bosk_str, int) counts;
typedef BOSK_MAP(int, double) numbers;
typedef BOSK_SET(long) set;
static counts none;
void stop(void) { __asm__ volatile(""); }
int main(void)
{
    counts m = bosk_make_map(counts, 0);
    numbers n = bosk_make_map(numbers, 0);
    set s = bosk_make_map(set, 0);
    bosk_set(m, BOSK_STR("go"), 3);
    for (int i = 0; i < 5000; i++) bosk_set(n, i, i / 2.0);
    bosk_add(s, 77);
    stop();
    return bosk_map_len(m) + bosk_map_len(n) + bosk_map_len(s) + bosk_map_len(none) == 0;
}
"""


def test_maps():
    with Session() as s:
        with open(f"{s.dir}/v.c", "w", encoding="ascii") as f:
            f.write(MAPS)
        cc = os.environ.get("CC", "cc").split()
        subprocess.run([*cc, "-g", "-O0", f"-I{SOURCE}/include", "-o", f"{s.dir}/p", f"{s.dir}/v.c",
                        f"{os.environ['BUILD_DIR']}/lib/libbosk.a", "-pthread", "-ldl"], check=True)
        out = s.gdb("set startup-with-shell off", "break stop", "run",
                    f"source {SOURCE}/gdb/bosk-gdb.py", "up", "print m", "print s", "print none",
                    "set print elements 0", "print n")
        contains(out, 'map[bosk_str]int len=1 homes=1 = {["go" len=2] = 3}')
        contains(out, "set[long] len=1 homes=1 = {77}")
        contains(out, "map[bosk_str]int nil")
        contains(out, "map[int]double len=5000")
        for i in (0, 1, 4999):
            contains(out, f"[{i}] = {i / 2:g}")


VALUES = r"""
#include <bosk/bosk.h>
typedef BOSK_SLICE(int) ints;
struct point { int x, y; };
typedef BOSK_SLICE_POINTER_FREE(struct point) points;
struct window { int *ptr; long len; char cap; };
static ints none, broken = {0, 5, 2};
static struct window other;
void stop(void) { __asm__ volatile(""); }
int main(void)
{
    ints s = bosk_append(bosk_make(ints, 0, 8), 1, 2, 3, 4, 5), many = bosk_make(ints, 1000);
    points p = bosk_literal(points, {1, 2}, {3, 4});
    bosk_str t = BOSK_STR("say \"h\xc3\xa9\"\n"), u = {0}, bytes = BOSK_STR("\xff");
    stop();
    return s.len + many.len + p.len + t.len + u.len + bytes.len + none.len + broken.len == 0;
}
"""


def test_values():
    with Session() as s:
        build = os.environ["BUILD_DIR"]
        with open(f"{s.dir}/v.c", "w", encoding="ascii") as f:
            f.write(VALUES)
        cc = os.environ.get("CC", "cc").split()
        subprocess.run([*cc, "-g", "-O0", f"-I{SOURCE}/include", "-o", f"{s.dir}/p", f"{s.dir}/v.c",
                        f"{build}/lib/libbosk.a", "-pthread", "-ldl"], check=True)
        shown = [f"print {name}" for name in
                 ("s", "many", "p", "t", "u", "bytes", "none", "broken", "other", "&s")]
        source = f"source {SOURCE}/gdb/bosk-gdb.py"
        out = s.gdb("set startup-with-shell off", "break stop", "run", "up", source, source,
                    "set print elements 4", *shown)
        contains(out, "= []int len=5 cap=8 = {1, 2, 3, 4...}")
        contains(out, "= []int len=1000 cap=1000 = {0, 0, 0, 0...}")
        contains(out, "= []struct point len=2 cap=2 = {{x = 1, y = 2}, {x = 3, y = 4}}")
        contains(out, '= "say "... len=10')
        contains(out, '= ""\n')
        contains(out, '= "\\xff" len=1')
        contains(out, "= []int nil\n")
        contains(out, "= []int BROKEN len=5 cap=2 ptr=0x0")
        contains(out, "= {ptr = 0x0, len = 0, cap = 0 '\\000'}")  # not ours
        contains(out, "(ints *) 0x")


SHARED = r"""
#include <bosk/cslice.h>
struct point { int x, y; };
typedef BOSK_CSLICE(struct point) points;
typedef BOSK_CSLICE(long) longs;
typedef union { struct { int n; } all; int *ptr; long cap; } other;
static points p;
static longs many, gap, none;
static other o;
void stop(void) { __asm__ volatile(""); }
int main(void)
{
    static const bosk_type type = {.size = sizeof(long), .align = 8, .noscan = true};
    for (int i = 0; i < 1000; i++) bosk_cslice_append(&many, i);
    bosk_cslice_append(&p, {1, 2});
    bosk_cslice_append(&p, {3, 4});
    for (int i = 0; i < 70; i++) bosk_cslice_append(&gap, i);
    boski_cslice_take(&type, &gap.all);
    for (int i = 71; i < 400; i++) bosk_cslice_append(&gap, i);
    stop();
    return o.cap == 1;
}
"""


def test_concurrent_slices():
    with Session() as s:
        build = os.environ["BUILD_DIR"]
        with open(f"{s.dir}/c.c", "w", encoding="ascii") as f:
            f.write(SHARED)
        cc = os.environ.get("CC", "cc").split()
        subprocess.run([*cc, "-g", "-O0", f"-I{SOURCE}/include", "-o", f"{s.dir}/p", f"{s.dir}/c.c",
                        f"{build}/lib/libbosk.a", "-pthread", "-ldl"], check=True)
        shown = [f"print {name}" for name in ("p", "many", "gap", "none", "o", "&p")]
        out = s.gdb("set startup-with-shell off", "break stop", "run", "up",
                    f"source {SOURCE}/gdb/bosk-gdb.py", "set print elements 3", *shown)
        contains(out, "= []struct point shared len=2 = {{x = 1, y = 2}, {x = 3, y = 4}}")
        contains(out, "= []long shared len=1000 = {0, 1, 2...}")
        contains(out, "= []long shared len=70 and 329 beyond a gap = {0, 1, 2...}")
        contains(out, "= []long shared len=0")
        contains(out, "= {all = {n = 0}, ptr = 0x0, cap = 0}")  # not ours
        contains(out, "(points *) 0x")


KINDS = r"""
#include <bosk/bosk.h>
struct point { int x, y; };
static void *nothing(void) { return bosk_malloc(16); }
bosk_pool pool = BOSK_POOL(nothing, bosk_free), unused;
bosk_arena *arena;
char *in_arena, *large;
void stop(void) { __asm__ volatile(""); }
int main(void)
{
    bosk_any number = bosk_box(4711), half = bosk_box(0.5), nil = {0, 0};
    bosk_any place = bosk_box_as(struct point, {1, 2});
    struct point here = {3, 4};
    bosk_any pointer = bosk_box_as(struct point *, &here);
    for (int i = 0; i < 30; i++) bosk_pool_put(&pool, bosk_malloc(16));
    bosk_trim(SIZE_MAX);
    for (int i = 0; i < 7; i++) bosk_pool_put(&pool, bosk_malloc(16));
    arena = bosk_arena_new(1 << 20);
    for (int i = 0; i < 10; i++) in_arena = bosk_arena_alloc(arena, 100, 0);
    large = bosk_arena_alloc(arena, 100000, 0);
    stop();
    return (int)(number.type == half.type) + (nil.type == place.type) + (pointer.data == 0);
}
"""


def test_kinds():
    with Session() as s:
        build = os.environ["BUILD_DIR"]
        with open(f"{s.dir}/k.c", "w", encoding="ascii") as f:
            f.write(KINDS)
        cc = os.environ.get("CC", "cc").split()
        subprocess.run([*cc, "-g", "-O0", f"-I{SOURCE}/include", "-o", f"{s.dir}/p", f"{s.dir}/k.c",
                        f"{build}/lib/libbosk.a", "-pthread", "-ldl"], check=True)
        shown = [f"print {name}" for name in
                 ("number", "half", "nil", "place", "pointer", "pool", "unused", "*arena")]
        out = s.gdb("set startup-with-shell off", "break stop", "run", "up",
                    f"source {SOURCE}/gdb/bosk-gdb.py", *shown, "bosk who in_arena+3",
                    "bosk who in_arena+200", "bosk who large+5", "bosk spans 0", "bosk heap")
        contains(out, "= any(int) 4711")
        contains(out, "= any(double) 0.5")
        contains(out, "= any nil")
        contains(out, "= any(struct point) {x = 1, y = 2}")
        contains(out, "= any(struct point *) 0x")
        contains(out, "= pool of 7 items and 30 victims")
        contains(out, "= pool of 0 items\n")
        contains(out, "= arena of 105 KiB in 11 blocks, 112 KiB held, at most 1 MiB")
        contains(out, "is 3 bytes into the block at")
        contains(out, "of 112 bytes, in use; chunk at")
        contains(out, "is in the unused part of the chunk at")
        contains(out, "is 5 bytes into the block at")
        contains(out, "of 106496 bytes, in use; span at")
        assert re.search(r"10 blocks, 1.09 KiB +of an arena", out), out
        row = re.search(r"^ +0 +large +2 +112 KiB +11 +105 KiB", out, re.M)
        assert row, out


run_tests(sys.modules[__name__])
