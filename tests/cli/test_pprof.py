"""heap.pb.gz: the format's rules by a decoder of our own, then go's pprof where there is one."""

import re
import shutil
import subprocess
import sys

from support import FIXTURES, Run, Skip, contains, equal, near, run_tests

SITES = FIXTURES / "fixture_sites"
TYPES = [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"),
         ("inuse_space", "bytes"), ("peak_space", "bytes"), ("slack_space", "bytes")]


def test_shape():
    with Run(SITES) as run:
        p = run.profile()
        equal(p.types, TYPES)
        equal(p.text(p.raw[14]), "peak_space")
        assert p.raw[12] in (16384 << i for i in range(6)), p.raw[12]
        assert p.raw[9] > 1_700_000_000 * 10**9 and p.raw[10] > 0
        contains(p.text(p.raw[13][0]), "bosk ")
        re.compile(p.text(p.raw[7]))
        for sample in p.samples:
            assert all(0 <= v < 1 << 62 for v in sample["values"])
            assert sample["labels"]["bytes"] > 0


def test_mappings():
    with Run(SITES) as run:
        p = run.profile()
        first = next(iter(p.mappings.values()))
        equal(p.text(first[5]), str(SITES.resolve()))
        notes = subprocess.run(["readelf", "-n", SITES], capture_output=True, check=True).stdout
        wanted = re.search(r"Build ID: ([0-9a-f]+)", notes.decode())
        equal(p.text(first.get(6, 0)), wanted.group(1) if wanted else "")
        for m in p.mappings.values():
            assert m[2] < m[3] and m[2] % 4096 == 0, m
        for location in p.locations.values():
            if location.get(2, 0):
                m = p.mappings[location[2]]
                assert m[2] <= location[3] < m[3], "an address lies in its mapping"


def test_leaf_is_the_caller_of_malloc():
    with Run(SITES) as run:
        p = run.profile()
        leaves = {s["names"][0] for s in p.samples if s["names"]}
        assert {"hold_nodes", "hold_large", "churn_strings"} <= leaves, leaves
        assert not any("malloc" in name or name.startswith("boski_") for name in leaves), leaves


def test_lines_of_calls():
    with Run(SITES) as run:
        p = run.profile()
        lines = {}
        for location in p.locations.values():
            for line in location[4]:
                f = p.functions[line[1]]
                lines[p.text(f.get(2, 0))] = (p.text(f.get(4, 0)), line.get(2, 0))
        file, number = lines["hold_nodes"]
        if number == 0:
            raise Skip("the fixture is built without line numbers")
        assert file.endswith("fixture_sites.c"), file
        text = open(file, encoding="utf-8").read().splitlines()
        # The call of malloc, not the line after it.
        contains(text[number - 1], "malloc(100)")


def test_processes_are_told_apart():
    with Run(FIXTURES / "fixture_behaviour", "forks", "3") as run:
        names = {s["labels"].get("process") for s in run.profile().samples}
        equal(len(names), 4)
        assert all(re.fullmatch(r"fixture_behaviour \(\d+\)", n) for n in names), names


def need_go():
    if shutil.which("go") is None:
        raise Skip("there is no go")


def pprof(run, *options):
    done = subprocess.run(["go", "tool", "pprof", *options, run.folder / "heap.pb.gz"], check=True,
                          capture_output=True, timeout=120)
    return done.stdout.decode()


def test_go_tool_pprof_top():
    need_go()
    with Run(SITES, options=["--sample", "4K"]) as run:
        out = pprof(run, "-top")
        contains(out, "Type: peak_space")
        contains(out, "File: fixture_sites")
        rows = dict((line.split()[-1], line.split()[0]) for line in out.splitlines() if "%" in line)
        for name, mib in (("hold_nodes", 12.82), ("hold_large", 10.04), ("hold_buffers", 5.86)):
            near(float(rows[name].removesuffix("MB")), mib, 2, name)
        for kind, _ in TYPES:
            contains(pprof(run, "-top", f"-sample_index={kind}"), f"Type: {kind}")
        contains(pprof(run, "-top", "-sample_index=alloc_objects"), "churn_strings")


def test_go_tool_pprof_other_views():
    need_go()
    with Run(SITES) as run:
        contains(pprof(run, "-tags"), "bytes:")
        contains(pprof(run, "-peek", "hold_nodes"), "main")
        contains(pprof(run, "-traces"), "hold_large")
        contains(pprof(run, "-raw"), "PeriodType: space bytes")


run_tests(sys.modules[__name__])
