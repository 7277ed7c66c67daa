/* intern.c - label text, each text once, for the life of the process.
 *
 * An open addressing table of pointers to text, both in private mappings of fixed size.  Lookups
 * take no lock: an entry is published once, with release order, and never changes.  `lock` orders
 * writers only.  When the table is full the text "(more labels)" stands for all further ones.
 */
#include "observe/internal.h"
#include <string.h>

#define TABLE_SLOTS 4096u /* power of two */
#define TABLE_MAX (TABLE_SLOTS / 2)
#define TEXT_BYTES ((size_t)256 * 1024)
#define MAX_LABEL 128u /* longer labels are cut */

static struct boski_lock lock;
static const char **table;
static char *text;
static size_t text_used;
static unsigned entries;

static const char overflow[] = "(more labels)";

static uint32_t hash_text(const char *s, size_t n)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++) h = (h ^ (uint8_t)s[i]) * 16777619u;
    return h;
}

static bool prepare(void)
{
    if (table != NULL) return true;
    char *t = boski_os_map(TEXT_BYTES);
    if (t == NULL) return false;
    const char **slots = boski_os_map(TABLE_SLOTS * sizeof *slots);
    if (slots == NULL) {
        boski_os_unmap(t, TEXT_BYTES);
        return false;
    }
    text = t;
    __atomic_store_n(&table, slots, __ATOMIC_RELEASE);
    return true;
}

/* The entry for the text, or the empty slot where it belongs. */
static const char *find(const char **slots, const char *s, size_t n, unsigned *slot)
{
    for (unsigned i = hash_text(s, n);; i++) {
        *slot = i & (TABLE_SLOTS - 1);
        const char *have = __atomic_load_n(&slots[*slot], __ATOMIC_ACQUIRE);
        if (have == NULL || (strncmp(have, s, n) == 0 && have[n] == '\0')) return have;
    }
}

const char *boski_obs_intern(const char *name)
{
    if (name == NULL) return NULL;
    size_t n = strnlen(name, MAX_LABEL);
    unsigned slot;
    const char **slots = __atomic_load_n(&table, __ATOMIC_ACQUIRE);
    if (slots != NULL) {
        const char *have = find(slots, name, n, &slot);
        if (have != NULL) return have;
    }
    const char *result = overflow;
    boski_lock(&lock);
    if (prepare()) {
        result = find(table, name, n, &slot);
        if (result == NULL) {
            result = overflow;
            if (entries < TABLE_MAX && text_used + n + 1 <= TEXT_BYTES) {
                char *copy = text + text_used;
                memcpy(copy, name, n);
                copy[n] = '\0';
                text_used += n + 1;
                entries++;
                __atomic_store_n(&table[slot], copy, __ATOMIC_RELEASE);
                result = copy;
            }
        }
    }
    boski_unlock(&lock);
    return result;
}
