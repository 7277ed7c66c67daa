# files.sh - which files of a tree the lints look at.  Sourced.
# shellcheck shell=bash

# tree_files REGEX: files of the tree (tracked or not ignored) whose path matches.
tree_files() {
    if [ -d .git ]; then
        git ls-files --cached --others --exclude-standard
    else
        find . -type f -printf '%P\n'
    fi | { grep -E "$1" || true; } | while read -r file; do [ ! -f "$file" ] || echo "$file"; done
}
