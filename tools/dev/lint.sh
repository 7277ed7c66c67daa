#!/usr/bin/env bash
# lint.sh - ./dev lint [NAME...]: what can be told without running the tests.
#
# Each lint is a script in tools/lint that takes the top of a tree and exits with 1 and the
# places when it finds something; tests/meta shows each one a fault it must find.
set -uo pipefail
cd "$ROOT" || exit 1
. tools/dev/common.sh

all=(format layers headers symbols analyse generated words scripts man)
[ $# -gt 0 ] || set -- "${all[@]}"
setup base lint test
bad=()
case " $* " in *" symbols "*) build_preset release || bad+=(build) ;; esac
for name in "$@"; do
    script=$(ls "tools/lint/$name".* 2>/dev/null | head -n 1)
    [ -n "$script" ] || die "there is no lint '$name'; there are: ${all[*]}"
    say "lint $name"
    case $script in
    *.py) python3 "$script" "$ROOT" ;;
    *) bash "$script" "$ROOT" ;;
    esac || bad+=("$name")
done
[ ${#bad[@]} -eq 0 ] || die "lints that found something: ${bad[*]}"
say "${#} lints found nothing"
