/* bosk.h - everything at once. */
#ifndef BOSK_BOSK_H
#define BOSK_BOSK_H

#include <bosk/alloc.h>
#include <bosk/any.h>
#include <bosk/arena.h>
#include <bosk/base.h>
#include <bosk/cslice.h>
#include <bosk/gc.h>
#include <bosk/gomap.h>
#include <bosk/growth.h>
#include <bosk/huge.h>
#include <bosk/intern.h>
#include <bosk/map.h>
#include <bosk/memstats.h>
#include <bosk/pool.h>
#include <bosk/record.h>
#include <bosk/slice.h>
#include <bosk/slices.h>
#include <bosk/smap.h>
#include <bosk/str.h>
#include <bosk/strconv.h>
#include <bosk/type.h>
#include <bosk/type_of.h>

#endif /* BOSK_BOSK_H */
