#!/usr/bin/env bash
# Programs that close all files, become somebody else, lose their root, environment or stack; and
# what the environment may contain.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/shim/lib.sh"

for kind in no_files no_files_limit other_user other_root no_environment small_stacks \
    not_dumpable; do
    for way in plain preload so a static; do
        program=$BIN/hostile_world preload=
        case $way in
        preload) preload=$LIB ;;
        so | a | static) program=$program.$way ;;
        esac
        got=0
        LD_PRELOAD=$preload "$program" $kind 2>"$work/err" || got=$?
        case $got in
        0) good ;;
        77) skip "$kind, $way: not permitted here" ;;
        *) bad "$kind, $way: status $got: $(head -n 3 "$work/err")" ;;
        esac
    done
done

# Options nobody knows are told once, and do no harm.
BOSK_CONF=reserv=1GiB,,=,x=y LD_PRELOAD=$LIB "$BIN/hostile_world" no_environment 2>"$work/err"
expect "unknown options do no harm" test $? -eq 0
expect "a warning names the nearest option" grep -q "reserv.*reserve" "$work/err"
expect "not once a thread or block" test "$(wc -l <"$work/err")" -le 4
long=$(printf 'check=0,%.0s' $(seq 1 5000))
status "a very long list of options" 0 env BOSK_CONF="$long" LD_PRELOAD="$LIB" \
    "$BIN/hostile_world" no_environment
status "no environment at all" 0 env -i "$BIN/hostile_world.so" no_environment
status "memory limit that is no number" 0 env BOSK_MEMLIMIT=plenty LD_PRELOAD="$LIB" \
    "$BIN/hostile_world" no_environment 2>/dev/null
status "options in a file that is not there" 0 env BOSK_CONF_FILE="$work/none" LD_PRELOAD="$LIB" \
    "$BIN/hostile_world" no_environment 2>/dev/null

# A set-user-id program takes nothing from the environment of whoever started it.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 755 "$work"
    cp "$BIN/bad_free.a" "$work/secure"
    chown 65533 "$work/secure"
    chmod 4755 "$work/secure"
    run() { setpriv --reuid=65534 --regid=65534 --clear-groups env BOSK_CONF=unknownkey=1 "$@"; }
    run "$BIN/bad_free.a" stack 2>"$work/err" >/dev/null
    expect "the environment counts without the bit" grep -q '^bosk:.*unknownkey' "$work/err"
    run "$work/secure" stack 2>"$work/err" >/dev/null
    if grep -q "invalid pointer" "$work/err"; then
        expect "it does not with it" test -z "$(grep '^bosk:' "$work/err")"
    else
        skip "set-user-id bits do not work in $work"
    fi
else
    skip "set-user-id: not root"
fi
finish world
