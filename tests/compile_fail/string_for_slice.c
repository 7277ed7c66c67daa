/* EXPECT: no member named .cap.|has no member named */
#include <bosk/str.h>
bosk_str f(bosk_str s) { return bosk_append(s, 'x'); }
