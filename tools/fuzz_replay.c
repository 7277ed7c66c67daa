/* fuzz_replay.c - runs a fuzz target over files and folders of files, without libFuzzer.
 *
 * Makes the corpus a test of every build, whatever the compiler.  Prints how many inputs ran, and
 * fails when there was none: an empty corpus proves nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static unsigned replayed;

static int replay_file(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)where;
    if (kind != FTW_F) return 0;
    size_t size = (size_t)st->st_size;
    /* Exactly as large as the input, so that a sanitizer sees reads past its end. */
    uint8_t *data = malloc(size ? size : 1);
    FILE *f = fopen(path, "rb");
    if (!data || !f || fread(data, 1, size, f) != size) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 1;
    }
    fclose(f);
    /* Said before, so that a crash names its input. */
    fprintf(stderr, "%s\n", path);
    if (LLVMFuzzerTestOneInput(data, size) != 0) {
        fprintf(stderr, "%s: refused by the target\n", path);
        return 1;
    }
    free(data);
    replayed++;
    return 0;
}

int main(int argc, char **argv)
{
    const char *base = strrchr(argv[0], '/');

    for (int i = 1; i < argc; i++)
        if (nftw(argv[i], replay_file, 16, FTW_PHYS) != 0) return 1;
    printf("%s: %u passed, 0 failed, 0 skipped\n", base ? base + 1 : argv[0], replayed);
    return replayed == 0;
}
