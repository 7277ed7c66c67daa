/* arena.h - arenas: memory that is freed all at once, and a home for containers.
 *
 *     bosk_arena *request = bosk_arena_new(0);
 *     bosk_home_push(bosk_arena_home(request));     slices, strings and maps made from here on
 *     ints s = bosk_make(ints, 0, 10);              live in the arena, and so does what they
 *     s = bosk_append(s, 1, 2, 3);                  grow into
 *     bosk_home_pop();
 *     bosk_arena_free(request);                     all gone
 *
 * Blocks lie one behind the other in chunks of 8 to 256 KiB, in steps of 16 bytes; one above 64 KiB
 * has pages of its own.  What grows is extended where it is when nothing lies behind it, else
 * copied, and the old place is abandoned until the next reset.  bosk_realloc, bosk_grow,
 * bosk_usable_size and bosk_find_block work on blocks of an arena; bosk_free takes back the block
 * made last and blocks with pages of their own, and abandons others.
 *
 * The collector does not look into arenas.  With BOSK_CONF=check=1 memory that was reset or freed
 * is not accessible for a while, so that use after reset ends the process where it happens.
 *
 * Threads: any number may allocate in one arena, and wait for each other.  Reset and free must be
 * alone.  Not in signal handlers.
 *
 * Go counterpart: package arena (experimental since 1.20); differs in that memory is not cleared
 * unless asked for, and in reset.
 */
#ifndef BOSK_ARENA_H
#define BOSK_ARENA_H

#include <bosk/type.h>

BOSK_BEGIN_DECLS

typedef struct bosk_arena bosk_arena;

/* bosk_arena_new makes an empty arena, which holds no memory yet.  `limit` is a hard limit in bytes
 * of pages, 0 for none.  NULL with ENOMEM when there is no memory. */
BOSK_API bosk_arena *bosk_arena_new(size_t limit) BOSK_NODISCARD;

/* bosk_arena_alloc returns `size` bytes aligned to `align`, a power of two (0: 16), contents
 * unspecified; bosk_arena_zalloc the same, zero.  Size 0 gives a block of its own.  NULL with
 * ENOMEM when there is no memory, the limit would be exceeded, or size exceeds PTRDIFF_MAX; with
 * EINVAL when align is no power of two.  An arena that was freed panics with "bosk: arena used
 * after it was freed", as long as its record has not become another arena's.
 *
 * Cost: some fifty instructions; a lock while the process has several threads. */
BOSK_API void *bosk_arena_alloc(bosk_arena *arena, size_t size, size_t align) BOSK_ALLOC_SIZE(2)
    BOSK_NODISCARD;
BOSK_API void *bosk_arena_zalloc(bosk_arena *arena, size_t size, size_t align) BOSK_ALLOC_SIZE(2)
    BOSK_NODISCARD;

/* T *bosk_arena_make(arena, T): arena.New[T](a): one T, zeroed; NULL as above. */
#define bosk_arena_make(arena, T) \
    ((__typeof__(T) *)bosk_arena_zalloc(arena, sizeof(T), __alignof__(T)))

/* bosk_arena_reset frees every block and keeps at most `keep` bytes of chunks for the blocks to
 * come: 0 returns all memory to the heap, SIZE_MAX keeps what there is.  Cost: O(chunks). */
BOSK_API void bosk_arena_reset(bosk_arena *arena, size_t keep);

/* bosk_arena_free frees every block and the arena.  NULL does nothing. */
BOSK_API void bosk_arena_free(bosk_arena *arena);

/* The arena as a home, for bosk_home_push and the _in forms. */
BOSK_API bosk_home bosk_arena_home(bosk_arena *arena);

/* Bytes of pages the arena holds, and bytes of blocks in it since the last reset. */
BOSK_API size_t bosk_arena_bytes(const bosk_arena *arena);
BOSK_API size_t bosk_arena_live(const bosk_arena *arena);

BOSK_END_DECLS

#endif /* BOSK_ARENA_H */
