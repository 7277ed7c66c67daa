/* conf_test.c - the options: syntax, sources, warnings, re-reading. */
#define _GNU_SOURCE
#include "bosk_test.h"
#include "os/conf.h"
#include "os/os.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A file of the test's own, at the path that BOSK_CONF_FILE names; written before main and before
 * any other constructor, so that it is there when the options are first read. */
#define CONF_FILE "/tmp/bosk-conf-test.conf"

static void write_file(const char *text)
{
    FILE *f = fopen(CONF_FILE, "w");
    CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* ---- numbers ----------------------------------------------------------------------------- */

TEST(conf, bytes)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},
                {"4096", 4096},
                {"4096B", 4096},
                {"64KiB", 65536},
                {"1MiB", 1 << 20},
                {"2GiB", (uint64_t)2 << 30},
                {"3TiB", (uint64_t)3 << 40},
                {"1PiB", (uint64_t)1 << 50},
                {"15EiB", (uint64_t)15 << 60},
                {"18446744073709551615", UINT64_MAX},
                {"off", UINT64_MAX}};
    static const char *const bad[] = {
        "",     "KiB",    "-1",  "+1",   "1kib",  "1KB",  "1K",  "1 ",    " 1",
        "0x10", "1.5GiB", "OFF", "offx", "1KiBB", "1XiB", "1iB", "16EiB", "18446744073709551616",
        "1KiB "};
    uint64_t v = 7;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK_MSG(boski_conf_bytes(good[i].text, strlen(good[i].text), &v), "%s", good[i].text);
        CHECK_EQ(v, good[i].bytes);
    }
    v = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_MSG(!boski_conf_bytes(bad[i], strlen(bad[i]), &v) && v == 7, "%s", bad[i]);
    CHECK(boski_conf_bytes("64KiBxyz", 5, &v) && v == 65536); /* only n bytes are read */
}

/* ---- the environment ---- */

TEST_ENV(conf, defaults, "BOSK_CONF=", "BOSK_GC=", "BOSK_MEMLIMIT=", "BOSK_CONF_FILE=")
{
    boski_conf_init();
    CHECK(boski_conf.reserve == 0 && boski_conf.os_page == 0 && boski_conf.sample == 0);
    CHECK(boski_conf.memlimit != 0 && !boski_conf.memlimit_hard);
    CHECK(!boski_conf.small && !boski_conf.scavenger_thread && !boski_conf.zerotail);
    CHECK(boski_conf.thp == 0 && boski_conf.gc_percent == 100 && boski_conf.failos == 0);
    CHECK(boski_conf.record == NULL && boski_conf.file == NULL && !boski_conf.verbose);
    CHECK(boski_conf.scavenge_window_ms > 0);
    CHECK_EQ(boski_conf_read_file(), -ENOENT);
}

TEST_ENV(conf, every_key,
         "BOSK_CONF=reserve=64GiB,os_page=65536,memlimit=1GiB,sample=512KiB,failos=0,mapseed=42,"
         "scavenge_window=250,hardlimit=1,check=1,profile=small,scavenger=thread,thp=-1,zerotail=1,"
         "home=collected,verbose=0,record=/proc/1/fd/3")
{
    boski_conf_init();
    CHECK_EQ(boski_conf.reserve, (uint64_t)64 << 30);
    CHECK_EQ(boski_conf.os_page, 65536);
    CHECK_EQ(boski_conf.memlimit, 1 << 30);
    CHECK_EQ(boski_conf.sample, 512 << 10);
    CHECK_EQ(boski_conf.mapseed, 42);
    CHECK_EQ(boski_conf.scavenge_window_ms, 250);
    CHECK(boski_conf.memlimit_hard && boski_conf.check && boski_conf.small);
    CHECK(boski_conf.scavenger_thread && boski_conf.zerotail && boski_conf.home_collected);
    CHECK(boski_conf.thp == -1);
    CHECK(boski_conf.record != NULL && strcmp(boski_conf.record, "/proc/1/fd/3") == 0);
}

/* BOSK_MEMLIMIT is read after BOSK_CONF wherever it stands. */
TEST_ENV(conf, own_variables, "BOSK_MEMLIMIT=512MiB", "BOSK_GC=off",
         "BOSK_CONF= memlimit = 1GiB ,, check = 0,")
{
    boski_conf_init();
    CHECK_EQ(boski_conf.memlimit, 512 << 20);
    CHECK(boski_conf.gc_percent == -1 && !boski_conf.check);
}

TEST_ENV(conf, gc_percent, "BOSK_GC=250", "BOSK_MEMLIMIT=off", "BOSK_CONF=memlimit=1GiB")
{
    boski_conf_init();
    CHECK_EQ(boski_conf.gc_percent, 250);
    CHECK_EQ(boski_conf.memlimit, UINT64_MAX);
}

/* Paths survive a program that writes over its environment to show a title. */
TEST_ENV(conf, paths_are_copied, "BOSK_CONF=record=/x/y")
{
    boski_conf_init();
    for (char **e = environ; *e != NULL; e++)
        if (strncmp(*e, "BOSK_CONF=", 10) == 0) memset(*e, 'z', strlen(*e));
    CHECK(strcmp(boski_conf.record, "/x/y") == 0);
}

/* The first malloc can come before libc has set `environ`: code in .preinit_array runs there. */
static bool was_early, kept_errno;
static void before_libc(int argc, char **argv, char **envp)
{
    (void)envp;
    if (argc < 3 || strcmp(argv[2], "conf.before_libc_is_up") != 0) return;
    was_early = environ == NULL;
    errno = 4711;
    boski_conf_init();
    kept_errno = errno == 4711;
}
__attribute__((section(".preinit_array"), used)) static void (*const early)(int, char **,
                                                                            char **) = before_libc;

TEST_ENV(conf, before_libc_is_up, "BOSK_CONF=mapseed=99,record=/early", "BOSK_GC=33")
{
    if (!was_early) SKIP("this libc sets environ first");
    CHECK(kept_errno);
    CHECK_EQ(boski_conf.mapseed, 99);
    CHECK_EQ(boski_conf.gc_percent, 33);
    CHECK(strcmp(boski_conf.record, "/early") == 0);
}

/* ---- what is wrong gets one line and is ignored ---- */

#define WARNS(name, text, ...)                           \
    TEST_PANICS_ENV(conf_warns, name, text, __VA_ARGS__) \
    {                                                    \
        boski_conf_init();                               \
        if (boski_conf.mapseed == 5) abort();            \
    }

WARNS(unknown_key, "BOSK_CONF: unknown key \"sampel\", ignored (did you mean \"sample\"?)",
      "BOSK_CONF=sampel=3,mapseed=5")
WARNS(far_from_every_key, "BOSK_CONF: unknown key \"xyzzy12345\", ignored\n",
      "BOSK_CONF=xyzzy12345=3,mapseed=5")
WARNS(bad_flag, "bad value in \"check=2\"", "BOSK_CONF=check=2,mapseed=5")
WARNS(bad_word, "bad value in \"profile=big\"", "BOSK_CONF=profile=big,mapseed=5")
WARNS(bad_number, "bad value in \"failos=1x\"", "BOSK_CONF=failos=1x,mapseed=5")
WARNS(bad_bytes, "bad value in \"reserve=1QiB\"", "BOSK_CONF=reserve=1QiB,mapseed=5")
WARNS(bad_ms, "bad value in \"scavenge_window=4294967296\"",
      "BOSK_CONF=scavenge_window=4294967296,mapseed=5")
WARNS(bad_thp, "bad value in \"thp=2\"", "BOSK_CONF=thp=2,mapseed=5")
WARNS(no_value, "\"check\" needs a value", "BOSK_CONF=check,mapseed=5")
WARNS(empty_path, "bad value in \"record=\"", "BOSK_CONF=record=,mapseed=5")
WARNS(bad_limit, "BOSK_MEMLIMIT: \"1G\" is neither", "BOSK_MEMLIMIT=1G", "BOSK_CONF=mapseed=5")
WARNS(bad_gc, "BOSK_GC: \"-5\" is neither", "BOSK_GC=-5", "BOSK_CONF=mapseed=5")
WARNS(missing_file, "BOSK_CONF_FILE: cannot read /nonexistent/bosk.conf",
      "BOSK_CONF_FILE=/nonexistent/bosk.conf", "BOSK_CONF=mapseed=5")

/* ---- the file ---- */

TEST_ENV(conf, reload, "BOSK_CONF_FILE=" CONF_FILE, "BOSK_CONF=mapseed=1,record=/first")
{
    /* There may be no file yet, or one left by an earlier run. */
    write_file("");
    boski_conf_init();
    write_file("# limits\nmemlimit=1GiB # one\n\n scavenge_window = 77 \r\n"
               "mapseed=8,check=1\nrecord=/second\n"
               "newer_key=1");
    CHECK_EQ(boski_conf_read_file(), 0);
    CHECK_EQ(boski_conf.memlimit, 1 << 30);
    CHECK_EQ(boski_conf.scavenge_window_ms, 77);
    CHECK_EQ(boski_conf.mapseed, 1); /* not live */
    CHECK(strcmp(boski_conf.record, "/first") == 0);

    write_file("memlimit=2GiB\nscavenge_window=many\n");
    CHECK_EQ(boski_conf_read_file(), -EINVAL); /* all or nothing */
    CHECK_EQ(boski_conf.memlimit, 1 << 30);

    FILE *f = fopen(CONF_FILE, "w");
    CHECK(f != NULL);
    for (int i = 0; i < 5000; i++) fputc('x', f);
    fputs("\nmemlimit=4GiB\n", f);
    fclose(f);
    CHECK_EQ(boski_conf_read_file(), -EINVAL);
    CHECK_EQ(boski_conf.memlimit, 1 << 30);

    f = fopen(CONF_FILE, "w"); /* longer than the buffer, each line is short */
    CHECK(f != NULL);
    for (int i = 0; i < 5000; i++) fprintf(f, "# %d\nmemlimit=%dKiB\n", i, i);
    fclose(f);
    CHECK_EQ(boski_conf_read_file(), 0);
    CHECK_EQ(boski_conf.memlimit, 4999 << 10);

    unlink(CONF_FILE);
    errno = 4711;
    CHECK_EQ(boski_conf_read_file(), -ENOENT);
    CHECK_EQ(errno, 4711);
    CHECK(mkdir(CONF_FILE, 0700) == 0);
    CHECK_EQ(boski_conf_read_file(), -EISDIR);
    rmdir(CONF_FILE);
    CHECK_EQ(boski_conf.memlimit, 4999 << 10);
}

/* ---- set-user-id ---- */

TEST_ENV(conf, secure_body, "BOSK_CONF=mapseed=5", "BOSK_GC=off")
{
    boski_conf_init();
    /* Run by name from the test below: there the program is set-user-id. */
    bool secure = geteuid() != getuid();
    CHECK_EQ(boski_conf.mapseed, secure ? 0 : 5);
    CHECK_EQ(boski_conf.gc_percent, secure ? 100 : -1);
    if (secure) _exit(42);
}

TEST(conf, ignored_when_set_user_id)
{
    char self[2048], copy[64], command[4096];
    if (geteuid() != 0 || getenv("BOSK_TEST_EMULATOR")) SKIP("needs root and a real kernel");
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    CHECK(n > 0);
    self[n] = '\0';
    snprintf(copy, sizeof copy, "/var/tmp/bosk-conf-test-%d", (int)getpid());
    snprintf(command, sizeof command, "cp '%s' '%s' && chmod 4755 '%s'", self, copy, copy);
    CHECK(system(command) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (setgid(65534) != 0 || setuid(65534) != 0) _exit(41);
        setenv("BOSK_CONF", "mapseed=5", 1);
        setenv("BOSK_GC", "off", 1);
        execl(copy, copy, "--body", "conf.secure_body", (char *)NULL);
        _exit(40);
    }
    int status = 0;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    unlink(copy);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) SKIP("set-user-id bits have no effect here");
    CHECK_MSG(WIFEXITED(status) && WEXITSTATUS(status) == 42, "status %#x", (unsigned)status);
}
