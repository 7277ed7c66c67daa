#!/usr/bin/env python3
"""check_docs.py TREE - what the documents promise is there.

- Relative links of every document lead to a file.
- Every test that docs/bad-input.md names exists.
- Every function of the heap's headers is named by a manual page.
"""
import pathlib
import re
import sys

PAGED = ("base", "alloc", "type", "str", "strconv", "intern",
         "arena", "pool", "any", "huge")  # headers whose functions have manual pages


def documents(tree):
    return sorted([*tree.glob("*.md"), *tree.glob("docs/**/*.md")])


def dead_links(tree):
    for path in documents(tree):
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
            if re.match(r"[a-z]+:", target) or target.startswith("#"):
                continue
            if not (path.parent / target.split("#")[0]).exists():
                yield f"{path.relative_to(tree)}: there is no {target}"


def names(tree, pattern, expression):
    """STEM and name of whatever matches in the files."""
    for path in tree.glob(pattern):
        for found in re.finditer(expression, path.read_text(encoding="utf-8"), re.MULTILINE):
            yield path.stem, found


def known_tests(tree):
    unit = {f"{m[1]}.{m[2]}" for _, m in
            names(tree, "tests/unit/*_test.c", r"^TEST[A-Z_]*\((\w+),\s*(\w+)")}
    cases = {f"{stem}/{m[1]}" for kind in ("c", "cc") for stem, m in
             names(tree, f"tests/shim/*.{kind}", r"^CASE\((\w+)\)")}
    tool = {f"{stem}/{m[1]}" for stem, m in
            names(tree, "tests/cli/*.py", r"^def (test_\w+)\(")}
    return unit | cases | tool


def missing_tests(tree):
    # The first table begins behind the explanation of how tests are named.
    text = (tree / "docs/bad-input.md").read_text(encoding="utf-8").split("\n## ", 1)[1]
    known, seen = known_tests(tree), 0
    for name in re.findall(r"`([a-z0-9_]+[./][a-z0-9_]+)`", text):
        if name.endswith(".sh"):
            continue
        seen += 1
        if name not in known:
            yield f"docs/bad-input.md: there is no test {name}"
    for script, quoted in re.findall(r'`(test_\w+\.sh)`((?:[:,; ]+"[^"\n]+")*)', text):
        path = tree / "tests/shim" / script
        source = path.read_text(encoding="utf-8") if path.exists() else ""
        for check in re.findall(r'"([^"]+)"', quoted) or [""]:
            seen += 1
            if not source or check not in source:
                yield f'docs/bad-input.md: there is no "{check}" in {script}'
    if seen < 100:
        yield f"docs/bad-input.md: only {seen} tests were found in it"


def unnamed_functions(tree):
    named = set()
    for path in tree.glob("man/*.3"):
        text = path.read_text(encoding="utf-8")
        head = re.split(r"^\.S[Hh] NAME\n", text, flags=re.M)[1]  # man or mdoc
        named.update(re.findall(r"\w+", re.split(r"\\-|^\.Nd", head, flags=re.M)[0]))
    functions = [m[1] for stem, m in names(tree, "include/bosk/*.h",
                                           r"^BOSK_API (?!extern)[^;{]*?(\bbosk_\w+)\(")
                 if stem in PAGED]
    if len(functions) < 30:
        yield f"include/bosk: only {len(functions)} functions were found"
    for function in functions:
        if function not in named:
            yield f"man: no page names {function}"


def main():
    tree = pathlib.Path(sys.argv[1])
    faults = [*dead_links(tree), *missing_tests(tree), *unnamed_functions(tree)]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
