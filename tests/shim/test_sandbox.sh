#!/usr/bin/env bash
# System calls after start-up: only six; and what happens when these are refused.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/shim/lib.sh"
"$BIN/sandbox" probe || {
    echo "skipped: system call filters cannot be installed" >&2
    exit 77
}
# Plain libc allocates by other calls too: the filter bites.
expect "the filter kills plain libc" bash -c "! '$BIN/sandbox' only 2>/dev/null"
status "only six system calls" 0 preloaded "$BIN/sandbox" only
for conf in profile=small check=1 reserve=1 thp=1; do
    status "only six system calls, $conf" 0 \
        env BOSK_CONF=$conf LD_PRELOAD="$LIB" "$BIN/sandbox" only
done
status "no memory from the system" 0 preloaded "$BIN/sandbox" nomem
status "no memory, arena mode" 0 env BOSK_CONF=reserve=1 LD_PRELOAD="$LIB" "$BIN/sandbox" nomem
status "madvise and mremap refused" 0 preloaded "$BIN/sandbox" noadvice
finish sandbox
