#!/usr/bin/env bash
# What is installed can be used: by pkg-config and by find_package, from C11 and C++17, against the
# shared and the static libraries, from a prefix of its own.
set -uo pipefail
: "${BUILD_DIR:?}" "${SOURCE_DIR:?}"
. "$SOURCE_DIR/tests/meta/lib.sh"

prefix=$work/prefix
expect "installs" cmake --install "$BUILD_DIR" --prefix "$prefix" >"$work/log" 2>&1
libdir=$(dirname "$(find "$prefix" -name libbosk.so | head -n 1)")

cat >"$work/consumer.c" <<'TXT'
#include <bosk/bosk.h>
#include <stdio.h>
#include <string.h>
int main(void)
{
    char *p = (char *)bosk_malloc(100);
    if (!p || bosk_usable_size(p) < 100) return 1;
    memset(p, 1, 100);
    bosk_free(p);
    if (bosk_roundupsize(33, true) != 48) return 2;
    puts(bosk_version());
    return 0;
}
TXT
cat >"$work/plain.c" <<'TXT'
#include <bosk/alloc.h>
#include <stdlib.h>
/* malloc is bosk's: a block of it is known to the heap. */
int main(void)
{
    char *p = (char *)calloc(1, 5000);
    int ok = p && bosk_usable_size(p) >= 5000;
    free(p);
    return !ok;
}
TXT
version=$(sed -n 's/^#define BOSK_VERSION "\(.*\)"/\1/p' "$SOURCE_DIR/include/bosk/base.h")
strict="-Wall -Wextra -Wpedantic -Werror"

# ---- pkg-config; the prefix was moved, as a package's would be ----
export PKG_CONFIG_PATH=$libdir/pkgconfig
pc() { pkg-config --define-variable=prefix="$prefix" --define-variable=libdir="$libdir" \
    --define-variable=includedir="$prefix/include" "$@"; }
expect "pkg-config knows the version" [ "$(pc --modversion bosk)" = "$version" ]
for module in bosk bosk-malloc; do
    source=consumer
    [ $module = bosk ] || source=plain
    # shellcheck disable=SC2046,SC2086
    {
        expect "C11 with $module" ${CC:-cc} -std=c11 $strict "$work/$source.c" \
            $(pc --cflags --libs $module) -Wl,-rpath,"$libdir" -o "$work/a"
        expect "$module runs" "$work/a" >/dev/null
        expect "C++17 with $module" ${CXX:-c++} -std=c++17 $strict -x c++ "$work/$source.c" \
            -x none $(pc --cflags --libs $module) -Wl,-rpath,"$libdir" -o "$work/a"
        expect "$module runs in C++" "$work/a" >/dev/null
        expect "static $module" ${CC:-cc} -std=c11 $strict "$work/$source.c" \
            $(pc --cflags $module) "$libdir/lib$module.a" -pthread -ldl -o "$work/a"
        expect "static $module runs" "$work/a" >/dev/null
        refuse "static $module needs no library" \
            sh -c "readelf -d '$work/a' | grep -q 'NEEDED.*bosk'"
        expect "wholly static $module" ${CC:-cc} -std=c11 $strict -static "$work/$source.c" \
            $(pc --cflags $module) "$libdir/lib$module.a" -pthread -ldl -o "$work/a"
        expect "wholly static $module runs" "$work/a" >/dev/null
    }
done

# ---- find_package ----
mkdir -p "$work/project"
cp "$work/consumer.c" "$work/plain.c" "$work/project/"
cp "$work/consumer.c" "$work/project/consumer.cc"
cat >"$work/project/CMakeLists.txt" <<TXT
cmake_minimum_required(VERSION 3.25)
project(consumer C CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(bosk ${version%.*} CONFIG REQUIRED)
foreach(pair shared:bosk::bosk static:bosk::static)
  string(REGEX MATCH "^(.*):(bosk::.*)$" all \${pair})
  add_executable(c_\${CMAKE_MATCH_1} consumer.c)
  target_link_libraries(c_\${CMAKE_MATCH_1} PRIVATE \${CMAKE_MATCH_2})
  add_executable(cc_\${CMAKE_MATCH_1} consumer.cc)
  target_link_libraries(cc_\${CMAKE_MATCH_1} PRIVATE \${CMAKE_MATCH_2})
endforeach()
add_executable(malloc_shared plain.c)
target_link_libraries(malloc_shared PRIVATE bosk::malloc)
add_executable(malloc_static plain.c)
target_link_libraries(malloc_static PRIVATE bosk::malloc_static)
TXT
expect "find_package" cmake -S "$work/project" -B "$work/project/build" -G Ninja \
    -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1
expect "builds with find_package" cmake --build "$work/project/build" >>"$work/log" 2>&1
for program in c_shared cc_shared c_static cc_static malloc_shared malloc_static; do
    expect "$program runs" "$work/project/build/$program" >/dev/null
done
sed -i "s/find_package(bosk [0-9.]*/find_package(bosk 99.0/" "$work/project/CMakeLists.txt"
refuse "find_package of a version that is not here" cmake -S "$work/project" \
    -B "$work/project/build99" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null 2>&1

# ---- the rest ----
for file in bin/bosk share/man/man1/bosk.1 share/bash-completion/completions/bosk \
    share/zsh/site-functions/_bosk share/fish/vendor_completions.d/bosk.fish \
    share/bosk/bosk-gdb.py share/doc/bosk/LICENSE; do
    expect "$file is installed" [ -s "$prefix/$file" ]
done
expect "the tool runs from the prefix" "$prefix/bin/bosk" --version >/dev/null
expect "the tool finds its drop-in in the prefix" \
    sh -c "cd '$work' && '$prefix/bin/bosk' run --quiet -o '$work/record' -- true"
for library in bosk bosk-malloc; do
    expect "gdb finds a script for lib$library" \
        [ -n "$(find "$prefix/share/gdb/auto-load" -name "lib$library.so.$version-gdb.py")" ]
done
[ $failed -eq 0 ] || cat "$work/log" >&2

finish install
