#!/usr/bin/env bash
# A program of another libc: its loader refuses the library with a message, and starts nothing.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/shim/lib.sh"
have musl-gcc
printf '#include <stdio.h>\nint main(void) { puts("ran"); return 0; }\n' >"$work/program.c"
musl-gcc -o "$work/program" "$work/program.c" || exit 77
expect "it runs without" test "$("$work/program")" = ran
got=0
out=$(LD_PRELOAD=$LIB "$work/program" 2>"$work/err") || got=$?
expect "it does not run with it" test $got -ne 0 -a -z "$out"
expect "there is a message" grep -q 'libbosk-malloc' "$work/err"
finish musl
