/* panic_test.c - panics, fatal errors, the version. */
#include "bosk_test.h"

#include <bosk/base.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TEST_PANICS(panic, text, "panic: index out of range [3] with length 2\n")
{
    bosk_panic("index out of range [%d] with length %zu", 3, (size_t)2);
}

TEST_PANICS(panic, fatal, "fatal error: out of memory (7 bytes)\n")
{
    bosk_fatal("out of %s (%d bytes)", "memory", 7);
}

static char seen[2048];
static jmp_buf back;

static void note(const char *text)
{
    snprintf(seen, sizeof seen, "%s", text);
    dprintf(STDERR_FILENO, "handler: %s;", text);
}
static void jump(const char *text)
{
    snprintf(seen, sizeof seen, "%s", text);
    longjmp(back, 1);
}

TEST_PANICS(panic, handler_that_returns, "handler: no 5;panic: no 5\n")
{
    bosk_on_panic(note);
    bosk_panic("no %d", 5);
}

static void fatal_with_handler(void)
{
    bosk_on_panic(note);
    bosk_fatal("worse");
}
TEST(panic, fatal_calls_no_handler)
{
    char text[512];
    CHECK(bosk_test_capture(fatal_with_handler, text, sizeof text) != 0);
    /* An emulator adds a line of its own about the signal. */
    size_t said = strlen("fatal error: worse\n");
    CHECK_MSG(strncmp(text, "fatal error: worse\n", said) == 0, "%s", text);
    CHECK_MSG(getenv("BOSK_TEST_EMULATOR") || text[said] == '\0', "%s", text);
}

TEST(panic, handler_may_jump)
{
    CHECK(bosk_on_panic(note) == NULL);
    CHECK(bosk_on_panic(jump) == note);
    for (volatile int i = 0; i < 3; i++) {
        char want[32];
        snprintf(want, sizeof want, "round %d", i);
        if (setjmp(back) == 0) {
            bosk_panic("round %d", i);
        }
        CHECK(strcmp(seen, want) == 0);
    }
    if (setjmp(back) == 0) bosk_panic("%3000s", "long");
    CHECK(strlen(seen) > 900 && strcmp(seen + strlen(seen) - 3, "...") == 0);
    CHECK(bosk_on_panic(NULL) == jump);
}

TEST(panic, version)
{
    CHECK(strcmp(bosk_version(), BOSK_VERSION) == 0);
    CHECK(&bosk_abi_0 != NULL);
}
