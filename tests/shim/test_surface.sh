#!/usr/bin/env bash
# All names of the drop-in, their owners and meaning: on plain libc (so that the tests are right),
# preloaded, linked, linked statically, and without any shared library.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/shim/lib.sh"

for program in surface cxx cxx_replaced own_malloc; do
    expect "$program on plain libc" env SHIM_TEST_PLAIN=1 "$BIN/$program"
    expect "$program preloaded" env SHIM_TEST_OWNER=libbosk-malloc LD_PRELOAD="$LIB" "$BIN/$program"
done
expect "surface linked" env SHIM_TEST_OWNER=libbosk-malloc "$BIN/surface.so"
expect "surface linked statically" env SHIM_TEST_OWNER=surface.a "$BIN/surface.a"
expect "surface without shared libraries" "$BIN/surface.static"
for way in so a static nopie; do expect "C++ forms, $way" "$BIN/cxx.$way"; done
expect "C++ forms, fixed address, preloaded" preloaded "$BIN/cxx.nopie"
for way in so a; do expect "jemalloc's names, $way" "$BIN/jemalloc_api.$way"; done
expect "jemalloc's names preloaded" preloaded "$BIN/jemalloc_api"

# The test of jemalloc's names is right if jemalloc passes it.
jemalloc=$(ldconfig -p 2>/dev/null | sed -n 's/.*libjemalloc\.so\.2 .*=> //p' | head -n 1)
if [ -n "$jemalloc" ]; then
    expect "jemalloc itself" env SHIM_TEST_JEMALLOC=1 LD_PRELOAD="$jemalloc" "$BIN/jemalloc_api"
else
    skip "libjemalloc is not installed"
fi

# malloc_info is XML that a parser takes.
SHIM_TEST_XML=$work/info.xml preloaded "$BIN/surface" malloc_info_writes_xml >/dev/null
expect "malloc_info is well-formed and adds up" python3 - "$work/info.xml" <<'PY'
import sys, xml.etree.ElementTree as ET
root = ET.parse(sys.argv[1]).getroot()
assert root.tag == "malloc" and root.get("version") == "1"
heap = root.find("heap")
sizes = heap.find("sizes").findall("size")
assert len(sizes) > 20
for s in sizes:
    low, high, total, count = (int(s.get(k)) for k in ("from", "to", "total", "count"))
    assert low <= high and total == count * high and count > 0
assert sum(int(s.get("count")) for s in sizes) == int(heap.find("total[@type='rest']").get("count"))
assert int(root.find("system[@type='current']").get("size")) > 0
PY

expect "a C program with a C++ plugin, plain" "$BIN/plugin_host" "$BIN/plugin_lib.so"
expect "a C program with a C++ plugin" preloaded "$BIN/plugin_host" "$BIN/plugin_lib.so"
finish surface
