#!/usr/bin/env bash
# soak.sh - ./dev soak [PERCENT]: the release tests at full counts, into docs/soak.md.
#
# The same programs as ./dev test; only the number of operations differs.
set -euo pipefail
cd "$ROOT"
. tools/dev/common.sh

scale=${1:-1000}
seed=${BOSK_TEST_SEED:-$((RANDOM * 32768 + RANDOM))}
setup base test
rm -rf "$RESULTS"
export BOSK_TEST_SCALE=$scale BOSK_TEST_SEED=$seed
build_preset release "-DBOSK_TEST_TIMEOUT=14400"
started=$SECONDS
run_ctest release build/release -L '^(unit|mode|shim|stress|fuzz)$'
(unset BOSK_TEST_SCALE && build_preset release -DBOSK_TEST_TIMEOUT=600)
status=0
tally=$(python3 tools/dev/tally.py "$RESULTS") || status=1
printf '%s\n' "$tally"
dirty=
[ -z "$(git status --porcelain -uno)" ] || dirty=" with changes"
mkdir -p docs
{
    echo "# The last soak"
    echo
    echo "Written by \`./dev soak\`: the tests of \`./dev test\` with $scale % of its operations."
    echo
    echo "- commit: $(git rev-parse --short HEAD)$dirty"
    echo "- date: $(date -u +%F)"
    echo "- seed: $seed"
    echo "- time: $((SECONDS - started)) s on $(nproc) processors, Linux $(uname -r | cut -d- -f1)"
    echo "- result: $(printf '%s\n' "$tally" | tail -n 1)"
} >docs/soak.md
exit $status
