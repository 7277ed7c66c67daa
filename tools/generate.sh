#!/usr/bin/env bash
# generate.sh TREE OUTPUT - writes every generated file of the tree below OUTPUT.
#
# `./dev fmt` copies them into the tree; the lint `generated` compares.
set -euo pipefail
tree=$1 out=$2
mkdir -p "$out/src/heap" "$out/man" "$out/tests/golden"
version=$(sed -n 's/^#define BOSK_VERSION "\(.*\)"/\1/p' "$tree/include/bosk/base.h")
# The day of the last release, or of the first line.
date=$(sed -n 's/^## \[[0-9.]*\] - //p' "$tree/CHANGELOG.md" | head -n 1)
for tool in mksizeclasses mkconfman; do
    cc -std=gnu11 -O1 "$tree/tools/$tool.c" -o "$out/$tool"
done
"$out/mksizeclasses" >"$out/src/heap/sizeclasses.h"
"$out/mkconfman" "$version" "${date:-2026-11-20}" >"$out/man/bosk-conf.7"
rm "$out/mksizeclasses" "$out/mkconfman"
python3 "$tree/tools/abi.py" "$tree" >"$out/tests/golden/abi.txt"
