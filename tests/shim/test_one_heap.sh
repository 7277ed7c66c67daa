#!/usr/bin/env bash
# One heap in the process, however the runtime came in, and however often.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/shim/lib.sh"

cp "$LIB" "$work/another-libbosk-malloc.so"
copy=$work/another-libbosk-malloc.so
expect "libbosk linked, drop-in preloaded" preloaded "$BIN/one_heap.core"
expect "libbosk, then the drop-in linked" "$BIN/one_heap.shim_then_core"
expect "drop-in linked" "$BIN/one_heap.so"
# The one order that cannot be mended by interposition, and the preload that mends it.
"$BIN/one_heap.core_then_shim" names_come_from_one_object >/dev/null 2>"$work/err"
expect "libbosk linked before the drop-in is told" \
    grep -q '^bosk: .*link libbosk-malloc first' "$work/err"
expect "the preload puts it right" preloaded "$BIN/one_heap.core_then_shim"
expect "drop-in linked, executable at a fixed address" "$BIN/one_heap.nopie"
expect "drop-in linked and preloaded" preloaded "$BIN/one_heap.so"
expect "drop-in linked, a copy preloaded" env LD_PRELOAD="$copy" "$BIN/one_heap.so"
expect "drop-in linked, libbosk preloaded after it" env LD_PRELOAD="$LIB $CORE" "$BIN/one_heap.so"
expect "drop-in in the executable" "$BIN/one_heap.a"
expect "drop-in in the executable, preloaded too" preloaded "$BIN/one_heap.a"
expect "static runtime alone: bosk_malloc beside libc's malloc" \
    env SHIM_TEST_HEAP=apart "$BIN/one_heap.core_a"
expect "libbosk alone: the same" env SHIM_TEST_HEAP=apart "$BIN/one_heap.core"

expect "loaded at run time behind a library with 768 bytes of TLS" \
    "$BIN/dlopen_late" "$BIN/tls_hog_lib.so" "$CORE"
expect "the drop-in loaded so" "$BIN/dlopen_late" "$BIN/tls_hog_lib.so" "$LIB"

# Under `bosk run` an executable with the runtime in it is not given a second one.
if [ -x "$BUILD_DIR/bin/bosk" ]; then
    for program in one_heap.core_a one_heap.a one_heap.so one_heap.core; do
        mode=shared
        [ $program = one_heap.core_a ] && mode=apart
        expect "bosk run $program" env SHIM_TEST_HEAP=$mode "$BUILD_DIR/bin/bosk" run --quiet \
            -o "$work/run.$program" -- "$BIN/$program"
        expect "bosk run $program left a summary" test -s "$work/run.$program/summary.json"
    done
else
    skip "the tool has not been built"
fi
finish one_heap
