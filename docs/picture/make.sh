#!/usr/bin/env bash
# make.sh - draws docs/picture/bosk-run.svg from a real run of `bosk run` on a terminal.
#
#     docs/picture/make.sh [BUILD]        BUILD: a build tree, default build/release
#
# The input is the one of the benchmark: 300,000 orders imported, indexed and summed by sqlite3.
set -euo pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(cd "${1:-$tree/build/release}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 "$tree/bench/inputs.py" . >inputs.txt
export PATH="$build/bin:$PATH" LC_ALL=C.UTF-8 TERM=xterm-256color
unset NO_COLOR
# What sqlite3 itself prints goes to a file; the report comes on standard error, a terminal here.
script -qec "bosk run -- sqlite3 :memory: <orders.sql >answers.txt" run.ansi >/dev/null </dev/null
python3 "$tree/docs/picture/ansi_to_svg.py" run.ansi \
    'bosk run -- sqlite3 :memory: <orders.sql >answers.txt' >"$tree/docs/picture/bosk-run.svg"
