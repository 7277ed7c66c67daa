/* EXPECT: ignoring return value|nodiscard */
#include <bosk/strconv.h>
void f(bosk_str s, bosk_str *out) { bosk_unquote(s, out); }
