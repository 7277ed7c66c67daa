/* slice_model_test.c - several slices over shared arrays against plain arrays; see slice_model.h.
 */
#include "heap_support.h"
#include "os/conf.h"

#include <bosk/growth.h>
#include <bosk/slice.h>

#define MODEL longs
#define ELEM long
#define TO_ELEM(n) (n)
#define MODEL_SCAN false
#include "slice_model.h"

#define MODEL bytes
#define ELEM signed char
#define TO_ELEM(n) ((signed char)(n))
#define MODEL_SCAN false
#include "slice_model.h"

typedef char *place;
#define MODEL pointers
#define ELEM place
#define TO_ELEM(n) ((place)(uintptr_t)(n))
#define MODEL_SCAN true
#include "slice_model.h"

static void run_all(uint64_t operations)
{
    struct bosk_heap_stats before, after;
    bosk_heap_stats(&before);
    longs_run(operations);
    bytes_run(operations);
    pointers_run(operations);
    bosk_heap_stats(&after);
    CHECK_EQ(after.mallocs - before.mallocs, after.frees - before.frees);
}

TEST(slice_model, random_operations) { run_all(bosk_test_budget(150000)); }
TEST_ENV(slice_model, random_operations_with_zero_tails, "BOSK_CONF=zerotail=1")
{
    run_all(bosk_test_budget(50000));
}
