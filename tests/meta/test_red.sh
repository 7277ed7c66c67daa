#!/usr/bin/env bash
# A failing test turns the run red, whatever the way it fails; a skipped one is not a passed one.
set -uo pipefail
: "${BUILD_DIR:?}" "${SOURCE_DIR:?}"
. "$SOURCE_DIR/tests/meta/lib.sh"

# ---- the runner of unit tests ----
out=$("$BUILD_DIR/tests/meta/failing_cases" 2>"$work/err")
status=$?
expect "the runner exits with 1 when tests fail" [ $status -eq 1 ]
expect "the runner counts failures and skips" \
    grep -qx 'failing_cases: 3 passed, 10 failed, 1 skipped' <<<"$out"
for name in check equal crash early_exit child does_not_abort aborts_for_another_reason \
    other_signal other_status in_fresh_image; do
    "$BUILD_DIR/tests/meta/failing_cases" bad.$name >"$work/out" 2>&1
    status=$?
    expect "bad.$name alone is red" [ $status -eq 1 ]
    expect "bad.$name is counted" grep -qx 'failing_cases: 0 passed, 1 failed, 0 skipped' \
        "$work/out"
done
expect "good tests alone are green" "$BUILD_DIR/tests/meta/failing_cases" good >/dev/null 2>&1

# ---- CTest and the tally, as ./dev test uses them ----
# run TESTS: a project of its own with these add_test lines; prints the tally.
run() {
    rm -rf "$work/project" "$work/results"
    mkdir -p "$work/project"
    printf '%s\n' 'cmake_minimum_required(VERSION 3.25)' 'project(t NONE)' 'enable_testing()' \
        'set(cases "'"$BUILD_DIR"'/tests/meta/failing_cases")' "$1" >"$work/project/CMakeLists.txt"
    cmake -S "$work/project" -B "$work/project/build" -G Ninja >/dev/null
    (
        export RESULTS=$work/results ROOT=$SOURCE_DIR
        . "$SOURCE_DIR/tools/dev/common.sh"
        run_ctest sample "$work/project/build" 2>/dev/null
        [ -z "${2:-}" ] || record_outcome extra "$2" because
    )
    python3 "$SOURCE_DIR/tools/dev/tally.py" "$work/results" >"$work/tally"
    local status=$?
    tail -n 1 "$work/tally"
    return $status
}
# tally WANTED_STATUS WANTED_LINE TESTS [OUTCOME]
tally() {
    local line status
    line=$(run "$3" "${4:-}")
    status=$?
    expect "status of: $3 $4" [ $status -eq "$1" ]
    expect "last line of: $3 $4 is '$2', not '$line'" [ "$line" = "$2" ]
}
good='add_test(NAME meta.good COMMAND sh -c "exit 0")'
skip='add_test(NAME meta.skip COMMAND sh -c "exit 77")
set_tests_properties(meta.skip PROPERTIES SKIP_RETURN_CODE 77)'
tally 0 '1 passed, 0 failed, 0 skipped' "$good" ''
tally 0 '3 passed, 0 failed, 1 skipped' 'add_test(NAME unit.a COMMAND ${cases} good)' ''
tally 1 '4 passed, 10 failed, 1 skipped' "$good
add_test(NAME unit.a COMMAND \${cases})" ''
tally 1 '1 passed, 1 failed, 0 skipped' "$good
add_test(NAME meta.b COMMAND sh -c \"exit 1\")" ''
tally 0 '1 passed, 0 failed, 1 skipped' "$good
$skip" ''
tally 1 '0 passed, 0 failed, 1 skipped' "$skip" ''
tally 1 '1 passed, 1 failed, 0 skipped' "$good
add_test(NAME meta.b COMMAND sh -c \"kill -SEGV \$\$\")" ''
tally 1 '1 passed, 1 failed, 0 skipped' "$good
add_test(NAME meta.b COMMAND $work/nowhere)" ''
tally 1 '1 passed, 1 failed, 0 skipped' "$good
add_test(NAME meta.b COMMAND sleep 60)
set_tests_properties(meta.b PROPERTIES TIMEOUT 1)" ''
# A test program that ends well without having run its tests.
tally 1 '1 passed, 1 failed, 0 skipped' "$good
add_test(NAME unit.b COMMAND sh -c \"exit 0\")" ''
tally 1 '1 passed, 1 failed, 0 skipped' "$good
add_test(NAME unit.b COMMAND sh -c \"echo b: 0 passed, 0 failed, 0 skipped\")" ''
# A program that counts a failure but forgets to exit with it; one that dies after counting.
tally 1 '3 passed, 1 failed, 0 skipped' "$good
add_test(NAME unit.b COMMAND sh -c \"echo b: 2 passed, 1 failed, 0 skipped\")" ''
tally 1 '3 passed, 1 failed, 0 skipped' "$good
add_test(NAME unit.b COMMAND sh -c \"echo b: 2 passed, 0 failed, 0 skipped; exit 1\")" ''
tally 1 '0 passed, 1 failed, 0 skipped' '' ''
tally 1 '1 passed, 1 failed, 0 skipped' "$good" failed
tally 0 '1 passed, 0 failed, 1 skipped' "$good" skipped
tally 1 '1 passed, 1 failed, 0 skipped' "$good" nonsense

finish red
