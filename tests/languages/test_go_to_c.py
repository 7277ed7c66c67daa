#!/usr/bin/env python3
"""Every line of docs/go-to-c.md: the C side compiles in C11 and C++17 by gcc and clang, without a
warning; with --go also the Go side, by that toolchain (`./dev test-go`)."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ["SOURCE_DIR"])
# What a line may leave unused or do without an effect is not what is asked.
FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror",
         "-Wno-unused-variable", "-Wno-unused-but-set-variable", "-Wno-unused-local-typedefs",
         f"-I{SOURCE}/include", "-O1", "-c", "-o", os.devnull]
COMPILERS = [("gcc", "c", "c11"), ("clang", "c", "c11"), ("g++", "c++", "c++17"),
             ("clang++", "c++", "c++17")]


def sections(text):
    """(title, Go declarations, C declarations, [(Go, C)]) of each part that has a table."""
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        rows = re.findall(r"^\| `(.+)` \| `(.+)` \|$", part, re.M)
        lines = [line for line in part.split("\n") if line.startswith("| ")]
        if len(rows) + 2 * (len(lines) > 0) != len(lines):
            sys.exit(f"{part.splitlines()[0]}: {len(lines)} lines of table, {len(rows)} rows")
        if rows:
            go, c = (re.search(rf"```{kind}\n(.*?)```", part, re.S)[1] for kind in ("go", "c"))
            yield part.splitlines()[0], go, c, rows


def c_program(all_sections):
    out = ["#include <bosk/bosk.h>"]
    for s, (_, _, declarations, rows) in enumerate(all_sections):
        for r, (_, line) in enumerate(rows):
            out += [f"void f{s}_{r}(void);", f"void f{s}_{r}(void)", "{", declarations,
                    "{", line, "}", "}"]
    return "\n".join(out) + "\n"


def go_program(declarations, rows):
    body = []
    types = "".join(re.findall(r"^type .*\n", declarations, re.M))
    variables = re.sub(r"^type .*\n", "", declarations, flags=re.M)
    names = [n.strip() for group in re.findall(r"^var ([\w, ]+?) \S+$", variables, re.M)
             for n in group.split(",")]
    for r, (line, _) in enumerate(rows):
        declared = re.match(r"var (\w+)|(\w+) :=", line)
        used = [] if not declared else [declared[1] or declared[2]]
        uses = "".join(f"_ = {n}\n" for n in names)
        body.append(f"func f{r}() {{\n{variables}{uses}{{\n{line}\n" +
                    "".join(f"_ = {n}\n" for n in used) + "}\n}\n")
    text = "".join(body)
    imports = [p for p in ("slices", "strings", "strconv", "sync", "unicode", "unicode/utf8")
               if re.search(rf"\b{p.split('/')[-1]}\.", text)]
    return ("package main\n" + "".join(f'import "{p}"\n' for p in imports) + types + text +
            "func main() {}\n")


def main():
    text = (SOURCE / "docs/go-to-c.md").read_text(encoding="utf-8")
    all_sections = list(sections(text))
    count = sum(len(rows) for _, _, _, rows in all_sections)
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory() as work:
        if sys.argv[1:2] == ["--go"]:
            go = sys.argv[2]
            version = int(re.search(r"go1\.(\d+)", subprocess.check_output(
                [go, "version"], text=True))[1])
            for title, declarations, _, rows in all_sections:
                if title == "The package slices" and version < 22:
                    skipped += 1  # that Go has no such package
                    continue
                path = pathlib.Path(work) / "main.go"
                path.write_text(go_program(declarations, rows), encoding="utf-8")
                done = subprocess.run([go, "vet", str(path)], check=False)
                passed, failed = passed + (done.returncode == 0), failed + (done.returncode != 0)
        else:
            path = pathlib.Path(work) / "rows.c"
            path.write_text(c_program(all_sections), encoding="utf-8")
            for compiler, language, standard in COMPILERS:
                done = subprocess.run([compiler, f"-std={standard}", "-x", language, *FLAGS,
                                       str(path)], check=False)
                passed, failed = passed + (done.returncode == 0), failed + (done.returncode != 0)
    print(f"{count} lines in {len(all_sections)} tables")
    print(f"go-to-c: {passed} passed, {failed} failed, {skipped} skipped")
    return failed != 0 or passed < 4 or count < 80


sys.exit(main())
