/* growth.c - Go's growth rules and the rounding behind them, for words of 32 and 64 bits.
 *
 * All arithmetic on lengths wraps in the word of the architecture asked for, as Go's `int` does:
 * values are kept in 64 bits and cut to the word after each step.
 */
#include "container/growth.h"

#include "heap/sizeclasses.h"

#include <bosk/growth.h>
#include <errno.h>
#include <string.h>

/* The free rules that a process may have selected; entries never change once published. */
#define RULES_MAX 16
static struct bosk_growth used_rules[RULES_MAX];
static unsigned used_count;
static char used_lock;
const bosk_growth *boski_growth_rule;

static const bosk_growth go_rules[] = {
    {.threshold = 1024, .num = 1, .den = 4, .rounding = BOSK_ROUND_NO24, .on_len = 1, .minor = 15},
    {.threshold = 1024, .num = 1, .den = 4, .rounding = BOSK_ROUND_PLAIN, .golden = 1, .minor = 16},
    {.threshold = 256,
     .plus = 768,
     .num = 1,
     .den = 4,
     .rounding = BOSK_ROUND_PLAIN,
     .golden = 1,
     .minor = 18},
    {.threshold = 256,
     .plus = 768,
     .num = 1,
     .den = 4,
     .rounding = BOSK_ROUND_HEADERS,
     .golden = 1,
     .minor = 22},
};

BOSK_API const bosk_growth *bosk_growth_go(unsigned minor)
{
    if (minor < BOSK_GO_FIRST || minor > BOSK_GO_LAST) return NULL;
    size_t i = sizeof go_rules / sizeof go_rules[0];
    while (go_rules[--i].minor > minor) continue;
    return &go_rules[i];
}

BOSK_API const char *bosk_growth_panic(unsigned minor)
{
    return minor < 20 ? "growslice: cap out of range" : "growslice: len out of range";
}

/* ---- words ---------------------------------------------------------------------- */

static inline bool wide(bosk_arch arch) { return arch == BOSK_AMD64 || arch == BOSK_ARM64; }
static inline uint64_t word_max(bosk_arch arch) { return wide(arch) ? UINT64_MAX : UINT32_MAX; }
static inline uint64_t to_word(bosk_arch arch, uint64_t v) { return v & word_max(arch); }
static inline int64_t to_int(bosk_arch arch, uint64_t v)
{
    return wide(arch) ? (int64_t)v : (int64_t)(int32_t)(uint32_t)v;
}
static inline uint64_t max_alloc(bosk_arch arch)
{
    return wide(arch) ? (uint64_t)1 << 48 : UINT32_MAX;
}

/* ---- rounding --------------------------------------------------------------------- */

#define SMALL_MAX 32768u
#define GO_PAGE 8192u
#define HEADER 8u

static uint64_t class_up(uint64_t size)
{
    unsigned c = size <= 1024 ? boski_size_to_class8[(size + 7) >> 3]
                              : boski_size_to_class128[(size - 1024 + 127) >> 7];
    return boski_class_to_size[c];
}

BOSK_API uint64_t bosk_rounded(const bosk_growth *rule, bosk_arch arch, uint64_t size, bool noscan)
{
    uint64_t small = SMALL_MAX;
    switch (rule->rounding) {
    case BOSK_ROUND_NONE: return size;
    case BOSK_ROUND_NO24:
        if (size > 16 && size <= 24) return 32;
        break;
    case BOSK_ROUND_HEADERS:
        small = SMALL_MAX - HEADER;
        if (size <= small && !noscan && size > (wide(arch) ? 512 : 128))
            return class_up(size + HEADER) - HEADER;
        break;
    }
    if (size <= small) return class_up(size);
    uint64_t up = to_word(arch, size + GO_PAGE - 1);
    return up < size ? size : up & ~(uint64_t)(GO_PAGE - 1);
}

/* ---- capacity ---------------------------------------------------------------------- */

/* (cap + plus) * num / den, at least 1; -1 when it does not fit in the word.  (Where Go's own sum
 * wraps, its loop ends in a wrapped capacity, which stands for the length asked for.) */
static inline int64_t step_of(const bosk_growth *rule, bosk_arch arch, int64_t cap)
{
    int64_t base = to_int(arch, (uint64_t)cap + (uint64_t)rule->plus), step;
    if (base < 0) return -1;
    if (rule->num == 1) {
        step = base / (int64_t)rule->den;
    } else {
        int64_t whole = base / (int64_t)rule->den, rest = base % (int64_t)rule->den;
        if (__builtin_mul_overflow(whole, (int64_t)rule->num, &step)) return -1;
        if (__builtin_add_overflow(step, rest * (int64_t)rule->num / (int64_t)rule->den, &step))
            return -1;
        if (to_int(arch, (uint64_t)step) != step) return -1;
    }
    return step == 0 ? 1 : step;
}

static inline int64_t want(const bosk_growth *rule, bosk_arch arch, int64_t old_len,
                           int64_t old_cap, int64_t new_len)
{
    int64_t twice = to_int(arch, (uint64_t)old_cap * 2);
    if (new_len > twice) return new_len;
    if ((rule->on_len ? old_len : old_cap) < rule->threshold) return twice;
    int64_t cap = old_cap;
    do {
        int64_t step = step_of(rule, arch, cap);
        if (step < 0) return new_len;
        cap = to_int(arch, (uint64_t)cap + (uint64_t)step);
        if (cap <= 0) return new_len;
    } while (cap < new_len);
    return cap;
}

BOSK_API int64_t bosk_wantcap(const bosk_growth *rule, bosk_arch arch, int64_t old_len,
                              int64_t old_cap, int64_t new_len)
{
    return want(rule, arch, old_len, old_cap, new_len);
}

static inline int64_t nextcap(const bosk_growth *rule, bosk_arch arch, uint64_t elem_size,
                              bool noscan, int64_t old_len, int64_t old_cap, int64_t new_len)
{
    if (new_len < 0 || to_int(arch, (uint64_t)new_len) != new_len) return -1;
    if (new_len <= old_cap) return old_cap;
    if (elem_size == 0) return new_len;
    uint64_t cap = to_word(arch, (uint64_t)want(rule, arch, old_len, old_cap, new_len));
    uint64_t bytes;
    if (__builtin_mul_overflow(cap, elem_size, &bytes) || bytes > max_alloc(arch)) return -1;
    bytes = bosk_rounded(rule, arch, bytes, noscan);
    if (bytes > max_alloc(arch)) return -1;
    return (int64_t)(bytes / elem_size);
}

BOSK_API int64_t bosk_nextcap_len(const bosk_growth *rule, bosk_arch arch, uint64_t elem_size,
                                  bool noscan, int64_t old_len, int64_t old_cap, int64_t new_len)
{
    return nextcap(rule, arch, elem_size, noscan, old_len, old_cap, new_len);
}

BOSK_API int64_t bosk_nextcap(const bosk_growth *rule, bosk_arch arch, uint64_t elem_size,
                              bool noscan, int64_t old_cap, int64_t new_len)
{
    return nextcap(rule, arch, elem_size, noscan, old_cap, old_cap, new_len);
}

int64_t boski_nextcap_here(size_t elem_size, bool noscan, ptrdiff_t old_len, ptrdiff_t old_cap,
                           ptrdiff_t new_len)
{
    /* The newest rule for small arrays of pointer-free elements, without its divisions. */
    if (BOSK_LIKELY(!boski_growth_chosen() && noscan && (size_t)new_len <= 4096 &&
                    new_len > old_cap && elem_size - 1 < 1024)) {
        size_t cap = (size_t)old_cap, wish = 2 * cap;
        if ((size_t)new_len > wish) {
            wish = (size_t)new_len;
        } else if (cap >= 256) {
            for (wish = cap; wish < (size_t)new_len;) wish += (wish + 3 * 256) / 4;
        }
        const size_t bytes = wish * elem_size;
        if (BOSK_LIKELY(bytes <= SMALL_MAX - HEADER))
            return (int64_t)boski_elements((size_t)class_up(bytes), elem_size);
    }
    const bosk_growth *rule = bosk_growth_current();
    return nextcap(rule, BOSK_ARCH_NATIVE, elem_size, noscan, old_len, old_cap, new_len);
}

/* ---- the rule of this process ---------------------------------------------------------- */

BOSK_API const bosk_growth *bosk_growth_current(void)
{
    const bosk_growth *rule = __atomic_load_n(&boski_growth_rule, __ATOMIC_ACQUIRE);
    return BOSK_LIKELY(rule == NULL) ? &go_rules[3] : rule;
}

static bool sound(const bosk_growth *rule)
{
    return rule->den != 0 && rule->num != 0 && rule->threshold >= 0 && rule->plus >= 0 &&
           rule->num / rule->den <= 1000 && rule->plus <= INT32_MAX &&
           rule->rounding <= BOSK_ROUND_HEADERS;
}

static bool same_rule(const bosk_growth *a, const bosk_growth *b)
{
    return a->threshold == b->threshold && a->plus == b->plus && a->num == b->num &&
           a->den == b->den && a->rounding == b->rounding && a->on_len == b->on_len &&
           a->minor == b->minor;
}

BOSK_API int bosk_growth_use(const bosk_growth *rule)
{
    if (rule != NULL && !sound(rule)) return -EINVAL;
    const bosk_growth *chosen = NULL;
    int error = 0;
    while (__atomic_test_and_set(&used_lock, __ATOMIC_ACQUIRE)) continue;
    for (unsigned i = 0; rule != NULL && chosen == NULL && i < used_count; i++)
        if (same_rule(rule, &used_rules[i])) chosen = &used_rules[i];
    if (rule != NULL && chosen == NULL) {
        if (used_count < RULES_MAX) {
            used_rules[used_count] = *rule;
            chosen = &used_rules[used_count++];
        } else {
            error = -ENOSPC;
        }
    }
    if (error == 0) __atomic_store_n(&boski_growth_rule, chosen, __ATOMIC_RELEASE);
    __atomic_clear(&used_lock, __ATOMIC_RELEASE);
    return error;
}

/* ---- names --------------------------------------------------------------------------- */

static const char *const round_names[] = {"none", "no24", "plain", "headers"};
static const char *const arch_names[BOSK_ARCHES] = {"amd64", "arm64", "386", "arm"};

BOSK_API const char *bosk_arch_name(bosk_arch arch) { return arch_names[arch]; }

BOSK_API int bosk_arch_parse(const char *text, bosk_arch *out)
{
    for (unsigned i = 0; i < BOSK_ARCHES; i++) {
        if (strcmp(text, arch_names[i]) != 0) continue;
        *out = (bosk_arch)i;
        return 0;
    }
    return -EINVAL;
}

/* Digits at *p up to `max`; false when there are none or too many. */
static bool number(const char **p, int64_t max, int64_t *out)
{
    const char *start = *p;
    int64_t v = 0;
    for (; **p >= '0' && **p <= '9'; ++*p) {
        if (v > (max - (**p - '0')) / 10) return false;
        v = v * 10 + (**p - '0');
    }
    *out = v;
    return *p != start;
}

static bool word(const char **p, const char *text)
{
    size_t n = strlen(text);
    if (strncmp(*p, text, n) != 0) return false;
    *p += n;
    return true;
}

/* One "key=value" at *p, into `rule`. */
static bool one_word(const char **p, bosk_growth *rule)
{
    int64_t v;
    if (word(p, "threshold=")) return number(p, INT64_MAX, &rule->threshold);
    if (word(p, "plus=")) return number(p, INT32_MAX, &rule->plus);
    if (word(p, "add=")) {
        if (!number(p, 100000, &v) || v == 0 || !word(p, "%")) return false;
        rule->num = (uint32_t)v;
        rule->den = 100;
        return true;
    }
    if (word(p, "on=")) {
        rule->on_len = word(p, "len");
        return rule->on_len || word(p, "cap");
    }
    if (!word(p, "round=")) return false;
    for (uint8_t i = 0; i <= BOSK_ROUND_HEADERS; i++) {
        rule->rounding = i;
        if (word(p, round_names[i])) return true;
    }
    return false;
}

BOSK_API int bosk_growth_parse(const char *text, bosk_growth *out)
{
    const char *p = text;
    int64_t v;
    if (word(&p, "go1.")) {
        const bosk_growth *rule =
            number(&p, 1000, &v) && *p == '\0' ? bosk_growth_go((unsigned)v) : NULL;
        if (rule == NULL) return -EINVAL;
        *out = *rule;
        return 0;
    }
    bosk_growth rule = {.rounding = BOSK_ROUND_HEADERS, .threshold = -1};
    do {
        if (!one_word(&p, &rule)) return -EINVAL;
    } while (word(&p, ","));
    if (*p != '\0' || !sound(&rule)) return -EINVAL;
    *out = rule;
    return 0;
}

struct text {
    char *p;
    size_t left;
};

static void put(struct text *t, const char *s)
{
    for (; *s != '\0' && t->left > 1; t->left--) *t->p++ = *s++;
    if (t->left != 0) *t->p = '\0';
}

static void put_number(struct text *t, uint64_t v)
{
    char digits[24];
    size_t i = sizeof digits - 1;
    digits[i] = '\0';
    do {
        digits[--i] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    put(t, digits + i);
}

BOSK_API char *bosk_growth_name(const bosk_growth *rule, char *text, size_t n)
{
    struct text t = {text, n};
    if (rule->minor != 0) {
        put(&t, "go1.");
        put_number(&t, rule->minor);
        return text;
    }
    put(&t, "threshold=");
    put_number(&t, (uint64_t)rule->threshold);
    put(&t, ",add=");
    put_number(&t, (uint64_t)rule->num * 100 / rule->den);
    put(&t, "%,plus=");
    put_number(&t, (uint64_t)rule->plus);
    put(&t, ",round=");
    put(&t, round_names[rule->rounding]);
    if (rule->on_len) put(&t, ",on=len");
    return text;
}
