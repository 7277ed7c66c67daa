# lib.sh - for the scripts that drive the drop-in: where things are, counting, running.  Sourced.
# shellcheck shell=bash
: "${BUILD_DIR:?}" "${SOURCE_DIR:?}"
LIB=$BUILD_DIR/lib/libbosk-malloc.so
# shellcheck disable=SC2034 # for the scripts
CORE=$BUILD_DIR/lib/libbosk.so
# shellcheck disable=SC2034
BIN=$BUILD_DIR/tests/shim
[ -e "$LIB" ] || {
    echo "$LIB has not been built" >&2
    exit 1
}
unset BOSK_CONF BOSK_GC BOSK_MEMLIMIT BOSK_CONF_FILE LD_PRELOAD SHIM_TEST_PLAIN
export LC_ALL=C
passed=0 failed=0 skipped=0
work=$(mktemp -d)
trap 'cd /; rm -rf "$work"' EXIT
ulimit -c 0

good() { passed=$((passed + 1)); }
bad() {
    failed=$((failed + 1))
    printf 'FAILED: %s\n' "$*" >&2
}
skip() {
    skipped=$((skipped + 1))
    printf 'skipped: %s\n' "$*" >&2
}
# have PROGRAM...: or count a skip and leave the script.
have() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null && continue
        echo "skipped: there is no $program here" >&2
        exit 77
    done
}
# expect WHAT COMMAND...: the command succeeds.
expect() {
    local what=$1
    shift
    if "$@"; then good; else bad "$what"; fi
}
# status WHAT WANTED COMMAND...: the command ends with this status.
status() {
    local what=$1 wanted=$2 got=0
    shift 2
    "$@" || got=$?
    if [ $got -eq "$wanted" ]; then good; else bad "$what: status $got, not $wanted"; fi
}
# preloaded COMMAND...: on the drop-in.
preloaded() { env LD_PRELOAD="$LIB" "$@"; }
# same WHAT FILE FILE: byte for byte.
same() {
    if cmp "$2" "$3" >&2; then good; else bad "$1: results differ"; fi
}
finish() {
    printf '%s: %d passed, %d failed, %d skipped\n' "$1" $passed $failed $skipped
    [ $failed -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
    exit
}
