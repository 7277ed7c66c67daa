/* types.h - keys and values of the shapes that work.h tells of. */
#ifndef MAPPROBE_TYPES_H
#define MAPPROBE_TYPES_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef HAS_RESERVE
#define HAS_RESERVE 1
#endif

#if SHAPE == 4
typedef struct value {
    uint64_t word[8];
} VALUE;
#elif SHAPE == 2
typedef uint32_t VALUE;
#else
typedef uint64_t VALUE;
#endif

#if SHAPE == 1
typedef uint64_t KEY;
#elif SHAPE == 2
typedef uint32_t KEY;
#elif defined(__cplusplus)
#include <string_view>
typedef std::string_view KEY;
#define TEXT_KEY(p, n) std::string_view(p, n)
#elif !defined(TEXT_KEY)
typedef const char *KEY;
#define TEXT_KEY(p, n) ((void)(n), (p))
#endif

#endif /* MAPPROBE_TYPES_H */
