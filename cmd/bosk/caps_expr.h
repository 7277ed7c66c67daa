/* caps_expr.h - the Go expressions that `bosk caps explain` understands. */
#ifndef BOSK_CMD_CAPS_EXPR_H
#define BOSK_CMD_CAPS_EXPR_H

#include "caps.h"

enum expr_kind {
    EXPR_MAKE,    /* make([]T, len) or make([]T, len, cap) */
    EXPR_MAP,     /* make(map[K]V) or with a hint */
    EXPR_NEW,     /* new(T), &T{...} */
    EXPR_VAR,     /* var x T */
    EXPR_LITERAL, /* []T{...} */
    EXPR_APPEND,  /* append([]T(nil), a, b), append(make([]T, 3, 4), a) */
    EXPR_BOX,     /* any(x) */
    EXPR_BYTES,   /* []byte(s) */
    EXPR_RUNES,   /* []rune(s) */
    EXPR_STRING,  /* string(b) */
    EXPR_CONCAT   /* a + b */
};

/* A number: a constant, or a variable of which the value may be known ("n=10"). */
struct amount {
    bool given, constant, known;
    bool negative, huge; /* below 0; beyond 63 bits */
    int64_t value;       /* not negative */
};

enum { EXPR_TEXT = 1024 };

struct expr {
    enum expr_kind kind;
    char type[EXPR_TEXT]; /* of the element, the variable, or what is boxed */
    struct amount len, cap;
    int64_t count; /* elements of a literal, or appended */
    bool constant; /* what is boxed is one */
    bool empty;    /* what is boxed is "" or nil */
};

/* 0, or EXIT_USAGE after saying what was not understood. */
BOSK_NODISCARD int expr_parse(const char *name, const char *text, struct expr *out);

#endif /* BOSK_CMD_CAPS_EXPR_H */
