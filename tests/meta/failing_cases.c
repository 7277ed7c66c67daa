/* failing_cases.c - tests that must fail, each in another way, and one that passes and one that is
 * skipped: what the runner makes of them is the test (test_red.sh). */
#include "bosk_test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

TEST(good, passes) { CHECK(1 + 1 == 2); }
TEST(good, skips) { SKIP("wanted by the test"); }
TEST_SIGNAL(good, dies_as_said, SIGTERM) { raise(SIGTERM); }
TEST_PANICS(good, aborts_as_said, "the reason")
{
    fputs("the reason\n", stderr);
    abort();
}

TEST(bad, check) { CHECK(1 + 1 == 3); }
TEST(bad, equal) { CHECK_EQ(1, 2); }
TEST(bad, crash) { raise(SIGSEGV); }
TEST(bad, early_exit) { exit(3); }
TEST(bad, child)
{
    pid_t pid = fork();
    if (pid == 0) _exit(1);
    CHECK_CHILD(pid);
}
TEST_PANICS(bad, does_not_abort, "the reason") { fputs("the reason\n", stderr); }
TEST_PANICS(bad, aborts_for_another_reason, "the reason")
{
    fputs("another\n", stderr);
    abort();
}
TEST_SIGNAL(bad, other_signal, SIGTERM) { raise(SIGINT); }
TEST_EXIT(bad, other_status, 3) { exit(4); }
TEST_ENV(bad, in_fresh_image, "BOSK_TEST_SOMETHING=1") { CHECK(!getenv("BOSK_TEST_SOMETHING")); }
