#!/usr/bin/env bash
# Memory runs out: address space, control group, and each single system call in turn.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/shim/lib.sh"

# limited KIB COMMAND...
limited() (
    ulimit -v "$1" || exit 99
    shift
    exec env LD_PRELOAD="$LIB" "$@"
)
for kib in 6000 10000 30000 100000 700000; do
    status "ulimit -v $kib" 0 limited $kib "$BIN/limits" >"$work/out"
    sed "s/^/  ulimit -v $kib: /" "$work/out"
done
status "ulimit -v 100000, linked" 0 bash -c "ulimit -v 100000; exec '$BIN/limits.so'"
status "ulimit -v 100000, static archive" 0 bash -c "ulimit -v 100000; exec '$BIN/limits.a'"
status "ulimit -d 100000" 0 bash -c "ulimit -d 100000; LD_PRELOAD='$LIB' exec '$BIN/limits'"
for conf in reserve=1 reserve=64MiB profile=small; do
    status "ulimit -v 200000, $conf" 0 limited 200000 env BOSK_CONF=$conf "$BIN/limits" 300
done
status "hard limit" 0 env BOSK_CONF=hardlimit=1 BOSK_MEMLIMIT=100MiB LD_PRELOAD="$LIB" "$BIN/limits"
expect "the hard limit was one" bash -c \
    "BOSK_CONF=hardlimit=1 BOSK_MEMLIMIT=100MiB LD_PRELOAD='$LIB' '$BIN/limits' |
     awk '{exit !(\$2 > 50 && \$2 < 220)}'"
status "soft limit never says no" 0 env BOSK_MEMLIMIT=20MiB LD_PRELOAD="$LIB" "$BIN/limits" 100

# The n-th system call that can fail does.  A program that cannot be started says so and ends with
# 127, as the loader does, or with a status of its own; none may crash.
crashes=0 worst=''
for n in $(seq 1 60); do
    got=0
    BOSK_CONF=failos=$n LD_PRELOAD="$LIB" timeout 60 "$BIN/limits" 6 >"$work/out" 2>"$work/err" ||
        got=$?
    if [ $got -ne 0 ] && [ $got -ne 127 ]; then
        crashes=$((crashes + 1))
        worst="failos=$n: status $got: $(head -c 300 "$work/err")"
    fi
done
expect "each system call failing in turn ($worst)" test $crashes -eq 0

# A control group: what cannot be had by malloc's NULL, the kernel decides.  The default soft limit
# must keep garbage within the group's limit.
# Either hierarchy will do.
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    group=/sys/fs/cgroup/bosk-test-$$ limit=memory.max swap=memory.swap.max
else
    group=/sys/fs/cgroup/memory/bosk-test-$$ limit=memory.limit_in_bytes
    swap=memory.memsw.limit_in_bytes
fi
if mkdir "$group" 2>/dev/null && [ -w "$group/$limit" ]; then
    echo $((60 << 20)) >"$group/$limit"
    [ -w "$group/$swap" ] && echo $((60 << 20)) >"$group/$swap"
    in_group() { bash -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' _ "$group" "$@"; }
    status "churn within a control group" 0 in_group env LD_PRELOAD="$LIB" "$BIN/limits" 25
    status "beyond its limit the kernel kills" 137 \
        in_group env LD_PRELOAD="$LIB" "$BIN/limits" 300 2>/dev/null
    for _ in $(seq 1 50); do
        rmdir "$group" 2>/dev/null && break
        sleep 0.1
    done
else
    rmdir "$group" 2>/dev/null
    skip "no control group can be made here"
fi
finish limits
