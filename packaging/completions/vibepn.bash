# Completion of vibepn, vpn and vpnctl for bash: the program itself knows its commands and options.

_vibepn() {
    local program=${COMP_WORDS[0]} before=${COMP_LINE:0:COMP_POINT} word line
    # By COMP_LINE alone: bash splits words at ':' and '=', too.
    word=${before##*[[:space:]]}
    line=${before#"$program"}
    # "vpn" is "vibepn daemon".
    case ${program##*/} in
        vpn) line="vibepn daemon$line" program=vibepn ;;
        *) line="vibepn$line" ;;
    esac

    COMPREPLY=()
    local previous=${before%"$word"}
    previous=${previous%"${previous##*[![:space:]]}"}
    case ${previous##*[[:space:]]} in
        --config | --cert | --key | --out)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --state)
            mapfile -t COMPREPLY < <(compgen -d -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
    esac

    # A command that is also the beginning of another one (peer, peers) would hide it.
    if [[ $word != -* ]]; then
        line=${line%"$word"}
    fi

    local candidate
    while IFS= read -r candidate; do
        # Other spellings of --help are left out.
        case $candidate in '-?' | '-h' | /*) continue ;; esac
        if [[ $candidate == "$word"* ]]; then
            COMPREPLY+=("$candidate")
        fi
    done < <("$program" "[suggest:${#line}]" "$line" 2>/dev/null)
    if ((${#COMPREPLY[@]} == 0)) && [[ $word != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -F _vibepn vibepn vpn vpnctl
