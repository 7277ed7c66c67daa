#!/usr/bin/env bash
# fmt.sh - ./dev fmt: formats the sources and writes generated files again.
set -euo pipefail
cd "$ROOT"
. tools/dev/common.sh

setup base lint
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -std=gnu11 -O1 tools/mksizeclasses.c -o "$work/mksizeclasses"
"$work/mksizeclasses" >"$work/sizeclasses.h"
cmp -s "$work/sizeclasses.h" src/heap/sizeclasses.h || cp "$work/sizeclasses.h" src/heap/
git ls-files -z --cached --others --exclude-standard '*.c' '*.h' '*.cc' |
    xargs -0 -r clang-format -i
