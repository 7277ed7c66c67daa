#!/usr/bin/env bash
# What the library shows and needs: allocator names without a version, bosk_* with BOSK_0, libc
# alone.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/shim/lib.sh"
have nm readelf objdump

nm -D --defined-only "$LIB" | awk '{print $3}' | sort >"$work/defined"
# What a program may be linked or loaded against, in full: a name that vanishes breaks it.
size=m
[ "$(readelf -h "$LIB" | awk '/Class:/ {print $2}')" = ELF64 ] || size=j
{
    printf '%s\n' malloc free calloc realloc reallocarray aligned_alloc posix_memalign memalign \
        valloc pvalloc cfree free_sized free_aligned_sized malloc_usable_size malloc_trim mallinfo \
        mallinfo2 mallopt malloc_info malloc_stats __libc_malloc __libc_free __libc_cfree \
        __libc_calloc __libc_realloc __libc_reallocarray __libc_memalign __libc_valloc \
        __libc_pvalloc __libc_mallopt __posix_memalign \
        mallocx rallocx xallocx sallocx dallocx sdallocx nallocx mallctl mallctlnametomib \
        mallctlbymib malloc_stats_print malloc_conf malloc_message
    for new in _Znw _Zna; do
        for form in '' RKSt9nothrow_t St11align_val_t St11align_val_tRKSt9nothrow_t; do
            echo "$new$size$form"
        done
    done
    for delete in _ZdlPv _ZdaPv; do
        for form in '' $size RKSt9nothrow_t St11align_val_t ${size}St11align_val_t \
            St11align_val_tRKSt9nothrow_t; do
            echo "$delete$form"
        done
    done
} | sort >"$work/wanted"
grep -v '@@BOSK_0$' "$work/defined" | grep -vx BOSK_0 >"$work/plain"
same "the allocator names, no more and no fewer" "$work/wanted" "$work/plain"
expect "bosk_* have the version BOSK_0" grep -qx 'bosk_malloc@@BOSK_0' "$work/defined"
grep '@@BOSK_0$' "$work/defined" >"$work/versioned"
expect "nothing else has it" test -z "$(grep -v '^bosk_' "$work/versioned")"
readelf -dW "$LIB" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v '^ld-linux' >"$work/needed"
expect "only libc is needed" test "$(cat "$work/needed")" = libc.so.6
expect "it stays loaded" bash -c "readelf -dW '$LIB' | grep -q NODELETE"
# Compilers like to know that two names cannot be one function, and drop the fast path then.
if [ "$(uname -m)" = x86_64 ] && [ $size = m ]; then
    for name in _Znwm _Znam _ZnwmRKSt9nothrow_t _ZdlPv _ZdlPvm _ZdaPv _ZdaPvm; do
        objdump -d --disassemble=$name "$LIB" >"$work/code"
        expect "$name has its fast path" grep -q '%fs:' "$work/code"
    done
fi

# Who has the runtime in it says so.
for file in "$BIN/one_heap.core_a" "$BIN/one_heap.a" "$LIB"; do
    expect "the note of ${file##*/}" bash -c "readelf -n '$file' | grep -A1 '^  bosk ' >/dev/null"
done
expect "no note without the runtime" \
    bash -c "! readelf -n '$BIN/one_heap.core' | grep -q '^  bosk '"

# The same names are in the archive.
nm --defined-only "$BUILD_DIR/lib/libbosk-malloc.a" 2>/dev/null |
    awk '$2 ~ /[TWVDBR]/ {print $3}' | sort -u >"$work/archived"
expect "the archive has every name" test -z "$(comm -23 "$work/wanted" "$work/archived")"
finish symbols
