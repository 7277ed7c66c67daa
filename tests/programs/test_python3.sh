#!/usr/bin/env bash
# python3 with PYTHONMALLOC=malloc: containers, text, compression, threads, processes, a C++-free
# zoo.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/programs/lib.sh"
have python3
python=$(find_program python3)
export PYTHONMALLOC=malloc PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
work() { as "$1" "$python" "$inputs/load.py"; }
for way in preload linked; do expect "$way: is on the drop-in" on_drop_in $way "$python"; done
ways preload linked
expect "all parts ran" test "$(wc -l <"$work/plain/results.txt")" -eq 14
# Extension modules load and work: the ones that allocate in C.
for module in sqlite3 ctypes lzma bz2 ssl xml.etree.ElementTree curses; do
    as plain "$python" -c "import $module" 2>/dev/null || continue
    expect "import $module" as preload "$python" -c "import $module"
done
finish python3
