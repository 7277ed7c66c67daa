/* panic.c - how broken contracts and corrupt heaps are reported, and which version this is. */
#include "os/format.h"

#include <bosk/base.h>
#include <bosk/record.h>
#include <stdarg.h>
#include <stdlib.h>

const char bosk_abi_0 = 0;

/* What tells `bosk run` that an executable has the runtime in it (.note.bosk, owner "bosk", type
 * 1): the version of the recording layout it speaks, then its own version as text.  Here because
 * whoever links the archive takes this object. */
#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)
__asm__(".pushsection .note.bosk,\"a\",%note\n"
        ".balign 4\n"
        ".4byte 2f - 1f, 4f - 3f, 1\n"
        "1: .asciz \"bosk\"\n"
        "2: .balign 4\n"
        "3: .4byte " TEXT(BOSK_RECORD_VERSION) "\n"
                                               ".asciz \"" BOSK_VERSION "\"\n"
                                               "4: .balign 4\n"
                                               ".popsection\n");

static bosk_panic_fn panic_handler;

const char *bosk_version(void) { return BOSK_VERSION; }
extern __attribute__((visibility("hidden"))) __typeof__(bosk_version) boski_own_version
    __attribute__((alias("bosk_version"))); /* see owner.c */

bosk_panic_fn bosk_on_panic(bosk_panic_fn handler)
{
    return __atomic_exchange_n(&panic_handler, handler, __ATOMIC_ACQ_REL);
}

/* The text of a panic or fatal error behind its prefix, in one write so that lines of several
 * threads do not mix. */
struct message {
    char line[1024];
    size_t prefix, n;
};

static void message_format(struct message *m, const char *prefix, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void message_format(struct message *m, const char *prefix, const char *format, va_list args)
{
    m->prefix = 0;
    for (; prefix[m->prefix] != '\0'; m->prefix++) m->line[m->prefix] = prefix[m->prefix];
    m->n = m->prefix +
           boski_vformat(m->line + m->prefix, sizeof m->line - 1 - m->prefix, format, args);
}

static BOSK_NORETURN void message_die(struct message *m)
{
    m->line[m->n++] = '\n';
    boski_os_write_stderr(m->line, m->n);
    abort();
}

void bosk_panic(const char *format, ...)
{
    struct message m;
    va_list args;
    bosk_panic_fn handler = __atomic_load_n(&panic_handler, __ATOMIC_ACQUIRE);

    va_start(args, format);
    message_format(&m, "panic: ", format, args);
    va_end(args);
    if (handler != NULL) handler(m.line + m.prefix);
    message_die(&m);
}

void bosk_fatal(const char *format, ...)
{
    struct message m;
    va_list args;

    va_start(args, format);
    message_format(&m, "fatal error: ", format, args);
    va_end(args);
    message_die(&m);
}
