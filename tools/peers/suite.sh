# suite.sh - packages of another suite of the distribution, without installing any.  Sourced.
# shellcheck shell=bash

# The mirror this system already uses, so that proxies and local mirrors keep working.
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
    2>/dev/null | head -n 1 || true)

# open_suite FOLDER NAME SUITE: reads the suite's list of packages by a private list of sources;
# sets `apt`, a folder with debs/ in it, and `options` for apt-get and apt-cache.
open_suite() {
    local suite=$3 keyring=/usr/share/keyrings/debian-archive-keyring.gpg signed=
    apt=$1/$2
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs"
    touch "$apt/status"
    [ -f "$keyring" ] && signed="[signed-by=$keyring] "
    printf 'deb %s%s %s main\n' "$signed" "$mirror" "$suite" >"$apt/sources.list"
    options=(-o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$apt/lists" -o "Dir::State::status=$apt/status"
        -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
    say "$suite: reading the list of packages from ${mirror:-no mirror that is known here}"
    if ! apt-get "${options[@]}" -qq update 2>"$apt/log" || grep -q '^[WE]: Failed' "$apt/log"; then
        say "$suite: not reachable: $(tail -n 1 "$apt/log")"
        return 1
    fi
}
