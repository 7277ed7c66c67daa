#!/usr/bin/env bash
# Pipelines of sh, scripts of bash and perl: many short processes, all on the drop-in.
set -uo pipefail
. "${SOURCE_DIR:?}/tests/programs/lib.sh"
have bash perl awk sort sed
export PERL_HASH_SEED=0
bash=$(find_program bash) perl=$(find_program perl) sh=$(readlink -f /bin/sh)

work() {
    local way=$1
    as "$way" "$bash" "$inputs/load.bash" >bash.txt || return 1
    as "$way" "$perl" "$inputs/load.pl" >perl.txt || return 1
    as "$way" "$sh" "$inputs/load.sh" >sh.txt
    [ $? -eq 3 ] || return 1
    for i in $(seq 1 100); do
        as "$way" "$sh" -c "echo $i | cat | (read x; echo \$x)"
    done >many.txt
}
for way in preload linked; do
    for program in "$bash" "$perl" "$sh"; do
        expect "$way: $program is on the drop-in" on_drop_in $way "$program"
    done
done
ways preload linked
finish shells
