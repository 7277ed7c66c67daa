/* caps_args.c - the options of `bosk caps`, see caps.h. */
#define _GNU_SOURCE
#include "caps.h"

#include "cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers -------------------------------------------------------------------------------- */

bool caps_number(const char *text, int64_t *out)
{
    const char *s = text;
    int64_t v = 0;
    if (*s < '0' || *s > '9') return false;
    for (; (*s >= '0' && *s <= '9') || (*s == '_' && s[1] >= '0' && s[1] <= '9'); s++) {
        if (*s == '_') continue;
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *s - '0', &v))
            return false;
    }
    if (*s == 'e' && s[1] >= '0' && s[1] <= '9') {
        int zeros = 0;
        for (s++; *s >= '0' && *s <= '9'; s++) {
            zeros = zeros * 10 + (*s - '0');
            if (zeros > 18) return false;
        }
        while (zeros-- > 0)
            if (__builtin_mul_overflow(v, 10, &v)) return false;
    }
    *out = v;
    return *s == '\0';
}

/* ---- versions and architectures ---- */

static bool add_rule(struct caps_options *o, const struct caps_rule *rule)
{
    for (size_t i = 0; i < o->rules; i++)
        if (strcmp(o->rule[i].name, rule->name) == 0) return true;
    if (o->rules == CAPS_RULES) return false;
    o->rule[o->rules++] = *rule;
    return true;
}

static bool add_version(struct caps_options *o, unsigned minor)
{
    struct caps_rule rule = {.growth = *bosk_growth_go(minor), .minor = minor};
    snprintf(rule.name, sizeof rule.name, "1.%u", minor);
    return add_rule(o, &rule);
}

/* "1.22", "go1.22", "1.22.3": the third number changes nothing that is shown here. */
static bool one_version(const char *s, size_t n, unsigned *minor)
{
    char text[16];
    if (n >= sizeof text) return false;
    memcpy(text, s, n);
    text[n] = '\0';
    unsigned patch;
    int end = 0, all = 0;
    const char *p = strncmp(text, "go", 2) == 0 ? text + 2 : text;
    if (p[0] != '1' || p[1] != '.' || strspn(p, "0123456789.") != strlen(p)) return false;
    if (sscanf(p, "1.%2u%n.%2u%n", minor, &end, &patch, &all) < 1) return false;
    return p[end] == '\0' || (all != 0 && p[all] == '\0');
}

static int wrong_version(const struct caps_options *o, const char *s, size_t n)
{
    return caps_wrong(o->name,
                      "--go: '%.*s' is no version of Go that is known; there are 1.%d to "
                      "1.%d, and all",
                      n > 40 ? 40 : (int)n, s, BOSK_GO_FIRST, BOSK_GO_LAST);
}

static int parse_go(struct caps_options *o, const char *s)
{
    for (;; s++) {
        size_t n = strcspn(s, ",");
        unsigned minor;
        if (n == 3 && strncmp(s, "all", 3) == 0) {
            for (minor = BOSK_GO_FIRST; minor <= BOSK_GO_LAST; minor++)
                if (!add_version(o, minor)) return wrong_version(o, s, n);
        } else if (!one_version(s, n, &minor) || bosk_growth_go(minor) == NULL ||
                   !add_version(o, minor)) {
            return wrong_version(o, s, n);
        }
        s += n;
        if (*s == '\0') return 0;
    }
}

static int parse_rule(struct caps_options *o, const char *s)
{
    struct caps_rule rule = {.minor = 0};
    bool x2 = strcmp(s, "x2") == 0, x15 = strcmp(s, "x1.5") == 0;
    const char *text = x2  ? "threshold=0,add=100%,round=none"
                     : x15 ? "threshold=0,add=50%,round=none"
                           : s;
    if (strlen(s) >= sizeof rule.name)
        return caps_wrong(o->name, "--rule: '%.40s...' is too long", s);
    if (strncmp(s, "go", 2) == 0) return parse_go(o, s);
    if (bosk_growth_parse(text, &rule.growth) != 0)
        return caps_wrong(o->name,
                          "--rule: '%s' is no rule; try x2, x1.5 or threshold=256,add=25%% with "
                          "plus=N, round=none|no24|plain|headers, on=len|cap",
                          s);
    memcpy(rule.name, s, strlen(s) + 1);
    if (!add_rule(o, &rule)) return caps_wrong(o->name, "--rule: more than %d rules", CAPS_RULES);
    return 0;
}

static int parse_arch(struct caps_options *o, const char *s)
{
    for (;; s++) {
        size_t n = strcspn(s, ",");
        char text[8] = "";
        bosk_arch arch = BOSK_AMD64;
        if (n < sizeof text) memcpy(text, s, n);
        bool all = strcmp(text, "all") == 0;
        if (!all && bosk_arch_parse(text, &arch) != 0)
            return caps_wrong(o->name,
                              "--arch: '%.*s' is not known; there are amd64, arm64, 386, arm, and "
                              "all",
                              n > 40 ? 40 : (int)n, s);
        for (unsigned a = 0; a < BOSK_ARCHES; a++) {
            bool there = false;
            for (size_t i = 0; i < o->arches; i++) there |= o->arch[i] == (bosk_arch)a;
            if ((all || a == (unsigned)arch) && !there) o->arch[o->arches++] = (bosk_arch)a;
        }
        s += n;
        if (*s == '\0') return 0;
    }
}

/* ---- options ---- */

enum {
    OPT_ELEM = 256,
    OPT_PTR,
    OPT_GO,
    OPT_RULE,
    OPT_ARCH,
    OPT_FROM,
    OPT_APPEND,
    OPT_TO,
    OPT_KEY,
    OPT_VAL,
    OPT_HINT,
    OPT_LOAD,
    OPT_CAPACITY,
    OPT_STEPS,
    OPT_SEED,
    OPT_FORMAT /* and the formats behind it */
};

static const struct option options[] = {
    {"elem", required_argument, NULL, OPT_ELEM},
    {"ptr", no_argument, NULL, OPT_PTR},
    {"go", required_argument, NULL, OPT_GO},
    {"arch", required_argument, NULL, OPT_ARCH},
    {"rule", required_argument, NULL, OPT_RULE},
    {"from", required_argument, NULL, OPT_FROM},
    {"append", required_argument, NULL, OPT_APPEND},
    {"to", required_argument, NULL, OPT_TO},
    {"key", required_argument, NULL, OPT_KEY},
    {"val", required_argument, NULL, OPT_VAL},
    {"hint", required_argument, NULL, OPT_HINT},
    {"load", required_argument, NULL, OPT_LOAD},
    {"capacity", required_argument, NULL, OPT_CAPACITY},
    {"steps", no_argument, NULL, OPT_STEPS},
    {"seed", required_argument, NULL, OPT_SEED},
    {"json", no_argument, NULL, OPT_FORMAT + CAPS_JSON},
    {"csv", no_argument, NULL, OPT_FORMAT + CAPS_CSV},
    {"svg", no_argument, NULL, OPT_FORMAT + CAPS_SVG},
    {"html", no_argument, NULL, OPT_FORMAT + CAPS_HTML},
    {"mermaid", no_argument, NULL, OPT_FORMAT + CAPS_MERMAID},
    {"dot", no_argument, NULL, OPT_FORMAT + CAPS_DOT},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static bool taken(int c, unsigned takes)
{
    switch (c) {
    case OPT_ELEM: return (takes & TAKES_ELEM) != 0;
    case OPT_PTR: return (takes & (TAKES_ELEM | TAKES_PTR)) != 0;
    case OPT_GO: return (takes & TAKES_GO) != 0;
    case OPT_ARCH: return (takes & (TAKES_GO | TAKES_ARCH)) != 0;
    case OPT_RULE: return (takes & (TAKES_RULE | TAKES_MAP)) != 0;
    case OPT_FROM:
    case OPT_APPEND: return (takes & TAKES_LADDER) != 0;
    case OPT_TO: return (takes & (TAKES_LADDER | TAKES_MAP)) != 0;
    case OPT_KEY:
    case OPT_VAL:
    case OPT_HINT:
    case OPT_LOAD:
    case OPT_CAPACITY:
    case OPT_STEPS:
    case OPT_SEED: return (takes & TAKES_MAP) != 0;
    case OPT_FORMAT + CAPS_JSON:
    case OPT_FORMAT + CAPS_CSV: return (takes & TAKES_TEXT) != 0;
    case OPT_FORMAT + CAPS_SVG:
    case OPT_FORMAT + CAPS_HTML: return (takes & TAKES_PLOT) != 0;
    case OPT_FORMAT + CAPS_MERMAID:
    case OPT_FORMAT + CAPS_DOT: return (takes & TAKES_GRAPH) != 0;
    default: return true;
    }
}

static int parse_number(const struct caps_options *o, const char *option, const char *text,
                        int64_t least, int64_t *out)
{
    if (caps_number(text, out) && *out >= least) return 0;
    return caps_wrong(o->name, "--%s: '%.60s' is not a whole number from %d to 2^63-1", option,
                      text, (int)least);
}

static int parse_load(struct caps_options *o, const char *text)
{
    char *end;
    o->load = strtod(text, &end);
    if (end != text && *end == '\0' && o->load >= 0.25 && o->load <= 1) return 0;
    return caps_wrong(o->name, "--load: '%.60s' is not a number from 0.25 to 1", text);
}

static int parse_map_rule(struct caps_options *o, const char *text)
{
    o->threshold = strcmp(text, "threshold") == 0;
    if (o->threshold) return 0;
    return caps_wrong(o->name, "--rule: '%.60s' is no rule of maps; there is threshold", text);
}

static int parse_one(struct caps_options *o, int c, unsigned takes)
{
    switch (c) {
    case OPT_ELEM: o->elem = optarg; return 0;
    case OPT_PTR: o->ptr = true; return 0;
    case OPT_GO: return parse_go(o, optarg);
    case OPT_RULE:
        return (takes & TAKES_MAP) != 0 ? parse_map_rule(o, optarg) : parse_rule(o, optarg);
    case OPT_ARCH: return parse_arch(o, optarg);
    case OPT_FROM: return parse_number(o, "from", optarg, 0, &o->from);
    case OPT_APPEND: return parse_number(o, "append", optarg, 1, &o->append);
    case OPT_TO: return parse_number(o, "to", optarg, 1, &o->to);
    case OPT_KEY: o->key = optarg; return 0;
    case OPT_VAL: o->val = optarg; return 0;
    case OPT_HINT: return parse_number(o, "hint", optarg, 0, &o->hint);
    case OPT_LOAD: return parse_load(o, optarg);
    case OPT_CAPACITY: return parse_number(o, "capacity", optarg, 1, &o->capacity);
    case OPT_STEPS: o->steps = true; return 0;
    case OPT_SEED: return parse_number(o, "seed", optarg, 0, &o->seed);
    case 'o': o->output = optarg; return 0;
    default:
        if (o->format != CAPS_TABLE && o->format != (enum caps_format)(c - OPT_FORMAT))
            return caps_wrong(o->name, "one format at a time");
        o->format = (enum caps_format)(c - OPT_FORMAT);
        return 0;
    }
}

int caps_parse(int argc, char **argv, unsigned takes, struct caps_options *o)
{
    *o = (struct caps_options){.name = argv[0],
                               .elem = "int",
                               .append = 1,
                               .key = "int",
                               .val = "int",
                               .load = 0.75,
                               .capacity = 16,
                               .seed = 1};
    optind = 0;
    opterr = 0;
    for (int c, index = -1; (c = getopt_long(argc, argv, ":o:h", options, &index)) != -1;) {
        int status;
        if (c == 'h') {
            char *help[] = {argv[0], (char *)"caps", NULL};
            return 1 + cmd_help(2, help);
        }
        char letter[] = {'-', (char)optopt, '\0'};
        const char *said = optopt > 0 && optopt < OPT_ELEM ? letter : argv[optind - 1];
        if (c == '?' || c == ':')
            status = caps_wrong(o->name, "'%.60s' %s", said,
                                c == ':' ? "needs a value" : "is not an option");
        else if (!taken(c, takes))
            status = caps_wrong(o->name, "--%s means nothing here", options[index].name);
        else
            status = parse_one(o, c, takes);
        if (status != 0) return 1 + status;
    }
    o->go_given = o->rules != 0;
    if (o->rules == 0) add_version(o, 22);
    /* Of maps both kinds that there are. */
    if (!o->go_given && (takes & TAKES_MAP) != 0) add_version(o, 24);
    o->arch_given = o->arches != 0;
    if (o->arches == 0) o->arch[o->arches++] = BOSK_ARCH_NATIVE;
    o->args = argv + optind;
    o->arg_count = (size_t)(argc - optind);
    return 0;
}

/* ---- elements ---- */

static int layout_problem(const struct caps_options *o, bosk_arch arch, int error, size_t at)
{
    if (error == -EOVERFLOW)
        return caps_wrong(o->name, "--elem: '%.60s' is larger than %s can hold", o->elem,
                          bosk_arch_name(arch));
    return caps_wrong(o->name,
                      "--elem: '%.60s' is neither a size nor a type of Go, from '%.20s' on",
                      o->elem, o->elem[at] != '\0' ? o->elem + at : "the end");
}

int caps_elem_of(const struct caps_options *o, bosk_arch arch, struct caps_elem *out)
{
    uint64_t word = arch == BOSK_AMD64 || arch == BOSK_ARM64 ? 8 : 4;
    uint64_t most = word == 8 ? (uint64_t)1 << 48 : INT32_MAX;
    const char *s = o->elem;
    bool digits = s[0] != '\0' && strspn(s, "0123456789_e") == strlen(s) && s[0] != 'e';
    if (digits || s[0] == '-' || s[0] == '+') {
        int64_t size;
        if (!caps_number(s, &size) || size == 0 || (uint64_t)size > most)
            return caps_wrong(o->name,
                              "--elem: '%.60s' is not possible on %s: it takes 1 to %llu bytes, or "
                              "a type of Go",
                              s, bosk_arch_name(arch), (unsigned long long)most);
        if (o->ptr && (uint64_t)size % word != 0)
            return caps_wrong(o->name,
                              "--ptr: no element of %s bytes holds a pointer on %s, whose pointers "
                              "take %d",
                              s, bosk_arch_name(arch), (int)word);
        *out = (struct caps_elem){(uint64_t)size, !o->ptr};
        return 0;
    }
    bosk_go_type type;
    size_t at = 0;
    int error = bosk_go_layout(arch, s, &type, &at, NULL, NULL);
    if (error != 0) return layout_problem(o, arch, error, at);
    if (o->ptr && type.noscan)
        return caps_wrong(o->name, "--ptr is for sizes: %.60s holds no pointers", s);
    if (type.size == 0)
        return caps_wrong(o->name,
                          "--elem: %.60s takes no memory: the capacity is always the length", s);
    if (type.size > most)
        return caps_wrong(o->name, "--elem: '%.60s' is larger than %s can hold", s,
                          bosk_arch_name(arch));
    *out = (struct caps_elem){type.size, type.noscan};
    return 0;
}

unsigned caps_rounds_as(const struct caps_rule *rule)
{
    if (rule->minor != 0) return rule->minor;
    switch (rule->growth.rounding) {
    case BOSK_ROUND_NO24: return 15;
    case BOSK_ROUND_PLAIN: return 21;
    case BOSK_ROUND_HEADERS: return 22;
    default: return 0;
    }
}
