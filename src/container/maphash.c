/* maphash.c - hashing of long strings of bytes: by AES rounds where the processor has them, else by
 * wide multiplications.  Which one is chosen once a process; hashes never leave it.
 *
 * Both mix two secret words into every step, so that whoever knows the code but not the seed cannot
 * make keys that collide.  Four lanes keep the units busy.  Sources of the shapes: Go's
 * runtime/asm_amd64.s aeshash (one state a lane, keyed by the seed) and wyhash.
 */
#include "maptable.h"

#include <bosk/map.h>

#if defined(__x86_64__)
#include <wmmintrin.h>
#endif

static const uint64_t odd[4] = {0xa0761d6478bd642fu, 0xe7037ed1a0b428dbu, 0x8ebc6af09c88c6e3u,
                                0x589965cc75374cc3u};

uint64_t boski_hash_long_wide(const void *p, size_t n, uint64_t seed, uint64_t mult)
{
    const char *at = p;
    uint64_t lane[4];
    for (int i = 0; i < 4; i++) lane[i] = seed ^ odd[i];
    for (; n > 64; at += 64, n -= 64)
        for (int i = 0; i < 4; i++)
            lane[i] = boski_fold(boski_load8(at + 16 * i) ^ lane[i],
                                 boski_load8(at + 16 * i + 8) ^ mult ^ odd[i]);
    at -= 64 - n; /* the last 64 bytes, some of them again */
    for (int i = 0; i < 4; i++)
        lane[i] = boski_fold(boski_load8(at + 16 * i) ^ lane[i],
                             boski_load8(at + 16 * i + 8) ^ mult ^ odd[i]);
    return boski_fold(boski_fold(lane[0] ^ mult, lane[1] ^ odd[2]) ^ seed,
                      boski_fold(lane[2] ^ mult, lane[3] ^ odd[0]) ^ mult);
}

#if defined(__x86_64__)
__attribute__((target("aes"))) static uint64_t by_aes(const char *at, size_t n, uint64_t seed,
                                                      uint64_t mult)
{
    const __m128i key = _mm_set_epi64x((long long)mult, (long long)seed);
    __m128i lane[4];
    for (int i = 0; i < 4; i++)
        lane[i] = _mm_aesenc_si128(_mm_xor_si128(key, _mm_set1_epi64x((long long)odd[i])), key);
    for (bool last = false; !last;) {
        last = n <= 64;
        if (last) at -= 64 - n;
        for (int i = 0; i < 4; i++) {
            const __m128i data = _mm_loadu_si128((const __m128i *)(const void *)(at + 16 * i));
            lane[i] =
                _mm_aesenc_si128(_mm_aesenc_si128(_mm_xor_si128(lane[i], data), key), lane[i]);
        }
        at += 64;
        n -= 64;
    }
    __m128i all = _mm_aesenc_si128(_mm_aesenc_si128(lane[0], lane[1]), key);
    all = _mm_aesenc_si128(_mm_xor_si128(all, lane[2]), lane[3]);
    all = _mm_aesenc_si128(_mm_aesenc_si128(all, key), key);
    uint64_t half[2];
    _mm_storeu_si128((__m128i *)(void *)half, all);
    return boski_fold(half[0] ^ seed, half[1] ^ mult);
}
#endif

bool boski_hash_long_aes(const void *p, size_t n, uint64_t seed, uint64_t mult, uint64_t *out)
{
#if defined(__x86_64__)
    static int has; /* 0 not looked, 1 no, 2 yes */
    int known = __atomic_load_n(&has, __ATOMIC_RELAXED);
    if (BOSK_UNLIKELY(known == 0)) {
        __builtin_cpu_init();
        known = __builtin_cpu_supports("aes") ? 2 : 1;
        __atomic_store_n(&has, known, __ATOMIC_RELAXED);
    }
    if (known == 2) {
        *out = by_aes(p, n, seed, mult);
        return true;
    }
#else
    (void)p, (void)n, (void)seed, (void)mult, (void)out;
#endif
    return false;
}

uint64_t bosk_hash_long(const void *p, size_t n, uint64_t seed, uint64_t mult)
{
    uint64_t h;
    if (boski_hash_long_aes(p, n, seed, mult, &h)) return h;
    return boski_hash_long_wide(p, n, seed, mult);
}

uint64_t bosk_hash_bytes(const void *p, size_t n, uint64_t seed)
{
    return boski_hash_bytes(p, n, seed, 0x9fb21c651e98df25u);
}
uint64_t bosk_hash_u64(uint64_t v, uint64_t seed) { return boski_hash_word(v, seed); }
uint64_t bosk_map_hash_of(const bosk_map *m, const void *key)
{
    return boski_map_hash(m, key, &m->type);
}
