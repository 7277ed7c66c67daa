#!/usr/bin/env bash
# Programs that know nothing of bosk, on the drop-in, in each of its modes, for a while.
# BOSK_TEST_SCALE (percent) multiplies the counts: `./dev soak` runs the same with large ones.
set -u
: "${BUILD_DIR:?}" "${SOURCE_DIR:?}"
lib=$BUILD_DIR/lib/libbosk-malloc.so
core=$BUILD_DIR/lib/libbosk.so
bin=$BUILD_DIR/tests/stress
scale=${BOSK_TEST_SCALE:-100}
seed=${BOSK_TEST_SEED:-20240501}
passed=0 failed=0
unset BOSK_CONF BOSK_GC BOSK_MEMLIMIT BOSK_CONF_FILE LD_PRELOAD

[ -e "$lib" ] || {
    echo "skipped: the drop-in is not part of this build" >&2
    exit 77
}

times() { echo $((($1 * scale + 99) / 100)); }

# run WHAT ENVIRONMENT COMMAND...
run() {
    local what=$1 conf=$2 status=0
    shift 2
    # shellcheck disable=SC2086 # several settings
    timeout $((120 + scale)) env $conf LD_PRELOAD="$lib" "$@" || status=$?
    if [ $status -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what: $* with ${conf:-no options}: status $status" >&2
    fi
}

echo "seed $seed, scale $scale %"
# A preload that fails is only warned about: make sure that it is bosk that serves them.
if LD_PRELOAD=$lib BOSK_CONF=nosuchkey=1 "$bin/churn" 1 1 2>&1 >/dev/null | grep -q nosuchkey; then
    passed=$((passed + 1))
else
    failed=$((failed + 1))
    echo "FAILED: the programs do not run on the drop-in" >&2
fi
for conf in "" BOSK_CONF=check=1 BOSK_CONF=reserve=1 BOSK_CONF=os_page=65536 \
    BOSK_CONF=profile=small BOSK_CONF=scavenger=thread,scavenge_window=0 BOSK_MEMLIMIT=16MiB; do
    run churn "$conf" "$bin/churn" 4 "$(times 40000)" "$seed"
done
run "churn of one thread" "" "$bin/churn" 1 "$(times 200000)" "$seed"
run "churn of many threads" "" "$bin/churn" 32 "$(times 8000)" "$seed"
for conf in "" BOSK_CONF=reserve=1 BOSK_CONF=scavenger=thread; do
    run forks "$conf" "$bin/forks" "$(times 200)"
done
run threads "" "$bin/threads" "$(times 1000)"
run "threads, small profile" BOSK_CONF=profile=small "$bin/threads" "$(times 1000)"

# Not the drop-in, but the library, loaded late.
for _ in 1 2 3; do
    if timeout 60 "$bin/late" "$core"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: late" >&2
    fi
done

echo "stress: $passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
