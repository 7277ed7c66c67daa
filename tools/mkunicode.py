#!/usr/bin/env python3
"""Writes src/container/unicode_tables.h from the Unicode character database.

    tools/mkunicode.py /usr/share/unicode > src/container/unicode_tables.h

The database is that of the Debian package unicode-data, version 15.0.0, as in Go 1.21 and later.
Sets and mappings are runs of runes: ends, and whether every rune or every second one is meant.
"""

import sys


def read_fields(path):
    for line in open(path, encoding="utf-8"):
        line = line.split("#")[0].strip()
        if line:
            yield [field.strip() for field in line.split(";")]


def read_runes(folder):
    """Category, upper case and lower case of each rune."""
    first = None
    for field in read_fields(f"{folder}/UnicodeData.txt"):
        rune, name, category = int(field[0], 16), field[1], field[2]
        if name.endswith(", First>"):
            first = rune
            continue
        upper, lower = (int(field[i], 16) if field[i] else rune for i in (12, 13))
        for r in range(rune if first is None else first, rune + 1):
            yield r, category, r if first is not None else upper, r if first is not None else lower
        first = None


def runs(items):
    """[(lo, hi, step, value)] of a sorted list of (rune, value): as long as possible."""
    out = []
    for rune, value in items:
        if out:
            lo, hi, step, old = out[-1]
            if old == value:
                if rune - hi in (1, 2) and step in (0, rune - hi):
                    out[-1] = (lo, rune, rune - hi, value)
                    continue
        out.append((rune, rune, 0, value))
    # A pair two apart that goes on by ones is better split: the run of ones takes its last rune.
    return [(lo, hi, step or 1, value) for lo, hi, step, value in out]


def write_rows(rows):
    """As many as a line of 100 columns holds."""
    line = "   "
    for row in rows:
        if len(line) + len(row) + 2 > 100:
            print(line)
            line = "   "
        line += f" {row},"
    print(line)
    print("};")


def write_set(name, what, runes):
    table = runs([(r, 0) for r in sorted(runes)])
    print(f"\n/* {what} */")
    print(f"static const struct rune_run {name}[] = {{")
    write_rows(f"{{0x{lo:x},{step},0x{hi:x}}}" for lo, hi, step, _ in table)


def write_map(name, what, mapping):
    table = runs([(r, mapping[r] - r) for r in sorted(mapping) if mapping[r] != r])
    print(f"\n/* {what} */")
    print(f"static const struct rune_shift {name}[] = {{")
    write_rows(f"{{0x{lo:x},{step},0x{hi:x},{delta}}}" for lo, hi, step, delta in table)


def main():
    folder = sys.argv[1]
    version = open(f"{folder}/CaseFolding.txt", encoding="utf-8").readline().split("-")[1]
    runes = list(read_runes(folder))
    print(f"/* unicode_tables.h - what runes are, Unicode {version.strip()[:-4]}.")
    print(" *\n * Written by tools/mkunicode.py: do not edit.\n */")
    print("#ifndef BOSKI_UNICODE_TABLES_H\n#define BOSKI_UNICODE_TABLES_H\n\n#include <stdint.h>\n")
    print("/* clang-format off */")
    print("struct rune_run {\n    uint32_t lo : 24, step : 8, hi;\n};")
    print("struct rune_shift {\n    uint32_t lo : 24, step : 8, hi;\n    int32_t delta;\n};")
    of = lambda *kinds: [r for r, category, _, _ in runes if category.startswith(kinds)]
    write_set("letters", "L", of("L"))
    write_set("uppers", "Lu", of("Lu"))
    write_set("lowers", "Ll", of("Ll"))
    write_set("digits", "Nd", of("Nd"))
    write_set("puncts", "P", of("P"))
    write_set("prints", "L, M, N, P, S and the space", of("L", "M", "N", "P", "S") + [0x20])
    write_map("to_upper", "simple upper case", {r: up for r, _, up, _ in runes})
    write_map("to_lower", "simple lower case", {r: low for r, _, _, low in runes})
    fold = {}
    for field in read_fields(f"{folder}/CaseFolding.txt"):
        if field[1] in ("C", "S"):
            fold[int(field[0], 16)] = int(field[2], 16)
    write_map("to_fold", "simple case folding: one rune for all that differ by case only", fold)
    print("/* clang-format on */\n\n#endif")


main()
