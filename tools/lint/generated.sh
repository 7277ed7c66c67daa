#!/usr/bin/env bash
# generated.sh TREE - generated files are what their generators write.
set -euo pipefail
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -std=gnu11 -O1 tools/mksizeclasses.c -o "$work/mksizeclasses"
"$work/mksizeclasses" --check src/heap/sizeclasses.h
echo "generated files are up to date"
