#!/usr/bin/env bash
# scripts.sh TREE - shellcheck on shell scripts, the compiler on Python ones.
set -euo pipefail
cd "$1"
list() {
    if [ -d .git ]; then git ls-files --cached --others --exclude-standard -- "$@"; else
        find . -type f -name "$1"
    fi | while read -r file; do [ ! -f "$file" ] || echo "$file"; done
}
mapfile -t shell < <(list '*.sh'; for f in dev .ci/run; do [ ! -f $f ] || echo $f; done)
[ ${#shell[@]} -eq 0 ] ||
    shellcheck --shell=bash --severity=warning --external-sources "${shell[@]}"
mapfile -t python < <(list '*.py')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for file in "${python[@]}"; do
    python3 -c 'import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2], doraise=True)' \
        "$file" "$work/compiled"
done
echo "${#shell[@]} shell and ${#python[@]} Python scripts"
