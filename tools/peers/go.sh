#!/usr/bin/env bash
# go.sh - a Go toolchain of at least 1.22: found, or unpacked from newer suites of the distribution.
#
#   tools/peers/go.sh [FOLDER]      default: ~/.cache/bosk-peers; prints the path of the go command
#
# Looked at in this order: $GO, go on the PATH, /usr/lib/go-1.*, what an earlier run unpacked, and
# then the packages golang-1.NN-go and -src of backports and of newer suites, of which the newest is
# taken.  Nothing is installed.  The exit status is 1, with one line that says why, when there is
# none.
set -euo pipefail

folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/bosk-peers}
least=22

say() { printf 'peers: %s\n' "$*" >&2; }

# minor GO: NN of its version 1.NN, or 0.
minor() {
    local version
    version=$(GOTOOLCHAIN=local "$1" version 2>/dev/null |
        grep -oE 'go1\.[0-9]+' | head -n 1) || true
    echo "${version#go1.}" | grep -E '^[0-9]+$' || echo 0
}

# newest GO...: prints the one with the greatest version that is enough; 1 when there is none.
newest() {
    local best="" most=$((least - 1)) go n
    for go in "$@"; do
        [ -x "$go" ] || continue
        n=$(minor "$go")
        [ "$n" -gt "$most" ] && best=$go most=$n
    done
    [ -n "$best" ] && echo "$best"
}

if [ -n "${GO:-}" ]; then
    newest "$(command -v "$GO" || echo "$GO")" && exit 0
    say "GO=$GO is not Go 1.$least or newer"
    exit 1
fi
newest "$(command -v go || true)" /usr/lib/go-1.*/bin/go \
    "$folder"/go/usr/lib/go-1.*/bin/go && exit 0

for tool in apt-get apt-cache dpkg-deb; do
    command -v "$tool" >/dev/null || { say "no Go 1.$least, and no $tool to unpack one"; exit 1; }
done
# shellcheck source=tools/peers/suite.sh
. "$(dirname "${BASH_SOURCE[0]}")/suite.sh"
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)

for suite in "${release:-bookworm}-backports" trixie; do
    open_suite "$folder" "apt-go-$suite" "$suite" || continue
    version=$(apt-cache "${options[@]}" search --names-only '^golang-1\.[0-9]+-go$' |
        sed -n 's/^golang-1\.\([0-9]*\)-go .*/\1/p' | sort -n | tail -n 1)
    if [ "${version:-0}" -lt "$least" ]; then
        say "$suite: no Go 1.$least"
        continue
    fi
    say "$suite: unpacking golang-1.$version"
    (cd "$apt/debs" && apt-get "${options[@]}" -qq download "golang-1.$version-go" \
        "golang-1.$version-src" >&2) || { say "$suite: download failed"; continue; }
    for deb in "$apt/debs/golang-1.$version"-*.deb; do dpkg-deb -x "$deb" "$folder/go"; done
    rm -rf "$apt"
    newest "$folder"/go/usr/lib/go-1.*/bin/go && exit 0
    say "$suite: what was unpacked does not run"
done
say "no Go of at least 1.$least: set GO=/path/to/go"
exit 1
