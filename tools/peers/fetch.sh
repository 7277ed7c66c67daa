#!/usr/bin/env bash
# fetch.sh - unpacks newer allocators from newer suites of the distribution for a local look.
#
#   ./dev peers [FOLDER]        default: ~/.cache/bosk-peers
#
# Nothing is installed: the packages are downloaded with apt into FOLDER, by a private list of
# sources, and unpacked there.  peers.txt then names what was found, a line `LABEL PATH` each, for
# `./dev bench alloc --peers-dir FOLDER`.  A suite that cannot be reached, or a package that needs a
# newer libc than this system has, is named and left out.
set -euo pipefail

folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/bosk-peers}
suites="trixie sid"
packages="libmimalloc3:libmimalloc.so libmimalloc2.0:libmimalloc.so libjemalloc2:libjemalloc.so
libtcmalloc-minimal4t64:libtcmalloc_minimal.so libtcmalloc-minimal4:libtcmalloc_minimal.so"

say() { printf 'peers: %s\n' "$*"; }
die() { printf 'peers: %s\n' "$*" >&2; exit 1; }

for tool in apt-get apt-cache dpkg-deb; do
    command -v "$tool" >/dev/null || die "$tool is missing: this needs Debian or a relative"
done

# shellcheck source=tools/peers/suite.sh
. "$(dirname "${BASH_SOURCE[0]}")/suite.sh"

mkdir -p "$folder"
: >"$folder/peers.txt"
found=0

# libc_ok SO: does the library load here?
libc_ok() { LD_PRELOAD="$1" /bin/true 2>&1 | grep -q . && return 1 || return 0; }

for suite in $suites; do
    open_suite "$folder" "apt-$suite" "$suite" || continue
    for entry in $packages; do
        package=${entry%%:*} library=${entry##*:}
        version=$(apt-cache "${options[@]}" madison "$package" 2>/dev/null |
            awk -F' *[|] *' 'NR == 1 { print $2 }')
        [ -n "$version" ] || continue
        root=$folder/$suite-$package
        if [ ! -d "$root" ]; then
            say "$suite: $package $version"
            (cd "$apt/debs" && apt-get "${options[@]}" -qq download "$package") || {
                say "$suite: $package: download failed"
                continue
            }
            for deb in "$apt/debs/${package}"_*.deb; do dpkg-deb -x "$deb" "$root"; done
        fi
        so=$(find "$root" -name "$library*" -type f | sort | head -n 1)
        [ -n "$so" ] || { say "$suite: $package holds no $library"; continue; }
        if ! libc_ok "$so"; then
            say "$suite: $package $version does not load on this system, left out"
            continue
        fi
        label=${library#lib}
        label=${label%.so}
        label=${label%_minimal}-${version%%[-+~]*}
        grep -q "^$label " "$folder/peers.txt" && continue
        printf '%s %s\n' "$label" "$so" >>"$folder/peers.txt"
        found=$((found + 1))
    done
done

[ $found -gt 0 ] || die "nothing newer could be unpacked; the packaged peers stay the comparison"
say "$found unpacked, listed in $folder/peers.txt:"
cat "$folder/peers.txt"
say "compare with: ./dev bench alloc --groups --peers-dir $folder"
