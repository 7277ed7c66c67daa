#!/usr/bin/env bash
# The drop-in under valgrind: all its names work, and it reads nothing it did not write.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/shim/lib.sh"
have valgrind
# valgrind puts its own malloc in the place of any library's; "none" leaves ours.
memcheck() {
    timeout 500 valgrind -q --soname-synonyms=somalloc=nouserintercepts --error-exitcode=99 \
        --undef-value-errors=no --trace-children=yes "$@"
}
# The longest cases are for machines, not for an interpreter of machine code.
for case in malloc_of_zero_is_unique too_much_is_enomem products_that_overflow \
    realloc_at_the_edges alignments_that_make_no_sense pages families_mix memory_from_libc \
    mallinfo_follows_the_heap malloc_info_writes_xml; do
    status "surface $case" 0 memcheck "$BIN/surface.so" $case >/dev/null 2>"$work/err"
    grep -m 5 == "$work/err" >&2
done
for case in plain_forms too_much_throws exceptions_pass_through handler_may_throw; do
    status "cxx $case" 0 memcheck "$BIN/cxx.so" $case >/dev/null 2>"$work/err"
    grep -m 5 == "$work/err" >&2
done
status "a wrong free" 134 memcheck "$BIN/bad_free.so" stack >/dev/null 2>"$work/err"
finish valgrind
