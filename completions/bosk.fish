# fish completion for bosk(1)

function __bosk_in_run
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test "$words[2]" = run
end

function __bosk_program
    # What follows `run` and its options, as a command line of its own.
    set -l words (commandline -opc) (commandline -ct)
    set -e words[1..2]
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                break
            case -o --output --sample --depth --timeout
                set -e words[1]
                set -q words[1]; and set -e words[1]
            case '-*'
                set -e words[1]
            case '*'
                break
        end
    end
    complete -C "$words"
end

complete -c bosk -f
complete -c bosk -n __fish_use_subcommand -a run -d 'Run a program on the heap and report'
complete -c bosk -n __fish_use_subcommand -a help -d 'Print a short text'
complete -c bosk -n __fish_use_subcommand -s V -l version -d 'Print the version'
complete -c bosk -n __fish_use_subcommand -s h -l help -d 'Print a short text'
complete -c bosk -n '__fish_seen_subcommand_from help' -a 'run help'
complete -c bosk -n __bosk_in_run -s o -l output -r -a '(__fish_complete_directories)' -d 'Folder for files'
complete -c bosk -n __bosk_in_run -l sample -x -a 'auto off 1 4K 64K 512K' -d 'Bytes between samples'
complete -c bosk -n __bosk_in_run -l depth -x -a '16 32 64 128' -d 'Functions of a stack'
complete -c bosk -n __bosk_in_run -l timeout -x -d 'End the program after so many seconds'
complete -c bosk -n __bosk_in_run -l json -d 'Print the summary as JSON'
complete -c bosk -n __bosk_in_run -s q -l quiet -d 'Print no report'
complete -c bosk -n __bosk_in_run -s h -l help -d 'Print the options'
complete -c bosk -n __bosk_in_run -a '(__bosk_program)'
