"""bosk caps against what real Go printed, row by row; its formats; and what it refuses."""

import csv
import io
import itertools
import json
import re
import subprocess
import sys
import tempfile
import pathlib

from support import BOSK, BUILD, contains, equal, run_tests

GOLDEN = BUILD / "golden"
ARCHES = ("amd64", "arm64", "386", "arm")
VERSIONS = tuple(f"1.{minor}" for minor in range(15, 27))
ALL = ("--go", "all", "--arch", "all")


def caps(*args, status=0, stdin=None):
    done = subprocess.run([BOSK, "caps", *map(str, args)], capture_output=True, timeout=120,
                          check=False, input=stdin)
    out, err = done.stdout.decode(), done.stderr.decode()
    equal(done.returncode, status, f"{args}: {err}{out[:500]}")
    return out if status == 0 else err


def table(*args):
    """The rows that --csv prints, as dictionaries."""
    return list(csv.DictReader(io.StringIO(caps(*args, "--csv"))))


def golden(name):
    with open(GOLDEN / f"{name}.csv", encoding="utf-8") as f:
        for row in csv.DictReader(f):
            row["go"] = re.match(r"go(1\.\d+)", row["go_version"])[1]
            yield row


def groups(rows, *keys):
    out = {}
    for row in rows:
        out.setdefault(tuple(row[k] for k in keys), []).append(row)
    return out


# ---- what real Go printed ----------------------------------------------------------------

def test_every_row_of_appendone():
    compared = 0
    wanted = groups(golden("appendone"), "elem_size", "noscan")
    for (size, noscan), rows in wanted.items():
        ladders = {}
        for (go, arch), steps in groups(rows, "go", "arch").items():
            ladders[go, arch] = [(int(r["old_cap"]), int(r["new_cap"])) for r in steps]
        # Elements of two kinds and one size have the same ladder: they are told apart by `elem`.
        for arch in sorted({arch for _, arch in ladders}):
            most = max(max(new for _, new in l) for (_, a), l in ladders.items() if a == arch)
            ours = groups(table("slice", "--elem", size, *([] if int(noscan) else ["--ptr"]),
                                "--go", "all", "--arch", arch, "--to", most), "go")
            for (go, a), steps in ladders.items():
                if a != arch:
                    continue
                mine = {}
                old = 0
                for row in ours[(go,)]:
                    mine[old] = int(row["cap"])
                    old = int(row["cap"])
                for old, new in steps:
                    equal(mine[old], new, f"{size} bytes, Go {go} {arch}, full at {old}")
                    compared += 1
    equal(compared, 29924)


def test_ends_of_every_row_of_roundup():
    compared = 0
    for (kind,), rows in groups(golden("roundup"), "kind").items():
        sizes = sorted({int(r[end]) for r in rows for end in ("lo", "hi")} - {0})
        ours = {}
        for at in range(0, len(sizes), 200):
            only = ["--ptr"] if kind == "scan" else []
            for row in table("size", *sizes[at:at + 200], *ALL, *only):
                if (row["pointers"] == "yes") == (kind == "scan"):
                    ours[row["size"], row["go"], row["arch"]] = int(row["usable"])
        for row in rows:
            for end in ("lo", "hi"):
                if row[end] != "0":
                    equal(ours[row[end], row["go"], row["arch"]], int(row["usable"]), str(row))
                    compared += 1
    assert compared > 5000, compared


def test_every_row_of_spans():
    ours = {(r["go"], r["arch"], r["bytes"]): r for r in table("classes", *ALL)}
    compared = 0
    for row in golden("spans"):
        mine = ours[row["go"], row["arch"], row["object_size"]]
        if row["objects"] != "0":
            key = "objects" if row["kind"] == "noscan" else "pointer_objects"
            equal(mine[key], row["objects"], str(row))
        compared += 1
    equal(compared, 2394)


def test_classes_are_those_of_the_versions():
    rows = groups(table("classes", *ALL), "go", "arch")
    equal(len(rows), 48)
    for (go, _), classes in rows.items():
        equal(len(classes), 66 if go == "1.15" else 67)
        equal([int(r["class"]) for r in classes], list(range(1, len(classes) + 1)))
        assert ("24" in [r["bytes"] for r in classes]) == (go != "1.15")
        for before, r in zip([None, *classes], classes):
            size, span, objects = int(r["bytes"]), int(r["span"]), int(r["objects"])
            equal(int(r["tail"]), span - size * objects)
            least = int(before["bytes"]) + 1 if before else 1
            worst = 100 * (1 - least * objects / span)
            assert abs(worst - float(r["worst_waste"])) < 0.006, r
            equal(int(r["align"]), min(size & -size, 8192))


def test_every_row_of_sizes():
    rows = groups(golden("sizes"), "type")
    compared = 0
    for (text,), wanted in rows.items():
        layouts = {layout["arch"]: layout for layout in
                   json.loads(caps("struct", f"struct{{it {text}}}", "--json"))["layouts"]}
        for row in wanted:
            given = layouts[row["arch"]]["given"]
            equal((given["fields"][0]["bytes"], layouts[row["arch"]]["align"]),
                  (int(row["size"]), int(row["align"])), str(row))
            compared += 1
    equal(compared, 756)


ESCAPES = {
    "make([]int,10)_local": ("make([]int, 10)", "stays"),
    "make([]int,16)_128B_local": ("make([]int, 16)", "stays"),
    "make([]byte,variable10)_local": ("make([]byte, n=10)", "stays"),
    "make([]int,variable4)_local": ("make([]int, n=4)", "stays"),
    "make([]int,variable5)_local": ("make([]int, n=5)", "stays"),
    "make([]int,5)_returned": ("make([]int, 5)", "escapes"),
    "make([]int,0,100)_local": ("make([]int, 0, 100)", "stays"),
    "make([]byte,0,128)_append_OK_local": ("make([]byte, 0, 128)", "stays"),
    "append_nil_1_local": ("append([]int(nil), 1)", "stays"),
    "var[1<<20]byte_local": ("var x [1048576]byte", "stays"),
    "var[10<<20]byte_local": ("var x [10485760]byte", "stays"),
    "var[10<<20+1]byte_local": ("var x [10485761]byte", "stays"),
    "box_int_0": ("any(x=0)", "escapes"),
    "box_int_255": ("any(x=255)", "escapes"),
    "box_int_256": ("any(x=256)", "escapes"),
    "box_int_-1": ("any(x=-1)", "escapes"),
    "box_int_const": ("any(123456)", "escapes"),
    "box_int_local_noescape": ("any(x=100010)", "stays"),
    "box_uint8": ("any(x uint8=200)", "escapes"),
    "box_empty_string": ('any(x string="")', "escapes"),
    "box_string": ('any(x string="abc")', "escapes"),
    "box_pointer": ("any(&x)", "escapes"),
    "box_zero_struct24": ("any(x [3]int64)", "escapes"),
    "box_struct24": ("any(x [3]int64)", "escapes"),
    "make(map)_local": ("make(map[int]int)", "stays"),
    "make(map,8)_local": ("make(map[int]int, 8)", "stays"),
    "make(map,9)_local": ("make(map[int]int, 9)", "stays"),
}


def escape_case(name):
    if name in ESCAPES:
        return ESCAPES[name]
    found = re.fullmatch(r"(make\(\[\]byte),(\d+)\)_local", name)
    if found:
        return f"{found[1]}, {found[2]})", "stays"
    found = re.fullmatch(r"(new|var)\(?(\[\d+\]byte)\)?_local", name)
    return f"new({found[2]})" if found[1] == "new" else f"var x {found[2]}", "stays"


def test_every_row_of_escape():
    compared = left = 0
    for (name,), rows in groups(golden("escape"), "case").items():
        if name == "append_nil_5_local":  # a loop, not an expression: growth_test has it
            left += len(rows)
            continue
        expression, column = escape_case(name)
        ours = {(r["go"], r["arch"]): r for r in table("explain", expression, *ALL)}
        for row in rows:
            equal(ours[row["go"], row["arch"]][f"{column}_allocs"], row["allocs_per_call"],
                  f"{expression} {row}")
            compared += 1
    equal((compared, left), (608, 16))


CONVERSIONS = {"bytes_local_written": ("[]byte(s={})", "stays"),
               "bytes_escape": ("[]byte(s={})", "escapes"),
               "runes_local": ("[]rune(s={})", "stays"),
               "runes_escape": ("[]rune(s={})", "escapes"),
               "string_local": ("string(b={})", "stays"),
               "string_escape": ("string(b={})", "escapes"),
               "concat_local": ("a={} + b={}", "stays"),
               "concat_escape": ("a={} + b={}", "escapes")}


def test_rows_of_convert():
    compared = left = 0
    for (name, length), rows in groups(golden("convert"), "case", "len").items():
        if name not in CONVERSIONS:  # never copied, or only read: not said by the expression
            left += len(rows)
            continue
        form, column = CONVERSIONS[name]
        n = int(length)
        expression = form.format(n // 2, n - n // 2) if "+" in form else form.format(n)
        ours = {(r["go"], r["arch"]): r for r in table("explain", expression, *ALL)}
        for row in rows:
            mine = ours[row["go"], row["arch"]]
            equal(mine[f"{column}_allocs"], row["allocs"], f"{expression} {row}")
            if "[]" in form:
                stack = column == "stays" and mine["stays"] == "stack"
                equal(mine["stays_cap" if stack else "cap"], row["cap"], f"{expression} {row}")
            compared += 1
    equal((compared, left), (3440, 1296))


def test_rows_of_panics_about_make():
    compared = 0
    top = {"amd64": 2**63 - 1, "arm64": 2**63 - 1, "386": 2**31 - 1, "arm": 2**31 - 1}
    for row in golden("panics"):
        found = re.fullmatch(r"make\((\[\]\w+(?:\{\})?),([\w()-]+)(?:,([\w()-]+))?\)", row["case"])
        if not found:
            continue
        values = {"maxInt": top[row["arch"]], "minInt": -top[row["arch"]],
                  "int64(max)": 2**63 - 1, "uint64(max)": -1}
        args = [str(values.get(a, a)) for a in found.groups()[1:] if a]
        expression = f"make({found[1]}, " + ", ".join(f"n={a}" for a in args) + ")"
        mine, = table("explain", expression, "--go", row["go"], "--arch", row["arch"])
        wanted = "" if row["message"] == "no panic" else row["message"]
        # A byte for each number of 32 bits fits below the limit of 32-bit machines.
        equal(mine["panics"], wanted, f"{expression} {row}")
        compared += 1
    assert compared > 200, compared


# ---- by itself ---------------------------------------------------------------------------

def test_columns_of_one_ladder():
    out = caps("slice", "--elem", "24", "--go", "1.22", "--arch", "amd64", "--to", "1000", "--csv")
    lines = out.splitlines()
    equal(lines[0], "len,cap_wanted,class,cap,bytes,wasted,copied,factor")
    equal(lines[1], "1,1,3,1,24,0,0,")
    equal(lines[-1], "854,1258,67,1365,32768,8,20472,1.60")
    for line in lines[1:]:
        length, wanted, _, cap, size, wasted, copied, _ = line.split(",")
        assert int(length) <= int(wanted) and int(length) <= int(cap)
        equal(int(size) - int(wasted), int(cap) * 24)
        equal(int(copied), (int(length) - 1) * 24)
    contains(caps("slice", "--go", "1.17,1.22", "--csv"), "go,arch,len,cap_wanted,class,cap,")


def test_versions_are_mapped_to_their_rules():
    rows = groups(table("slice", "--elem", "*T", "--to", "5000", *ALL), "go", "arch")
    equal(len(rows), 48)
    caps_of = {k: [(r["len"], r["cap"]) for r in v] for k, v in rows.items()}
    for arch in ARCHES:
        for low, high in (("1.16", "1.17"), ("1.18", "1.21"), ("1.22", "1.26")):
            for version in VERSIONS[VERSIONS.index(low):VERSIONS.index(high) + 1]:
                equal(caps_of[version, arch], caps_of[low, arch])
        assert caps_of["1.17", arch] != caps_of["1.18", arch] != caps_of["1.22", arch]
    for text in ("go1.22", "1.22.5", "1.22"):
        equal(caps("slice", "--go", text, "--csv"), caps("slice", "--csv"))
    heads = [l for l in caps("slice", "--elem", "byte", *ALL).splitlines()
             if l.startswith("[]byte")]
    contains(heads[-1], "Go 1.18 to 1.26, amd64, arm64, 386, arm:")


def climb(rule, start, append, to):
    """The reallocations of a rule without rounding, written out again."""
    length = cap = start
    while length < to:
        new = length + append
        if new > cap:
            if new > 2 * cap:
                grown = new
            else:
                grown = cap
                while grown < new:
                    grown += max(grown * rule // 100, 1)
            yield new, grown, length
            cap = grown
        length = new


def test_free_rules_from_append_to():
    for percent, start, append, to in itertools.product((50, 100, 10), (0, 7, 1000), (1, 3, 64),
                                                        (1001, 5000)):
        rule = f"threshold=0,add={percent}%,round=none"
        mine = [(int(r["len"]), int(r["cap"]), int(r["copied"])) for r in
                table("slice", "--rule", rule, "--from", start, "--append", append, "--to", to)]
        equal(mine, [(n, c, o * 8) for n, c, o in climb(percent, start, append, to)],
              f"{rule} {start} {append} {to}")
    equal(caps("slice", "--rule", "x2", "--csv"),
          caps("slice", "--rule", "threshold=0,add=100%,round=none", "--csv"))
    ladder, = json.loads(caps("slice", "--to", "900", "--json"))["ladders"]
    for row in ladder["rows"]:
        equal(row["x2"], next(2**k for k in range(20) if 2**k >= row["len"]))


def test_a_ladder_ends_where_memory_ends():
    out = caps("slice", "--elem", "4", "--arch", "386", "--to", 2**31 - 1)
    contains(out, "elements Go panics: growslice: len out of range")
    # Where the sum wraps in 32 bits Go grows by a page at a time: no end of rows.
    out = caps("slice", "--elem", "1", "--arch", "386", "--to", 2**31 - 1)
    contains(out, "More than 5000; the rest is not shown.")
    out = caps("slice", "--elem", "8", "--go", "1.19", "--arch", "amd64", "--to", 2**63 - 1)
    contains(out, "Go panics: growslice: cap out of range")
    answer = json.loads(caps("slice", "--elem", "1", "--from", 2**47, "--to", 2**49, "--json",
                             "--arch", "amd64"))
    equal(answer["ladders"][0]["panics_at"], int(answer["ladders"][0]["rows"][-1]["cap"]) + 1)


def layout(fields):
    """Offsets and size of a struct, written out again: (size, align) of each field."""
    at, most, offsets = 0, 1, []
    for size, align in fields:
        at = -(-at // align) * align
        offsets.append(at)
        at += size
        most = max(most, align)
    if fields and fields[-1][0] == 0 and at:
        at += 1
    return offsets, -(-at // most) * most


def test_best_order_of_fields():
    """No permutation is smaller than the order that is called best."""
    kinds = {"amd64": {"int64": (8, 8), "[3]byte": (3, 1), "*T": (8, 8), "bool": (1, 1),
                       "int16": (2, 2), "string": (16, 8), "struct{}": (0, 1), "float32": (4, 4),
                       "[0]int64": (0, 8), "complex64": (8, 4), "[5]int16": (10, 2)}}
    kinds["arm"] = dict(kinds["amd64"], **{"int64": (8, 4), "*T": (4, 4), "string": (8, 4),
                                           "[0]int64": (0, 4)})
    names = list(kinds["arm"])
    for choice in itertools.chain(itertools.combinations(names, 4),
                                  itertools.combinations_with_replacement(names[:6], 3),
                                  [(n,) for n in names if n != "struct{}"]):
        answers = json.loads(caps("struct", "; ".join(choice), "--json"))["layouts"]
        for answer in answers:
            sizes = kinds.get(answer["arch"])
            if sizes is None:
                continue
            fields = [sizes[n] for n in choice]
            offsets, size = layout(fields)
            given, best = answer["given"], answer["best"]
            equal(given["size"], size, str(choice))
            equal([f["offset"] for f in given["fields"]], offsets, str(choice))
            equal(given["padding"], size - sum(s for s, _ in fields))
            equal(sorted(f["field"] for f in best["fields"]), sorted(choice))
            equal(layout([sizes[f["field"]] for f in best["fields"]]),
                  ([f["offset"] for f in best["fields"]], best["size"]), str(choice))
            least = min(layout(order)[1] for order in itertools.permutations(fields))
            equal(best["size"], least, str(choice))
            assert best["scanned"] <= given["scanned"] or best["size"] < given["size"]


def test_struct_in_words():
    out = caps("struct", "int64; [3]byte; *T")
    contains(out, "amd64, arm64: 24 bytes, aligned to 8, 5 of padding; the collector looks at the "
                  "first 24")
    contains(out, "386, arm: in the best order 16 bytes, aligned to 4, 1 of padding; the collector "
                  "looks at the first 4")
    contains(caps("struct", "struct { a, b int32; c int64 }"), "No order of the fields takes less.")
    rows = table("struct", "a bool; b int64", "--arch", "amd64")
    equal([(r["order"], r["field"], r["offset"], r["padding"]) for r in rows],
          [("given", "a", "0", "7"), ("given", "b", "8", "0"),
           ("best", "b", "0", "0"), ("best", "a", "8", "7")])


def test_explain_in_words():
    out = caps("explain", "make([]int, 0, 100)", "--arch", "amd64")
    for words in ("Go 1.22, amd64", "length 0, capacity 100; 800 bytes without pointers",
                  "compile time: the capacity is a constant",
                  "stack: 800 bytes are no more than 65,536",
                  "heap: runtime.makeslice, one allocation", "31: 896 bytes, 96 unused",
                  "8,192 bytes, 9 objects, span class 63 (noscan)", "mcentral", "mheap",
                  "behind the length too", "at 101 elements to a capacity of 224"):
        contains(out, words)
    out = caps("explain", "make([]byte, 65536)", *ALL)
    contains(out, "Go 1.16, amd64, arm64, 386, arm")
    equal(out.count("65,536 bytes are not less than 65,536"), 2)
    equal(out.count("stack: 65,536 bytes are no more than 65,536"), 2)
    out = caps("explain", "make([]byte, n)", "--go", "all")
    contains(out, "Go 1.25 to 1.26, ")
    contains(out, "stack up to 32 bytes, else heap")
    out = caps("explain", "append(make([]int, 1024), 1)", "--go", "1.17,1.22", "--arch", "386")
    contains(out, "length 1,025, capacity 1,344")
    contains(out, "length 1,025, capacity 1,536")
    contains(caps("explain", "append(make([]int, 3, 8), 1, 2)"), "there is room: the array stays")
    contains(caps("explain", "[]string{\"a,b\", `c`, f(1, 2)}"), "length 3, capacity 3")
    contains(caps("explain", "make([]*T, 128)", "--arch", "amd64"),
             "1,152 bytes, 8 of them a header")


def test_boxing_looks_at_bits_and_alignment():
    for expression, wanted in (("any(x float64=0)", "0"), ("any(x float64=5)", "1"),
                               ("any(x uint16=255)", "0"), ("any(x int16=256)", "1"),
                               ("any(x int=-1)", "1"), ("any(x bool)", "0"),
                               ("any(x struct{})", "0"),
                               ("any(x map[int]int)", "0"), ("any(x []int=nil)", "0"),
                               ("any(x []int)", "1"), ("any(x complex64)", "1"), ("any(x int)", ""),
                               ("any(x [2]int32)", "1"), ("any('c')", "0"), ("any(int8(5))", "0")):
        row, = table("explain", expression, "--arch", "amd64")
        equal(row["escapes_allocs"], wanted, expression)
    # Two int32 are as aligned as an int64 where that is aligned to 4.
    contains(caps("explain", "any(x [2]int32)", "--arch", "386"), "runtime.convT64")
    contains(caps("explain", "any(x [2]int32)", "--arch", "amd64"), "runtime.convT,")


def test_explain_of_maps():
    out = caps("explain", "make(map[string][]byte, 1000)", "--go", "1.22,1.24", "--arch", "amd64")
    for words in ("98,376 bytes with pointers", "2 allocations; the header is in the frame",
                  "header, 256 buckets and 36 spare ones", "with entry 1,665",
                  "header, directory, 2 tables of 1,024 slots", "5 allocations",
                  "at the earliest with entry 897"):
        contains(out, words)
    for expression, local, escaping in (("make(map[int]int, n)", "", ""),
                                        ("make(map[int]int, n=8)", "0", "1"),
                                        ("make(map[int]int, n=9)", "1", "2"),
                                        ("make(map[int]int, n=-1)", "0", "1"),
                                        ("make(map[int]int, 1<<60)", "0", "1"),
                                        ("make(map[string]Foo, 100)", "2", "3"),
                                        ("make(map[[2]int][]T, 30)", "1", "2")):
        row, = table("explain", expression, "--go", "1.22", "--arch", "amd64")
        equal((row["stays_allocs"], row["escapes_allocs"]), (local, escaping), expression)


def test_explain_knows_what_depends_on_the_word():
    # 2^31 elements are no constant of int where int has 32 bits.
    rows = {r["arch"]: r for r in table("explain", "make([]byte, 1<<31)", "--arch", "all")}
    contains(rows["arm"]["refused"], "does not fit in int")
    equal(rows["amd64"]["refused"], "")
    equal(rows["amd64"]["bytes"], str(2**31))


def test_advice():
    rows = table("advise", "10000", "--arch", "amd64")
    ladder = table("slice", "--to", "10000", "--arch", "amd64")
    equal(rows[0]["start"], "0")
    equal(int(rows[0]["allocations"]), len(ladder))
    equal(int(rows[0]["copied"]), sum(int(r["copied"]) for r in ladder))
    equal(int(rows[0]["outgrown"]), sum(int(r["bytes"]) for r in ladder[:-1]))
    equal((rows[-1]["start"], rows[-1]["allocations"], rows[-1]["copied"]), ("10000", "1", "0"))
    equal((rows[-1]["avoids"], rows[-1]["avoids_bytes"]), (rows[0]["copies"], rows[0]["copied"]))
    for row in rows[1:-1]:
        steps = table("slice", "--from", row["start"], "--to", "10000", "--arch", "amd64")
        equal(int(row["allocations"]), len(steps) + 1)
        equal(int(row["copied"]), sum(int(r["copied"]) for r in steps))
        equal(row["cap"], steps[-1]["cap"])
    out = caps("advise", "10000", "--arch", "amd64")
    contains(out, "make([]int, 0, 10000): one block of 81,920 bytes, avoids 18 copies of 253 KiB.")
    contains(out, "The block has room for 10,240: a capacity of 10240 costs no byte more.")
    contains(caps("advise", "1"), "nothing would be copied without it")


def test_every_answer_is_json():
    for args in (("slice", "--elem", "*T", *ALL), ("size", 24, 33000, *ALL), ("classes", *ALL),
                 ("struct", "a int; b *T"), ("explain", "make([]int, n)", *ALL),
                 ("advise", 77, *ALL)):
        answer = json.loads(caps(*args, "--json"))
        equal((answer["bosk_caps"], answer["command"]), (1, args[0]))


# ---- wrong input -------------------------------------------------------------------------

WRONG = [
    (), ("nonsense",), ("slice", "more"), ("slice", "--elem", "0"), ("slice", "--elem", "-1"),
    ("slice", "--elem", ""), ("slice", "--elem", "1.5"),
    ("slice", "--elem", "99999999999999999999"),
    ("slice", "--elem", "281474976710657"), ("slice", "--elem", "nonsense"),
    ("slice", "--elem", "struct{}"), ("slice", "--elem", "struct{a int"),
    ("slice", "--elem", "[99999999999999999999]int"), ("slice", "--elem", "int", "--ptr"),
    ("slice", "--elem", "3", "--ptr"), ("slice", "--elem", "[" * 1000), ("slice", "--go", "1.14"),
    ("slice", "--go", "1.27"), ("slice", "--go", "2.0"), ("slice", "--go", ""),
    ("slice", "--go", "1.22,"), ("slice", "--go", "1.22x"), ("slice", "--go", "1.99999999999"),
    ("slice", "--arch", "mips"), ("slice", "--arch", ""), ("slice", "--arch", "amd64,"),
    ("slice", "--rule", "x3"), ("slice", "--rule", "threshold=1"), ("slice", "--rule", "go1.9"),
    ("slice", "--from", "-1"), ("slice", "--from", "x"), ("slice", "--from", 2**63),
    ("slice", "--from", 2**62), ("slice", "--append", "0"), ("slice", "--append", "-1"),
    ("slice", "--to", "0"), ("slice", "--to", "5", "--from", "5"), ("slice", "--to", "1e30"),
    ("slice", "--json", "--csv"), ("slice", "--dot"), ("slice", "--json=1"), ("slice", "-x"),
    ("slice", "--elem"), ("slice", "--unknown"), ("size",), ("size", "0"), ("size", "-1"),
    ("size", "x"), ("size", "99999999999999999999"), ("size", "1", "--svg"),
    ("size", "1", "--rule", "x2"),
    ("classes", "1"), ("classes", "--ptr"), ("struct",), ("struct", ""), ("struct", "a Foo"),
    ("struct", "a int", "b int"), ("struct", "int64;;}"), ("struct", "a [-1]int"),
    ("struct", "a " + "[1" * 300), ("struct", "x" * 5000), ("struct", "a int", "--go", "1.22"),
    ("struct", "a [4611686018427387904]int64"), ("explain",), ("explain", ""), ("explain", "   "),
    ("explain", "make([]int)"), ("explain", "make([]int, -1)"), ("explain", "make([]int, 2, 1)"),
    ("explain", "make([]int, 1<<63)"), ("explain", "make([]int, 1/0)"),
    ("explain", "make([]Foo, 1)"),
    ("explain", "make([]int, 1, 2, 3)"), ("explain", "make([]int, 5"), ("explain", "f(x)"),
    ("explain", "append(s, 1)"), ("explain", "append([]int(nil))"), ("explain", "new()"),
    ("explain", "make(chan int, 1)"), ("explain", "make(map[int]int, -1)"), ("explain", "a", "b"),
    ("explain", "(" * 3000), ("explain", '"' * 3), ("explain", "[]int{5: 1}"),
    ("explain", "make([]int, 1)", "--rule", "x2"), ("advise",), ("advise", "0"), ("advise", "-1"),
    ("advise", "x"), ("advise", "1", "2"), ("advise", 2**63), ("advise", 2**60),
    ("advise", "10", "--elem", "struct{}"), ("advise", "10", "--svg"),
]


def test_wrong_input_is_one_line():
    for args in WRONG:
        done = subprocess.run([BOSK, "caps", *map(str, args)], capture_output=True, timeout=20,
                              check=False)
        err = done.stderr.decode()
        equal(done.returncode, 2, f"{args}: {err}")
        equal(done.stdout, b"", str(args))
        assert err.startswith("bosk: caps") and err.count("\n") == 1 and err.endswith("\n"), err
        assert len(err) < 400, err
    assert len(WRONG) > 90


def test_nothing_steers_the_terminal():
    for args in (("explain", "make([]int, \x1b[31m)"), ("slice", "--elem", "\x1b[31m"),
                 ("struct", "\x1b[31m int"), ("size", "\x1b"), ("\x1b",),
                 ("slice", "--go", "\x1b")):
        err = caps(*args, status=2)
        assert "\x1b" not in err, repr(err)


def test_output_goes_to_a_file_or_is_missed():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "ladder.csv"
        equal(caps("slice", "--csv", "-o", path), "")
        equal(path.read_text(), caps("slice", "--csv"))
        err = caps("slice", "-o", pathlib.Path(folder) / "none" / "x", status=125)
        contains(err, "cannot write ")
        err = caps("slice", "-o", "/dev/full", status=125)
        contains(err, "No space left on device")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([BOSK, "caps", "slice"], stdout=full, stderr=subprocess.PIPE,
                              check=False)
        equal(done.returncode, 125)


def test_help():
    text = caps("--help")
    for line in text.splitlines():
        assert len(line) <= 100, line
    equal(caps("slice", "--help"), text)
    done = subprocess.run([BOSK, "help", "caps"], capture_output=True, check=True)
    equal(done.stdout.decode(), text)


run_tests(sys.modules[__name__])
