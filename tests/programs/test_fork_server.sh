#!/usr/bin/env bash
# A server that forks for every request while its threads allocate.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/programs/lib.sh"
program=$BUILD_DIR/tests/programs/fork_server

status "on plain libc" 0 timeout 300 "$program.plain" 500 >/dev/null
status preloaded 0 env LD_PRELOAD="$LIB" timeout 300 "$program.plain" 2000 >/dev/null
status linked 0 timeout 300 "$program.so" 1000 >/dev/null
status "in the executable" 0 timeout 300 "$program.a" 1000 >/dev/null
for conf in check=1 profile=small reserve=1 scavenger=thread; do
    status "preloaded, $conf" 0 env LD_PRELOAD="$LIB" BOSK_CONF=$conf timeout 300 \
        "$program.plain" 500 >/dev/null
done
finish fork_server
