#!/usr/bin/env bash
# The macros of concurrent slices with every compiler and standard, without a warning, linked and
# run.
set -euo pipefail
source=$SOURCE_DIR/tests/languages/cslice.c
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# run COMPILER STANDARD LANGUAGE
run() {
    if "$1" -std="$2" -O2 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
        "-I$SOURCE_DIR/include" -x "$3" "$source" -x none "$BUILD_DIR/lib/libbosk.a" -pthread -ldl \
        -o "$work/program" && "$work/program"; then
        passed=$((passed + 1))
    else
        echo "cslice.c failed with $1 -std=$2"
        failed=$((failed + 1))
    fi
}

for standard in c11 gnu11; do
    run gcc $standard c
    run clang $standard c
done
run g++ c++17 c++
run clang++ c++17 c++
echo "cslice: $passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ] && [ $passed -eq 6 ]
