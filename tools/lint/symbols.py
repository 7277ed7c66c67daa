#!/usr/bin/env python3
"""symbols.py TREE [LIBDIR] - what the shared libraries export, need, and keep per thread.

    exports   bosk_* with version BOSK_0, exactly as the headers declare them; libbosk-malloc also
              the names in allocator_names.txt and the operators of C++, without a version
    needs     libc alone; no allocation, stdio or locale of libc
    threads   at most 640 bytes of thread-local storage, initial-exec
    loading   never unloaded, bound at load, no writable code, no executable stack
"""
import pathlib
import re
import subprocess
import sys

TLS_MAX = 640
LIBC = re.compile(r"^(libc\.so\.6|ld-linux[-\w]*\.so\.\d+)$")
OPERATORS = re.compile(r"^_Z(nw|na|dl|da)")
FORBIDDEN = re.compile(
    r"^(malloc|calloc|realloc|free|memalign|posix_memalign|aligned_alloc|strn?dup|v?asprintf|"
    r"v?[fsd]?n?printf|v?snprintf|__v?[fsd]n?printf_chk|__v?snprintf_chk|f?puts|putchar|fopen|"
    r"fdopen|fclose|fread|fwrite|fflush|setvbuf|std(in|out|err)|perror|strerror|setlocale|qsort|"
    r"getline|opendir|readdir|dlopen|dlsym|sleep|system|exit)$")
# The drop-in writes malloc_info to the caller's stream, and looks for a C++ library that was loaded
# late when operator new must throw: neither is on the way of a malloc.
DROP_IN_MAY = {"fwrite", "dlsym"}
DECLARED = re.compile(r"\bBOSK_API\b[^;]*?\b(bosk_\w+)\s*[[(;]")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def declared_names(tree):
    names = set()
    for header in sorted((tree / "include/bosk").glob("*.h")):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        text = re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", "", text, flags=re.M)
        names |= set(DECLARED.findall(text))
    return names


def allocator_names():
    path = pathlib.Path(__file__).with_name("allocator_names.txt")
    lines = (line for line in path.read_text().splitlines() if not line.startswith("#"))
    return set(" ".join(lines).split())


def check_exports(path, drop_in, declared, problems):
    allowed = allocator_names()
    seen = set()
    for line in run("nm", "-D", "--defined-only", str(path)).splitlines():
        kind, name = line.split()[1:3]
        base, _, version = name.partition("@")
        version = version.lstrip("@")
        if kind == "A" and base == "BOSK_0":
            continue
        seen.add(base)
        if base.startswith("bosk_"):
            if version != "BOSK_0":
                problems.append(f"{path.name}: {name} has no version BOSK_0")
            if base not in declared:
                problems.append(f"{path.name}: {base} is in no public header")
        elif drop_in and (base in allowed or OPERATORS.match(base)):
            if version:
                problems.append(f"{path.name}: {name} has a version, so it would not be found")
        else:
            problems.append(f"{path.name}: exports {base}")
    for name in sorted(declared - seen):
        problems.append(f"{path.name}: {name} is declared but not exported")
    if drop_in:
        for name in ("malloc", "calloc", "realloc", "free", "aligned_alloc", "posix_memalign"):
            if name not in seen:
                problems.append(f"{path.name}: does not export {name}")
    return len(seen)


def check_needs(path, drop_in, problems):
    dynamic = run("readelf", "-dW", str(path))
    for name in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic):
        if not LIBC.match(name):
            problems.append(f"{path.name}: needs {name}")
    for wanted in ("NODELETE", "NOW"):
        if not re.search(rf"FLAGS.*\b{wanted}\b", dynamic):
            problems.append(f"{path.name}: is not linked with {wanted}")
    if "TEXTREL" in dynamic:
        problems.append(f"{path.name}: relocates its code")
    for line in run("nm", "-D", "--undefined-only", str(path)).splitlines():
        name = line.split()[-1].partition("@")[0]
        if FORBIDDEN.match(name) and not (drop_in and name in DROP_IN_MAY):
            problems.append(f"{path.name}: calls {name} of libc")


def check_segments(path, problems):
    tls = 0
    for line in run("readelf", "-lW", str(path)).splitlines():
        fields = line.split()
        if fields[:1] == ["TLS"]:
            tls = int(fields[5], 16)
        if fields[:1] == ["GNU_STACK"] and "E" in fields[6]:
            problems.append(f"{path.name}: asks for an executable stack")
        if fields[:1] == ["LOAD"] and "W" in "".join(fields[6:-1]) and "E" in "".join(fields[6:-1]):
            problems.append(f"{path.name}: has writable code")
    if tls > TLS_MAX:
        problems.append(f"{path.name}: {tls} bytes of thread-local storage, over {TLS_MAX}")
    return tls


def main():
    tree = pathlib.Path(sys.argv[1])
    libdir = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else tree / "build/release/lib"
    declared = declared_names(tree)
    problems = []
    if not declared:
        problems.append("the headers declare nothing")
    for name in ("libbosk.so", "libbosk-malloc.so"):
        path = libdir / name
        if not path.exists():
            problems.append(f"{path} is missing")
            continue
        drop_in = name == "libbosk-malloc.so"
        exported = check_exports(path, drop_in, declared, problems)
        check_needs(path, drop_in, problems)
        tls = check_segments(path, problems)
        print(f"{name}: {exported} names exported, {tls} bytes of thread-local storage")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
