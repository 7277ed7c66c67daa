#!/usr/bin/env bash
# Each program here must be refused, in C11 and C++17 by both compilers, for the reason that its
# first line expects.  A second line may name a compiler that cannot; that is counted as skipped.
set -euo pipefail
here=$SOURCE_DIR/tests/compile_fail
flags=(-Wall -Wextra -Wpedantic -Werror "-I$SOURCE_DIR/include" -O1 -c -o /dev/null)
passed=0 failed=0 skipped=0

# refused COMPILER LANGUAGE STANDARD FILE
refused() {
    local expected out
    expected=$(sed -n '1s|^/\* EXPECT: \(.*\) \*/$|\1|p' "$4")
    if [ -z "$expected" ]; then
        echo "$4 does not say what it expects"
        failed=$((failed + 1))
    elif sed -n 2p "$4" | grep -q "NOT BY: $1 $3"; then
        skipped=$((skipped + 1))
    elif out=$("$1" -x "$2" -std="$3" "${flags[@]}" "$4" 2>&1); then
        echo "$1 -std=$3 accepts ${4##*/}"
        failed=$((failed + 1))
    elif ! grep -Eq "$expected" <<<"$out"; then
        printf '%s -std=%s refuses %s for another reason:\n%s\n' "$1" "$3" "${4##*/}" "$out"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}

for file in "$here"/*.c; do
    for compiler in gcc clang; do refused $compiler c c11 "$file"; done
    for compiler in g++ clang++; do refused $compiler c++ c++17 "$file"; done
done
echo "compile_fail: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
