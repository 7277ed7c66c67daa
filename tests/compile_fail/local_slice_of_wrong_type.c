/* EXPECT: incompatible|cannot convert|no viable|invalid conversion|cannot initialize */
#include <bosk/slice.h>
typedef BOSK_SLICE(int) ints;
char *f(void)
{
    BOSK_LOCAL_SLICE(ints, s, 4);
    char *p = s.ptr;
    return p;
}
