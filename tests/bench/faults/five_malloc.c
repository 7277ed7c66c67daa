/* five_malloc.c - a malloc of five instructions and a free of one: what the counting must show,
 * exactly.  Preloaded.  Memory comes from one array and is never used again. */
#include <stddef.h>
#include <string.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *p, size_t size);

enum { BYTES = 1 << 28 };
static char bytes[BYTES] __attribute__((aligned(16), used));
static char *next __attribute__((used)) = bytes;

__asm__(".globl malloc\n.type malloc, @function\n"
        "malloc:\n"
        "    lea 31(%rdi), %rdi\n"
        "    and $-16, %rdi\n"
        "    mov %rdi, %rax\n"
        "    lock xadd %rax, next(%rip)\n"
        "    ret\n"
        ".size malloc, .-malloc\n"
        ".globl free\n.type free, @function\n"
        "free:\n"
        "    ret\n"
        ".size free, .-free\n");

void *calloc(size_t count, size_t size)
{
    return malloc(count * size); /* never used before, so zero */
}

void *realloc(void *p, size_t size)
{
    void *q = malloc(size);
    return p ? memcpy(q, p, size) : q; /* what lies behind a block is readable: the array */
}
