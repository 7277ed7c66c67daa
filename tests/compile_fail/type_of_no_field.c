/* EXPECT: no member named .b. */
#include <bosk/type_of.h>
struct single {
    char *a;
};
const bosk_type *f(void) { return BOSK_TYPE(struct single, b); }
