#!/usr/bin/env bash
# headers.sh TREE - each public header compiles alone in C11, gnu11 and C++17 with both compilers,
# each internal one in gnu11; all without a warning.
set -euo pipefail
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
warnings=(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
status=0 count=0

# try HEADER COMPILER LANGUAGE STANDARD: included twice, so that its guard is tested too.
try() {
    local header=$1 compiler=$2 language=$3 standard=$4
    command -v "$compiler" >/dev/null || {
        echo "$compiler is missing"
        status=1
        return
    }
    printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$work/try.$language"
    printf 'int used_only_to_have_a_declaration(void);\n' >>"$work/try.$language"
    count=$((count + 1))
    "$compiler" -x "$language" -std="$standard" "${warnings[@]}" -Iinclude -Isrc -I. \
        -fsyntax-only "$work/try.$language" || {
        echo "$header: not clean in $standard with $compiler"
        status=1
    }
}

for header in include/bosk/*.h; do
    for compiler in gcc clang; do
        try "${header#include/}" $compiler c c11
        try "${header#include/}" $compiler c gnu11
    done
    try "${header#include/}" g++ c++ c++17
    try "${header#include/}" clang++ c++ c++17
done
for header in src/*/*.h shim/*.h; do
    [ -f "$header" ] || continue
    # A table for the preprocessor, included with different meanings of one macro.
    ! grep -q '^#error "define .*before including' "$header" || continue
    for compiler in gcc clang; do try "$header" $compiler c gnu11; done
done
[ $count -gt 0 ] || status=1
[ $status -ne 0 ] || echo "$count compilations of headers alone"
exit $status
