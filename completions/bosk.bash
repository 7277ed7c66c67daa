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
        mapfile -t COMPREPLY < <(compgen -W "run help --version --help" -- "$cur")
        return
    fi
    case ${words[1]} in
    help) mapfile -t COMPREPLY < <(compgen -W "run help" -- "$cur") && return ;;
    run) ;;
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
