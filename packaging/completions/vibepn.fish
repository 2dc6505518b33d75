# Completion of vibepn, vpn and vpnctl for fish: the program itself knows its commands and options.

function __vibepn_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -l line vibepn
    # "vpn" is "vibepn daemon".
    if test (string split / -- $program)[-1] = vpn
        set line "vibepn daemon"
        set program vibepn
    end
    # A command that is also the beginning of another one (peer, peers) would hide it.
    set -l last (commandline -ct)
    if not string match -q -- '-*' "$last"
        set last ""
    end
    set line (string join ' ' -- $line $words[2..-1] "$last")
    switch $words[-1]
        case --config --cert --key --out --state
            __fish_complete_path (commandline -ct)
            return
    end
    # Other spellings of --help are left out.
    command $program "[suggest:"(string length -- $line)"]" "$line" 2>/dev/null | string match -rv '^(-\?|-h|/.*)$'
end

for program in vibepn vpn vpnctl
    complete -c $program -f -a '(__vibepn_complete)'
end
