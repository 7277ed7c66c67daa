/* roundup.c - prints bosk's side of what classes.go prints. */
#include <bosk/alloc.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    size_t limit = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    size_t last = 0;

    /* Go keeps statistics of the classes up to 18432 bytes. */
    for (size_t size = 1; size <= 18432; size++) {
        size_t rounded = bosk_roundupsize(size, true);
        if (rounded != last) printf("class %zu\n", rounded);
        last = rounded;
    }
    for (size_t size = 1; size <= limit; size++)
        printf("roundup %zu %zu\n", size, bosk_roundupsize(size, true));
    return limit == 0;
}
