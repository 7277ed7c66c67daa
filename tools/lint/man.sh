#!/usr/bin/env bash
# man.sh TREE - manual pages without warnings.
set -euo pipefail
cd "$1"
shopt -s nullglob
pages=(man/*.[1-8])
[ ${#pages[@]} -eq 0 ] || mandoc -T lint -W warning "${pages[@]}" || exit 1
echo "${#pages[@]} manual pages"
