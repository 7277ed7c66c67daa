/* caps_slice.c - `bosk caps slice`: the ladder of capacities that appends climb. */
#include "caps.h"

int caps_slice(int argc, char **argv)
{
    (void)argc;
    return caps_wrong(argv[0], "is not there yet");
}
