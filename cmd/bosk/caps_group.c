/* caps_group.c - equal answers put together, and sets of versions and architectures in words. */
#define _GNU_SOURCE
#include "caps.h"

#include <jansson.h>

static struct caps_group single(const struct caps_options *o, size_t i)
{
    unsigned minor = o->rule[i % o->rules].minor;
    return (struct caps_group){i, minor != 0 ? 1u << (minor - BOSK_GO_FIRST) : 0,
                               1u << o->arch[i / o->rules]};
}

/* Versions first, architecture by architecture; then architectures whose sets of versions are
 * equal: joining in any order could claim versions on architectures where they differ. */
size_t caps_group(const struct caps_options *o, caps_equal_fn equal, const void *ctx,
                  struct caps_group *out)
{
    struct caps_group same[CAPS_ANSWERS];
    size_t n = 0, groups = 0, count = o->rules * o->arches;
    for (size_t i = 0; i < count; i++) {
        struct caps_group g = single(o, i);
        size_t k = 0;
        while (k < n && !(g.versions != 0 && same[k].versions != 0 && same[k].arches == g.arches &&
                          equal(ctx, same[k].first, i)))
            k++;
        if (k == n)
            same[n++] = g;
        else
            same[k].versions |= g.versions;
    }
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < groups &&
               !(out[k].versions == same[i].versions && equal(ctx, out[k].first, same[i].first) &&
                 (same[i].versions != 0 || out[k].first % o->rules == same[i].first % o->rules)))
            k++;
        if (k == groups)
            out[groups++] = same[i];
        else
            out[k].arches |= same[i].arches;
    }
    return groups;
}

json_t *caps_versions_json(uint32_t set)
{
    json_t *list = json_array();
    char text[16];
    for (unsigned i = 0; i < 32; i++) {
        if ((set >> i & 1) == 0) continue;
        snprintf(text, sizeof text, "1.%u", i + BOSK_GO_FIRST);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

json_t *caps_arches_json(uint32_t set)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < BOSK_ARCHES; i++)
        if ((set >> i & 1) != 0)
            json_array_append_new(list, json_string(bosk_arch_name((bosk_arch)i)));
    return list;
}

/* ---- names of sets ---- */

struct caps_text caps_versions(uint32_t set)
{
    struct caps_text t = {""};
    size_t used = 0;
    for (unsigned i = 0; i < 32 && used < sizeof t.s; i++) {
        if ((set >> i & 1) == 0) continue;
        unsigned last = i;
        while (last + 1 < 32 && (set >> (last + 1) & 1) != 0) last++;
        int n = snprintf(t.s + used, sizeof t.s - used, "%s1.%u", used != 0 ? ", " : "",
                         i + BOSK_GO_FIRST);
        used += (size_t)n;
        if (last > i && used < sizeof t.s)
            used +=
                (size_t)snprintf(t.s + used, sizeof t.s - used, " to 1.%u", last + BOSK_GO_FIRST);
        i = last;
    }
    return t;
}

struct caps_text caps_arches(uint32_t set)
{
    struct caps_text t = {""};
    size_t used = 0;
    for (unsigned a = 0; a < BOSK_ARCHES; a++)
        if ((set >> a & 1) != 0)
            used += (size_t)snprintf(t.s + used, sizeof t.s - used, "%s%s", used != 0 ? ", " : "",
                                     bosk_arch_name((bosk_arch)a));
    return t;
}
