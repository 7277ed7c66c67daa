#!/usr/bin/env python3
"""Writes the inputs of the real programs: the same bytes on every machine.

    inputs.py FOLDER [--quick]

No random module: its sequences may change between versions of Python.
"""

import hashlib
import os
import sys

WORDS = ("alder ash aspen beech birch cedar cherry elder elm fir hazel holly juniper larch lime "
         "maple oak pear pine plum poplar rowan spruce sycamore walnut willow yew").split()
COLOURS = ("amber", "blue", "green", "grey", "red", "white")


class Draw:
    """xorshift64, as the probe has it."""

    def __init__(self, seed):
        self.state = seed & (2**64 - 1) or 1

    def next(self):
        x = self.state
        x ^= (x << 13) & (2**64 - 1)
        x ^= x >> 7
        x ^= (x << 17) & (2**64 - 1)
        self.state = x
        return x >> 11

    def below(self, n):
        return self.next() % n

    def of(self, items):
        return items[self.below(len(items))]


def rows_csv(rows):
    """A table of orders: number, customer, item, amount, price, free text."""
    d = Draw(11)
    lines = ["id,customer,item,amount,price,note"]
    for i in range(rows):
        note = " ".join(d.of(WORDS) for _ in range(3 + d.below(8)))
        lines.append(f"{i},c{d.below(20000):05d},{d.of(WORDS)}-{d.of(COLOURS)},{1 + d.below(50)},"
                     f"{d.below(100000) / 100:.2f},{note}")
    return "\n".join(lines) + "\n"


SQL = """.mode csv
.import {csv} orders
create index by_customer on orders(customer);
create index by_item on orders(item, amount);
create table totals as select customer, item, count(*) n, sum(amount*price) total from orders
  group by customer, item;
select count(*), round(sum(total), 2) from totals;
select item, round(avg(price), 3), max(length(note)), group_concat(distinct amount) from orders
  group by item order by item;
select customer, note from orders where amount = 50 order by note, id limit 20;
update orders set note = upper(note) || ' ' || amount where amount % 3 = 0;
select sum(length(note)) from orders;
"""


def document_json(entries):
    """About 10 MB of nested objects and arrays at full size."""
    d = Draw(23)
    out = []
    for i in range(entries):
        tags = ",".join(f'"{d.of(WORDS)}"' for _ in range(d.below(6)))
        parts = ",".join(
            f'{{"name":"{d.of(WORDS)}","colour":"{d.of(COLOURS)}","at":[{d.below(1000)},'
            f'{d.below(1000)}],"weight":{d.below(100000) / 1000:.3f}}}'
            for _ in range(1 + d.below(4)))
        out.append(f'{{"id":{i},"owner":{{"name":"{d.of(WORDS)} {d.of(WORDS)}","age":'
                   f'{d.below(90)}}},"tags":[{tags}],"parts":[{parts}],"open":'
                   f'{"true" if d.below(3) else "false"}}}')
    return "[" + ",\n".join(out) + "]\n"


JQ = """[.[] | select(.open) | .total = ([.parts[].weight] | add) | .tags |= sort
  | .owner.name |= ascii_upcase]
| group_by(.owner.name)
| map({name: .[0].owner.name, n: length, total: ([.[].total] | add),
       colours: ([.[].parts[].colour] | unique), tags: ([.[].tags[]] | group_by(.)
       | map({(.[0]): length}) | add)})
| sort_by(-.total)
"""

PYTHON = '''"""A mixed load: parsing, dictionaries, objects, strings, sorting."""
import json
import sys


class Node:
    def __init__(self, key, left=None, right=None):
        self.key, self.left, self.right = key, left, right


def tree(depth):
    return Node(depth) if depth == 0 else Node(depth, tree(depth - 1), tree(depth - 1))


def check(node):
    return 1 if node.left is None else 1 + check(node.left) + check(node.right)


def main(path, turns):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    total = 0
    for turn in range(turns):
        data = json.loads(text)
        by_owner = {}
        for entry in data:
            by_owner.setdefault(entry["owner"]["name"], []).append(entry)
        for name, entries in sorted(by_owner.items()):
            entries.sort(key=lambda e: (len(e["parts"]), -e["id"]))
            total += len(name) + entries[0]["id"]
        words = " ".join(tag for e in data for tag in e["tags"]).split()
        count = {}
        for a, b in zip(words, words[1:]):
            count[a + "+" + b] = count.get(a + "+" + b, 0) + 1
        total += sum(count.values()) + len("".join(sorted(count)))
        total += check(tree(13))
        total += len(json.dumps(data[turn::7]))
        lines = [f"{i}:{w}" for i, w in enumerate(words)]
        total += len("\\n".join(lines).replace("o", "00"))
    print(total)


main(sys.argv[1], int(sys.argv[2]))
'''


def big_c(functions):
    """A C file with many types and functions, as a generator would write it."""
    d = Draw(37)
    out = ["#include <stddef.h>", "#include <stdint.h>", "#include <string.h>", ""]
    for i in range(functions):
        fields = 3 + d.below(6)
        out.append(f"struct s{i} {{ " + " ".join(
            f"{d.of(('int', 'long', 'double', 'uint8_t', 'char *'))} f{k};"
            for k in range(fields)) + " };")
        out += [f"static inline long get{i}(const struct s{i} *s, int k)", "{",
                "    switch (k) {"]
        out += [f"    case {k}: return (long)s->f{k};" for k in range(fields)]
        out += ["    default: return -1;", "    }", "}"]
        out += [f"long work{i}(const uint32_t *v, size_t n, long x)", "{",
                f"    struct s{i} s; long t = x; memset(&s, 0, sizeof s);",
                f"    for (size_t i = 0; i < n; i++) {{ t += (long)(v[i] >> {d.below(16)}) * "
                f"{1 + d.below(99)};"]
        for _ in range(3 + d.below(4)):
            out.append(f"        if ((t & {1 << d.below(12)}) != 0) t ^= v[i] + "
                       f"{d.below(100000)}u; else t = t * {2 + d.below(30)} + (long)i;")
        out += ["    }", f"    return t + get{i}(&s, (int)(t % {fields}))"
                + (f" + work{d.below(i)}(v, n / 2, t & 7)" if i else "") + ";", "}"]
    return "\n".join(out) + "\n"


def write(folder, quick=False):
    """Writes all inputs; returns {name: sha256}."""
    part = 4 if quick else 1
    csv = os.path.join(folder, "orders.csv")
    files = {
        "orders.csv": rows_csv(300000 // part), "orders.sql": SQL.format(csv=csv),
        "document.json": document_json(40000 // part), "query.jq": JQ, "load.py": PYTHON,
        "big.c": big_c(360 // part),
    }
    os.makedirs(folder, exist_ok=True)
    sums = {}
    for name, text in files.items():
        data = text.encode()
        path = os.path.join(folder, name)
        sums[name] = hashlib.sha256(data).hexdigest()
        if not os.path.exists(path) or read(path) != data:
            with open(path, "wb") as f:
                f.write(data)
    return sums


def read(path):
    with open(path, "rb") as f:
        return f.read()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for file_name, digest in write(sys.argv[1], "--quick" in sys.argv[2:]).items():
        print(digest, file_name)
