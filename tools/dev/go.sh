#!/usr/bin/env bash
# go.sh - ./dev test-go: bosk beside the Go toolchain of this machine.
#
# GO=/path/to/go takes another toolchain.  Size classes and rounding are compared line by line;
# random appends on every architecture this Go builds for and this machine can run; strings, numbers
# and runes; the tables of runes with the Unicode data they are made from.  A recorded heap profile
# is given to `go tool pprof`, which must read it and name a function.
set -euo pipefail
cd "$ROOT"
. tools/dev/common.sh

setup base go
build_preset release
rm -rf "$RESULTS"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
limit=200000
export GOCACHE=$work/cache GOFLAGS=-mod=mod GO111MODULE=off GOTOOLCHAIN=local CGO_ENABLED=0
GO=${GO:-go}
seed=${BOSK_TEST_SEED:-20240501}

say "size classes and rounding against $("$GO" version)"
cc -std=c11 -O1 -Iinclude tools/go/roundup.c build/release/lib/libbosk.a -pthread -ldl \
    -o "$work/roundup"
"$GO" build -o "$work/classes" tools/go/classes.go
"$work/classes" $limit >"$work/go.txt"
"$work/roundup" $limit >"$work/bosk.txt"
# Both know the classes up to the shorter list; what lies beyond is compared through rounding.
if diff "$work/go.txt" "$work/bosk.txt" >"$work/diff"; then
    record_outcome "go-rounding" passed ""
else
    head -n 20 "$work/diff"
    record_outcome "go-rounding" failed "$(wc -l <"$work/diff") lines differ"
fi

cc -std=c11 -O1 -Iinclude tools/go/appends.c build/release/lib/libbosk.a -pthread -ldl \
    -o "$work/appends"
for arch in amd64 386 arm64 arm; do
    emulator=
    case $arch in
    arm64) emulator=qemu-aarch64 ;;
    arm) emulator=qemu-arm ;;
    esac
    if [ -n "$emulator" ] && ! command -v $emulator >/dev/null; then
        record_outcome "go-appends-$arch" skipped "not installed: $emulator (./dev setup arch)"
        continue
    fi
    say "10,000 random appends on $arch, seed $seed"
    GOARCH=$arch "$GO" build -o "$work/appends-$arch" tools/go/appends.go
    if $emulator "$work/appends-$arch" -n 10000 -seed "$seed" >"$work/rows" &&
        "$work/appends" <"$work/rows"; then
        record_outcome "go-appends-$arch" passed ""
    else
        record_outcome "go-appends-$arch" failed "bosk and Go differ"
    fi
done

say "strings, numbers, runes, seed $seed"
cmake --build build/release --target strings_golden_test
"$GO" run tools/go/strings.go -n 2000 -runes -seed "$seed" >"$work/strings.tsv"
if BOSK_STRINGS_ROWS=$work/strings.tsv build/release/tests/unit/strings_golden_test; then
    record_outcome "go-strings" passed ""
else
    record_outcome "go-strings" failed "bosk and Go differ"
fi
unicode=/usr/share/unicode
if [ -f $unicode/UnicodeData.txt ]; then
    if python3 tools/mkunicode.py $unicode |
        diff - src/container/unicode_tables.h >"$work/diff"; then
        record_outcome "unicode-tables" passed ""
    else
        record_outcome "unicode-tables" failed "$(wc -l <"$work/diff") lines differ"
    fi
else
    record_outcome "unicode-tables" skipped "not installed: unicode-data"
fi

say "examples and docs/go-to-c.md"
if SOURCE_DIR=$ROOT python3 tests/languages/test_go_to_c.py --go "$GO"; then
    record_outcome "go-to-c" passed ""
else
    record_outcome "go-to-c" failed "Go refuses a line"
fi
for example in examples/*.go; do
    name=go-example-$(basename "$example" .go)
    if "$GO" run "$example" | diff "${example%.go}.out" -; then
        record_outcome "$name" passed ""
    else
        record_outcome "$name" failed "Go prints something else"
    fi
done

say "go tool pprof"
build/release/bin/bosk run --quiet -o "$work/record" -- sqlite3 :memory: \
    "create table t(a, b); with recursive n(i) as (select 1 union all select i + 1 from n
     where i < 200000) insert into t select i, hex(randomblob(16)) from n;" || true
profile=$(find "$work/record" -name heap.pb.gz | head -n 1)
if [ -n "$profile" ] && "$GO" tool pprof -top -sample_index=0 "$profile" >"$work/top" 2>&1 &&
    grep -q sqlite3 "$work/top"; then
    head -n 12 "$work/top"
    record_outcome "go-pprof" passed ""
else
    cat "$work/top" 2>/dev/null || true
    record_outcome "go-pprof" failed "heap.pb.gz was not read"
fi
python3 tools/dev/tally.py "$RESULTS"
