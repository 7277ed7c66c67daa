#!/usr/bin/env bash
# analyse.sh TREE - cppcheck on everything that ships, for 64 and 32 bits.
set -euo pipefail
cd "$1"
dirs=()
for dir in src shim cmd; do [ -z "$(find $dir -name '*.c' 2>/dev/null)" ] || dirs+=("$dir"); done
status=0
for platform in unix64 unix32; do
    cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --platform=$platform \
        --enable=warning,portability,performance --library=posix,gnu \
        --suppressions-list=tools/lint/cppcheck.txt --template=gcc -j "$(nproc)" \
        -Iinclude -Isrc -D__GNUC__=12 -D__linux__ "${dirs[@]}" || status=1
done
[ $status -ne 0 ] || echo "cppcheck found nothing in ${dirs[*]}"
exit $status
