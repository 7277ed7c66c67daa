/* caps_expr.c - see caps_expr.h.
 *
 * Arguments are split at commas outside of brackets and quotes; numbers are constant expressions of
 * Go with + - * / << and brackets; whatever else begins with a letter is a variable.
 */
#define _GNU_SOURCE
#include "caps_expr.h"

#include <ctype.h>
#include <string.h>

struct span {
    const char *s;
    size_t n;
};

static struct span trim(struct span t)
{
    while (t.n > 0 && isspace((unsigned char)t.s[0])) {
        t.s++;
        t.n--;
    }
    while (t.n > 0 && isspace((unsigned char)t.s[t.n - 1])) t.n--;
    return t;
}

static bool starts(struct span t, const char *with)
{
    size_t n = strlen(with);
    return t.n >= n && memcmp(t.s, with, n) == 0;
}
static bool is(struct span t, const char *text) { return t.n == strlen(text) && starts(t, text); }
static struct span skip(struct span t, size_t n) { return trim((struct span){t.s + n, t.n - n}); }

/* Behind the quoted text at `i`; 0 when it does not end. */
static size_t quoted(struct span t, size_t i)
{
    char quote = t.s[i];
    for (i++; i < t.n; i++) {
        if (t.s[i] == '\\' && quote != '`')
            i++;
        else if (t.s[i] == quote)
            return i + 1;
    }
    return 0;
}

/* Where `what` first stands outside of brackets and quotes; t.n when nowhere; SIZE_MAX when the
 * brackets do not match. */
static size_t find(struct span t, char what)
{
    char open[64];
    size_t depth = 0, found = t.n;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.s[i];
        if (c == '"' || c == '`' || c == '\'') {
            size_t end = quoted(t, i);
            if (end == 0) return SIZE_MAX;
            i = end - 1;
            continue;
        }
        if (c == what && depth == 0 && found == t.n) found = i;
        if (c == '(' || c == '[' || c == '{') {
            if (depth == sizeof open) return SIZE_MAX;
            open[depth++] = (char)(c == '(' ? ')' : c == '[' ? ']' : '}');
        }
        if (c == ')' || c == ']' || c == '}')
            if (depth == 0 || open[--depth] != c) return SIZE_MAX;
    }
    return depth == 0 ? found : SIZE_MAX;
}

/* The bracket that opens what the last character closes; SIZE_MAX when there is none. */
static size_t last_group(struct span t)
{
    char close = t.s[t.n - 1], open = (char)(close == ')' ? '(' : '{');
    for (size_t i = 0; i < t.n; i++) {
        if (t.s[i] != open) continue;
        struct span rest = {t.s + i + 1, t.n - i - 2}, all = {t.s + i, t.n - i};
        if (find(rest, '\0') != SIZE_MAX && find(all, '\0') != SIZE_MAX) return i;
    }
    return SIZE_MAX;
}

/* ---- constant expressions -------------------------------------------------------------------- */

struct number {
    const char *p, *end;
    bool bad, huge;
    unsigned depth;
};

static int64_t sum(struct number *n);

static char peek(struct number *n)
{
    while (n->p < n->end && isspace((unsigned char)*n->p)) n->p++;
    return n->p < n->end ? *n->p : '\0';
}

static int64_t literal(struct number *n)
{
    unsigned base = 10;
    int64_t v = 0;
    bool any = false;
    if (n->end - n->p > 1 && n->p[0] == '0' && (n->p[1] | 0x20) == 'x') {
        base = 16;
        n->p += 2;
    }
    for (; n->p < n->end; n->p++) {
        char c = *n->p;
        unsigned digit = isdigit((unsigned char)c)  ? (unsigned)(c - '0')
                       : isxdigit((unsigned char)c) ? (unsigned)((c | 0x20) - 'a' + 10)
                                                    : 99;
        if (c == '_' && any) continue;
        if (digit >= base) break;
        n->huge |= __builtin_mul_overflow(v, (int64_t)base, &v);
        n->huge |= __builtin_add_overflow(v, (int64_t)digit, &v);
        any = true;
    }
    if (!any || (n->p < n->end && isalpha((unsigned char)*n->p))) n->bad = true;
    return v;
}

static int64_t factor(struct number *n)
{
    char c = peek(n);
    int64_t v;
    if (n->bad || ++n->depth > 64) {
        n->bad = true;
        return 0;
    }
    if (c == '(') {
        n->p++;
        v = sum(n);
        if (peek(n) == ')')
            n->p++;
        else
            n->bad = true;
    } else if (c == '-' || c == '+') {
        n->p++;
        v = factor(n);
        if (c == '-') n->huge |= __builtin_sub_overflow((int64_t)0, v, &v);
    } else {
        v = literal(n);
    }
    n->depth--;
    return v;
}

static int64_t product(struct number *n)
{
    int64_t v = factor(n);
    while (!n->bad) {
        char c = peek(n);
        bool shift = c == '<' && n->end - n->p > 1 && n->p[1] == '<';
        if (c != '*' && c != '/' && !shift) break;
        n->p += shift ? 2 : 1;
        int64_t w = factor(n);
        if (c == '*') n->huge |= __builtin_mul_overflow(v, w, &v);
        if (c == '/' && w == 0) n->bad = true;
        if (c == '/' && w != 0) v = w == -1 ? -v : v / w;
        if (shift && w < 0) n->bad = true;
        if (shift && w >= 0 && v != 0)
            n->huge |= w > 62 || __builtin_mul_overflow(v, (int64_t)1 << w, &v);
    }
    return v;
}

static int64_t sum(struct number *n)
{
    int64_t v = product(n);
    while (!n->bad) {
        char c = peek(n);
        if (c != '+' && c != '-') break;
        n->p++;
        int64_t w = product(n);
        n->huge |= c == '+' ? __builtin_add_overflow(v, w, &v) : __builtin_sub_overflow(v, w, &v);
    }
    return v;
}

static bool constant(struct span t, struct amount *out)
{
    struct number n = {.p = t.s, .end = t.s + t.n};
    int64_t v = sum(&n);
    if (n.bad || peek(&n) != '\0') return false;
    *out = (struct amount){.given = true, .constant = true, .known = true};
    out->huge = n.huge;
    out->negative = !n.huge && v < 0;
    out->value = n.huge || v < 0 ? 0 : v;
    return true;
}

static bool letter(char c) { return isalpha((unsigned char)c) || c == '_' || (c & 0x80) != 0; }

static size_t name_bytes(struct span t)
{
    size_t n = 0;
    while (n < t.n && (letter(t.s[n]) || (n > 0 && isdigit((unsigned char)t.s[n])))) n++;
    return n;
}

/* 100, n, n=10, len(s)+1 */
static bool amount(struct span t, struct amount *out)
{
    t = trim(t);
    if (constant(t, out)) return true;
    size_t n = name_bytes(t);
    if (n == 0 || find(t, '\0') == SIZE_MAX) return false;
    struct span rest = skip(t, n);
    if (starts(rest, "=") && !starts(rest, "==")) {
        if (!constant(skip(rest, 1), out)) return false;
        out->constant = false;
        return true;
    }
    *out = (struct amount){.given = true};
    return true;
}

/* ---- expressions ---- */

static bool take_type(struct span t, struct expr *out)
{
    t = trim(t);
    if (t.n == 0 || t.n >= sizeof out->type) return false;
    memcpy(out->type, t.s, t.n);
    out->type[t.n] = '\0';
    return true;
}

/* The first argument, with the rest in *args; false when there is none. */
static bool argument(struct span *args, struct span *one)
{
    size_t comma = find(*args, ',');
    if (args->n == 0 || comma == SIZE_MAX) return false;
    *one = trim((struct span){args->s, comma});
    *args = comma < args->n ? skip(*args, comma + 1) : (struct span){args->s + args->n, 0};
    return one->n != 0;
}

/* What stands in "name(...)"; false when it is something else. */
static bool call(struct span t, const char *name, struct span *inside)
{
    size_t n = strlen(name);
    if (!starts(t, name) || t.s[t.n - 1] != ')') return false;
    struct span rest = skip(t, n);
    if (!starts(rest, "(") || last_group(rest) != 0) return false;
    *inside = trim((struct span){rest.s + 1, rest.n - 2});
    return true;
}

static bool make(struct span args, struct expr *out)
{
    struct span type, one;
    if (!argument(&args, &type)) return false;
    if (starts(type, "map")) {
        out->kind = EXPR_MAP;
        if (!take_type(type, out)) return false;
        return args.n == 0 || (argument(&args, &one) && amount(one, &out->len) && args.n == 0);
    }
    out->kind = EXPR_MAKE;
    if (!starts(type, "[") || !starts(skip(type, 1), "]")) return false;
    type = skip(skip(type, 1), 1);
    if (!take_type(type, out) || !argument(&args, &one) || !amount(one, &out->len)) return false;
    if (args.n == 0) return true;
    return argument(&args, &one) && amount(one, &out->cap) && args.n == 0;
}

static bool count(struct span args, int64_t *out)
{
    struct span one;
    while (args.n != 0) {
        if (!argument(&args, &one)) return false;
        /* "5: x" would say at which index. */
        if (find(one, ':') != one.n || starts(one, "...")) return false;
        if (one.n > 3 && memcmp(one.s + one.n - 3, "...", 3) == 0) return false;
        ++*out;
    }
    return true;
}

static bool literal_of(struct span t, struct expr *out)
{
    size_t at = t.s[t.n - 1] == '}' ? last_group(t) : SIZE_MAX;
    if (at == SIZE_MAX || at == 0) return false;
    struct span type = trim((struct span){t.s, at}), inside = {t.s + at + 1, t.n - at - 2};
    inside = trim(inside);
    if (starts(type, "&")) {
        out->kind = EXPR_NEW;
        return take_type(skip(type, 1), out);
    }
    if (!starts(type, "[") || !starts(skip(type, 1), "]")) return false;
    out->kind = EXPR_LITERAL;
    return take_type(skip(skip(type, 1), 1), out) && count(inside, &out->count);
}

static bool append(struct span args, struct expr *out)
{
    struct span slice, inside;
    struct amount none = {.given = true, .constant = true, .known = true};
    if (!argument(&args, &slice)) return false;
    if (call(slice, "make", &inside)) {
        if (!make(inside, out) || out->kind != EXPR_MAKE) return false;
    } else {
        if (!starts(slice, "[") || !starts(skip(slice, 1), "]")) return false;
        size_t at = slice.s[slice.n - 1] == ')' || slice.s[slice.n - 1] == '}' ? last_group(slice)
                                                                               : SIZE_MAX;
        if (at == SIZE_MAX) return false;
        inside = trim((struct span){slice.s + at + 1, slice.n - at - 2});
        if (!is(inside, "nil") && inside.n != 0) return false;
        struct span type = trim((struct span){slice.s, at});
        if (!take_type(skip(skip(type, 1), 1), out)) return false;
        out->len = none;
    }
    out->kind = EXPR_APPEND;
    return count(args, &out->count) && out->count > 0;
}

/* 256, "text", 'c', true, nil, int8(5); x=256, x int, x int=256, x *T, x [3]int64 */
static bool boxed(struct span t, struct expr *out)
{
    struct amount value;
    out->kind = EXPR_BOX;
    out->len = (struct amount){.given = true};
    out->constant = true;
    if (constant(t, &value)) {
        out->len = value;
        return take_type((struct span){"int", 3}, out);
    }
    if (t.n >= 2 && (t.s[0] == '"' || t.s[0] == '`') && quoted(t, 0) == t.n) {
        out->empty = t.n == 2;
        return take_type((struct span){"string", 6}, out);
    }
    if (t.n >= 3 && t.s[0] == '\'' && quoted(t, 0) == t.n)
        return take_type((struct span){"rune", 4}, out);
    if (is(t, "true") || is(t, "false")) return take_type((struct span){"bool", 4}, out);
    size_t n = name_bytes(t);
    struct span rest = skip(t, n);
    size_t group = rest.n > 1 && rest.s[rest.n - 1] == ')' ? last_group(rest) : SIZE_MAX;
    if (n != 0 && group == 0 && constant((struct span){rest.s + 1, rest.n - 2}, &value)) {
        out->len = value;
        return take_type((struct span){t.s, n}, out);
    }
    out->constant = false;
    if (starts(t, "&")) return take_type((struct span){"*T", 2}, out);
    if (n == 0) return false;
    size_t equals = find(rest, '=');
    if (equals == SIZE_MAX) return false;
    struct span type = trim((struct span){rest.s, equals});
    if (equals < rest.n) {
        struct span is_value = skip(rest, equals + 1);
        out->empty = is(is_value, "\"\"") || is(is_value, "``") || is(is_value, "nil");
        if (!out->empty && (is_value.n == 0 || (is_value.s[0] != '"' && is_value.s[0] != '`')) &&
            !constant(is_value, &out->len))
            return false;
    }
    if (type.n == 0) type = (struct span){"int", 3};
    return take_type(type, out);
}

/* A string of which the bytes may be known: "text", s, s=40 (40 bytes). */
static bool string_of(struct span t, struct amount *out)
{
    if (t.n >= 2 && (t.s[0] == '"' || t.s[0] == '`') && quoted(t, 0) == t.n) {
        *out = (struct amount){.given = true, .constant = true, .known = true};
        for (size_t i = 1; i + 1 < t.n; i++, out->value++)
            if (t.s[i] == '\\' && t.s[0] == '"') i++;
        return true;
    }
    if (t.n == 0 || !letter(t.s[0]) || !amount(t, out)) return false;
    out->constant = false;
    return true;
}

static bool concat(struct span t, struct expr *out)
{
    struct amount all = {.given = true, .constant = true, .known = true}, one;
    out->kind = EXPR_CONCAT;
    while (t.n != 0) {
        size_t plus = find(t, '+');
        if (plus == SIZE_MAX || !string_of(trim((struct span){t.s, plus}), &one)) return false;
        all.known &= one.known && !one.negative;
        all.huge |= one.huge || __builtin_add_overflow(all.value, one.value, &all.value);
        all.constant &= one.constant;
        out->count += !one.known || one.value != 0;
        t = plus < t.n ? skip(t, plus + 1) : (struct span){t.s, 0};
    }
    out->len = all;
    return true;
}

static bool whole(struct span t, struct expr *out)
{
    struct span inside;
    static const struct {
        const char *name;
        enum expr_kind kind;
    } conversions[] = {{"[]byte", EXPR_BYTES}, {"[]rune", EXPR_RUNES}, {"string", EXPR_STRING}};
    if (find(t, '\0') == SIZE_MAX) return false;
    if (call(t, "make", &inside)) return make(inside, out);
    if (call(t, "new", &inside)) {
        out->kind = EXPR_NEW;
        return take_type(inside, out);
    }
    if (call(t, "append", &inside)) return append(inside, out);
    if (call(t, "any", &inside) || call(t, "interface{}", &inside)) return boxed(inside, out);
    for (size_t i = 0; i < 3; i++)
        if (call(t, conversions[i].name, &inside)) {
            out->kind = conversions[i].kind;
            return string_of(inside, &out->len);
        }
    if (starts(t, "var ")) {
        struct span rest = skip(t, 4);
        size_t n = name_bytes(rest);
        out->kind = EXPR_VAR;
        return n != 0 && n < rest.n && take_type(skip(rest, n), out);
    }
    if (t.s[t.n - 1] == '}') return literal_of(t, out);
    if (find(t, '+') < t.n) return concat(t, out);
    return false;
}

int expr_parse(const char *name, const char *text, struct expr *out)
{
    struct span t = trim((struct span){text, strlen(text)});
    *out = (struct expr){.kind = EXPR_MAKE};
    if (t.n != 0 && t.n < EXPR_TEXT && whole(t, out)) return 0;
    return caps_wrong(name,
                      "'%.60s' is not understood; it takes make([]T, len, cap), make(map[K]V, n), "
                      "new(T), &T{}, []T{a, b}, var x T, append([]T(nil), a), any(x int), "
                      "[]byte(s), []rune(s), string(b), a + b",
                      text);
}
