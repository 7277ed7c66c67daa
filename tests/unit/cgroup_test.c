/* cgroup_test.c - limits and files of the control group, in folders that look like the system's. */
#define _GNU_SOURCE
#include "bosk_test.h"
#include "os/internal.h"
#include "os/os.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char root[64], self[96];

static void put(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        mkdir(path, 0700);
        *p = '/';
    }
    FILE *f = fopen(path, "w");
    CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void start(const char *lines)
{
    strcpy(root, "/tmp/bosk-cgroup-XXXXXX");
    CHECK(mkdtemp(root) != NULL);
    snprintf(self, sizeof self, "%s/self", root);
    put("self", lines);
}

static void end(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", root);
    CHECK(system(command) == 0);
}

TEST(cgroup, version_2_takes_the_least_limit)
{
    start("0::/a/b/c\n");
    put("a/memory.max", "1073741824\n");
    put("a/b/memory.max", "max\n");
    put("a/b/c/memory.max", "2147483648\n");
    CHECK_EQ(boski_cgroup_limit_at(self, root), 1 << 30);
    put("a/b/memory.max", "4096\n");
    CHECK_EQ(boski_cgroup_limit_at(self, root), 4096);
    end();
}

TEST(cgroup, path_of_the_host)
{
    start("0::/machine/1234\n");
    put("memory.max", "8192\n"); /* the container sees its own group at the root */
    put("memory.events", "low 1\nhigh 7\n");
    char text[64];
    CHECK_EQ(boski_cgroup_limit_at(self, root), 8192);
    CHECK_EQ(boski_cgroup_file_at(self, root, "memory.events", text, sizeof text), 13);
    CHECK(strcmp(text, "low 1\nhigh 7\n") == 0);
    CHECK_EQ(boski_cgroup_file_at(self, root, "memory.events", text, 6), 5);
    CHECK(strcmp(text, "low 1") == 0);
    CHECK(boski_cgroup_file_at(self, root, "memory.nothing", text, 6) == -ENOENT);
    end();
}

TEST(cgroup, version_1_and_both)
{
    start("12:cpu,cpuacct:/x\n5:memory,hugetlb:/m/n\n0::/u\n");
    put("memory/m/memory.limit_in_bytes", "65536\n");
    put("memory/m/n/memory.limit_in_bytes", "9223372036854771712\n");
    CHECK_EQ(boski_cgroup_limit_at(self, root), 65536);
    put("unified/u/memory.max", "32768\n");
    put("unified/u/memory.pressure", "some avg10=0.00\n");
    CHECK_EQ(boski_cgroup_limit_at(self, root), 32768);
    char text[64];
    CHECK_EQ(boski_cgroup_file_at(self, root, "memory.pressure", text, sizeof text), 16);
    end();
}

TEST(cgroup, no_limit)
{
    start("3:memory2:/m\nnonsense\n::\n0::/\n");
    CHECK_EQ(boski_cgroup_limit_at(self, root), UINT64_MAX);
    put("memory.max", "max\n");
    put("memory2/memory.limit_in_bytes", "1\n");
    CHECK_EQ(boski_cgroup_limit_at(self, root), UINT64_MAX);
    put("memory.max", "18446744073709551616\n");
    CHECK_EQ(boski_cgroup_limit_at(self, root), UINT64_MAX);
    put("memory.max", "");
    CHECK_EQ(boski_cgroup_limit_at(self, root), UINT64_MAX);
    CHECK_EQ(boski_cgroup_limit_at("/nonexistent", root), UINT64_MAX);
    end();
}

TEST(cgroup, of_this_process)
{
    char text[256];
    errno = 4711;
    CHECK(boski_os_cgroup_limit() >= 1 << 20);
    long n = boski_os_cgroup_file("cgroup.procs", text, sizeof text);
    CHECK(n == (long)strnlen(text, sizeof text) || n < 0);
    CHECK(boski_os_cgroup_file("x", text, 0) == -EINVAL);
    CHECK_EQ(errno, 4711);
}
