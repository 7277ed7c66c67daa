#!/usr/bin/env bash
# The completions of three shells offer what the tool takes: every option that `bosk help run`
# names, no other, and programs after them.
set -uo pipefail
: "${SOURCE_DIR:?}" "${BUILD_DIR:?}"
passed=0 failed=0 skipped=0
ok() { passed=$((passed + 1)); }
bad() {
    failed=$((failed + 1))
    echo "FAIL $1"
}
check() { # what, wanted, got
    if [ "$2" = "$3" ]; then ok; else bad "$1: got '$3', not '$2'"; fi
}

options=$("$BUILD_DIR/bin/bosk" help run | grep -oE -- '--[a-z]+' | sort -u)

# bash: the function is called as the shell calls it.
# shellcheck source=/dev/null
. "$SOURCE_DIR/completions/bosk.bash"
bash_complete() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _bosk
    printf '%s\n' "${COMPREPLY[@]}" | sort -u
}
check "bash commands" "caps help run" "$(bash_complete bosk "" | grep -v -- - | xargs)"
check "bash options" "$options" "$(bash_complete bosk run -- | grep -- "--.")"
check "bash sample" "64K" "$(bash_complete bosk run --sample 6)"
check "bash program" "sqlite3" "$(bash_complete bosk run --json sqlite | grep -x sqlite3)"
check "bash program after --" "sqlite3" \
    "$(bash_complete bosk run --depth 5 -- sqlite | grep -x sqlite3)"
check "bash help" "run" "$(bash_complete bosk help r)"

caps=$("$BUILD_DIR/bin/bosk" help caps | grep -oE -- '--[a-z]+' | sort -u)
what=$("$BUILD_DIR/bin/bosk" help caps | grep -oE 'bosk caps [a-z]+' | cut -d' ' -f3 | sort | xargs)
check "bash caps" "$what" "$(bash_complete bosk caps "" | grep -v -- - | xargs)"
check "bash caps options" "$caps" "$(bash_complete bosk caps slice --)"
check "bash caps versions" "1.26" "$(bash_complete bosk caps slice --go 1.26)"

# zsh and fish: syntax, and the same set of options in the file.
if command -v zsh >/dev/null; then
    if zsh -n "$SOURCE_DIR/completions/_bosk"; then ok; else bad "zsh syntax"; fi
else
    echo "skip zsh: it is missing" && skipped=$((skipped + 1))
fi
zsh_options=$(sed -n '/run)/,/;;/p' "$SOURCE_DIR/completions/_bosk" |
    grep -oE -- '--[a-z]+' | sort -u)
check "zsh options" "$options" "$zsh_options"
check "zsh caps options" "$caps" "$(sed -n '/ caps)/,/;;/p' "$SOURCE_DIR/completions/_bosk" |
    grep -oE -- '--[a-z]+' | sort -u)"
if command -v fish >/dev/null; then
    if fish -n "$SOURCE_DIR/completions/bosk.fish"; then ok; else bad "fish syntax"; fi
    fish_complete() {
        HOME=/nowhere fish --no-config -c \
            "source '$SOURCE_DIR/completions/bosk.fish'; complete -C '$1'" | cut -f1
    }
    check "fish options" "$options" \
        "$(fish_complete 'bosk run --' | grep -oE -- '^--[a-z]+' | sort -u)"
    check "fish caps" "$what" "$(fish_complete 'bosk caps ' | sort | xargs)"
    check "fish caps options" "$caps" \
        "$(fish_complete 'bosk caps slice --' | grep -oE -- '^--[a-z]+' | sort -u)"
    check "fish program" "sqlite3" "$(fish_complete 'bosk run --json sqlite' | grep -x sqlite3)"
else
    echo "skip fish: it is missing" && skipped=$((skipped + 1))
fi
fish_options=$(grep __bosk_in_run "$SOURCE_DIR/completions/bosk.fish" | grep -oE -- ' -l [a-z]+' |
    sed 's/ -l /--/' | sort -u)
check "fish options in the file" "$options" "$fish_options"

# The manual names every option as well.
check "manual" "$options" \
    "$(grep -oE -- '\\-\\-[a-z]+' "$SOURCE_DIR/man/bosk-run.1" | sed 's/\\//g' | sort -u)"

check "manual of caps" "$caps" \
    "$(grep -oE -- '\\-\\-[a-z]+' "$SOURCE_DIR/man/bosk-caps.1" | sed 's/\\//g' | sort -u)"

echo "completions: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
