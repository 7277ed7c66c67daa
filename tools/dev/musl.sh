#!/usr/bin/env bash
# musl.sh - libbosk.a and its unit tests on musl, as ./dev test runs them.
#
# Debian has no Check for musl: it is built from Debian's source package, below build/.
set -euo pipefail
cd "$ROOT"
. tools/dev/common.sh

# build_check: Check for musl in build/check/musl.
build_check() {
    local dir=$ROOT/build/check/musl
    [ -f "$dir/done" ] && return
    say "building Check for musl"
    rm -rf "$dir"
    mkdir -p "$dir"/{state/lists/partial,cache/archives/partial,source}
    : >"$dir/state/status"
    # From where the system takes its packages, it takes sources too.
    # shellcheck disable=SC2016
    apt-get indextargets --format 'deb-src $(REPO_URI) $(CODENAME) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' >"$dir/sources.list"
    local apt=(apt-get -q -o "Dir::Etc::SourceList=$dir/sources.list"
        -o Dir::Etc::SourceParts=/dev/null -o "Dir::State=$dir/state"
        -o "Dir::State::status=$dir/state/status"
        -o "Dir::Cache=$dir/cache" -o APT::Sandbox::User=root)
    "${apt[@]}" update >&2 || true
    (cd "$dir/source" && "${apt[@]}" source --download-only check >&2) || return 1
    tar -xf "$dir"/source/check_*.orig.tar.gz -C "$dir/source" || return 1
    CC=musl-gcc cmake -S "$dir"/source/check-* -B "$dir/build" -G Ninja -Wno-dev \
        --log-level=WARNING -DCMAKE_BUILD_TYPE=Release -DCHECK_ENABLE_SUBUNIT=OFF \
        -DCHECK_ENABLE_TESTS=OFF -DBUILD_TESTING=OFF -DCHECK_ENABLE_TIMEOUT_TESTS=OFF \
        -DCMAKE_INSTALL_PREFIX="$dir/root" >&2 &&
        cmake --build "$dir/build" -j "$JOBS" --target install >&2 || return 1
    rm -rf "${dir:?}/state" "$dir/cache" "$dir/source" "$dir/build"
    touch "$dir/done"
}

if ! build_check; then
    record_outcome musl failed "Check for musl could not be built"
    exit 1
fi
check=$ROOT/build/check/musl/root
KEEP_GOING=1 build_preset musl -DBOSK_TEST_SCALE=20 "-DBOSK_CHECK_PREFIX=$check" \
    "-DBOSK_CHECK_LIBRARIES=$check/lib/libcheck.a" ||
    record_outcome musl failed "does not build"
run_ctest musl build/musl -L '^unit$'
