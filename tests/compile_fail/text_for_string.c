/* EXPECT: incompatible type|could not convert|no matching function|no viable */
#include <bosk/str.h>
bool f(bosk_str s) { return bosk_str_equal(s, "text"); }
