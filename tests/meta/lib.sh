# lib.sh - counting for the scripts in this folder.  Sourced.
# shellcheck shell=bash
passed=0 failed=0 skipped=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

good() { passed=$((passed + 1)); }
bad() {
    failed=$((failed + 1))
    printf 'FAILED: %s\n' "$*" >&2
}
# expect WHAT COMMAND...: the command succeeds.
expect() {
    local what=$1
    shift
    if "$@"; then good; else bad "$what"; fi
}
# refuse WHAT COMMAND...: the command fails.
refuse() {
    local what=$1
    shift
    if "$@"; then bad "$what"; else good; fi
}
finish() {
    printf '%s: %d passed, %d failed, %d skipped\n' "$1" $passed $failed $skipped
    [ $failed -eq 0 ] && [ $passed -gt 0 ]
    exit
}
