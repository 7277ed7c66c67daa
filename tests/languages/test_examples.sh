#!/usr/bin/env bash
# Examples that stand beside a Go program print what it prints (NAME.out, written by Go on a 64-bit
# machine), compiled as C and as C++.
set -euo pipefail
passed=0 failed=0
for go in "${SOURCE_DIR:?}"/examples/*.go; do
    stem=$(basename "$go" .go)
    for program in "example_$stem" "example_${stem}_cc"; do
        if diff "${go%.go}.out" <("${BUILD_DIR:?}/examples/$program"); then
            passed=$((passed + 1))
        else
            echo "$program prints something else than $stem.go"
            failed=$((failed + 1))
        fi
    done
done
echo "examples: $passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ] && [ $passed -ge 4 ]
