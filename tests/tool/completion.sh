#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shells find egressctl's completion where they look for it, and it offers what the tool says there is.
# shellcheck disable=SC2317  # functions are called by case_
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/tool.bash"
lab_start "$@"
lab_install
lab_account agent1 2001
cat >/etc/egress/egress.conf <<END
backend = "$LAB_BACKEND";
profiles = { default = { proxy = [ "127.0.0.1:3128" ]; }; jobs = { proxy = [ "127.0.0.1:3128" ]; hold = "always"; }; };
accounts = ( { user = "agent1"; }, { user = "A\\\\b c"; }, { uid = "20000-29999"; profile = "jobs"; } );
END
sed -e 's/agent1/elsewhere/' /etc/egress/egress.conf >/etc/egress/other.conf

# ---- what the tool says ----------------------------------------------------------------------------

verbs() { egressctl --help | sed -nE 's/^  ([a-z-]+) .*/\1/p' | LC_ALL=C sort; }
all_verbs() { [ "$(verbs | wc -l)" -ge 10 ] && prints 0 complete verbs < <(verbs); }
case_ "verbs: those of --help" all_verbs
case_ "user-verbs: whose argument is a user" matches 0 '^verify$' complete user-verbs
not_others() { run complete user-verbs && ! grep -x -e list -e check-config "$LAB/out"; }
case_ "user-verbs: and no others" not_others
case_ "options" matches 0 '^--no-legend$' complete options
formats() { printf 'iptables\njson\nnetworkpolicy\nnft\n' | prints 0 complete formats; }
case_ "formats" formats
# A warning about the name that nobody has may stand on stderr.
accounts() { printf '20000-29999\nA\\b c\nagent1\n' | prints 0 complete accounts; }
case_ "accounts" accounts
profiles() { printf 'default\njobs\n' | prints 0 complete profiles; }
case_ "profiles" profiles
case_ "as JSON" json_of 0 'd == ["20000-29999", "A\\b c", "agent1"]' complete accounts
case_ "nobody is told whom the configuration names" as nobody matches 0 '^agent1$' complete accounts
held_too() {
	egressctl hold agent1 >/dev/null || return
	egressctl -c /etc/egress/other.conf complete accounts | tee "$LAB/out"
	egressctl release agent1 >/dev/null
	grep -qx agent1 "$LAB/out" && grep -qx elsewhere "$LAB/out"
}
case_ "root is told who is held as well" held_too
case_ "another kind" fails_with 2 'complete: "frob" is not verbs, .*' complete frob
case_ "a missing configuration" fails_with 1 '.*none\.conf.*' -c /etc/egress/none.conf complete profiles

# ---- bash ------------------------------------------------------------------------------------------

# bash_offers WORDS...: what pressing TAB at the end of the last word offers, in a shell that is new.
cat >/tmp/offers <<'END'
. /usr/share/bash-completion/bash_completion
_completion_loader egressctl
complete -p egressctl | grep -q -- '-F _egressctl' || { echo "bash does not find it"; exit 1; }
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
_egressctl
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
END
bash_offers() { bash --norc /tmp/offers "$@"; }
# offered WANT WORDS...: WANT is words with blanks between, which each stand on a line.
offered() {
	local want=$1
	shift
	diff <(tr ' ' '\n' <<<"$want" | grep .) <(bash_offers "$@")
}
verbs_offered() { diff <(verbs) <(bash_offers egressctl ""); }
case_ "bash: verbs" verbs_offered
case_ "bash: the verbs that begin so" offered 'release' egressctl rel
case_ "bash: options" offered '--no-legend' egressctl --no
case_ "bash: options after a verb" offered '--json' egressctl list --j
accounts_quoted() { diff <(printf '%s\n' 20000-29999 'A\\b\ c' agent1) <(bash_offers egressctl show ""); }
case_ "bash: accounts, quoted" accounts_quoted
case_ "bash: accounts that begin so, after an option" offered 'agent1' egressctl --json hold a
case_ "bash: accounts of another configuration" offered 'elsewhere' egressctl -c /etc/egress/other.conf hold e
case_ "bash: accounts of another one, with an equals sign" offered 'elsewhere' \
	egressctl --config = /etc/egress/other.conf hold e
case_ "bash: one user is enough" offered '' egressctl show agent1 ""
case_ "bash: no options of ours behind the -- of run" offered '' egressctl run agent1 -- ls --
case_ "bash: a user behind a --" offered 'agent1' egressctl hold -- ag
case_ "bash: none where none is taken" offered '' egressctl sync ""
case_ "bash: formats" offered 'networkpolicy nft' egressctl export agent1 --format n
case_ "bash: formats, with an equals sign" offered 'json' egressctl export agent1 --format = j
case_ "bash: colours" offered 'auto always never' egressctl --color = ""
without_tool() { PATH=/usr/bin:/bin offered '' egressctl show ""; }
mv /usr/sbin/egressctl /usr/sbin/egressctl.away
case_ "bash: without the tool it offers nothing and says nothing" without_tool
mv /usr/sbin/egressctl.away /usr/sbin/egressctl

# ---- fish and zsh ------------------------------------------------------------------------------------

fish_offers() { HOME=/root fish -c "complete -C '$1'" | cut -f 1; }
fish_offered() { diff <(tr ' ' '\n' <<<"$1") <(fish_offers "$2"); }
case_ "fish: the verbs that begin so" fish_offered 'release' 'egressctl rel'
case_ "fish: accounts" fish_offered 'agent1' 'egressctl show ag'
case_ "fish: formats" fish_offered 'networkpolicy nft' 'egressctl export agent1 --format n'

# A zsh on a terminal of its own, which is asked by TAB; the line that it then has comes out by a widget.
cat >/tmp/tab.zsh <<'END'
zmodload zsh/zpty
zpty shell 'HOME=/tmp TERM=dumb zsh -f -i'
zpty -w shell 'PS1=; autoload -Uz compinit; compinit -u -D; bindkey "^I" complete-word'
zpty -w shell 'tell () { print -r -- "LINE<$BUFFER>"; BUFFER=; zle accept-line }; zle -N tell; bindkey "^X" tell'
zpty -w shell 'print -r -- REA""DY'
zpty -r -m shell seen '*READY*'
zpty -w -n shell "$1"$'\t\x18'
zpty -r -m shell seen '*LINE<*>*'
print -r -- "${${seen##*LINE<}%%>*}"
END
zsh_completes() { diff <(echo "$2") <(timeout 20 zsh -f /tmp/tab.zsh "$1"); }
case_ "zsh: a verb" zsh_completes 'egressctl rel' 'egressctl release '
case_ "zsh: an account" zsh_completes 'egressctl show ag' 'egressctl show agent1 '
case_ "zsh: a format" zsh_completes 'egressctl export agent1 --format=js' 'egressctl export agent1 --format=json '

lab_end
