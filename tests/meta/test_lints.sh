#!/usr/bin/env bash
# Each lint finds a fault put before it, and nothing in a tree without one.
set -uo pipefail
: "${BUILD_DIR:?}" "${SOURCE_DIR:?}"
. "$SOURCE_DIR/tests/meta/lib.sh"

for tool in clang-format cppcheck shellcheck mandoc clang clang++; do
    command -v $tool >/dev/null || {
        echo "skipped: $tool is not installed (./dev setup lint)"
        exit 77
    }
done

lint() {
    local script
    script=$(ls "$SOURCE_DIR/tools/lint/$1".*)
    shift
    case $script in
    *.py) python3 "$script" "$@" ;;
    *) bash "$script" "$@" ;;
    esac >"$work/said" 2>&1
}

# A small tree without faults.
fresh() {
    rm -rf "$work/tree"
    mkdir -p "$work/tree"/{include/bosk,src/os,src/observe,src/heap,shim,cmd/bosk,man,tools/lint}
    cd "$work/tree" || exit 1
    cp "$SOURCE_DIR/.clang-format" .
    cp "$SOURCE_DIR/tools/lint/cppcheck.txt" tools/lint/
    cp "$SOURCE_DIR"/tools/{generate.sh,mksizeclasses.c,mkconfman.c,abi.py} tools/
    printf '#define BOSK_VERSION "1.2.3"\n' >include/bosk/base.h
    printf '#include <bosk/a.h>\n' >include/bosk/bosk.h
    printf '#ifndef OPTION\n#error "define OPTION before including conf_options.h"\n#endif\n' \
        >src/os/conf_options.h
    printf 'OPTION(a, FLAG, a, 0, "", "Turns a on.")\n#undef OPTION\n' >>src/os/conf_options.h
    printf '## [1.2.3] - 2024-01-01\n' >CHANGELOG.md
    printf '#ifndef A_H\n#define A_H\nint bosk_a(int n);\n#endif\n' >include/bosk/a.h
    printf '#ifndef B_H\n#define B_H\nint boski_b(int n);\n#endif\n' >src/os/b.h
    printf '#include "b.h"\n\nint boski_b(int n) { return n + 1; }\n' >src/os/b.c
    printf '#include "../os/b.h"\n#include <bosk/a.h>\n\n' >src/heap/c.c
    printf 'int bosk_a(int n) { return boski_b(n); }\n' >>src/heap/c.c
    bash tools/generate.sh . .
    printf '.TH A 1 2024-01-01 bosk\n.SH NAME\na \\- b\n' >man/a.1
    printf '#!/bin/bash\necho "$1"\n' >tools/a.sh
}
# fault LINT WHAT FILE TEXT: the lint is quiet in the fresh tree, and not with this text added.
fault() {
    fresh
    if lint "$1" "$work/tree"; then good; else
        bad "$1 finds something in a good tree: $(cat "$work/said")"
    fi
    # shellcheck disable=SC2059
    printf "$4" >>"$3"
    # Finding it is saying so, with status 1: a script that breaks has found nothing.
    lint "$1" "$work/tree"
    expect "$1 finds: $2" [ $? -eq 1 -a -s "$work/said" ]
}

fault layers "the os layer looking up" src/os/b.c '#include "../heap/sizeclasses.h"\n'
fault layers "the heap looking at the tool" src/heap/c.c '#include "../../cmd/bosk/x.h"\n'
fault layers "the tool looking inside" cmd/bosk/main.c '#include "../../src/os/b.h"\n'
fault layers "a system call outside src/os" src/heap/c.c 'void *z(void) { return mmap(0); }\n'
fault layers "stdio inside malloc" src/heap/c.c '#include <stdio.h>\n'
fault layers "stdio in a public header" include/bosk/a.h '#include <stdio.h>\n'
fault headers "a public header that needs another" include/bosk/a.h 'size_t bosk_n(void);\n'
fault headers "C that is not C++" include/bosk/a.h 'int bosk_n(int class);\n'
fault headers "no guard" include/bosk/a.h 'struct bosk_twice {\n    int n;\n};\n'
fault headers "an internal header that needs another" src/os/b.h 'uint32_t boski_n(void);\n'
fault format "bad layout" src/os/b.c 'int  boski_x( int n ){return n;}\n'
fault format "a long comment" src/os/b.c "/* $(printf 'x%.0s' {1..100}) */\n"
fault analyse "a read past an array" src/os/b.c \
    'int boski_x(void);\nint boski_x(void)\n{\n    int a[2] = {0, 1};\n    return a[2];\n}\n'
fault generated "an edited table" src/heap/sizeclasses.h '/* by hand */\n'
fault generated "an edited manual" man/bosk-conf.7 'By hand.\n'
fault generated "a function that is gone" tests/golden/abi.txt 'int bosk_gone(void)\n'
fault generated "a struct with another layout" include/bosk/a.h 'struct bosk_s {\n    int n;\n};\n'
fault words "an open end" src/os/b.c "/* TO""DO: later */\n"
fault words "a path of one machine" src/os/b.c "/* /ho""me/someone */\n"
fault scripts "an unquoted test" tools/a.sh 'cd "$1"\nrm $(ls)\nread x\n[ -n $x ]\n'
fault scripts "bad Python" tools/a.py 'def f(:\n'
fault man "an unknown macro" man/a.1 '.XY z\n'

# ---- symbols: libraries with one fault each ----
fresh
rm include/bosk/base.h
printf '#define BOSK_API __attribute__((visibility("default")))\n' >include/bosk/a.h
printf 'BOSK_API int bosk_a(int n);\n' >>include/bosk/a.h
printf 'BOSK_0 {\nglobal:\n    bosk_*;\n};\n' >map
good_c='#include <bosk/a.h>
int bosk_a(int n) { return n; }'
shim_c='#include <stddef.h>
#define E __attribute__((visibility("default")))
E void *malloc(size_t n); E void *calloc(size_t n, size_t m); E void *realloc(void *p, size_t n);
E void free(void *p); E void *aligned_alloc(size_t a, size_t n);
E int posix_memalign(void **p, size_t a, size_t n);
void *malloc(size_t n) { return (void *)n; }
void *calloc(size_t n, size_t m) { return (void *)(n * m); }
void *realloc(void *p, size_t n) { return n ? p : NULL; }
void free(void *p) { (void)p; }
void *aligned_alloc(size_t a, size_t n) { return (void *)(a + n); }
int posix_memalign(void **p, size_t a, size_t n) { *p = (void *)(a + n); return 0; }'
# libraries CORE_TEXT SHIM_TEXT [LINK FLAGS]
libraries() {
    local core=$1 shim=$2
    shift 2
    mkdir -p lib
    printf '%s\n' "$core" >core.c
    printf '%s\n%s\n' "$core" "$shim" >shim.c
    # shellcheck disable=SC2054
    local flags=(-shared -fPIC -O1 -fno-builtin -fvisibility=hidden -ftls-model=initial-exec
        -Iinclude -Wl,--version-script=map -Wl,-z,now -w)
    # shellcheck disable=SC2054
    [ "${1:-}" = unload ] && shift || flags+=(-Wl,-z,nodelete)
    gcc "${flags[@]}" core.c -o lib/libbosk.so "$@" &&
        gcc "${flags[@]}" shim.c -o lib/libbosk-malloc.so "$@"
}
symbols() { lint symbols "$work/tree" "$work/tree/lib"; }
libraries "$good_c" "$shim_c"
if symbols; then good; else bad "symbols finds something: $(cat "$work/said")"; fi
wrong() {
    local what=$1
    shift
    if libraries "$@"; then
        refuse "symbols misses: $what" symbols
    else
        bad "cannot build: $what"
    fi
}
wrong "an export of an internal name" \
    "$good_c __attribute__((visibility(\"default\"))) int boski_x(void) { return 0; }" "$shim_c"
wrong "a public name in no header" \
    "$good_c __attribute__((visibility(\"default\"))) int bosk_x(void) { return 0; }" "$shim_c"
wrong "a declared name that is missing" "int x;" "$shim_c"
wrong "a foreign name in the drop-in" "$good_c" "$shim_c E int open_me(void) { return 0; }"
wrong "a drop-in without free" "$good_c" "$(grep -v '^void free' <<<"$shim_c")"
wrong "a library other than libc" "$good_c" "$shim_c" -Wl,--no-as-needed -lm
wrong "a call of printf" \
    "$good_c int printf(const char *, ...); int boski_y(void) { return printf(\"\"); }" "$shim_c"
wrong "a call of malloc in the runtime" \
    "$good_c void *malloc(unsigned long); void *boski_y(void) { return malloc(8); }" "$shim_c"
wrong "a large thread-local block" \
    "$good_c __thread char boski_t[641] = {1}; char *boski_y(void) { return boski_t; }" "$shim_c"
wrong "an executable stack" "$good_c" "$shim_c" -Wl,-z,execstack
wrong "a library that can be unloaded" "$good_c" "$shim_c" unload
printf 'BOSK_0 {\nglobal:\n    *;\n};\n' >map
wrong "a version on malloc" "$good_c" "$shim_c"

finish lints
