#!/usr/bin/env bash
# Wrong frees end the process with a line that names the block, never silently and never by a fault.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/shim/lib.sh"

# wrong KIND TEXT CONF WAY
wrong() {
    local kind=$1 text=$2 conf=$3 way=$4 got=0 preload=
    [ "$way" = preload ] && preload=$LIB
    local program=$BIN/bad_free
    [ "$way" = preload ] || program=$program.$way
    # The subshell keeps bash's own remark about the signal out of the log.
    (BOSK_CONF="$conf" LD_PRELOAD="$preload" "$program" "$kind" >/dev/null 2>"$work/err"
        exit) 2>/dev/null || got=$?
    if [ $got -eq 134 ] && grep -q "$text.*0x[0-9a-f]" "$work/err"; then
        good
    else
        bad "$kind, $conf, $way: status $got: $(head -n 3 "$work/err")"
    fi
}
for way in preload so a; do
    for conf in check=0 check=1 profile=small reserve=1; do
        for kind in double double_large; do wrong $kind 'free(): double free' $conf $way; done
        for kind in interior interior_large misaligned stack data mapped wild high realloc \
            realloc_interior usable; do
            wrong $kind 'free(): invalid pointer' $conf $way
        done
    done
done
# Sizes that cannot be right are told when every free is checked.
for way in preload so; do
    for kind in sized sized_new; do wrong $kind 'free(): invalid size' check=1 $way; done
    wrong sized_aligned 'free(): invalid alignment' check=1 $way
done
# Nobody to tell: the end is the same.
status "standard error is closed" 134 \
    bash -c "LD_PRELOAD='$LIB' '$BIN/bad_free' stack 2>&-" 2>/dev/null
finish bad_free
