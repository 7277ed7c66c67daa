/* EXPECT: ignoring return value|nodiscard */
#include <bosk/strconv.h>
void f(bosk_bytes b) { bosk_append_int(b, 1, 10); }
