#!/usr/bin/env bash
# What the documents promise is there; and the check of that notices when it is not.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/meta/lib.sh"
check=$SOURCE_DIR/tests/meta/check_docs.py

expect "links, tests and manual pages" python3 "$check" "$SOURCE_DIR"

# fault WHAT FILE SED: a copy of the documents with that change is refused.
fault() {
    local copy=${work:?}/copy
    rm -rf "$copy"
    mkdir -p "$copy/tests"
    cp -r "$SOURCE_DIR"/{docs,examples,include,man} "$SOURCE_DIR"/*.md "$SOURCE_DIR/LICENSE" "$copy"
    cp -r "$SOURCE_DIR"/tests/{unit,shim,cli} "$copy/tests"
    sed -i "$3" "$copy/$2"
    refuse "$1" python3 "$check" "$copy" >"$work/found"
    expect "$1 is told" test "$(wc -l <"$work/found")" -eq 1
}
fault "a dead link" README.md '1s|$| [gone](docs/gone.md)|'
fault "a unit test that is gone" tests/unit/hostile_test.c \
    's/(hostile, free_of_stack,/(hostile, other,/'
fault "a case that is gone" tests/shim/surface.c 's/^CASE(too_much_is_enomem)/CASE(other)/'
fault "a test of the tool that is gone" tests/cli/test_output.py \
    's/def test_full_disk(/def test_x(/'
fault "a check that is gone" tests/shim/test_bad_free.sh 's/standard error is closed/other/'
fault "a function without a page" man/bosk_trim.3 's/^bosk_trim, bosk_load_hint, /bosk_trim, /'
finish docs
