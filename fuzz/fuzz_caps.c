/* fuzz_caps.c - any text as an expression for `bosk caps explain`, and as a type of Go.
 *
 * The first two bytes choose version and architecture.  Traps when an answer contradicts itself: a
 * block smaller than what it serves, a type whose size is no multiple of its alignment, fields that
 * overlap.
 */
#define _GNU_SOURCE
#include "cmd/bosk/caps_judge.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_expression(const char *text, unsigned minor, bosk_arch arch)
{
    struct expr e;
    struct verdict v;
    if (expr_parse("fuzz", text, &e) != 0 || judge("fuzz", &e, minor, arch, &v) != 0) return;
    if (v.refused != NULL || v.panics[0] != '\0') return;
    if (v.local_allocs < -1 || v.escaping_allocs < -1) abort();
    if (e.kind != EXPR_MAP && (v.local_allocs > 1 || v.escaping_allocs > 1)) abort();
    if (v.slice && v.sized && v.cap >= 0 && v.len > v.cap && v.escaping == PLACE_HEAP) abort();
    if (v.local == PLACE_STACK && v.local_allocs > 0) abort();
    if (!v.has_block) return;
    if (v.block.usable < v.bytes || v.block.bytes < v.block.usable || v.block.objects == 0) abort();
    if (v.block.objects * v.block.bytes > v.block.span_bytes) abort();
}

struct seen {
    uint64_t end;
    unsigned fields;
};

static void note(void *ctx, const char *name, size_t name_bytes, const bosk_go_type *type,
                 uint64_t offset)
{
    struct seen *s = ctx;
    if (name == NULL || name_bytes == 0 || offset < s->end || offset % type->align != 0) abort();
    s->end = offset + type->size;
    s->fields++;
}

static void check_type(const char *text, bosk_arch arch)
{
    bosk_go_type t;
    struct seen s = {0};
    size_t at = 0, length = strlen(text);
    int error = bosk_go_layout(arch, text, &t, &at, note, &s);
    if (at > length) abort();
    if (error != 0) return;
    if (t.align == 0 || (t.align & (t.align - 1)) != 0 || t.size % t.align != 0) abort();
    if (t.ptr_bytes > t.size || t.noscan != (t.ptr_bytes == 0) || s.end > t.size) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static int nowhere = -1, real_stderr;
    char text[2048];
    if (nowhere < 0) {
        nowhere = open("/dev/null", O_WRONLY);
        real_stderr = dup(STDERR_FILENO);
    }
    if (n < 2 || n - 2 >= sizeof text) return 0;
    unsigned minor = BOSK_GO_FIRST + data[0] % (BOSK_GO_LAST - BOSK_GO_FIRST + 1);
    bosk_arch arch = (bosk_arch)(data[1] % BOSK_ARCHES);
    memcpy(text, data + 2, n - 2);
    text[n - 2] = '\0';
    dup2(nowhere, STDERR_FILENO); /* what is refused is said, and not what is looked for */
    check_expression(text, minor, arch);
    check_type(text, arch);
    dup2(real_stderr, STDERR_FILENO);
    return 0;
}
