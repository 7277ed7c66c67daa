#!/usr/bin/env bash
# jq on a document of 10 MB: parse, print, group, paths, strings.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/programs/lib.sh"
have jq awk
jq=$(find_program jq)

awk 'BEGIN {
    seed = 7
    print "["
    for (i = 0; i < 60000; i++) {
        seed = (seed * 1103515245 + 12345) % 2147483648
        printf "%s{\"id\": %d, \"name\": \"user \\u00e9 %d\", ", i ? "," : "", i, seed % 5003
        printf "\"tags\": [\"t%d\", \"t%d\", null, true], ", seed % 17, seed % 31
        printf "\"nested\": {\"score\": %d.%d, ", seed % 1000, i % 10
        printf "\"deep\": {\"list\": [%d, %d, [%d]]}}, ", i, seed % 99, i % 7
        printf "\"text\": \"%s\"}\n", substr("the quick brown fox jumps over it", seed % 20 + 1)
    }
    print "]"
}' >"$work/doc.json"
expect "the document has 10 MB" test "$(stat -c %s "$work/doc.json")" -gt 9000000

work() {
    local way=$1
    as "$way" "$jq" . "$work/doc.json" >pretty.json &&
        as "$way" "$jq" -c \
            'group_by(.name)[] | {name: .[0].name, n: length, sum: map(.nested.score) | add}' \
            "$work/doc.json" >groups.json &&
        as "$way" "$jq" -r '[.[] | select(.id % 3 == 0) | .tags[0] + "-" + .text] | unique | .[]' \
            "$work/doc.json" >strings.txt &&
        as "$way" "$jq" -c '[limit(50000; paths(type == "number"))] | length, .[49999]' \
            "$work/doc.json" >paths.json &&
        as "$way" "$jq" -c 'map(.nested.deep.list | flatten | add) | sort | [.[0], .[-1], add]' \
            "$work/doc.json" >sums.json
}
for way in preload linked; do expect "$way: is on the drop-in" on_drop_in $way "$jq"; done
ways preload linked
finish jq
