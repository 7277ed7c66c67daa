/* sort.c - sorting, searching and reversing arrays of any elements.
 *
 * Numbers: one quicksort for each kind, made by a macro so that comparisons are inlined.  Anything
 * else: the same algorithm through a function.  Both fall back to heapsort when partitions keep
 * being bad, so no input takes more than O(n log n).  The stable sort merges in place by rotation,
 * as Go's: O(n log^2 n) moves, no memory.
 *
 * Go counterpart: slices/zsortordered.go, zsortanyfunc.go (which choose pivots in another way; the
 * order of equal elements is unspecified there too).
 */
#include <bosk/slices.h>

#define INSERTION_MAX 16
#define STABLE_BLOCK 20

static unsigned depth_limit(ptrdiff_t n)
{
    unsigned depth = 0;
    for (; n > 1; n >>= 1) depth += 2;
    return depth;
}

/* ---- numbers ------------------------------------------------------------------------------ */

/* A number that is not equal to itself is NaN, and comes first. */
#define LESS_INT(a, b) ((a) < (b))
#define LESS_FLOAT(a, b) ((a) < (b) || ((a) != (a) && (b) == (b)))

#define SORT_NUMBERS(name, type, LESS)                                  \
    static void insertion_##name(type *a, ptrdiff_t n)                  \
    {                                                                   \
        for (ptrdiff_t i = 1; i < n; i++) {                             \
            type v = a[i];                                              \
            ptrdiff_t j = i;                                            \
            for (; j > 0 && LESS(v, a[j - 1]); j--) a[j] = a[j - 1];    \
            a[j] = v;                                                   \
        }                                                               \
    }                                                                   \
    static void sift_##name(type *a, ptrdiff_t at, ptrdiff_t n)         \
    {                                                                   \
        type v = a[at];                                                 \
        for (ptrdiff_t child; (child = 2 * at + 1) < n; at = child) {   \
            if (child + 1 < n && LESS(a[child], a[child + 1])) child++; \
            if (!LESS(v, a[child])) break;                              \
            a[at] = a[child];                                           \
        }                                                               \
        a[at] = v;                                                      \
    }                                                                   \
    static void heap_##name(type *a, ptrdiff_t n)                       \
    {                                                                   \
        for (ptrdiff_t i = n / 2; i-- > 0;) sift_##name(a, i, n);       \
        for (ptrdiff_t i = n - 1; i > 0; i--) {                         \
            type v = a[0];                                              \
            a[0] = a[i];                                                \
            a[i] = v;                                                   \
            sift_##name(a, 0, i);                                       \
        }                                                               \
    }                                                                   \
    static void sort_##name(type *a, ptrdiff_t n, unsigned depth)       \
    {                                                                   \
        while (n > INSERTION_MAX) {                                     \
            if (depth-- == 0) {                                         \
                heap_##name(a, n);                                      \
                return;                                                 \
            }                                                           \
            type x = a[0], y = a[n / 2], z = a[n - 1];                  \
            type pivot = LESS(x, y) ? (LESS(y, z)   ? y                 \
                                       : LESS(x, z) ? z                 \
                                                    : x)                \
                                    : (LESS(x, z)   ? x                 \
                                       : LESS(y, z) ? z                 \
                                                    : y);               \
            ptrdiff_t i = -1, j = n;                                    \
            for (;;) {                                                  \
                do i++;                                                 \
                while (LESS(a[i], pivot));                              \
                do j--;                                                 \
                while (LESS(pivot, a[j]));                              \
                if (i >= j) break;                                      \
                type v = a[i];                                          \
                a[i] = a[j];                                            \
                a[j] = v;                                               \
            }                                                           \
            /* [0, j] and (j, n): the smaller by recursion. */          \
            if (j + 1 < n / 2) {                                        \
                sort_##name(a, j + 1, depth);                           \
                a += j + 1;                                             \
                n -= j + 1;                                             \
            } else {                                                    \
                sort_##name(a + j + 1, n - j - 1, depth);               \
                n = j + 1;                                              \
            }                                                           \
        }                                                               \
        insertion_##name(a, n);                                         \
    }                                                                   \
    static bool sorted_##name(const type *a, ptrdiff_t n)               \
    {                                                                   \
        for (ptrdiff_t i = 1; i < n; i++)                               \
            if (LESS(a[i], a[i - 1])) return false;                     \
        return true;                                                    \
    }

SORT_NUMBERS(i8, int8_t, LESS_INT)
SORT_NUMBERS(i16, int16_t, LESS_INT)
SORT_NUMBERS(i32, int32_t, LESS_INT)
SORT_NUMBERS(i64, int64_t, LESS_INT)
SORT_NUMBERS(u8, uint8_t, LESS_INT)
SORT_NUMBERS(u16, uint16_t, LESS_INT)
SORT_NUMBERS(u32, uint32_t, LESS_INT)
SORT_NUMBERS(u64, uint64_t, LESS_INT)
SORT_NUMBERS(f32, float, LESS_FLOAT)
SORT_NUMBERS(f64, double, LESS_FLOAT)

/* clang-format off */
#define KINDS(X)                                                                   \
    X(BOSK_NUMBER_I8, i8) X(BOSK_NUMBER_I16, i16) X(BOSK_NUMBER_I32, i32)          \
    X(BOSK_NUMBER_I64, i64) X(BOSK_NUMBER_U8, u8) X(BOSK_NUMBER_U16, u16)          \
    X(BOSK_NUMBER_U32, u32) X(BOSK_NUMBER_U64, u64) X(BOSK_NUMBER_F32, f32)        \
    X(BOSK_NUMBER_F64, f64)
/* clang-format on */

BOSK_API void bosk_sort_numbers(void *array, ptrdiff_t n, enum bosk_number kind)
{
    switch (kind) {
#define SORT_KIND(number, name) \
    case number: sort_##name(array, n, depth_limit(n)); break;
        KINDS(SORT_KIND)
    case BOSK_NUMBER_NONE: bosk_panic("bosk: elements have no order");
    }
}

BOSK_API bool bosk_sorted_numbers(const void *array, ptrdiff_t n, enum bosk_number kind)
{
    switch (kind) {
#define SORTED_KIND(number, name) \
    case number: return sorted_##name(array, n);
        KINDS(SORTED_KIND)
    case BOSK_NUMBER_NONE: break;
    }
    bosk_panic("bosk: elements have no order");
}

/* ---- any elements ---------------------------------------------------------------------------- */

static void swap(char *a, char *b, size_t size)
{
    char part[64];
    for (; size >= sizeof part; size -= sizeof part, a += sizeof part, b += sizeof part) {
        memcpy(part, a, sizeof part);
        memcpy(a, b, sizeof part);
        memcpy(b, part, sizeof part);
    }
    for (; size > 0; size--, a++, b++) {
        char c = *a;
        *a = *b;
        *b = c;
    }
}

static void insertion(char *a, ptrdiff_t n, size_t size, bosk_compare_fn compare)
{
    char *end = a + (size_t)n * size;
    for (char *p = a + size; p < end; p += size)
        for (char *q = p; q > a && compare(q, q - size) < 0; q -= size) swap(q, q - size, size);
}

static void sift(char *a, size_t at, size_t n, size_t size, bosk_compare_fn compare)
{
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && compare(a + child * size, a + (child + 1) * size) < 0) child++;
        if (compare(a + at * size, a + child * size) >= 0) return;
        swap(a + at * size, a + child * size, size);
    }
}

static void heap_sort(char *a, size_t n, size_t size, bosk_compare_fn compare)
{
    for (size_t i = n / 2; i-- > 0;) sift(a, i, n, size, compare);
    for (size_t i = n - 1; i > 0; i--) {
        swap(a, a + i * size, size);
        sift(a, 0, i, size, compare);
    }
}

/* Quicksort with the pivot at a[0]; a function that is no order cannot lead out of the array. */
static void sort_any(char *a, ptrdiff_t n, size_t size, bosk_compare_fn compare, unsigned depth)
{
    while (n > INSERTION_MAX) {
        if (depth-- == 0) {
            heap_sort(a, (size_t)n, size, compare);
            return;
        }
        char *mid = a + (size_t)(n / 2) * size, *last = a + (size_t)(n - 1) * size;
        if (compare(mid, a) < 0) swap(mid, a, size);
        if (compare(last, mid) < 0) swap(last, mid, size);
        if (compare(mid, a) < 0) swap(mid, a, size);
        swap(a, mid, size);
        ptrdiff_t i = 1, j = n - 1;
        for (;;) {
            while (i <= j && compare(a + (size_t)i * size, a) < 0) i++;
            while (i <= j && compare(a, a + (size_t)j * size) < 0) j--;
            if (i >= j) break;
            swap(a + (size_t)i * size, a + (size_t)j * size, size);
            i++;
            j--;
        }
        swap(a, a + (size_t)j * size, size);
        if (j < n / 2) {
            sort_any(a, j, size, compare, depth);
            a += (size_t)(j + 1) * size;
            n -= j + 1;
        } else {
            sort_any(a + (size_t)(j + 1) * size, n - j - 1, size, compare, depth);
            n = j;
        }
    }
    insertion(a, n, size, compare);
}

BOSK_API void bosk_sort_array(void *array, ptrdiff_t n, size_t size, bosk_compare_fn compare)
{
    if (n > 1 && size != 0) sort_any(array, n, size, compare, depth_limit(n));
}

BOSK_API void bosk_reverse_array(void *array, ptrdiff_t n, size_t size)
{
    char *a = array, *b = a + (n > 0 ? (size_t)(n - 1) * size : 0);
    if (size == 0) return;
    for (; a < b; a += size, b -= size) swap(a, b, size);
}

/* a[0, mid) and a[mid, n) change places. */
static void rotate(char *a, ptrdiff_t mid, ptrdiff_t n, size_t size)
{
    bosk_reverse_array(a, mid, size);
    bosk_reverse_array(a + (size_t)mid * size, n - mid, size);
    bosk_reverse_array(a, n, size);
}

/* First place in a[0, n) whose element comes behind `key` (`behind`), or not before it. */
static ptrdiff_t bound(const char *a, ptrdiff_t n, size_t size, const void *key,
                       bosk_compare_fn compare, bool behind)
{
    ptrdiff_t lo = 0;
    while (lo < n) {
        ptrdiff_t mid = lo + (n - lo) / 2;
        int c = compare(a + (size_t)mid * size, key);
        if (c < 0 || (behind && c == 0))
            lo = mid + 1;
        else
            n = mid;
    }
    return lo;
}

/* Merges sorted a[0, mid) and a[mid, n): splits the longer part in halves, finds where its middle
 * goes in the other, and exchanges what lies between. */
static void merge(char *a, ptrdiff_t mid, ptrdiff_t n, size_t size, bosk_compare_fn compare)
{
    while (mid > 0 && mid < n) {
        ptrdiff_t i, j;
        if (mid >= n - mid) {
            i = mid / 2;
            j = mid +
                bound(a + (size_t)mid * size, n - mid, size, a + (size_t)i * size, compare, false);
        } else {
            j = mid + (n - mid) / 2;
            i = bound(a, mid, size, a + (size_t)j * size, compare, true);
            j++;
        }
        rotate(a + (size_t)i * size, mid - i, j - i, size);
        ptrdiff_t cut = i + (j - mid);
        if (mid >= n - mid) {
            /* a[cut] is the middle of the longer part, and stands where it belongs. */
            merge(a, i, cut, size, compare);
            a += (size_t)(cut + 1) * size;
            mid = mid - i - 1;
            n -= cut + 1;
        } else {
            merge(a, i, cut - 1, size, compare);
            a += (size_t)cut * size;
            mid = mid - i;
            n -= cut;
        }
    }
}

BOSK_API void bosk_sort_array_stable(void *array, ptrdiff_t n, size_t size, bosk_compare_fn compare)
{
    char *a = array;
    if (n < 2 || size == 0) return;
    for (ptrdiff_t i = 0; i < n; i += STABLE_BLOCK)
        insertion(a + (size_t)i * size, n - i < STABLE_BLOCK ? n - i : STABLE_BLOCK, size, compare);
    for (ptrdiff_t width = STABLE_BLOCK; width < n; width *= 2)
        for (ptrdiff_t i = 0; n - i > width; i += 2 * width)
            merge(a + (size_t)i * size, width, n - i < 2 * width ? n - i : 2 * width, size,
                  compare);
}

BOSK_API ptrdiff_t bosk_search_array(const void *array, ptrdiff_t n, size_t size, const void *key,
                                     bosk_compare_fn compare, bool *found)
{
    ptrdiff_t at = bound(array, n, size, key, compare, false);
    *found = at < n && compare((const char *)array + (size_t)at * size, key) == 0;
    return at;
}

BOSK_API ptrdiff_t bosk_compact_array(void *array, ptrdiff_t n, size_t size,
                                      bosk_compare_fn compare)
{
    char *a = array;
    if (n < 2) return n;
    ptrdiff_t kept = 1;
    for (ptrdiff_t i = 1; i < n; i++) {
        if (compare(a + (size_t)i * size, a + (size_t)(i - 1) * size) == 0) continue;
        if (kept != i) memcpy(a + (size_t)kept * size, a + (size_t)i * size, size);
        kept++;
    }
    memset(a + (size_t)kept * size, 0, (size_t)(n - kept) * size);
    return kept;
}

/* ---- capacity ---- */

BOSK_API bosk_slice bosk_slices_grow_any(const bosk_type *type, bosk_slice s, ptrdiff_t n)
{
    if (n < 0) bosk_panic("cannot be negative");
    ptrdiff_t more = n - (s.cap - s.len), old_cap = s.cap, new_len;
    if (more <= 0) return s;
    /* As append(s[:cap], make([]E, more)...)[:len]: what lies behind the length is kept too. */
    if (__builtin_add_overflow(s.cap, more, &new_len)) new_len = -1;
    bosk_slice grown = bosk_growslice(type, s.ptr, new_len, s.cap, more);
    if (type->size != 0 && type->noscan)
        memset((char *)grown.ptr + (size_t)old_cap * type->size, 0, (size_t)more * type->size);
    grown.len = s.len;
    return grown;
}

BOSK_API bosk_slice bosk_slices_concat_any(const bosk_type *type, const void *slices, size_t count)
{
    bosk_slice all = {NULL, 0, 0}, one;
    ptrdiff_t len = 0;
    /* Slices of every type are laid out alike; they are read as bytes. */
    for (size_t i = 0; i < count; i++) {
        memcpy(&one, (const char *)slices + i * sizeof one, sizeof one);
        if (__builtin_add_overflow(len, one.len, &len)) bosk_panic("len out of range");
    }
    all = bosk_slices_grow_any(type, all, len);
    for (size_t i = 0; i < count; i++) {
        memcpy(&one, (const char *)slices + i * sizeof one, sizeof one);
        if (one.len > 0 && type->size != 0)
            memcpy((char *)all.ptr + (size_t)all.len * type->size, one.ptr,
                   (size_t)one.len * type->size);
        all.len += one.len;
    }
    return all;
}
