/* conf.c - reads the options.
 *
 * Runs inside the first malloc, maybe before libc's own start-up code: nothing here allocates, and
 * where `environ` is not set yet /proc/self/environ is read.
 * Order: defaults, BOSK_CONF, BOSK_GC, BOSK_MEMLIMIT, then the file, so what the file says of a
 * live key holds at start and after each re-reading alike.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "os/conf.h"

#include "os/internal.h"
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#ifdef BOSKI_HOSTILE
#define CHECK_DEFAULT true
#define QUARANTINE_DEFAULT ((uint64_t)256 << 10)
#else
#define CHECK_DEFAULT false
#define QUARANTINE_DEFAULT 0
#endif
#define WINDOW_DEFAULT_MS 500
#define LINE_MAX_BYTES 4096 /* of a variable or of a line in the file; longer ones are refused */

struct boski_conf boski_conf = {
    .memlimit = BOSKI_MEMLIMIT_UNSET,
    .scavenge_window_ms = WINDOW_DEFAULT_MS,
    .check = CHECK_DEFAULT,
    .quarantine = QUARANTINE_DEFAULT,
    .gc_percent = 100,
};

enum kind { BYTES, NUMBER, MS, FLAG, THP, PATH, WORD };

struct option {
    const char *key;
    enum kind kind;
    size_t offset;
    bool live;
    const char *word;
};

static const struct option options[] = {
#define OPTION(key, kind, field, live, word, help) \
    {#key, kind, offsetof(struct boski_conf, field), (live) != 0, word},
#include "os/conf_options.h"
};
#define NOPTIONS (sizeof options / sizeof options[0])

/* Paths outlive the environment, which programs overwrite to change their title. */
static char record_path[PATH_MAX], file_path[PATH_MAX];

/* ---- text ----------------------------------------------------------------------------- */

static size_t length(const char *s)
{
    size_t n = 0;
    while (s[n] != '\0') n++;
    return n;
}

/* Is the text of n bytes the word? */
static bool is(const char *text, size_t n, const char *word)
{
    return length(word) == n && __builtin_memcmp(text, word, n) == 0;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static void trim(const char **text, size_t *n)
{
    while (*n > 0 && is_space(**text)) ++*text, --*n;
    while (*n > 0 && is_space((*text)[*n - 1])) --*n;
}

/* Digits at the start of the text; false when there are none or too many. */
static bool number(const char *text, size_t n, uint64_t *out, size_t *used)
{
    uint64_t v = 0;
    size_t i = 0;

    for (; i < n && text[i] >= '0' && text[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (v > (UINT64_MAX - digit) / 10) return false;
        v = v * 10 + digit;
    }
    *out = v;
    *used = i;
    return i > 0;
}

bool boski_conf_bytes(const char *text, size_t n, uint64_t *out)
{
    uint64_t v;
    size_t used;
    unsigned shift = 0;

    if (is(text, n, "off")) {
        *out = UINT64_MAX;
        return true;
    }
    if (!number(text, n, &v, &used)) return false;
    text += used;
    n -= used;
    if (n == 3 && text[1] == 'i' && text[2] == 'B') {
        const char units[] = "KMGTPE";
        for (unsigned i = 0; i < 6; i++)
            if (units[i] == text[0]) shift = 10 * (i + 1);
        if (shift == 0) return false;
    } else if (!(n == 0 || (n == 1 && text[0] == 'B'))) {
        return false;
    }
    if (v > UINT64_MAX >> shift) return false;
    *out = v << shift;
    return true;
}

/* ---- the nearest key ---------------------------------------------------------------------- */

/* Edits (insert, delete, replace) from one word to the other; both are short. */
static unsigned distance(const char *a, size_t na, const char *b)
{
    unsigned row[33];
    size_t nb = length(b);

    if (na > 32 || nb > 32) return UINT_MAX;
    for (unsigned j = 0; j <= nb; j++) row[j] = j;
    for (unsigned i = 1; i <= na; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            unsigned best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (diagonal + 1 < best) best = diagonal + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[nb];
}

static void warn_unknown(const char *source, const char *key, size_t n)
{
    const char *nearest = NULL;
    unsigned least = 4; /* a guess further away helps nobody */

    for (size_t i = 0; i < NOPTIONS; i++) {
        unsigned d = distance(key, n, options[i].key);
        if (d < least) {
            least = d;
            nearest = options[i].key;
        }
    }
    if (nearest != NULL)
        boski_os_print("bosk: %s: unknown key \"%.*s\", ignored (did you mean \"%s\"?)", source,
                       (int)n, key, nearest);
    else
        boski_os_print("bosk: %s: unknown key \"%.*s\", ignored", source, (int)n, key);
}

/* ---- one setting ----------------------------------------------------------------------------- */

static bool set_path(char *store, const char *value, size_t n, const char **field)
{
    if (n == 0 || n >= PATH_MAX) return false;
    __builtin_memcpy(store, value, n);
    store[n] = '\0';
    *field = store;
    return true;
}

static bool set_value(struct boski_conf *conf, const struct option *o, const char *value, size_t n)
{
    void *field = (char *)conf + o->offset;
    uint64_t v = 0;
    size_t used = 0;

    switch (o->kind) {
    case BYTES: return boski_conf_bytes(value, n, field);
    case PATH: return set_path(record_path, value, n, field);
    case WORD:
        *(bool *)field = is(value, n, o->word);
        return *(bool *)field || is(value, n, "default");
    case THP:
        if (is(value, n, "-1")) {
            *(int *)field = -1;
            return true;
        }
        break;
    case FLAG:
    case MS:
    case NUMBER: break;
    }
    if (!number(value, n, &v, &used) || used != n) return false;
    switch (o->kind) {
    case NUMBER: *(uint64_t *)field = v; return true;
    case MS:
        if (v > UINT32_MAX) return false;
        *(uint32_t *)field = (uint32_t)v;
        return true;
    case THP:
        if (v > 1) return false;
        *(int *)field = (int)v;
        return true;
    case FLAG:
        if (v > 1) return false;
        *(bool *)field = v != 0;
        return true;
    case BYTES:
    case PATH:
    case WORD: break;
    }
    return false;
}

/* Applies "key=value"; with `live_only` other keys are left alone.  False: not a valid setting. */
static bool apply(struct boski_conf *conf, const char *source, const char *text, size_t n,
                  bool live_only)
{
    trim(&text, &n);
    if (n == 0) return true;
    const char *key = text, *value = __builtin_memchr(text, '=', n);
    size_t nkey = value != NULL ? (size_t)(value - text) : n;
    const char *end = text + n;
    trim(&key, &nkey);
    for (size_t i = 0; i < NOPTIONS; i++) {
        if (!is(key, nkey, options[i].key)) continue;
        if (live_only && !options[i].live) return true;
        if (value != NULL) {
            size_t nvalue = (size_t)(end - ++value);
            trim(&value, &nvalue);
            if (set_value(conf, &options[i], value, nvalue)) return true;
            boski_os_print("bosk: %s: bad value in \"%.*s\", ignored", source, (int)n, text);
        } else {
            boski_os_print("bosk: %s: \"%.*s\" needs a value, ignored", source, (int)n, text);
        }
        return false;
    }
    warn_unknown(source, key, nkey);
    return true; /* a file written for a newer version still works */
}

/* Applies settings that commas separate. */
static bool apply_list(struct boski_conf *conf, const char *source, const char *text, size_t n,
                       bool live_only)
{
    bool ok = true;

    while (n > 0) {
        const char *comma = __builtin_memchr(text, ',', n);
        size_t one = comma != NULL ? (size_t)(comma - text) : n;
        ok &= apply(conf, source, text, one, live_only);
        if (comma == NULL) break;
        text += one + 1;
        n -= one + 1;
    }
    return ok;
}

/* ---- sources -------------------------------------------------------------------------------- */

/* Reads a file and calls `line` for each piece that `separator` ends; pieces of more than
 * LINE_MAX_BYTES are passed as NULL.  0 or -errno. */
typedef void (*line_fn)(void *ctx, const char *text, size_t n);
static int each_line(const char *path, char separator, line_fn line, void *ctx)
{
    char buf[LINE_MAX_BYTES];
    size_t n = 0;
    bool skip = false; /* inside of a piece that is too long */
    ssize_t got;
    int fd;

    do {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) return -errno;
    while ((got = read(fd, buf + n, sizeof buf - n)) != 0) {
        size_t start = 0;
        if (got < 0) {
            if (errno == EINTR) continue;
            break;
        }
        size_t filled = n + (size_t)got;
        for (; n < filled; n++) {
            if (buf[n] != separator) continue;
            if (!skip) line(ctx, buf + start, n - start);
            skip = false;
            start = n + 1;
        }
        __builtin_memmove(buf, buf + start, filled - start);
        n = filled - start;
        if (n == sizeof buf) {
            if (!skip) line(ctx, NULL, 0);
            skip = true;
            n = 0;
        }
    }
    int err = got < 0 ? -errno : 0;
    if (n > 0 && !skip && err == 0) line(ctx, buf, n);
    close(fd);
    return err;
}

/* The environment is gone through twice, so that BOSK_MEMLIMIT wins over BOSK_CONF in any order. */
struct environment {
    struct boski_conf *conf;
    bool own_variables; /* second time: all but BOSK_CONF */
};

static void take_own_variable(struct boski_conf *conf, const char *name, size_t nname,
                              const char *value, size_t nvalue)
{
    uint64_t percent;
    size_t used;

    if (nvalue == 0) return;
    if (is(name, nname, "BOSK_MEMLIMIT")) {
        if (!boski_conf_bytes(value, nvalue, &conf->memlimit))
            boski_os_print(
                "bosk: BOSK_MEMLIMIT: \"%.*s\" is neither bytes (512MiB) nor off, ignored",
                (int)nvalue, value);
    } else if (is(name, nname, "BOSK_GC")) {
        if (is(value, nvalue, "off"))
            conf->gc_percent = -1;
        else if (number(value, nvalue, &percent, &used) && used == nvalue && percent <= INT_MAX)
            conf->gc_percent = (int)percent;
        else
            boski_os_print("bosk: BOSK_GC: \"%.*s\" is neither a percentage nor off, ignored",
                           (int)nvalue, value);
    } else if (is(name, nname, "BOSK_CONF_FILE")) {
        if (!set_path(file_path, value, nvalue, &conf->file))
            boski_os_print("bosk: BOSK_CONF_FILE: path too long, ignored");
    }
}

static void take_variable(void *ctx, const char *text, size_t n)
{
    const struct environment *env = ctx;

    if (text == NULL || n < 5 || __builtin_memcmp(text, "BOSK_", 5) != 0) return;
    const char *value = __builtin_memchr(text, '=', n);
    if (value == NULL) return;
    size_t nname = (size_t)(value - text);
    size_t nvalue = n - nname - 1;
    value++;
    if (env->own_variables)
        take_own_variable(env->conf, text, nname, value, nvalue);
    else if (is(text, nname, "BOSK_CONF"))
        apply_list(env->conf, "BOSK_CONF", value, nvalue, false);
}

static void read_environment(struct boski_conf *conf)
{
    struct environment env = {.conf = conf};

    for (int pass = 0; pass < 2; pass++) {
        env.own_variables = pass == 1;
        if (environ == NULL)
            each_line("/proc/self/environ", '\0', take_variable, &env);
        else
            for (char **e = environ; *e != NULL; e++) take_variable(&env, *e, length(*e));
    }
}

struct file_reading {
    struct boski_conf *conf;
    bool live_only;
    bool ok;
};

static void take_file_line(void *ctx, const char *text, size_t n)
{
    struct file_reading *r = ctx;

    if (text == NULL) {
        boski_os_print("bosk: %s: line too long", r->conf->file);
        r->ok = false;
        return;
    }
    const char *comment = __builtin_memchr(text, '#', n);
    if (comment != NULL) n = (size_t)(comment - text);
    r->ok &= apply_list(r->conf, r->conf->file, text, n, r->live_only);
}

static int read_file(struct boski_conf *conf, bool live_only)
{
    struct file_reading r = {.conf = conf, .live_only = live_only, .ok = true};
    int err = each_line(conf->file, '\n', take_file_line, &r);

    if (err != 0) return err;
    return r.ok ? 0 : -EINVAL;
}

static uint32_t init_done;
static struct boski_lock conf_lock;

int boski_conf_read_file(void)
{
    int saved = errno, err;

    boski_conf_init();
    if (boski_conf.file == NULL) return -ENOENT;
    boski_lock(&conf_lock);
    struct boski_conf conf = boski_conf;
    err = read_file(&conf, true);
    if (err == 0) {
        /* Only live keys: the others may be read by any thread without a lock. */
        boski_conf.memlimit = conf.memlimit;
        __atomic_store_n(&boski_conf.scavenge_window_ms, conf.scavenge_window_ms, __ATOMIC_RELAXED);
    }
    boski_unlock(&conf_lock);
    errno = saved;
    return err;
}

void boski_conf_fork(int step)
{
    if (step == 0)
        boski_lock(&conf_lock);
    else
        boski_unlock(&conf_lock);
}

void boski_conf_init(void)
{
    if (__atomic_load_n(&init_done, __ATOMIC_ACQUIRE)) return;
    int saved = errno;
    boski_lock(&conf_lock);
    if (!init_done && !boski_os_secure()) {
        struct boski_conf conf = boski_conf;
        read_environment(&conf);
        if (conf.file != NULL) {
            int err = read_file(&conf, false);
            if (err != 0 && err != -EINVAL)
                boski_os_print("bosk: BOSK_CONF_FILE: cannot read %s (error %d), ignored",
                               conf.file, -err);
        }
        if (conf.quarantine == UINT64_MAX) conf.quarantine = 0; /* off */
        if (conf.quarantine != QUARANTINE_DEFAULT) conf.check |= conf.quarantine != 0;
        if (!conf.check) conf.quarantine = 0;
        boski_conf = conf;
    }
    __atomic_store_n(&init_done, 1, __ATOMIC_RELEASE);
    boski_unlock(&conf_lock);
    errno = saved;
}
