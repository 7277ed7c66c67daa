#!/usr/bin/env bash
# format.sh TREE - clang-format, line length of what it does not format, length of files.
set -euo pipefail
cd "$1"
. "$(dirname "${BASH_SOURCE[0]}")/files.sh"

status=0
unformatted=$(tree_files '\.(c|h|cc)$' | tr '\n' '\0' |
    { xargs -0 -r clang-format --dry-run -Werror 2>&1 || true; } |
    awk -F: '/: (error|warning): / && !seen[$1]++ { print $1 ":" $2 }')
if [ -n "$unformatted" ]; then
    sed 's/$/: is not formatted (.\/dev fmt)/' <<<"$unformatted"
    status=1
fi
while read -r file; do
    case $file in src/heap/sizeclasses.h) continue ;; esac
    if long=$(LC_ALL=C.UTF-8 grep -nE '^.{101,}' "$file"); then
        sed "s|^\([0-9]*\):.*|$file:\1: longer than 100 columns|" <<<"$long"
        status=1
    fi
    if [ "$(wc -l <"$file")" -gt 1200 ]; then
        echo "$file: more than 1200 lines; look for a seam"
        status=1
    fi
done < <(tree_files '\.(c|h|cc|sh|py|cmake)$')
exit $status
