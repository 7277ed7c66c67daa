#!/usr/bin/env bash
# arch.sh - ./dev check-arch [i686|aarch64|armhf]... [build]: cross builds and their unit tests.
#
# Check for the other architecture is unpacked below build/ by an apt of its own, so that the
# system keeps its architectures.  With --part-of-test a smaller number of operations is run.
set -euo pipefail
cd "$ROOT"
. tools/dev/common.sh

part_of_test=0
build_only=0
arches=()
for arg in "$@"; do
    case $arg in
    --part-of-test) part_of_test=1 ;;
    build) build_only=1 ;;
    i686 | aarch64 | armhf) arches+=("$arg") ;;
    *) die "there is no architecture '$arg'; there are: i686 aarch64 armhf" ;;
    esac
done
[ ${#arches[@]} -gt 0 ] || arches=(i686 aarch64 armhf)

setup base arch
[ $part_of_test = 1 ] || rm -rf "$RESULTS"

# unpack_check DEBIAN_ARCH: libcheck of that architecture in build/check/ARCH.
unpack_check() {
    local arch=$1 dir=$ROOT/build/check/$1
    [ -f "$dir/done" ] && return
    say "unpacking Check for $arch"
    rm -rf "$dir"
    mkdir -p "$dir"/{state/lists/partial,cache/archives/partial,debs,root}
    : >"$dir/state/status"
    local apt=(apt-get -q -o "APT::Architecture=$arch" -o "APT::Architectures=$arch"
        -o "Dir::State=$dir/state" -o "Dir::State::status=$dir/state/status"
        -o "Dir::Cache=$dir/cache" -o APT::Sandbox::User=root)
    "${apt[@]}" update >&2 || true
    (cd "$dir/debs" && "${apt[@]}" download check libsubunit-dev >&2) || return 1
    local deb
    for deb in "$dir"/debs/*.deb; do dpkg-deb -x "$deb" "$dir/root"; done
    rm -rf "${dir:?}/state" "$dir/cache" "$dir/debs"
    touch "$dir/done"
}

status=0
for name in "${arches[@]}"; do
    emulator=
    case $name in
    i686) debian=i386 triple=i686-linux-gnu libdir=i386-linux-gnu ;;
    aarch64) debian=arm64 triple=aarch64-linux-gnu libdir=$triple emulator=qemu-aarch64 ;;
    armhf) debian=armhf triple=arm-linux-gnueabihf libdir=$triple emulator=qemu-arm ;;
    esac
    if ! unpack_check $debian; then
        record_outcome "$name" skipped "Check for $debian could not be fetched"
        continue
    fi
    check=$ROOT/build/check/$debian/root/usr
    # 386 is as fast as the host; the others are emulated.
    scale=5
    [ -n "$emulator" ] || scale=20
    [ $part_of_test = 1 ] || scale=$((scale * 4))
    if ! KEEP_GOING=1 build_preset "$name" -DBOSK_TEST_SCALE=$scale "-DBOSK_CHECK_PREFIX=$check" \
        "-DBOSK_CHECK_LIBRARIES=$check/lib/$libdir/libcheck.a;$check/lib/$libdir/libsubunit.a"; then
        record_outcome "$name" failed "does not build"
        status=1
    fi
    [ $build_only = 0 ] || continue
    # Under an emulator each of thousands of fork children is slow to start: whether every failing
    # system call is survived is a question for check-arch there.
    leave_out='^$'
    [ $part_of_test = 0 ] || [ -z "$emulator" ] || leave_out='^unit[.]oom$'
    run_ctest "$name" "build/$name" -L '^unit$' -E "$leave_out"
done
if [ $part_of_test = 0 ] && [ $build_only = 0 ]; then
    python3 tools/dev/tally.py "$RESULTS" || status=1
fi
exit $status
