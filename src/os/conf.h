/* conf.h - BOSK_CONF, BOSK_GC, BOSK_MEMLIMIT and BOSK_CONF_FILE.
 *
 * Parsed once at the first slow path, ignored in set-user-id programs (AT_SECURE).  Unknown keys
 * warn once with the nearest known key.  Keys marked "live" may change through BOSK_CONF_FILE.
 */
#ifndef BOSKI_CONF_H
#define BOSKI_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOSKI_MEMLIMIT_UNSET (UINT64_MAX - 1)

struct boski_conf {
    uint64_t reserve;    /* reserve=BYTES; 0: automatic; 1: arena mode */
    uint64_t os_page;    /* os_page=BYTES, debug */
    uint64_t memlimit;   /* BOSK_MEMLIMIT or memlimit=, live; UINT64_MAX: none; until the heap
                          * starts BOSKI_MEMLIMIT_UNSET: the control group's */
    uint64_t sample;     /* sample=BYTES mean; 0: automatic */
    uint64_t failos;     /* failos=N */
    uint64_t mapseed;    /* mapseed=N */
    uint64_t hugetlb;    /* hugetlb=BYTES: blocks from this size on, 0: none */
    uint64_t quarantine; /* quarantine=BYTES of freed blocks that wait, 0: none; implies check */
    uint32_t scavenge_window_ms; /* scavenge_window=MS, live */
    bool memlimit_hard;          /* hardlimit=1 */
    bool check;                  /* check=1: every free is checked at once */
    bool guard;                  /* guard=1: a page without access after large blocks */
    bool small;                  /* profile=small */
    bool scavenger_thread;       /* scavenger=thread */
    int thp;                     /* thp=1 ask, 0 leave (default), -1 refuse */
    bool zerotail;               /* zerotail=1 */
    bool home_collected;         /* home=collected */
    bool verbose;                /* verbose=1: one line at start about what was chosen */
    const char *record;          /* record=PATH */
    const char *file;            /* BOSK_CONF_FILE */
    int gc_percent;              /* BOSK_GC; -1 off */
    bool gctrace;                /* gctrace=1 */
    bool gccheckmark;            /* gccheckmark=1 */
    bool gcverify_manual;        /* gcverify=manual */
    bool gcpoison;               /* gcpoison=1 */
    uint64_t gcstress;           /* gcstress=N */
};
extern struct boski_conf boski_conf;

void boski_conf_init(void);
/* Applies the live keys of the file; 0 or -errno. */
int boski_conf_read_file(void);
/* Holds off readings while the process forks: 0 before, else after. */
void boski_conf_fork(int step);
/* Parses "64KiB", "4096", "2GiB", "off"; false when it is neither. */
bool boski_conf_bytes(const char *text, size_t n, uint64_t *out);

#endif /* BOSKI_CONF_H */
