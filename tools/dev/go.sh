#!/usr/bin/env bash
# go.sh - ./dev test-go: bosk beside the Go toolchain of this machine.
#
# Size classes and rounding are compared line by line; a recorded heap profile is given to
# `go tool pprof`, which must read it and name a function.
set -euo pipefail
cd "$ROOT"
. tools/dev/common.sh

setup base go
build_preset release
rm -rf "$RESULTS"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
limit=200000
export GOCACHE=$work/cache GOFLAGS=-mod=mod GO111MODULE=off GOTOOLCHAIN=local

say "size classes and rounding against $(go version)"
cc -std=c11 -O1 -Iinclude tools/go/roundup.c build/release/lib/libbosk.a -pthread -ldl \
    -o "$work/roundup"
go build -o "$work/classes" tools/go/classes.go
"$work/classes" $limit >"$work/go.txt"
"$work/roundup" $limit >"$work/bosk.txt"
# Both know the classes up to the shorter list; what lies beyond is compared through rounding.
if diff "$work/go.txt" "$work/bosk.txt" >"$work/diff"; then
    record_outcome "go-rounding" passed ""
else
    head -n 20 "$work/diff"
    record_outcome "go-rounding" failed "$(wc -l <"$work/diff") lines differ"
fi

say "go tool pprof"
build/release/bin/bosk run --quiet -o "$work/record" -- sqlite3 :memory: \
    "create table t(a, b); with recursive n(i) as (select 1 union all select i + 1 from n
     where i < 200000) insert into t select i, hex(randomblob(16)) from n;" || true
profile=$(find "$work/record" -name heap.pb.gz | head -n 1)
if [ -n "$profile" ] && go tool pprof -top -sample_index=0 "$profile" >"$work/top" 2>&1 &&
    grep -q sqlite3 "$work/top"; then
    head -n 12 "$work/top"
    record_outcome "go-pprof" passed ""
else
    cat "$work/top" 2>/dev/null || true
    record_outcome "go-pprof" failed "heap.pb.gz was not read"
fi
python3 tools/dev/tally.py "$RESULTS"
