#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each verb has its text, its JSON by schema/VERB.json, and each exit status that its --help names: by root, by nobody
# and by the account. A verb that is added without rows here, or without a schema, is red; so is a schema that lets
# another key or type pass. What a verb says in all its cases is the other tests'; they ask the schemas as well.
# shellcheck disable=SC2317  # functions are called by case_
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/tool.bash"
# shellcheck source=tests/tool/doctor.bash
. "$(dirname "$0")/doctor.bash"
# shellcheck source=tests/tool/watch.bash
. "$(dirname "$0")/watch.bash"
lab_start "$@"
lab_install
doctor_lab
# So that watch is told of each packet.
configure() { lab_config 'log = { group = 9; rate = "10000/second"; };'; }
configure
run complete verbs
verbs=$(cat "$LAB/out")
everybody="root nobody agent1"
to=tcp://192.0.2.1:443

# Who prints no JSON, and what it says of that. A NetworkPolicy of export is Kubernetes', whose client export.sh asks.
declare -A no_json=([run]="run: --json: what is printed is the command's")

# An errand for each, to be tried by those who may not and while a lock is busy.
declare -A errands=(
	[list]="list" [show]="show agent1" [hold]="hold agent1" [release]="release agent1" [sync]="sync" [reap]="reap"
	[verify]="verify" [run]="run agent1 -- true" [watch]="watch" [explain]="explain agent1 $to" [doctor]="doctor agent1"
	[probe]="probe agent1" [export]="export agent1" [complete]="complete accounts" [check-config]="check-config"
)

# ---- rows ----------------------------------------------------------------------------------------

mkdir "$LAB/documents"
: >"$LAB/rows"
# What root does before a row's text, and again before its JSON.
before=(true)

# Without --format export has no text.
in_text() {
	local words=("${@:4}")
	[ "$4" != export ] || words+=(--format nft)
	"${before[@]}" >/dev/null
	"$1" "$2" "$3" "${words[@]}"
}

json_answer() {
	if [ -n "${no_json[$3]-}" ]; then
		fails_with 2 "${no_json[$3]}" --json "${@:3}"
		return
	fi
	"${before[@]}" >/dev/null
	json_of "$1" True "${@:3}" && cp "$LAB/out" "$(mktemp "$LAB/documents/$3.XXXXXX")"
}
json_refusal() {
	if [ -n "${no_json[$3]-}" ]; then fails_with 2 '.+' --json "${@:3}"; else fails_with "$1" "$2" --json "${@:3}"; fi
}
json_concession() {
	run --json "${@:3}"
	ended_with "$1" && one_error "$2" && json && cp "$LAB/out" "$(mktemp "$LAB/documents/$3.XXXXXX")"
}

answer() { in_text matches "$@" && json_answer "$@"; }
refusal() { in_text fails_with "$@" && json_refusal "$@"; }
concession() { in_text fails_with "$@" && json_concession "$@"; }

# row KIND "WHO..." STATUS PATTERN VERB ARG...
row() {
	local who
	for who in $2; do
		case_ "$who: ${*:5}: $3, as text and as JSON" as "$who" "$1" "${@:3}" && echo "$5 $who $3" >>"$LAB/rows"
	done
}
answers() { row answer "$@"; }       # a line like PATTERN on stdout; a document
refuses() { row refusal "$@"; }      # one line on stderr, no document
concedes() { row concession "$@"; }  # one line on stderr, and a document that says the same

# ---- nothing is held -----------------------------------------------------------------------------

answers root 0 '^no account is held$' list
answers root 3 '^state +not held$' show agent1
answers root 0 '^kernel and plan agree$' verify
answers root 0 '^nothing to do$' sync
answers root 0 '^nothing to do$' reap
concedes root 3 '.*agent1.*is not pinned' release agent1
refuses root 3 'agent1: not held: .*' probe agent1
refuses root 3 '.*"bystander": nothing .* covers it' hold bystander
refuses root 3 '.*"bystander": nothing covers it: nothing is run' run bystander -- true
answers "$everybody" 3 '^verdict +denied$' explain agent1 $to
answers "$everybody" 0 '^verdict +allowed$' explain agent1 tcp://127.0.0.1:3128
answers "$everybody" 0 '^verdict +not held$' explain bystander $to
answers "$everybody" 0 'uid 2001, profile default$' export agent1
refuses "$everybody" 3 '.*bystander.*nothing covers it' export bystander
answers "$everybody" 0 '^agent1$' complete accounts
answers "$everybody" 0 '^list$' complete verbs
answers root 0 '^# backend: '"$LAB_BACKEND"' \(configured\)$' check-config
answers "nobody agent1" 0 '^# backend: ' check-config
answers "$everybody" 3 '^  FAIL  ' doctor agent1
answers "$everybody" 3 '^Without USER: the host only' doctor
case_ "nothing was made" nothing_left

# ---- held ----------------------------------------------------------------------------------------

pam_everywhere
answers root 0 '^agent1: pinned$' hold agent1
answers root 0 '^agent1 +2001 +pinned ' list
answers root 0 '^state +pinned$' show agent1
answers root 0 '^2001$' run agent1 -- id -u
answers root 0 '^0 escaped$' probe agent1
answers root 0 ' 0 failed, ' doctor agent1
answers root 0 '^kernel and plan agree$' verify agent1
stays() {
	egressctl run agent1 -- lab-stay one &
	session=$!
	stay_wait one
}
case_ "a session opens" stays
answers root 0 '^agent1 +2001 +active +1 ' list
answers root 0 '^state +active$' show agent1
stay_end one
wait "$session"

# shellcheck disable=SC2119  # as agent1, which is whom knock means by itself
tells() { start "$@" && knock && wait_for 5 told agent1 && stop; }
watch_json() { tells --json && document fits watch "$LAB/watched" 'len(d) > 0' && cp "$LAB/watched" "$LAB/documents/watch.1"; }
case_ "root: watch, as text" tells
case_ "root: watch, as JSON" watch_json

before=(lab_flush)
answers root 3 '^agent1: ' verify
answers root 3 ' differ' doctor agent1
answers root 0 '^drift +[^n]' show agent1
answers root 3 '^[1-9][0-9]* escaped$' probe agent1
answers root 0 '^accounts held: 1, released: 0; sessions ended: 0$' sync
before=(egressctl hold agent1)
answers root 0 '^agent1: no longer pinned$' release agent1
before=(true)

# ---- what fails ----------------------------------------------------------------------------------

run hold agent1
for verb in list show verify sync reap hold probe run watch; do
	# shellcheck disable=SC2086  # words
	refuses powerless 1 '.+' ${errands[$verb]}
done
for verb in list show verify sync reap hold release probe run watch; do
	# shellcheck disable=SC2086  # words
	refuses "nobody agent1" 1 '(privilege|user "agent1"|probe|/run/egress|NFLOG group 9): .*' ${errands[$verb]}
done
case_ "it is still held" held 2001
for verb in $verbs; do refuses "$everybody" 2 '"--frob": no such option.*' "$verb" --frob; done
refuses root 1 '.*frob.*' release frob
refuses "$everybody" 1 '.*frob.*' explain frob $to
refuses "$everybody" 1 '.*frob.*' export frob
refuses "$everybody" 1 '.*frob.*' doctor frob
lab_config_broken
refuses "$everybody" 1 '/etc/egress/egress\.conf:2: .*' complete profiles
concedes "$everybody" 1 '/etc/egress/egress\.conf:2: .*' check-config
lab_config 'log = false;'
refuses "$everybody" 3 'watch: nothing to see: each profile says log = false' watch
configure

# A busy lock ends those whose --help says so after ten seconds, all at once here, and no other.
says_busy() { run "$1" --help && grep -q '^Exit: .*4 lock busy' "$LAB/out"; }
ends_busy() {
	LAB=$(mktemp -d "$LAB/busy.XXXXXX")
	before=(true)
	"$@" 4 '.*: still locked: .*' "${words[@]}" || { sed 's/^/# /' "$LAB/out" "$LAB/err"; return 1; }
}
all_busy() {
	local verb words pid pids=() result=0
	for verb in $verbs; do
		read -ra words <<<"${errands[$verb]}"
		if says_busy "$verb"; then
			ends_busy in_text fails_with &
			pids+=($!)
			ends_busy json_refusal &
			pids+=($!)
			echo "$verb root 4" >>"$LAB/rows"
		elif [ "$verb" != watch ]; then
			run "${words[@]}"
			[ "$status" -ne 4 ] || { echo "$verb: busy"; result=1; }
		fi
	done
	for pid in "${pids[@]}"; do wait "$pid" || result=1; done
	return "$result"
}
case_ "a busy lock is 4 for those whose --help says so" while_locked /run/egress/lock all_busy
run release agent1
case_ "nothing is left" nothing_left

# ---- nothing is missing --------------------------------------------------------------------------

covered() {
	local who
	[ -n "${no_json[$1]-}" ] || [ -e "tests/tool/schema/$1.json" ] || { echo "no schema/$1.json"; return 1; }
	for who in $everybody; do
		grep -q "^$1 $who [^2]" "$LAB/rows" || [ "$1 $who" = "watch root" ] || { echo "no row of $who"; return 1; }
	done
	run "$1" --help
	diff <(sed -n 's/^Exit: /, /p' "$LAB/out" | grep -oE ', [0-9] ' | tr -dc '0-9\n' | sort) \
		<(awk -v verb="$1" '$1 == verb { print $3 }' "$LAB/rows" | sort -u)
}
many_verbs() { [ "$(wc -w <<<"$verbs")" -ge 15 ]; }
case_ "there are verbs" many_verbs
for verb in $verbs; do
	case_ "$verb: all exit statuses that --help names, and no other, as root and not" covered "$verb"
	[ -n "${no_json[$verb]-}" ] ||
		case_ "$verb: its schema bites" document bites "$verb" "$LAB/documents/$verb".*
done
case_ "a verb without rows is noticed (control)" not covered frob
not_others() { ! comm -13 <(sort <<<"$verbs") <(basename -s .json -a tests/tool/schema/*.json | grep -vx shared | sort) | grep .; }
case_ "no schema is without a verb" not_others

lab_end
