/**
 * The completion scripts of the shells. `sequent complete -- <words>` prints a line `<value>⇥<description>` for each candidate, and `:0` last
 * when a file may follow, or `:4` when none may.
 *
 * A candidate may come from a server, and the words of the command line are not run before Enter. So a script
 *
 * 1. passes the words to `sequent` as they are, each as one argument: no `eval`, and no second expansion;
 * 2. compares the last line with `:4`, and never calculates with it;
 * 3. quotes each candidate for the command line, and never expands one, as `compgen -W` would.
 */
const bash = `# bash completion for sequent

__sequent_complete() {
    local word last= line value cur shift= files=1
    local -a words=() found=()
    # Bash takes billing:report and --output=json for several words.
    for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
        if [[ \${#words[@]} -gt 0 && ( $word == [:=] || $last == [:=] ) ]]; then words[\${#words[@]}-1]+=$word; else words+=("$word"); fi
        last=$word
    done
    cur=\${words[\${#words[@]}-1]}
    local typed=$cur
    if [[ $cur == -*=* ]]; then shift=\${cur%%=*}= typed=\${cur#*=}; fi
    while IFS= read -r line; do
        case $line in
            :4) files=0 ;;
            :*) ;;
            *)
                value=\${line%%$'\\t'*}
                if [[ -n $value && $value == "$typed"* ]]; then
                    printf -v value %q "$value"
                    found+=("$shift$value")
                fi ;;
        esac
    done < <(sequent complete -- "\${words[@]}" 2>/dev/null)
    # Bash replaces what follows the last character that separates words.
    local before=
    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then before=\${cur%"\${cur##*:}"}
    elif [[ -n $shift && $COMP_WORDBREAKS == *=* ]]; then before=$shift; fi
    COMPREPLY=()
    for value in \${found[@]+"\${found[@]}"}; do COMPREPLY+=("\${value#"$before"}"); done
    if [[ $files == 0 ]]; then compopt +o default 2>/dev/null; fi
    return 0
}

complete -o default -F __sequent_complete sequent
`;

const zsh = `#compdef sequent
# zsh completion for sequent

_sequent() {
    local line value description
    local -a found
    local -i files=1
    local -a typed=("\${(@Q)words[2,CURRENT]}")
    while IFS= read -r line; do
        case $line in
            :4) files=0 ;;
            :*) ;;
            ?*)
                value=\${line%%$'\\t'*}
                description=
                if [[ $line == *$'\\t'* ]]; then description=\${line#*$'\\t'}; fi
                # A colon separates a value from its description.
                value=\${value//\\\\/\\\\\\\\}
                found+=("\${value//:/\\\\:}\${description:+:$description}") ;;
        esac
    done < <(sequent complete -- "\${typed[@]}" 2>/dev/null)
    if [[ $PREFIX == -*=* ]]; then compset -P 1 '*='; fi
    if (( $#found )); then _describe -t values sequent found && return 0; fi
    if (( files )); then _files; fi
}

# As a file in $fpath this script is the function; in ~/.zshrc it registers the function.
if [[ \${funcstack[1]} == _sequent ]]; then _sequent "$@"; else compdef _sequent sequent; fi
`;

const fish = `# fish completion for sequent

function __sequent_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l prefix (string match -r -- '^-[^=]*=' $current)
    set -l files yes
    for line in (command sequent complete -- $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':4'
                set files no
            case ':*'
            case '*'
                echo -- "$prefix$line"
        end
    end
    if test $files = yes
        __fish_complete_path "$current"
    end
end

complete -c sequent -e
complete -c sequent -f -a '(__sequent_complete)'
`;

/** The completion script of each shell. */
export const completionScripts = { bash, zsh, fish } as const;
