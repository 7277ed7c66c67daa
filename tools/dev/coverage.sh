#!/usr/bin/env bash
# coverage.sh - ./dev coverage: which lines of src/, shim/ and cmd/ the tests reach.
#
# Does not judge: what instrumentation writes and allocates fails tests that count bytes exactly.
set -euo pipefail
cd "$ROOT"
. tools/dev/common.sh

setup base test cover
rm -rf "$RESULTS"
build_preset coverage
find build/coverage -name '*.gcda' -delete
run_ctest coverage build/coverage -L '^(unit|fuzz|cli|shim)$'
out=build/coverage/coverage.info
lcov -q --capture --directory build/coverage --output-file $out \
    --no-external --base-directory "$ROOT"
lcov -q --extract $out "$ROOT/src/*" "$ROOT/shim/*" "$ROOT/cmd/*" --output-file $out
genhtml -q $out --output-directory build/coverage/html
say "build/coverage/html/index.html"
lcov --list $out
