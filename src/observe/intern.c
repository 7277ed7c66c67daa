/* intern.c - label text, each text once, for the life of the process.
 *
 * An open addressing table of pointers to text, both in private mappings of fixed size.  No locks,
 * so that a fork at any moment leaves nothing behind: a text is copied to fresh room, then
 * published by one compare and exchange; the room of a thread that loses that race is wasted.  When
 * table or room is used up the text "(more labels)" stands for all further ones.
 */
#include "internal.h"

#include <string.h>

#define TABLE_SLOTS 4096u /* power of two */
#define TABLE_MAX (TABLE_SLOTS / 2)
#define TEXT_BYTES ((size_t)256 * 1024)
#define MAX_LABEL 128u /* longer labels are cut */

struct labels {
    size_t used; /* of text */
    unsigned entries;
    const char *slot[TABLE_SLOTS];
    char text[TEXT_BYTES];
};
static struct labels *labels;

static const char overflow[] = "(more labels)";

static struct labels *table(void)
{
    struct labels *have = __atomic_load_n(&labels, __ATOMIC_ACQUIRE);
    if (have != NULL) return have;
    struct labels *mine = boski_os_map(sizeof *mine);
    if (mine == NULL) return NULL;
    if (__atomic_compare_exchange_n(&labels, &have, mine, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return mine;
    boski_os_unmap(mine, sizeof *mine);
    return have;
}

static const char *copy_text(struct labels *t, const char *s, size_t n)
{
    if (__atomic_fetch_add(&t->entries, 1, __ATOMIC_RELAXED) >= TABLE_MAX) return NULL;
    size_t at = __atomic_fetch_add(&t->used, n + 1, __ATOMIC_RELAXED);
    if (at + n + 1 > TEXT_BYTES) return NULL;
    memcpy(t->text + at, s, n);
    return t->text + at; /* the room was zero: NUL terminated */
}

const char *boski_obs_intern(const char *text)
{
    if (text == NULL) return NULL;
    struct labels *t = table();
    if (t == NULL) return overflow;
    size_t n = strnlen(text, MAX_LABEL);
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < n; i++) hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    const char *copy = NULL;
    for (uint32_t i = hash;; i++) {
        const char **slot = &t->slot[i % TABLE_SLOTS];
        const char *have = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
        if (have == NULL) {
            if (copy == NULL && (copy = copy_text(t, text, n)) == NULL) return overflow;
            if (__atomic_compare_exchange_n(slot, &have, copy, false, __ATOMIC_ACQ_REL,
                                            __ATOMIC_ACQUIRE))
                return copy;
        }
        if (strncmp(have, text, n) == 0 && have[n] == '\0') return have;
    }
}
