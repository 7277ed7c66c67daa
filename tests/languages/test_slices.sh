#!/usr/bin/env bash
# The macros of slices with every compiler and standard, without a warning, linked and run.
set -euo pipefail
here=$SOURCE_DIR/tests/languages
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
warnings=(-O2 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror "-I$SOURCE_DIR/include")
passed=0 failed=0

# run COMPILER STANDARD LANGUAGE SOURCE [ARGUMENTS]
run() {
    local compiler=$1 standard=$2 language=$3 source=$4
    shift 4
    if "$compiler" -std="$standard" "${warnings[@]}" -x "$language" "$here/$source" -x none \
        "$BUILD_DIR/lib/libbosk.a" -pthread -ldl -o "$work/program" && "$work/program" "$@"; then
        passed=$((passed + 1))
    else
        echo "$source failed with $compiler -std=$standard"
        failed=$((failed + 1))
    fi
}

for compiler in gcc clang; do
    for standard in c11 gnu11; do
        run $compiler $standard c slices_c.c "$BUILD_DIR/golden/appendone.csv"
    done
done
for compiler in g++ clang++; do
    run $compiler c++17 c++ slices_c.c "$BUILD_DIR/golden/appendone.csv"
    run $compiler c++17 c++ slices_cxx.cc
done
echo "languages: $passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ] && [ $passed -eq 8 ]
