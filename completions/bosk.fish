# fish completion for bosk(1)

function __bosk_in_run
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test "$words[2]" = run
end

function __bosk_in_caps
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test "$words[2]" = caps
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
complete -c bosk -n __fish_use_subcommand -a caps -d 'Show how slices of Go grow'
complete -c bosk -n __fish_use_subcommand -a help -d 'Print a short text'
complete -c bosk -n __fish_use_subcommand -s V -l version -d 'Print the version'
complete -c bosk -n __fish_use_subcommand -s h -l help -d 'Print a short text'
complete -c bosk -n '__fish_seen_subcommand_from help' -a 'run caps help'
complete -c bosk -n __bosk_in_run -s o -l output -r -a '(__fish_complete_directories)' -d 'Folder for files'
complete -c bosk -n __bosk_in_run -l sample -x -a 'auto off 1 4K 64K 512K' -d 'Bytes between samples'
complete -c bosk -n __bosk_in_run -l depth -x -a '16 32 64 128' -d 'Functions of a stack'
complete -c bosk -n __bosk_in_run -l timeout -x -d 'End the program after so many seconds'
complete -c bosk -n __bosk_in_run -l json -d 'Print the summary as JSON'
complete -c bosk -n __bosk_in_run -s q -l quiet -d 'Print no report'
complete -c bosk -n __bosk_in_run -s h -l help -d 'Print the options'
complete -c bosk -n __bosk_in_run -a '(__bosk_program)'
complete -c bosk -n '__bosk_in_caps; and test (count (commandline -opc)) -eq 2' -a slice -d 'The capacities that appends climb'
complete -c bosk -n '__bosk_in_caps; and test (count (commandline -opc)) -eq 2' -a size -d 'The block of a request'
complete -c bosk -n '__bosk_in_caps; and test (count (commandline -opc)) -eq 2' -a classes -d 'All size classes'
complete -c bosk -n '__bosk_in_caps; and test (count (commandline -opc)) -eq 2' -a struct -d 'Offsets and gaps of fields'
complete -c bosk -n '__bosk_in_caps; and test (count (commandline -opc)) -eq 2' -a explain -d 'Stack or heap, which block'
complete -c bosk -n '__bosk_in_caps; and test (count (commandline -opc)) -eq 2' -a advise -d 'Which capacity to begin with'
complete -c bosk -n '__bosk_in_caps; and test (count (commandline -opc)) -eq 2' -a map -d 'When maps grow'
complete -c bosk -n '__bosk_in_caps; and test (count (commandline -opc)) -eq 2' -a asm -d 'What compilers make of it'
complete -c bosk -n __bosk_in_caps -l elem -x -a 'int byte string int64 24' -d 'Type of Go or bytes of the element'
complete -c bosk -n __bosk_in_caps -l ptr -d 'A size holds pointers'
complete -c bosk -n __bosk_in_caps -l go -x -a 'all 1.15 1.16 1.17 1.18 1.19 1.20 1.21 1.22 1.23 1.24 1.25 1.26' -d 'Version of Go'
complete -c bosk -n __bosk_in_caps -l arch -x -a 'all amd64 arm64 386 arm' -d 'Architecture'
complete -c bosk -n __bosk_in_caps -l rule -x -a 'x2 x1.5 threshold=256,add=25%' -d 'Rule of growth'
complete -c bosk -n __bosk_in_caps -l from -x -d 'Capacity to begin with'
complete -c bosk -n __bosk_in_caps -l append -x -d 'Elements at a time'
complete -c bosk -n __bosk_in_caps -l to -x -d 'Elements at the end'
complete -c bosk -n __bosk_in_caps -l json -d 'Print JSON'
complete -c bosk -n __bosk_in_caps -l csv -d 'Print CSV'
complete -c bosk -n __bosk_in_caps -l svg -d 'Draw the ladder'
complete -c bosk -n __bosk_in_caps -l html -d 'Draw it in a page'
complete -c bosk -n __bosk_in_caps -l mermaid -d 'Draw for mermaid'
complete -c bosk -n __bosk_in_caps -l dot -d 'Draw for graphviz'
complete -c bosk -n __bosk_in_caps -l compiler -x -a 'gcc clang' -d 'One compiler alone'
complete -c bosk -n __bosk_in_caps -l include -r -a '(__fish_complete_directories)' -d 'Where bosk/slice.h is'
complete -c bosk -n __bosk_in_caps -l toolchain -r -d 'The command go'
complete -c bosk -n __bosk_in_caps -s o -l output -r -F -d 'File for the answer'
complete -c bosk -n __bosk_in_caps -s h -l help -d 'Print the options'
complete -c bosk -n __bosk_in_caps -l key -x -a 'int string int64' -d 'Type of the keys'
complete -c bosk -n __bosk_in_caps -l val -x -a 'int string int64' -d 'Type of the values'
complete -c bosk -n __bosk_in_caps -l hint -x -d 'Made for so many entries'
complete -c bosk -n __bosk_in_caps -l load -x -a '0.5 0.75 0.875' -d 'Load above which a table doubles'
complete -c bosk -n __bosk_in_caps -l capacity -x -d 'Slots it begins with'
complete -c bosk -n __bosk_in_caps -l steps -d 'Evacuation write by write'
complete -c bosk -n __bosk_in_caps -l seed -x -d 'Of the hash'
