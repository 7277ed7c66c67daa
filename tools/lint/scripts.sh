#!/usr/bin/env bash
# scripts.sh TREE - shellcheck on shell scripts, the compiler on Python ones.  What a sourced
# file sets is used elsewhere (SC2034).
set -euo pipefail
cd "$1"
. "$(dirname "${BASH_SOURCE[0]}")/files.sh"

mapfile -t shell < <(tree_files '\.sh$|^dev$|^\.ci/run$')
[ ${#shell[@]} -eq 0 ] ||
    shellcheck --shell=bash --severity=warning --exclude=SC2034 --external-sources "${shell[@]}"
mapfile -t python < <(tree_files '\.py$')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compile='import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2], doraise=True)'
for file in "${python[@]}"; do python3 -c "$compile" "$file" "$work/compiled"; done
echo "${#shell[@]} shell and ${#python[@]} Python scripts"
