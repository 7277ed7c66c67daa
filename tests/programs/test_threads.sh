#!/usr/bin/env bash
# A C++ program with many threads.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/programs/lib.sh"
program=$BUILD_DIR/tests/programs/threads

"$program.plain" >"$work/plain" || bad "plain"
expect "it did something" test "$(wc -l <"$work/plain")" -eq 4
# run WHAT ENVIRONMENT PROGRAM
run() {
    # shellcheck disable=SC2086 # several variables or none
    env $2 timeout 300 "$3" >"$work/out" 2>"$work/err" ||
        bad "$1: status $?: $(head -n 3 "$work/err")"
    same "$1" "$work/plain" "$work/out"
}
run preloaded "LD_PRELOAD=$LIB" "$program.plain"
run linked "" "$program.so"
run "in the executable" "" "$program.a"
for conf in check=1 profile=small reserve=1 scavenger=thread scavenge_window=0; do
    run "preloaded, $conf" "LD_PRELOAD=$LIB BOSK_CONF=$conf" "$program.plain"
done
finish threads
