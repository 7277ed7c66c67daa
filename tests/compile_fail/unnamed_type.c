/* EXPECT: incompatible (result )?type|could not convert|no viable */
#include <bosk/slice.h>
void f(BOSK_SLICE(int) * out, int n);
typedef BOSK_SLICE(int) ints;
typedef BOSK_SLICE(int) ints;
typedef BOSK_SLICE(int) others; /* another struct, as if it were spelled out */
ints g(others s) { return s; }
