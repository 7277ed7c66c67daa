/* EXPECT: ignoring return value|unused-result */
#include <bosk/arena.h>
void f(bosk_arena *a) { bosk_arena_alloc(a, 100, 0); }
