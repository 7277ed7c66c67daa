# common.sh - what the parts of ./dev share.  Sourced; ROOT is the top of the tree.
# shellcheck shell=bash

JOBS=${JOBS:-$(nproc 2>/dev/null || echo 2)}

say() { printf '\n== %s\n' "$*" >&2; }
die() {
    printf '\n./dev: %s\n' "$*" >&2
    exit 1
}

run_script() {
    local name=$1
    shift
    bash "$ROOT/tools/dev/$name.sh" "$@"
}

# Names of the packages of the groups given.
packages_of() {
    awk -v groups=" $* " '
        /^#/ || NF < 2 { next }
        { for (i = 2; i <= NF; i++) if (index(groups, " " $i " ")) { print $1; next } }
    ' "$ROOT/tools/packages.txt"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "packages are missing and neither root nor sudo is here.
Ask an administrator to run: apt-get install $missing"
    fi
}

# setup GROUP...: installs the packages of these groups that are missing.
setup() {
    local wanted
    missing=""
    wanted=$(packages_of "$@")
    if ! command -v dpkg-query >/dev/null; then
        say "this is not Debian; taking for granted that these are here: $(echo $wanted)"
        return
    fi
    local package have
    # A package counts as here when another provides it (pkgconf and pkg-config, for example).
    have=$(dpkg-query -W -f='${db:Status-Status} ${Package} ${Provides}\n' |
        sed -n 's/^installed//p' | sed 's/([^)]*)//g; s/,//g')
    for package in $wanted; do
        case "$have " in
        *" $package "* | *" $package"$'\n'*) ;;
        *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || return 0
    missing=${missing# }
    say "installing $(echo "$missing" | wc -w) packages: $missing"
    # shellcheck disable=SC2086
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
        --no-install-recommends $missing; then
        say "reading the package lists"
        as_root apt-get update -q || true
        # shellcheck disable=SC2086
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
            --no-install-recommends $missing ||
            die "the packages could not be installed.  If this machine is offline, connect it or
install them from a mirror or medium you have, then run the same command again:
    apt-get install --no-install-recommends $missing"
    fi
}

# build_preset PRESET [CMAKE ARGUMENTS]: configures and builds in build/PRESET.  With KEEP_GOING=1
# everything is built that can be, also after an error.
build_preset() {
    local preset=$1
    shift
    say "building $preset"
    cmake --preset "$preset" "$@" -Wno-dev --log-level=WARNING >&2 || return 1
    cmake --build --preset "$preset" -j "$JOBS" ${KEEP_GOING:+-- -k 0} >&2
}

# Results of test runs are collected here, one file a run, and added up by tally.py.
RESULTS=${RESULTS:-$ROOT/build/results}

# record_outcome NAME passed|failed|skipped WHY: one test that is not one of CTest's.
record_outcome() {
    mkdir -p "$RESULTS"
    printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$RESULTS/outcomes.tsv"
}

# run_ctest NAME BUILD_DIR [CTEST ARGUMENTS]: runs and records; never stops the caller.
run_ctest() {
    local name=$1 dir=$2
    shift 2
    say "testing $name"
    mkdir -p "$RESULTS"
    rm -f "$RESULTS/$name.xml"
    ctest --test-dir "$dir" -j "$JOBS" --no-tests=error --output-on-failure \
        --test-output-size-passed 4194304 --test-output-size-failed 4194304 \
        --output-junit "$RESULTS/$name.xml" "$@" >&2 || true
    [ -s "$RESULTS/$name.xml" ] || record_outcome "$name" failed "ctest left no result"
}
