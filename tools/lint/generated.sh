#!/usr/bin/env bash
# generated.sh TREE - generated files are what their generators write.
set -euo pipefail
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bash tools/generate.sh . "$work"
status=0 count=0
while read -r file; do
    count=$((count + 1))
    cmp "$work/$file" "$file" || status=1
done < <(cd "$work" && find . -type f -printf '%P\n')
[ $status -ne 0 ] || echo "$count generated files are up to date"
[ $status -eq 0 ] || echo "run ./dev fmt"
exit $status
