#!/usr/bin/env bash
# test.sh - ./dev test: everything that must pass, in at most 20 minutes on two processors.
#
# The last line is the count alone.  What cannot be built is a failure; what cannot run
# here (a missing emulator, say) is counted as skipped and named.
set -euo pipefail
cd "$ROOT"
. tools/dev/common.sh

all="release clang ubsan hostile asan tsan musl arch"
[ $# -gt 0 ] || read -ra suites <<<"$all"
[ $# -eq 0 ] || suites=("$@")

setup base test arch
started=$SECONDS
rm -rf "$RESULTS"
mkdir -p "$RESULTS"

# suite NAME [CTEST ARGUMENTS]
suite() {
    local name=$1
    shift
    local from=$SECONDS
    # What could be built is tested all the same: one error must not hide another.
    KEEP_GOING=1 build_preset "$name" "${configure[@]}" ||
        record_outcome "$name" failed "does not build"
    [ ! -f "build/$name/CTestTestfile.cmake" ] || run_ctest "$name" "build/$name" "$@"
    say "$name took $((SECONDS - from)) s"
}

# Full numbers of operations in the build that is shipped; elsewhere the same tests do fewer, and
# ./dev soak does more.
for name in "${suites[@]}"; do
    configure=()
    case $name in
    release) suite release ;;
    # Whether the code is right under the other compiler; modes and programs are not run twice.
    clang)
        configure=(-DBOSK_TEST_SCALE=20)
        suite clang -L '^(unit|shim|fuzz)$'
        ;;
    ubsan)
        configure=(-DBOSK_TEST_SCALE=20)
        suite ubsan -L '^(unit|shim|fuzz)$'
        ;;
    hostile)
        configure=(-DBOSK_TEST_SCALE=20)
        suite hostile -L '^(unit|shim)$'
        ;;
    asan)
        configure=(-DBOSK_TEST_SCALE=20)
        suite asan -L '^(unit|fuzz)$'
        ;;
    tsan)
        configure=(-DBOSK_TEST_SCALE=5)
        suite tsan -L '^unit$'
        ;;
    musl) bash tools/dev/musl.sh || true ;;
    arch) bash tools/dev/arch.sh --part-of-test || true ;;
    *) die "there is no suite '$name'; there are: $all" ;;
    esac
done

say "all of it took $(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s"
python3 tools/dev/tally.py "$RESULTS"
