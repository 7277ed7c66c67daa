/* sites.c - stacks, labels and sites of the shared section, each once.
 *
 * The section holds what a reader needs; the hash tables and the raw return addresses that finding
 * needs are private.  All functions take `site`; a new stack costs one look-up of the loaded object
 * for each of its frames, a known one a hash and a comparison.
 */
#include "internal.h"

#include <string.h>

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

static uint64_t frame_of(uintptr_t pc)
{
    uint64_t bias;
    /* A return address may be the first byte after its function. */
    uint64_t module = boski_obs_module(pc - 1, &bias);
    uint64_t offset = ((uint64_t)pc - bias) & ((UINT64_C(1) << BOSK_RECORD_FRAME_SHIFT) - 1);
    return module << BOSK_RECORD_FRAME_SHIFT | offset;
}

static uint32_t add_stack(const uintptr_t *pc, unsigned n, bool cut, uint64_t hash, uint32_t *slot)
{
    struct bosk_record_section *s = boski_obs.section;
    struct boski_obs_priv *priv = boski_obs.priv;
    uint32_t at = s->stack_count, first = s->frame_count;
    if (at >= BOSK_RECORD_STACKS || n > BOSK_RECORD_FRAMES - first) return BOSK_RECORD_NONE;
    for (unsigned i = 0; i < n; i++) {
        s->frame[first + i] = frame_of(pc[i]);
        priv->raw[first + i] = pc[i];
    }
    s->frame_count = first + n;
    s->stack[at] = (struct bosk_record_stack){first, (uint16_t)n, cut};
    __atomic_store_n(&s->stack_count, at + 1, __ATOMIC_RELEASE);
    priv->stack_hash[at] = hash;
    *slot = at + 1;
    return at;
}

static uint32_t find_stack(const uintptr_t *pc, unsigned n, bool cut)
{
    struct boski_obs_priv *priv = boski_obs.priv;
    const struct bosk_record_stack *stack = boski_obs.section->stack;
    uint64_t hash = n;
    for (unsigned i = 0; i < n; i++) hash = mix(hash, pc[i]);
    for (uint64_t i = hash;; i++) {
        uint32_t *slot = &priv->stack_slot[i % BOSKI_HASH_STACKS];
        if (*slot == 0) return add_stack(pc, n, cut, hash, slot);
        uint32_t at = *slot - 1;
        if (priv->stack_hash[at] == hash && stack[at].depth == n &&
            memcmp(&priv->raw[stack[at].first], pc, n * sizeof *pc) == 0)
            return at;
    }
}

static uint16_t find_label(const char *text)
{
    struct bosk_record_section *s = boski_obs.section;
    struct boski_obs_priv *priv = boski_obs.priv;
    if (text == NULL) return 0;
    uint32_t n = s->label_count;
    for (uint32_t i = 0; i < n; i++)
        if (priv->label[i] == text) return (uint16_t)(i + 1);
    if (n >= BOSK_RECORD_LABELS) return 0;
    size_t bytes = strnlen(text, BOSK_RECORD_LABEL_BYTES - 1);
    memcpy(s->label[n], text, bytes);
    s->label[n][bytes] = '\0';
    priv->label[n] = text;
    __atomic_store_n(&s->label_count, n + 1, __ATOMIC_RELEASE);
    return (uint16_t)(n + 1);
}

static uint32_t find_site(uint32_t stack, unsigned lane, unsigned label)
{
    struct bosk_record_section *s = boski_obs.section;
    if (stack == BOSK_RECORD_NONE) return BOSK_RECORD_NONE;
    for (uint64_t i = mix(mix(stack, lane), label);; i++) {
        uint32_t *slot = &boski_obs.priv->site_slot[i % BOSKI_HASH_SITES];
        if (*slot != 0) {
            const struct bosk_record_site *have = &s->site[*slot - 1];
            if (have->stack == stack && have->lane == lane && have->label == label)
                return *slot - 1;
            continue;
        }
        uint32_t at = s->site_count;
        if (at >= BOSK_RECORD_SITES) return BOSK_RECORD_NONE;
        memset(&s->site[at], 0, sizeof s->site[at]);
        s->site[at].stack = stack;
        s->site[at].lane = (uint16_t)lane;
        s->site[at].label = (uint16_t)label;
        s->site[at].peak_epoch = __atomic_load_n(&s->peak_epoch, __ATOMIC_RELAXED);
        __atomic_store_n(&s->site_count, at + 1, __ATOMIC_RELEASE);
        *slot = at + 1;
        return at;
    }
}

uint32_t boski_obs_site(const uintptr_t *pc, unsigned n, bool cut, unsigned lane, const char *label)
{
    boski_lock(&boski_obs.priv->site);
    uint32_t site = find_site(find_stack(pc, n, cut), lane, find_label(label));
    boski_unlock(&boski_obs.priv->site);
    return site;
}

uint32_t boski_obs_site_for_lane(uint32_t site, unsigned lane)
{
    const struct bosk_record_site *have = &boski_obs.section->site[site];
    boski_lock(&boski_obs.priv->site);
    uint32_t other = find_site(have->stack, lane, have->label);
    boski_unlock(&boski_obs.priv->site);
    return other;
}

static const uint16_t class_bytes[] = BOSK_RECORD_CLASS_BYTES;
enum { CLASSES = sizeof class_bytes / sizeof class_bytes[0] };

/* First class that is at least `bytes`; CLASSES when there is none. */
static unsigned class_for(size_t bytes)
{
    unsigned low = 2, high = CLASSES;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (class_bytes[mid] < bytes)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

unsigned boski_obs_lane(size_t requested, size_t block)
{
    if (block == class_bytes[3]) return BOSK_RECORD_LANE_24;
    unsigned class_ = class_for(block);
    if (class_ == CLASSES || class_bytes[class_] != block) return BOSK_RECORD_LANE_LARGE;
    if (class_ >= BOSK_RECORD_FIRST_MEDIUM)
        return BOSK_RECORD_LANE_MEDIUM + class_ - BOSK_RECORD_FIRST_MEDIUM;
    size_t granule = (requested + 15) / 16;
    /* A block larger than the request alone explains, for alignment: counted by its own size. */
    if (granule * 16 > block || (granule != 0 && class_for(granule * 16) != class_))
        granule = block / 16;
    return (unsigned)granule;
}
