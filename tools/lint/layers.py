#!/usr/bin/env python3
"""layers.py TREE - each layer includes only what is below it, and only src/os talks to the kernel.

    cmd -> include;  shim -> src;
    src/container -> src/gc -> src/heap -> src/observe -> src/os -> include
"""
import pathlib
import re
import sys

ALLOWED = {
    "include": set(),
    "src/os": {"src/os"},
    "src/observe": {"src/observe", "src/os"},
    "src/heap": {"src/heap", "src/observe", "src/os"},
    "src/gc": {"src/gc", "src/heap", "src/observe", "src/os"},
    "src/container": {"src/container", "src/gc", "src/heap", "src/observe", "src/os"},
    "shim": {"shim", "src/heap", "src/observe", "src/os"},
    "cmd": {"cmd"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
# Calls that belong to the os layer.
SYSTEM = re.compile(
    r"\b(mmap64|mmap|munmap|mremap|madvise|mprotect|futex|gettid|syscall|sbrk|brk)\s*\(")
# What the code that runs inside malloc must not touch; calls are checked by the symbols lint.
INNER_HEADERS = {"stdio.h", "malloc.h", "locale.h", "wchar.h", "alloca.h"}


def strip_comments(text):
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)
    text = re.sub(r"//[^\n]*", "", text)
    return re.sub(r'"(\\.|[^"\\\n])*"', '""', text)


def layer_of(path):
    for layer in ALLOWED:
        if path == layer or path.startswith(layer + "/"):
            return layer
    return None


def check(tree, path, problems):
    name = path.relative_to(tree).as_posix()
    layer = layer_of(name)
    text = path.read_text(errors="replace")

    def at(match):
        return f"{name}:{text.count(chr(10), 0, match.start()) + 1}"

    for match in INCLUDE.finditer(text):
        kind, target = match.groups()
        if kind == '"':
            candidates = [path.parent / target, tree / "src" / target, tree / target]
            found = next((c.resolve() for c in candidates if c.exists()), None)
            if found is None:
                if not target.endswith(".pb-c.h"):
                    problems.append(f"{at(match)}: {target} is nowhere")
                continue
            below = layer_of(found.relative_to(tree.resolve()).as_posix())
            if below == "include":
                continue
            if below is None or below not in ALLOWED[layer]:
                problems.append(f"{at(match)}: {layer} must not include {target} of {below}")
        elif target.startswith("bosk/"):
            if not (tree / "include" / target).exists():
                problems.append(f"{at(match)}: there is no public header {target}")
        elif layer == "include" and target in {"stdio.h", "stdlib.h", "malloc.h"}:
            problems.append(f"{at(match)}: a public header must not include {target}")
        elif layer.startswith("src/") and target in INNER_HEADERS:
            problems.append(f"{at(match)}: {target} is not for code inside malloc")
    if layer in ("src/container", "src/gc", "src/heap", "src/observe", "shim"):
        bare = strip_comments(text)
        for match in SYSTEM.finditer(bare):
            line = bare.count("\n", 0, match.start()) + 1
            problems.append(f"{name}:{line}: {match.group(1)} belongs to src/os")


def main():
    tree = pathlib.Path(sys.argv[1])
    problems, seen = [], 0
    for top in ("include", "src", "shim", "cmd"):
        for path in sorted((tree / top).rglob("*.[ch]")):
            seen += 1
            if layer_of(path.relative_to(tree).as_posix()) is None:
                problems.append(f"{path.relative_to(tree)}: belongs to no layer")
                continue
            check(tree, path, problems)
    print("\n".join(problems) if problems else f"{seen} files keep to their layers")
    return 1 if problems or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
