/* slices_c.c - the macros of slices in strict C11 and in C++17, from one text: appendone of real Go
 * for this architecture, by the rules of each version.  Prints "N rows". */
#include "../unit/slice_elems.h"

#include <bosk/growth.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    char line[256], version[64], arch[16], elem[16];
    unsigned minor, noscan, rows = 0;
    long long size, step, old, want;
    FILE *f = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (f == NULL || fgets(line, sizeof line, f) == NULL) return 2;
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "%63[^,],%15[^,],%15[^,],%lld,%u,%lld,%lld,%lld", version, arch, elem,
                   &size, &noscan, &step, &old, &want) != 8 ||
            sscanf(version, "go1.%u", &minor) != 1)
            return 2;
        if (strcmp(arch, bosk_arch_name(BOSK_ARCH_NATIVE)) != 0) continue;
        bool copied = old * size <= 1 << 18; /* larger arrays by push only, which moves nothing */
        if (bosk_growth_use(bosk_growth_go(minor)) != 0) return 2;
        const struct elem *by = elem_find((size_t)size, noscan != 0);
        if (by == NULL || (copied && by->grow((ptrdiff_t)old, (ptrdiff_t)old, 1) != want) ||
            by->push((ptrdiff_t)old, (ptrdiff_t)old, 1) != want) {
            fprintf(stderr, "%s", line);
            return 1;
        }
        rows++;
    }
    fclose(f);
    printf("%u rows\n", rows);
    return rows > 9000 ? 0 : 1;
}
