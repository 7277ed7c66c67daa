#!/usr/bin/env bash
# git: a repository built, packed, merged, searched and checked; all object names must come out the
# same.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/programs/lib.sh"
have git awk tar
git=$(find_program git)
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=c
export GIT_COMMITTER_EMAIL=c@example.org GIT_AUTHOR_DATE='1700000000 +0000'
export GIT_COMMITTER_DATE='1700000000 +0000' GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1

mkdir "$work/tree"
(
    cd "$work/tree" || exit 1
    for dir in a b c; do
        mkdir $dir
        for i in $(seq 1 150); do
            awk -v s="$dir$i" 'BEGIN {for (j = 0; j < 60; j++) print s, j, j * j % 97, "text"}' \
                >$dir/file$i.txt
        done
    done
    cp -r "$SOURCE_DIR/src" sources
)
work() {
    local way=$1 dir
    dir=$(mktemp -d "$work/repository.XXXX")
    g() { as "$way" "$git" -C "$dir" "$@"; }
    g init -q -b main && cp -r "$work/tree/." "$dir" || return 1
    g add -A && g commit -qm first || return 1
    for i in $(seq 1 15); do
        sed -i "${i}s/.*/line of commit $i/" "$dir"/a/file*$i.txt "$dir/b/file$i.txt"
        g commit -qam "commit $i" || return 1
    done
    g checkout -q -b side HEAD~5 && g mv c d && g commit -qm move || return 1
    g checkout -q main && g merge -q -m merge side || return 1
    g repack -adfq --depth=50 --window=20 --threads=2 && g gc -q --aggressive &&
        g fsck --full --strict &&
        g rev-list --all --objects | sort >objects.txt && g log -p --stat --graph >log.txt &&
        g diff HEAD~10 >diff.txt && g grep -n -e 'malloc' >grep.txt &&
        g blame a/file1.txt >blame.txt &&
        g ls-tree -r HEAD >tree.txt && g archive HEAD | tar -t >archive.txt &&
        g shortlog -s HEAD >short.txt && g clone -q . "$dir/copy" && g -C copy fsck
}
for way in preload linked; do expect "$way: is on the drop-in" on_drop_in $way "$git"; done
ways preload linked
finish git
