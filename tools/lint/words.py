#!/usr/bin/env python3
"""words.py TREE - words that do not belong in the project: what is open, and where it was made."""
import pathlib
import re
import subprocess
import sys

# Written in pieces, so that this file does not find itself.
WORDS = [
    (r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b", "left open"),
    (r"\bnot (?:yet )?imple" r"mented\b|\bunimple" r"mented\b|\bplace" r"holder\b", "left open"),
    (r"\b(?:issue|ticket|milestone) #?\d", "names a task"),
    (r"/wo" r"rk/(?:main|shared)|/tm" r"p/plan|/ho" r"me/\w+", "a path of one machine"),
    (r"[ \t]+$", "ends in blanks"),
]
TEXT = re.compile(r"\.(c|h|cc|sh|py|md|cmake|txt|json|in|map|proto|1|3|7|fish|bash|yml|supp)$|"
                  r"(^|/)(dev|run|LICENSE|_bosk|\.gitignore|\.clang-format)$")


def tracked(tree):
    if (tree / ".git").exists():
        out = subprocess.run(
            ["git", "-C", str(tree), "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"], capture_output=True, check=True).stdout
        return [tree / name for name in out.decode().split("\0") if name]
    return sorted(path for path in tree.rglob("*") if path.is_file())


def main():
    tree = pathlib.Path(sys.argv[1])
    patterns = [(re.compile(pattern), why) for pattern, why in WORDS]
    found = seen = 0
    for path in tracked(tree):
        name = path.relative_to(tree).as_posix()
        if not path.is_file() or not TEXT.search(name) or "/corpus/" in name:
            continue
        seen += 1
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            for pattern, why in patterns:
                if pattern.search(line):
                    print(f"{name}:{number}: {why}: {line.strip()[:80]}")
                    found += 1
    if not found:
        print(f"{seen} files")
    return 1 if found or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
