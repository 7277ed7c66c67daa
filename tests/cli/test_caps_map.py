"""bosk caps map against what real Go printed, against rules written out again, and its pictures."""

import csv
import io
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

from support import BOSK, BUILD, contains, equal, run_tests

SVG = "{http://www.w3.org/2000/svg}"


def caps(*args, status=0):
    done = subprocess.run([BOSK, "caps", "map", *map(str, args)], capture_output=True, timeout=120,
                          check=False)
    equal(done.returncode, status, f"{args}: {done.stderr.decode()}")
    return (done.stdout if status == 0 else done.stderr).decode()


def table(*args):
    return list(csv.DictReader(io.StringIO(caps(*args, "--csv"))))


def golden(name):
    with open(BUILD / "golden" / f"{name}.csv", encoding="utf-8") as f:
        for row in csv.DictReader(f):
            row["go"] = re.match(r"go(1\.\d+)", row["go_version"])[1]
            key, value = row["map"].split("->")
            row["types"] = key, value.replace("struct{2xint64}", "struct{int64; int64}")
            yield row


def test_growth_of_bucket_maps():
    wanted, compared = {}, 0
    for row in golden("mapbuckets"):
        if row["event"] == "grow":
            wanted.setdefault(row["types"], []).append(row)
    for (key, value), rows in wanted.items():
        most = max(int(r["n"]) for r in rows)
        ours = {(r["go"], r["arch"], r["entry"]): r for r in
                table("--key", key, "--val", value, "--go", "all", "--arch", "all", "--to", most)}
        for row in rows:
            mine = ours[row["go"], row["arch"], row["n"]]
            equal(int(mine["units"]), 2 ** int(row["b_after"]), str(row))
            equal(int(mine["writes"]), 2 ** int(row["b_before"]), str(row))
            compared += 1
    equal(compared, 2556)


def test_growth_of_swiss_maps():
    compared = 0
    for row in golden("swissmap"):
        if row["event"] != "grow" or int(row["tables"]) > 2 or row["n"] == "1":
            continue
        key, value = row["types"]
        mine = {r["entry"]: r for r in table("--key", key, "--val", value, "--go", row["go"],
                                             "--arch", row["arch"], "--to", 1000)}
        equal((mine[row["n"]]["slots"], mine[row["n"]]["tables"]), (row["slots"], row["tables"]))
        compared += 1
    assert compared > 40, compared


def test_bytes_an_entry_are_those_that_were_measured():
    """Just before a growth nothing is left of an old array, and the figure is exact or a mean."""
    measured = {}
    for row in golden("mapmem"):
        if row["how"] == "grown" and row["n"] in ("8", "13", "9"):
            measured[row["go"], row["arch"], row["types"], row["n"]] = float(row["bytes_per_entry"])
    compared = 0
    for (go, arch, (key, value), n), each in measured.items():
        for row in table("--key", key, "--val", value, "--go", go, "--arch", arch, "--to", 30):
            if int(row["entry"]) - 1 == int(n):
                assert abs(float(row["each_before"]) - each) < 0.07 * each, (row, each)
                compared += 1
            if row["entry"] == n:
                assert abs(float(row["each_behind"]) - each) < 0.07 * each, (row, each)
                compared += 1
    assert compared > 100, compared


def doubling(capacity, load, to):
    """Java's HashMap, written out again: resize when ++size > capacity * load."""
    slots = 1
    while slots < capacity:
        slots *= 2
    for n in range(1, to + 1):
        moved = 0
        if n > int(slots * load):
            slots, moved = slots * 2, n - 1
        yield n, slots, moved


def test_a_threshold_insert_by_insert():
    for capacity, load in ((16, "0.75"), (1, "0.5"), (10, "1"), (64, "0.25")):
        rows = table("--rule", "threshold", "--load", load, "--capacity", capacity, "--to", 50)
        equal([(int(r["insert"]), int(r["slots"]), int(r["moved"])) for r in rows],
              list(doubling(capacity, float(load), 50)))
    out = caps("--rule", "threshold", "--load", "0.75", "--capacity", "16", "--to", "20")
    contains(out, "12 entries fit, insertion 13 makes it grow")
    # Long runs show the insertions at which something grows, and these are all of them.
    rows = {int(r["insert"]): r for r in table("--rule", "threshold", "--to", 5000, "--arch",
                                               "amd64")}
    for n, slots, moved in doubling(16, 0.75, 5000):
        if moved:
            equal((int(rows[n]["slots"]), int(rows[n]["moved"])), (slots, moved))
    for go in ("1.22", "1.24"):
        for grow in table("--go", go, "--to", 5000, "--arch", "amd64"):
            equal(rows[int(grow["entry"])][f"Go {go} slots"], grow["slots"])
            equal(int(rows[max(k for k in rows if k < int(grow["entry"]))][f"Go {go} slots"]) * 2,
                  int(grow["slots"]))


def test_evacuation_step_by_step():
    for seed in range(1, 9):
        for to, old in ((30, 4), (60, 8), (120, 16), (3000, 256)):
            rows = table("--steps", "--go", "1.22", "--arch", "amd64", "--seed", seed, "--to", to)
            chains = [int(r["chains"]) for r in rows]
            left = [int(r["left"]) for r in rows]
            assert max(chains) <= 2, chains
            equal(sum(chains), old)
            equal(left, [old - sum(chains[:i + 1]) for i in range(len(chains))])
            assert old // 2 <= len(rows) <= old
            # Everything that was there is moved once.
            begun = int(rows[0]["entries"])
            moved = sum(int(r["moved"]) for r in rows)
            assert begun - 1 <= moved <= begun - 1 + len(rows), (begun, moved)
            contains(rows[0]["what"], f"grows to {old * 2} buckets; moves ")
    assert caps("--steps", "--seed", 1, "--go", "1.22") \
        != caps("--steps", "--seed", 2, "--go", "1.22")


def test_in_words():
    out = caps("--key", "string", "--val", "[]byte", "--go", "1.21,1.22,1.24", "--arch", "amd64")
    for words in ("map[string][]byte, Go 1.21, amd64", "buckets of 8 slots take 336 bytes",
                  "at most 6 entries a bucket", "at most 6.5 entries a bucket",
                  "groups of 8 slots take 328 bytes", "at most 7 of 8 slots"):
        contains(out, words)
    contains(caps("--val", "[200]byte"), "values 8 by pointer")
    answer = json.loads(caps("--json"))
    equal((answer["bosk_caps"], answer["command"], answer["rows"][0]["entry"]), (1, "map", 9))


def test_pictures():
    for args in ((), ("--go", "all", "--arch", "all"), ("--to", 1), ("--to", 20),
                 ("--key", "string", "--val", "chan<- int"), ("--hint", 5000, "--to", 100000),
                 ("--rule", "threshold", "--load", "0.5")):
        root = xml.fromstring(caps(*args, "--svg"))
        _, _, width, height = map(float, root.get("viewBox").split())
        for path in root.iter(SVG + "path"):
            d = path.get("d")
            assert "nan" not in d and "inf" not in d, (args, d[:100])
            for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", d):
                assert 0 <= float(x) <= width and 0 <= float(y) <= height, (args, d[:100])
        page = caps(*args, "--html")
        contains(page, "prefers-color-scheme:dark")
        assert "<script" not in page
    titles = [c[0].text for c in xml.fromstring(caps("--to", 1000, "--arch", "amd64", "--svg"))
              .iter(SVG + "circle")]
    assert "insertion 13 moves 12" in titles and "insertion 897 moves 896" in titles, titles


WRONG = [("more",), ("--key", "[]int"), ("--key", "map[int]int"), ("--key", "Foo"),
         ("--val", "Foo"),
         ("--key", ""), ("--val", "[99999999999]int", "--arch", "arm"), ("--go", "1.14"),
         ("--load", "0"), ("--load", "2"), ("--load", "x"), ("--load", "nan"), ("--capacity", "0"),
         ("--capacity", "-1"), ("--capacity", 2**50), ("--to", "0"), ("--to", 2**50),
         ("--hint", "-1"),
         ("--rule", "x2"), ("--rule", "threshold", "--steps"), ("--steps", "--go", "1.24"),
         ("--steps", "--to", 5), ("--steps", "--svg"), ("--steps", "--to", 10**7), ("--from", 1),
         ("--elem", "int"), ("--dot",), ("--seed", "x"), ("--seed", "-1")]


def test_wrong_input_is_one_line():
    for args in WRONG:
        err = caps(*args, status=2)
        assert err.startswith("bosk: caps map: ") and err.count("\n") == 1, (args, err)


run_tests(sys.modules[__name__])
