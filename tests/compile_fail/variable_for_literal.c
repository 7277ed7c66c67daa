/* EXPECT: expected */
#include <bosk/str.h>
bosk_str f(const char *text) { return BOSK_STR(text); }
