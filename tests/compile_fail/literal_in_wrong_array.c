/* EXPECT: incompatible|cannot convert */
#include <bosk/slice.h>
typedef BOSK_SLICE(int) ints;
ptrdiff_t f(void)
{
    char room[4];
    ints s = bosk_literal_buf(ints, room, 1, 2);
    return s.len;
}
