#!/usr/bin/env bash
# sqlite3 imports 300,000 rows of CSV, indexes, joins, updates and vacuums them.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/programs/lib.sh"
have sqlite3 awk
sqlite=$(find_program sqlite3)

awk 'BEGIN {
    seed = 42
    print "id,name,city,amount,note"
    for (i = 1; i <= 300000; i++) {
        seed = (seed * 1103515245 + 12345) % 2147483648
        printf "%d,name %d,city-%d,%d.%02d,\"a note, number %d\"\n", i, seed % 50021, seed % 997,
            seed % 100000, i % 100, int(seed / 7)
    }
}' >"$work/rows.csv"
expect "there are 300,000 rows" test "$(wc -l <"$work/rows.csv")" -eq 300001

work() {
    as "$1" "$sqlite" rows.db >answers.txt <<SQL
.bail on
pragma journal_mode = off;
.mode csv
.import $work/rows.csv rows
create index by_city on rows (city, amount);
create unique index by_id on rows (id);
create table cities as select city, count(*) n, sum(amount) total from rows group by city;
select * from cities order by total desc limit 50;
select name, count(*) c from rows group by name having c > 9 order by c desc, name limit 100;
select count(*) from rows r join cities c on c.city = r.city where c.n > 300;
update rows set note = upper(note) || hex(name) where id % 3 = 0;
delete from rows where id % 7 = 0;
select count(*), sum(length(note)), group_concat(distinct substr(city, 6, 1)) from rows;
with recursive c(x) as (values(1) union all select x + 1 from c where x < 200000)
    select count(*), sum(x * 7 % 1001) from c;
select json_group_array(json_object('id', id, 'note', note)) from rows where id < 2000;
vacuum;
pragma integrity_check;
SQL
}
for way in preload linked; do expect "$way: is on the drop-in" on_drop_in $way "$sqlite"; done
ways preload linked
expect "the answers are there" grep -qx ok "$work/plain/answers.txt"
finish sqlite3
