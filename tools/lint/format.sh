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
    awk -v f="$file" 'length($0) > 100 { print f ":" NR ": longer than 100 columns"; bad = 1 }
        END { if (NR > 1200) { print f ": " NR " lines; look for a seam"; bad = 1 } exit bad }' \
        "$file" || status=1
done < <(tree_files '\.(c|h|cc|sh|py|cmake)$')
exit $status
