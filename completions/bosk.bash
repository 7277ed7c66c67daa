# bash completion for bosk(1)

# Index of the first word after `run` that is the program; 0 when it has not begun.
_bosk_program() {
    local i word
    for ((i = 2; i < cword; i++)); do
        word=${words[i]}
        case $word in
        --) echo $((i + 1)) && return ;;
        -o | --output | --sample | --depth | --timeout) ((i++)) ;;
        -*) ;;
        *) echo "$i" && return ;;
        esac
    done
    echo 0
}

# After `bosk caps`; $cur and $prev are those of _bosk.
_bosk_caps() {
    local answers="--elem --ptr --go --arch --rule --from --append --to --json --csv --svg --html"
    answers+=" --key --val --hint --load --capacity --steps --seed"
    answers+=" --mermaid --dot --compiler --include --toolchain --output --help"
    case $prev in
    -o | --output) mapfile -t COMPREPLY < <(compgen -f -- "$cur") && return ;;
    --go) answers="all 1.15 1.16 1.17 1.18 1.19 1.20 1.21 1.22 1.23 1.24 1.25 1.26" ;;
    --arch) answers="all amd64 arm64 386 arm" ;;
    --key | --val) answers="int string int64 byte" ;;
    --load) answers="0.5 0.75 0.875" ;;
    --elem) answers="int byte string int64 []byte 24" ;;
    --rule) answers="x2 x1.5 threshold threshold=256,add=25%" ;;
    --compiler) answers="gcc clang" ;;
    --include) mapfile -t COMPREPLY < <(compgen -d -- "$cur") && return ;;
    --toolchain) mapfile -t COMPREPLY < <(compgen -c -- "$cur") && return ;;
    --from | --append | --to | --hint | --capacity | --seed) answers="" ;;
    *) if ((cword == 2)); then answers="slice size classes struct explain advise map asm --help"; fi ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$answers" -- "$cur")
}

_bosk() {
    local cur prev words cword
    if declare -F _init_completion >/dev/null; then
        _init_completion || return
    else
        words=("${COMP_WORDS[@]}")
        cword=$COMP_CWORD
        cur=${words[cword]}
        prev=${words[cword - 1]}
    fi
    if ((cword == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "run caps help --version --help" -- "$cur")
        return
    fi
    case ${words[1]} in
    help) mapfile -t COMPREPLY < <(compgen -W "run caps help" -- "$cur") && return ;;
    run) ;;
    caps) _bosk_caps && return ;;
    *) return ;;
    esac

    local program
    program=$(_bosk_program)
    if ((program > 0 && program < cword)); then
        if declare -F _command_offset >/dev/null; then
            _command_offset "$program"
        else
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        fi
        return
    fi
    case $prev in
    -o | --output) mapfile -t COMPREPLY < <(compgen -d -- "$cur") && return ;;
    --sample) mapfile -t COMPREPLY < <(compgen -W "auto off 1 4K 64K 512K" -- "$cur") && return ;;
    --depth) mapfile -t COMPREPLY < <(compgen -W "16 32 64 128" -- "$cur") && return ;;
    --timeout) return ;;
    esac
    if [[ $program == 0 && $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "--output --sample --depth --timeout --json --quiet --help --" \
            -- "$cur")
    else
        mapfile -t COMPREPLY < <(compgen -c -- "$cur")
    fi
}
complete -o filenames -F _bosk bosk
