#!/usr/bin/env bash
# The compilers on a large file: the same assembler text, byte for byte.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/programs/lib.sh"
have gcc awk
# The drivers start cc1, as and ld: the preload reaches all of them.
awk 'BEGIN {
    print "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>"
    for (i = 0; i < 700; i++) {
        printf "struct s%d { int a[%d]; struct s%d *next; double d; };\n", i, i % 13 + 1,
            i ? i - 1 : 0
        printf "static int f%d(struct s%d *p, int n)\n{\n    int r = %d;\n", i, i, i
        printf "    for (int i = 0; i < n; i++) {\n        r += p->a[i %% %d] * i;\n", i % 13 + 1
        printf "        switch (r & 7) { case 1: r ^= %d; break; ", i * 3
        print "case 2: r += n; break; case 5: return r; }"
        printf "        if (p->d > %d.5) r = (int)(p->d * r);\n    }\n", i
        if (i) printf "    return r + f%d((struct s%d *)p->next, n - 1);\n}\n", i - 1, i - 1
        else print "    return r;\n}"
    }
    print "int main(void) { struct s699 s = {0}; return f699(&s, 3); }"
}' >"$work/large.c"
work() {
    local way=$1 cc
    for cc in gcc clang; do
        command -v $cc >/dev/null || continue
        as "$way" "$(command -v $cc)" -O2 -g -ffile-prefix-map="$PWD=." -S -o large.$cc.s \
            "$work/large.c" || return 1
        as "$way" "$(command -v $cc)" -O1 -o large.$cc "$work/large.c" || return 1
    done
    for cc in g++ clang++; do
        command -v $cc >/dev/null || continue
        as "$way" "$(command -v $cc)" -std=c++17 -O1 -S -o large.$cc.s \
            "$inputs/templates.cc" || return 1
    done
}
expect "the driver is on the drop-in" on_drop_in preload "$(find_program gcc)"
ways preload
finish gcc
