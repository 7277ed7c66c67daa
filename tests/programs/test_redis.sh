#!/usr/bin/env bash
# redis-server, which is built against jemalloc: redis-benchmark on loopback, a data set whose
# digest must be the same as on jemalloc, saves in forked children, and the commands that ask the
# allocator.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/programs/lib.sh"
have redis-cli redis-benchmark awk
server=$(find_program redis-server)
cli=$(find_program redis-cli) benchmark=$(find_program redis-benchmark)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; cd /; rm -rf "$work"' EXIT

# A data set of all types, as commands for a pipe.
awk 'BEGIN {
    seed = 11
    for (i = 0; i < 120000; i++) {
        seed = (seed * 1103515245 + 12345) % 2147483648
        k = seed % 4001
        w = "v" seed; while (length(w) < seed % 300) w = w w
        t = i % 7
        if (t == 0) print "SET", "s" k, w
        else if (t == 1) print "RPUSH", "l" k, w, i
        else if (t == 2) print "HSET", "h" k, "f" seed % 50, w, "g" i % 9, i
        else if (t == 3) print "ZADD", "z" k % 100, seed % 1000, "m" seed % 5000
        else if (t == 4) print "SADD", "e" k, seed % 64, w
        else if (t == 5) print "APPEND", "s" k, w
        else if (i % 5 == 0) print "DEL", "l" k, "h" seed % 300
        else print "LPOP", "l" k
    }
}' >"$work/commands.txt"

# start WAY DIR: a server at $port, its data in DIR.
start() {
    local way=$1 dir=$2 try program=$server preload=
    [ "$way" = preload ] && preload=$LIB
    [ "$way" = linked ] && program=$(linked_copy "$server")
    for try in 1 2 3 4 5; do
        port=$((20000 + (RANDOM + $$ + try * 97) % 30000))
        mkdir -p "$dir"
        LD_PRELOAD=$preload "$program" --port $port --bind 127.0.0.1 --dir "$dir" --save '' \
            --appendonly yes --enable-debug-command yes --daemonize no >"$dir/log" 2>&1 &
        pid=$!
        for _ in $(seq 1 100); do
            kill -0 $pid 2>/dev/null || break
            # the server of somebody else at this port has another process number
            [ "$(info server process_id)" = $pid ] && return 0
            sleep 0.1
        done
        kill $pid 2>/dev/null
        wait $pid 2>/dev/null
    done
    cat "$dir/log" >&2
    return 1
}
ask() { timeout 60 "$cli" -p "$port" "$@"; }
# info SECTION FIELD
info() { ask INFO "$1" 2>/dev/null | tr -d '\r' | sed -n "s/^$2://p"; }
stop() {
    ask SHUTDOWN NOSAVE >/dev/null 2>&1
    wait "$pid"
    local got=$?
    pid=
    return $got
}

for way in plain preload linked; do
    if [ $way = linked ] && ! command -v patchelf >/dev/null; then
        skip "linked: there is no patchelf here"
        continue
    fi
    if ! start $way "$work/$way"; then
        bad "$way: the server does not start"
        continue
    fi
    [ $way = plain ] || expect "$way: is on the drop-in" grep -q libbosk-malloc "/proc/$pid/maps"
    ask --pipe <"$work/commands.txt" >"$work/piped.$way" 2>&1
    expect "$way: the data set is loaded" grep -q 'errors: 0, replies: 120000' "$work/piped.$way"
    ask DEBUG DIGEST >"$work/digest.$way"
    [ $way = plain ] || same "$way: digest" "$work/digest.plain" "$work/digest.$way"

    # Saved by a forked child while the parent is written to, and read back.
    ask BGSAVE >/dev/null
    ask CONFIG SET appendonly yes >/dev/null
    timeout 120 "$benchmark" -p "$port" -q -n 20000 -c 20 -P 8 -r 10000 -d 200 \
        -t set,get,incr,lpush,lpop,sadd,hset,spop,zadd,lrange_100,mset >"$work/bench.$way" 2>&1
    expect "$way: redis-benchmark ran all tests" test \
        "$(tr '\r' '\n' <"$work/bench.$way" | grep -c 'requests per second, p50')" -ge 11
    for _ in $(seq 1 100); do
        [ "$(info persistence rdb_bgsave_in_progress)" = 0 ] && break
        sleep 0.1
    done
    expect "$way: the child saved" test "$(info persistence rdb_last_bgsave_status)" = ok
    ask DEBUG DIGEST >"$work/before.$way"
    expect "$way: it reloads what it saves" test "$(ask DEBUG RELOAD)" = OK
    ask DEBUG DIGEST >"$work/after.$way"
    same "$way: digest after a reload" "$work/before.$way" "$work/after.$way"

    # Commands that ask the allocator.
    for command in "MEMORY DOCTOR" "MEMORY STATS" "MEMORY MALLOC-STATS" "INFO memory" \
        "MEMORY USAGE s1" "FLUSHALL ASYNC"; do
        # shellcheck disable=SC2086
        expect "$way: $command" test -n "$(ask $command)"
    done
    ask MEMORY PURGE >/dev/null
    expect "$way: lives on after MEMORY PURGE" test "$(ask PING)" = PONG
    expect "$way: ends well" stop
    expect "$way: no crash report" \
        bash -c "! grep -q 'BUG REPORT\|Guru Meditation\|free():' '$work/$way/log'"
done
finish redis
