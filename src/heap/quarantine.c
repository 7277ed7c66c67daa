/* quarantine.c - with check=1 spans of arenas that were reset or freed are out of reach for a
 * while: who still looks at them dies where it happens.
 *
 * Their contents go back to the system at once; the oldest leave when there are too many.
 * Locking: quarantine.lock before mheap.lock.
 */
#include "arena.h"

#define QUARANTINE_BYTES ((size_t)32 << 20)
#define QUARANTINE_SPANS 1024

static struct {
    struct boski_lock lock;
    struct mspan *first, *last; /* by next, oldest first */
    size_t bytes, spans;
} quarantine;

/* Takes the oldest out when there are more than `most` bytes; NULL when there are not.  Lock held.
 */
static struct mspan *surplus(size_t most)
{
    struct mspan *s = quarantine.first;
    if (quarantine.bytes <= most && quarantine.spans <= QUARANTINE_SPANS) return NULL;
    quarantine.first = s->next;
    if (s->next == NULL) quarantine.last = NULL;
    quarantine.bytes -= boski_span_bytes(s);
    quarantine.spans--;
    return s;
}

/* Lock held. */
static void leave(size_t most)
{
    for (struct mspan *s; (s = surplus(most)) != NULL;) {
        /* Pages that the system will not give back stay out of use. */
        if (boski_os_commit((void *)s->base, boski_span_bytes(s))) boski_mheap_free(s);
    }
}

void boski_quarantine(struct mspan *s)
{
    void *base = (void *)s->base;
    size_t bytes = boski_span_bytes(s), most = QUARANTINE_BYTES;
    if (boski_conf.memlimit / 8 < most) most = (size_t)(boski_conf.memlimit / 8);
    (void)boski_os_decommit(base, bytes);
    boski_os_protect_none(base, bytes);
    s->next = NULL;
    boski_lock(&quarantine.lock);
    if (quarantine.last != NULL)
        quarantine.last->next = s;
    else
        quarantine.first = s;
    quarantine.last = s;
    quarantine.bytes += bytes;
    quarantine.spans++;
    leave(most);
    boski_unlock(&quarantine.lock);
}

bool boski_quarantine_empty(void)
{
    boski_lock(&quarantine.lock);
    bool any = quarantine.first != NULL;
    leave(0);
    boski_unlock(&quarantine.lock);
    return any;
}

void boski_quarantine_fork(int step)
{
    if (step == 0)
        boski_lock(&quarantine.lock);
    else
        boski_unlock(&quarantine.lock);
}
