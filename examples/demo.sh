#!/usr/bin/env bash
# demo.sh - `bosk run` on a real program with real work, ending with the report on the screen.
#
# sqlite3 reads 300,000 orders from a CSV file into a table in memory, indexes them twice and
# answers three questions.  Called by `./dev demo`, which builds first; files go to build/demo.
set -euo pipefail
: "${BUILD_DIR:?run this as: ./dev demo}" "${SOURCE_DIR:?run this as: ./dev demo}"

command -v sqlite3 >/dev/null || {
    echo "demo: sqlite3 is missing; install it: apt-get install sqlite3" >&2
    exit 1
}
work=$BUILD_DIR/demo
mkdir -p "$work"
cd "$work"

if [ ! -s orders.csv ] || [ "$(wc -l <orders.csv)" -ne 300001 ]; then
    echo "demo: writing 300,000 orders to $work/orders.csv"
    python3 - >orders.csv.tmp <<'PY'
import random

rng = random.Random(1)
towns = [f"{a}{b}" for a in ("North", "South", "New", "Old", "Upper", "Port ")
         for b in ("field", "bridge", "ham", "bury", "ford", "haven", "wick")]
names = [f"{a} {b}"
         for a in ("Ada", "Bo", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hana", "Ivo", "June")
         for b in ("Abel", "Brand", "Cole", "Drew", "Ek", "Frost", "Gray", "Holm", "Ives", "Joss")]
print("id,customer,town,item,pieces,price,note")
for i in range(300_000):
    note = ""
    if rng.random() > 0.7:
        note = f"please leave it next door at number {rng.randrange(200)}"
    print(f"{i},{rng.choice(names)},{rng.choice(towns)},item-{rng.randrange(5000):04d},"
          f"{rng.randrange(1, 20)},{rng.randrange(100, 99999) / 100:.2f},{note}")
PY
    mv orders.csv.tmp orders.csv
fi

cat >orders.sql <<'SQL'
.mode csv
.import orders.csv orders
create index by_town on orders(town, item);
create index by_item on orders(item, customer);
.mode column
.headers on
select count(*) as orders, count(distinct item) as items, count(distinct customer) as customers
    from orders;
select town, sum(pieces) as pieces, round(sum(pieces * price)) as turnover
    from orders group by town order by turnover desc limit 3;
select a.town, count(*) as again from orders a join orders b
    on a.item = b.item and a.customer = b.customer and a.id <> b.id
    group by a.town order by again desc limit 3;
SQL

rm -rf bosk.*
echo "demo: bosk run -- sqlite3 :memory: <orders.sql"
echo
"$BUILD_DIR/bin/bosk" run -- sqlite3 :memory: <orders.sql
echo
echo "demo: files are in $work/$(readlink bosk.last); try it on a program of yours:"
echo "      $BUILD_DIR/bin/bosk run -- PROGRAM ARGUMENTS"
