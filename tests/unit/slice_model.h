/* slice_model.h - random operations on several slices over shared arrays, beside a model of plain
 * arrays that knows who shares what.
 *
 * Included once for each element type, with MODEL (a name), ELEM (the type), TO_ELEM(number) and
 * MODEL_SCAN (whether the library must keep cells nobody has written zero).  After each operation
 * every cell of every window, up to its capacity, is what the model says; cells that nobody has
 * written are not looked at unless they must be zero.  An array that no window looks at any more is
 * freed, so that the next one is likely to lie in its place.
 */
#define CAT2(a, b) a##_##b
#define CAT(a, b) CAT2(a, b)
#define NAME(what) CAT(MODEL, what)

enum { NAME(WINDOWS) = 10, NAME(ARRAYS) = 32, NAME(LONGEST) = 500, NAME(MOST) = 16384 };

typedef BOSK_SLICE(ELEM) NAME(slice);

struct NAME(array) {
    int windows; /* that look at it */
    ptrdiff_t cap;
    ELEM *base;
    ELEM cell[NAME(MOST)];
    bool known[NAME(MOST)];
    bool foreign; /* not of the heap: never freed, never owned */
};
struct NAME(window) {
    NAME(slice) s;
    struct NAME(array) * array; /* NULL: nil or empty */
    ptrdiff_t off;
};
static struct NAME(array) NAME(arrays)[NAME(ARRAYS)];
static struct NAME(window) NAME(windows)[NAME(WINDOWS)];
static ELEM NAME(outside)[40];

static void NAME(leave)(struct NAME(window) * w)
{
    struct NAME(array) *a = w->array;
    w->array = NULL;
    w->off = 0;
    if (a == NULL || --a->windows != 0) return;
    if (!a->foreign) bosk_freeslice(a->base);
}

static void NAME(share)(struct NAME(window) * w, struct NAME(array) * a)
{
    if (a != NULL) a->windows++;
    NAME(leave)(w);
    w->array = a;
}

/* Window w looks at a new array: `len` known cells, which the caller fills. */
static struct NAME(array) * NAME(new_array)(struct NAME(window) * w)
{
    int i = 0;
    if (w->s.cap == 0) {
        NAME(leave)(w);
        return NULL;
    }
    while (NAME(arrays)[i].windows != 0) CHECK(++i < NAME(ARRAYS));
    struct NAME(array) *a = &NAME(arrays)[i];
    a->cap = w->s.cap;
    a->base = w->s.ptr;
    a->foreign = false;
    CHECK(a->cap <= NAME(MOST));
    for (ptrdiff_t k = 0; k < a->cap; k++) {
        a->known[k] = MODEL_SCAN || boski_conf.zerotail;
        a->cell[k] = TO_ELEM(0);
    }
    for (int k = 0; k < NAME(WINDOWS); k++) /* nobody else's, as long as somebody looks at it */
        CHECK(NAME(windows)[k].array == NULL || NAME(windows)[k].array->base != a->base ||
              &NAME(windows)[k] == w);
    NAME(share)(w, a);
    w->off = 0;
    return a;
}

static void NAME(know)(struct NAME(array) * a, ptrdiff_t at, ELEM value)
{
    CHECK(at >= 0 && at < a->cap);
    a->cell[at] = value;
    a->known[at] = true;
}

/* Appends to the model what the operation appended: `n` values, taken before it. */
static void NAME(appended)(struct NAME(window) * w, NAME(slice) old, const ELEM *value, ptrdiff_t n)
{
    struct NAME(array) *a = w->array;
    CHECK_EQ(w->s.len, old.len + n);
    if (old.len + n <= old.cap) {
        CHECK(w->s.ptr == old.ptr && w->s.cap == old.cap);
        for (ptrdiff_t i = 0; i < n; i++) NAME(know)(a, w->off + old.len + i, value[i]);
        return;
    }
    CHECK_EQ(w->s.cap, bosk_nextcap_len(bosk_growth_current(), BOSK_ARCH_NATIVE, sizeof(ELEM),
                                        !MODEL_SCAN, old.len, old.cap, old.len + n));
    /* The old array's place in the model may be taken by the new one. */
    static ELEM cell[NAME(MOST)];
    static bool known[NAME(MOST)];
    for (ptrdiff_t i = 0; i < old.len; i++) {
        cell[i] = a->cell[w->off + i];
        known[i] = a->known[w->off + i];
    }
    struct NAME(array) *b = NAME(new_array)(w);
    for (ptrdiff_t i = 0; i < old.len; i++) {
        b->cell[i] = cell[i];
        b->known[i] = known[i];
    }
    for (ptrdiff_t i = 0; i < n; i++) NAME(know)(b, old.len + i, value[i]);
}

static void NAME(check)(void)
{
    for (int k = 0; k < NAME(WINDOWS); k++) {
        const struct NAME(window) *w = &NAME(windows)[k];
        CHECK(w->s.len >= 0 && w->s.len <= w->s.cap);
        if (w->s.cap == 0) continue;
        CHECK(w->array != NULL && w->s.ptr == w->array->base + w->off);
        CHECK(w->off + w->s.cap <= w->array->cap);
        for (ptrdiff_t i = 0; i < w->s.cap; i++)
            if (w->array->known[w->off + i]) CHECK(w->s.ptr[i] == w->array->cell[w->off + i]);
    }
}

/* ---- operations ---- */

static ELEM NAME(copied)[2 * NAME(LONGEST)];

static void NAME(take)(const struct NAME(window) * t)
{
    CHECK(t->s.len <= 2 * NAME(LONGEST));
    for (ptrdiff_t i = 0; i < t->s.len; i++) NAME(copied)[i] = t->array->cell[t->off + i];
}

static void NAME(reslice)(struct NAME(window) * w, uint64_t r)
{
    ptrdiff_t max = (ptrdiff_t)(r % (uint64_t)(w->s.cap + 1));
    ptrdiff_t hi = (ptrdiff_t)((r >> 10) % (uint64_t)(max + 1));
    ptrdiff_t lo = (ptrdiff_t)((r >> 20) % (uint64_t)(hi + 1));
    NAME(slice) old = w->s;
    bool three = r >> 40 & 1;
    if (three)
        w->s = bosk_reslice(w->s, lo, hi, max);
    else
        w->s = bosk_reslice(w->s, lo, hi);
    CHECK(w->s.len == hi - lo && w->s.cap == (three ? max : old.cap) - lo);
    if (w->s.cap == 0)
        NAME(leave)(w);
    else
        w->off += lo;
    /* What comes into sight of the window may never have been written: it is now. */
    for (ptrdiff_t i = 0; i < w->s.len; i++)
        if (!w->array->known[w->off + i])
            NAME(know)(w->array, w->off + i, bosk_at(w->s, i) = TO_ELEM(-5));
}

static void NAME(make)(struct NAME(window) * w, uint64_t r)
{
    ptrdiff_t cap = (ptrdiff_t)(r % 100), len = (ptrdiff_t)((r >> 10) % (uint64_t)(cap + 1));
    w->s = bosk_make(NAME(slice), len, cap);
    CHECK(w->s.len == len && w->s.cap == cap);
    struct NAME(array) *a = NAME(new_array)(w);
    for (ptrdiff_t i = 0; i < len; i++) NAME(know)(a, i, TO_ELEM(0));
}

/* A window over memory that is not the heap's. */
static void NAME(borrow)(struct NAME(window) * w)
{
    struct NAME(array) * a;
    NAME(leave)(w);
    w->s = bosk_slice_of(NAME(slice), NAME(outside), 0, 40);
    for (a = NAME(arrays); a < NAME(arrays) + NAME(ARRAYS); a++)
        if (a->windows != 0 && a->foreign) break;
    if (a == NAME(arrays) + NAME(ARRAYS)) {
        for (a = NAME(arrays); a->windows != 0;) a++;
        a->cap = 40;
        a->base = NAME(outside);
        a->foreign = true;
        for (ptrdiff_t i = 0; i < 40; i++) NAME(know)(a, i, NAME(outside)[i]);
    }
    w->off = 0;
    NAME(share)(w, a);
}

/* Owner forms, for a window that alone looks at its array, from the start. */
static void NAME(own)(struct NAME(window) * w, uint64_t r)
{
    struct NAME(array) *a = w->array;
    if (a != NULL && (a->windows != 1 || a->foreign)) return;
    ptrdiff_t len = w->s.len, i = (ptrdiff_t)((r >> 8) % (uint64_t)(len + 1));
    ptrdiff_t j = i + (ptrdiff_t)((r >> 20) % (uint64_t)(len - i + 1));
    ELEM *const model = NAME(copied), value = TO_ELEM((long)(r >> 9));
    if (len > 0) NAME(take)(w);
    if (a == NULL) w->s.ptr = NULL; /* it may still name an array that has been freed */
    switch (r % 5) {
    case 0:
        bosk_push(&w->s, value);
        model[len++] = value;
        break;
    case 1:
        CHECK(bosk_try_push_slice(&w->s, bosk_reslice(w->s, i, j)));
        memmove(model + len, model + i, (size_t)(j - i) * sizeof *model);
        len += j - i;
        break;
    case 2:
        bosk_insert(&w->s, i, value);
        memmove(model + i + 1, model + i, (size_t)(len++ - i) * sizeof *model);
        model[i] = value;
        break;
    case 3:
        bosk_delete_range(&w->s, i, j);
        memmove(model + i, model + j, (size_t)(len - j) * sizeof *model);
        len -= j - i;
        break;
    case 4:
        if (len == 0) return;
        CHECK(bosk_pop(&w->s) == model[--len]);
        break;
    }
    CHECK_EQ(w->s.len, len);
    if (w->s.cap == 0) return;
    /* The array may be another one, in the same place or elsewhere: the old one is gone. */
    if (a == NULL) {
        a = NAME(new_array)(w);
    } else {
        a->base = w->s.ptr;
        a->cap = w->s.cap;
        w->off = 0;
        CHECK(a->cap <= NAME(MOST));
    }
    for (ptrdiff_t k = 0; k < a->cap; k++) a->known[k] = false;
    for (ptrdiff_t k = 0; k < len; k++) NAME(know)(a, k, model[k]);
}

static void NAME(step)(uint64_t r)
{
    struct NAME(window) *w = &NAME(windows)[r % NAME(WINDOWS)];
    struct NAME(window) *t = &NAME(windows)[(r >> 8) % NAME(WINDOWS)];
    const ELEM value = TO_ELEM((long)(r >> 20));
    NAME(slice) old = w->s;
    ptrdiff_t n;
    if (w->s.len > NAME(LONGEST)) w->s = bosk_reslice_to(w->s, w->s.len / 8);
    if (t->s.len > NAME(LONGEST)) t->s = bosk_reslice_to(t->s, t->s.len / 8);
    if (w->s.cap > NAME(LONGEST)) { /* of arrays that long nothing new is made */
        w->s = bosk_reslice(w->s, 0, 0, 0);
        NAME(leave)(w);
    }
    old = w->s;
    switch ((r >> 16) % 11) {
    case 0:
        w->s = bosk_append(w->s, value);
        NAME(appended)(w, old, &value, 1);
        break;
    case 1: {
        const ELEM three[] = {value, TO_ELEM(-1), value};
        w->s = bosk_append(w->s, value, TO_ELEM(-1), value);
        NAME(appended)(w, old, three, 3);
        break;
    }
    case 2:
        NAME(take)(t);
        n = t->s.len;
        w->s = bosk_append_slice(w->s, t->s);
        if (n != 0) NAME(appended)(w, old, NAME(copied), n);
        break;
    case 3: NAME(reslice)(w, r >> 24); break;
    case 4: /* windows that share an array may overlap */
        NAME(take)(t);
        n = bosk_copy(w->s, t->s);
        CHECK_EQ(n, t->s.len < w->s.len ? t->s.len : w->s.len);
        for (ptrdiff_t i = 0; i < n; i++) NAME(know)(w->array, w->off + i, NAME(copied)[i]);
        break;
    case 5:
        if (w->s.len == 0) break;
        n = (ptrdiff_t)((r >> 24) % (uint64_t)w->s.len);
        bosk_at(w->s, n) = value;
        NAME(know)(w->array, w->off + n, value);
        break;
    case 6:
        if (r >> 40 & 1) break; /* else little would stay */
        bosk_clear(w->s);
        for (ptrdiff_t i = 0; i < w->s.len; i++) NAME(know)(w->array, w->off + i, TO_ELEM(0));
        break;
    case 7: NAME(make)(w, r >> 24); break;
    case 8: /* another name for the same */
        if (w == t) break;
        NAME(share)(w, t->array);
        w->s = t->s;
        w->off = t->off;
        break;
    case 9:
        if ((r >> 24) % 8 == 0) NAME(borrow)(w);
        break;
    case 10:
        if (w->off == 0 && (w->array == NULL || w->s.cap == w->array->cap)) NAME(own)(w, r >> 24);
        break;
    }
    NAME(check)();
}

static void NAME(run)(uint64_t operations)
{
    uint64_t seed = bosk_test_seed();
    while (operations-- > 0) NAME(step)(bosk_test_random(&seed));
    for (int k = 0; k < NAME(WINDOWS); k++) NAME(leave)(&NAME(windows)[k]);
}

#undef CAT2
#undef CAT
#undef NAME
#undef MODEL
#undef ELEM
#undef TO_ELEM
#undef MODEL_SCAN
