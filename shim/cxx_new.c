/* cxx_new.c - the four forms of operator new and delete that all others are defined by, and what
 * happens when memory is short.
 *
 * C++ lets a program replace any form, and defines the rest by those (cxx_forms.c).  A program
 * that brings its own malloc, and not its own operator new, expects operator new to use
 * that malloc, as the one of the C++ library does: then these forms forward.
 *
 * The C++ library is not linked: std::get_new_handler and the function that throws are weak
 * references, filled in when the program has a C++ library, and looked for once more when
 * it was loaded later.  Exceptions pass through these frames: compiled with -fexceptions.
 */
#define _GNU_SOURCE
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>

const char boski_shim_cxx_linked = 1;

typedef void (*new_handler)(void);
typedef new_handler (*get_handler_fn)(void);
typedef void (*throw_fn)(void);

extern new_handler get_new_handler(void) __asm__("_ZSt15get_new_handlerv") __attribute__((weak));
extern void throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv") __attribute__((weak));
/* In libc since glibc 2.34, in libdl before: a program without it has loaded nothing.  dlopen is
 * found through it: a reference would make the linker warn in every static program. */
extern __typeof__(dlsym) dlsym __attribute__((weak));

/* ISO C has no cast from dlsym's result to a function pointer. */
union symbol {
    void *object;
    get_handler_fn get_handler;
    throw_fn thrower;
    __typeof__(dlopen) *opener;
    void *(*form)(size_t size, const void *nothrow);
    void *(*form_aligned)(size_t size, size_t align, const void *nothrow);
};

/* `name` from a C++ library that was loaded after us, privately for a plugin. */
static union symbol late_symbol(const char *name)
{
    static const char *const libraries[] = {"libstdc++.so.6", "libc++.so.1", "libc++abi.so.1"};
    union symbol found = {NULL};
    if (dlsym == NULL) return found;
    union symbol open = {dlsym(RTLD_DEFAULT, "dlopen")};
    if (open.object == NULL) return found;
    for (size_t i = 0; found.object == NULL && i < sizeof libraries / sizeof libraries[0]; i++) {
        void *library = open.opener(libraries[i], RTLD_LAZY | RTLD_NOLOAD);
        if (library != NULL) found.object = dlsym(library, name);
    }
    return found;
}

static new_handler current_handler(void)
{
    if (get_new_handler != NULL) return get_new_handler();
    union symbol getter = late_symbol("_ZSt15get_new_handlerv");
    return getter.object != NULL ? getter.get_handler() : NULL;
}

static BOSK_NORETURN void out_of_memory(size_t size)
{
    if (throw_bad_alloc != NULL) {
        throw_bad_alloc();
    } else {
        union symbol thrower = late_symbol("_ZSt17__throw_bad_allocv");
        if (thrower.object != NULL) thrower.thrower();
    }
    bosk_fatal("operator new: out of memory (%zu bytes)", size);
}

/* Memory from the heap, or from the program's own malloc. `align` 0: whatever malloc gives. */
static void *request(size_t size, size_t align)
{
    if (boski_malloc_is_ours()) {
        if (align == 0) return boski_malloc_inline(size);
        return boski_aligned(align, size);
    }
    if (size == 0) size = 1;
    if (align == 0) return malloc(size);
    void *p = NULL;
    if (align < sizeof(void *)) align = sizeof(void *);
    return posix_memalign(&p, align, size) == 0 ? p : NULL;
}

BOSKI_NOINLINE void *boski_new_slow(size_t size, size_t align)
{
    if ((align & (align - 1)) != 0) out_of_memory(size);
    for (;;) {
        void *p = request(size, align);
        if (p != NULL) return p;
        new_handler handler = current_handler();
        if (handler == NULL) out_of_memory(size);
        handler();
    }
}

/* The C++ library's own definition of a nothrow form. */
static union symbol library_form(enum boski_form form)
{
    static const char *const names[BOSKI_FORM_COUNT] = {
        [BOSKI_FORM_NEW] = BOSKI_TEXT(NEW_NOTHROW),
        [BOSKI_FORM_ARRAY] = BOSKI_TEXT(NEW_ARRAY_NOTHROW),
        [BOSKI_FORM_ALIGNED] = BOSKI_TEXT(NEW_ALIGNED_NOTHROW),
        [BOSKI_FORM_ARRAY_ALIGNED] = BOSKI_TEXT(NEW_ARRAY_ALIGNED_NOTHROW),
    };
    static void *found[BOSKI_FORM_COUNT];
    union symbol s = {__atomic_load_n(&found[form], __ATOMIC_ACQUIRE)};
    if (s.object != NULL) return s;
    if (dlsym != NULL) s.object = dlsym(RTLD_NEXT, names[form]);
    if (s.object == NULL) s = late_symbol(names[form]);
    __atomic_store_n(&found[form], s.object, __ATOMIC_RELEASE);
    return s;
}

/* What the form is defined by. */
static void *base_form(enum boski_form form, size_t size, size_t align)
{
    switch (form) {
    case BOSKI_FORM_NEW: return NEW(size);
    case BOSKI_FORM_ARRAY: return NEW_ARRAY(size);
    case BOSKI_FORM_ALIGNED: return NEW_ALIGNED(size, align);
    default: return NEW_ARRAY_ALIGNED(size, align);
    }
}

/* A new-handler, or the program's own operator new, may throw where these forms must return NULL.
 * C cannot catch; the C++ library's form does, and calls operator new of the process.  A static
 * program has no second form to go to: there an exception ends the process, while a handler that
 * frees memory works. */
BOSKI_NOINLINE void *boski_new_nothrow_slow(enum boski_form form, bool ours, size_t size,
                                            size_t align, const void *nothrow)
{
    bool aligned = form == BOSKI_FORM_ALIGNED || form == BOSKI_FORM_ARRAY_ALIGNED;
    if (ours) {
        if ((align & (align - 1)) != 0) return NULL;
        void *p = request(size, align);
        if (p != NULL || current_handler() == NULL) return p;
    }
    union symbol library = library_form(form);
    if (library.object != NULL)
        return aligned ? library.form_aligned(size, align, nothrow) : library.form(size, nothrow);
    if (!ours) return base_form(form, size, align);
    for (new_handler handler; (handler = current_handler()) != NULL;) {
        handler();
        void *p = request(size, align);
        if (p != NULL) return p;
    }
    return NULL;
}

static inline __attribute__((always_inline)) void release(void *p)
{
    if (boski_malloc_is_ours())
        boski_free_inline(p);
    else
        free(p);
}

BOSK_API void *NEW(size_t size)
{
    if (boski_malloc_is_ours()) {
        void *p = boski_malloc_fast(size);
        if (BOSK_LIKELY(p != NULL)) return p;
    }
    return boski_new_slow(size, 0);
}
BOSK_API void DELETE(void *p) { release(p); }

BOSK_API void *NEW_ALIGNED(size_t size, size_t align) { return boski_new_slow(size, align); }
BOSK_API void DELETE_ALIGNED(void *p, size_t align)
{
    (void)align;
    release(p);
}

extern __typeof__(NEW) boski_own_new __attribute__((alias(BOSKI_TEXT(NEW))));
extern __typeof__(NEW_ALIGNED) boski_own_new_aligned
    __attribute__((alias(BOSKI_TEXT(NEW_ALIGNED))));
extern __typeof__(DELETE) boski_own_delete __attribute__((alias(BOSKI_TEXT(DELETE))));
extern __typeof__(DELETE_ALIGNED) boski_own_delete_aligned
    __attribute__((alias(BOSKI_TEXT(DELETE_ALIGNED))));
