#!/usr/bin/env bash
# caps.sh - draws docs/picture/caps-ladder.svg: how a slice of pointers grows in three
# versions of Go.
#
#     docs/picture/caps.sh [BUILD]        BUILD: a build tree, default build/release
set -euo pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(cd "${1:-$tree/build/release}" && pwd)
"$build/bin/bosk" caps slice --elem '*T' --go 1.17,1.21,1.22 --arch amd64 --to 20000 --svg \
    --output "$tree/docs/picture/caps-ladder.svg"
