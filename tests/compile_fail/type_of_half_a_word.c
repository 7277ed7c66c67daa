/* EXPECT: a field that holds references consists of words */
#include <bosk/type_of.h>
struct pair {
    int a, b;
    char *c;
};
const bosk_type *f(void) { return BOSK_TYPE(struct pair, c, b); }
