#!/usr/bin/env bash
# fmt.sh - ./dev fmt: formats the sources and writes generated files again.
set -euo pipefail
cd "$ROOT"
. tools/dev/common.sh

setup base lint
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bash tools/generate.sh . "$work"
(cd "$work" && find . -type f -printf '%P\n') | while read -r file; do
    cmp -s "$work/$file" "$file" || cp "$work/$file" "$file"
done
git ls-files -z --cached --others --exclude-standard '*.c' '*.h' '*.cc' |
    xargs -0 -r clang-format -i
