# lib.sh - real programs, once on plain libc and once each way on the drop-in, same input, same
# result.
# shellcheck shell=bash
#
# A script defines `work WAY` which runs the program by `as WAY PROGRAM ARGUMENTS...` in a folder
# of its own, leaves its results in files there, and calls `compare`.  WAY is plain, preload, or
# linked: a copy of the program that names the drop-in among the libraries it needs.
. "${SOURCE_DIR:?}/tests/shim/lib.sh"

# shellcheck disable=SC2034 # for the scripts
inputs=$SOURCE_DIR/tests/programs/inputs

# find_program NAME: where it is, past wrappers of version managers.
find_program() {
    local candidate
    for candidate in "/usr/bin/$1" "/bin/$1" "$(command -v "$1")"; do
        [ -x "$candidate" ] && echo "$candidate" && return
    done
    echo "skipped: there is no $1 here" >&2
    exit 77
}

# linked_copy PROGRAM: the path of a copy linked with the drop-in; empty where that cannot be made.
linked_copy() {
    local copy
    copy=$work/linked/$(basename "$1")
    if [ ! -e "$copy" ]; then
        mkdir -p "$work/linked"
        cp "$1" "$copy"
        patchelf --add-needed "$(readlink -f "$LIB")" "$copy" 2>/dev/null || return 1
    fi
    echo "$copy"
}

# as WAY PROGRAM ARGUMENTS...
as() {
    local way=$1 program=$2
    shift 2
    case $way in
    plain) "$program" "$@" ;;
    preload) LD_PRELOAD=$LIB "$program" "$@" ;;
    linked) "$(linked_copy "$program")" "$@" ;;
    esac
}

# on_drop_in WAY PROGRAM: the loader says that the library is part of it.
on_drop_in() {
    local program=$2 preload=
    if [ "$1" = linked ]; then
        command -v patchelf >/dev/null || return 0 # `ways` counts the skip
        program=$(linked_copy "$program")
    else
        preload=$LIB
    fi
    LD_TRACE_LOADED_OBJECTS=1 LD_PRELOAD=$preload "$program" </dev/null |
        grep libbosk-malloc >/dev/null
}

# ways WAY...: runs `work` for each and compares every file it left with the plain one's.
ways() {
    local way file
    for way in plain "$@"; do
        if [ "$way" = linked ] && ! command -v patchelf >/dev/null; then
            skip "linked: there is no patchelf here"
            continue
        fi
        mkdir -p "$work/$way"
        cd "$work/$way" || exit 1
        if ! work "$way" 2>"$work/err"; then
            bad "$way: did not run: $(tail -n 5 "$work/err")"
            continue
        fi
        [ "$way" = plain ] && continue
        for file in "$work/plain"/*; do
            same "$way: ${file##*/}" "$file" "$work/$way/${file##*/}"
        done
    done
    cd "$work" || exit 1
    expect "results were left" test -n "$(ls "$work/plain")"
}
