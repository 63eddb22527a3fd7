# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the tests of egressctl share; sourced after lab.sh, used after lab_start.

# The one that was just built.
built_egressctl() {
	local file
	for file in "${BUILD:?the tree to test}/tools/egressctl" "$BUILD/egressctl"; do
		[ -x "$file" ] && { echo "$file"; return; }
	done
	echo "no egressctl in $BUILD" >&2
	return 1
}

# The command under test, and what comes before it (setpriv ...); set by the scripts.
EGRESSCTL=egressctl
WRAP=()

# run ARGS...: leaves what came back in $status and in the files out and err of the lab, and ARGS in $ran.
run() {
	ran=("$@")
	"${WRAP[@]}" "$EGRESSCTL" "$@" >"$LAB/out" 2>"$LAB/err"
	status=$?
}

# as WHO COMMAND...: what COMMAND runs is run by root, by root without CAP_NET_ADMIN, by nobody, or by an account.
as() {
	local WRAP=() who=$1
	shift
	case $who in
	root) ;;
	powerless) WRAP=(setpriv --bounding-set -net_admin) ;;
	nobody) WRAP=(setpriv --reuid=nobody --regid=nogroup --clear-groups) ;;
	*) WRAP=(setpriv "--reuid=$who" "--regid=$who" --init-groups) ;;
	esac
	"$@"
}

# while_locked LOCK COMMAND...
while_locked() {
	local lock=$1 holder result
	shift
	(flock 7 && exec sleep 60) 7>>"$lock" &
	holder=$!
	wait_for 5 not flock --nonblock "$lock" true
	"$@"
	result=$?
	kill "$holder"
	wait "$holder" 2>/dev/null
	return "$result"
}

ended_with() {
	[ "$status" -eq "$1" ] && return
	cat "$LAB/err"
	echo "exit status $status instead of $1"
	return 1
}

silent() { [ ! -s "$LAB/$1" ] || { echo "on std$1: $(cat "$LAB/$1")"; return 1; }; }

# one_error PATTERN: exactly one line on stderr, "egressctl: " and something like PATTERN.
one_error() {
	[ "$(wc -l <"$LAB/err")" -eq 1 ] || { echo "not one line: $(cat "$LAB/err")"; return 1; }
	grep -Exq -e "egressctl: $1" "$LAB/err" || { echo "said: $(cat "$LAB/err")"; return 1; }
}

# fails_with STATUS PATTERN ARGS...: nothing on stdout, one line on stderr.
fails_with() {
	local want=$1 pattern=$2
	shift 2
	run "$@"
	ended_with "$want" && silent out && one_error "$pattern"
}

# prints STATUS ARGS... <TEXT: exactly this text, and no word on stderr.
prints() {
	local want=$1
	shift
	run "$@"
	ended_with "$want" && silent err && diff - "$LAB/out"
}

# matches STATUS PATTERN ARGS...: some line of stdout matches, no word on stderr.
matches() {
	local want=$1 pattern=$2
	shift 2
	run "$@"
	ended_with "$want" && silent err || return 1
	grep -Eq -e "$pattern" "$LAB/out" || { cat "$LAB/out"; echo "no line like $pattern"; return 1; }
}

document() { /usr/bin/python3 -I "${lab_source:?}/tests/tool/document.py" "$@" 2>&1; }

# The verb of the last run: its first word that is neither an option nor an option's argument.
verb_ran() {
	set -- "${ran[@]}"
	while [ $# -gt 0 ]; do
		case $1 in
		-c | --config | --color | --format) shift ;;
		-*) ;;
		*) break ;;
		esac
		shift
	done
	echo "${1-list}"
}

# json [EXPRESSION]: is the document that was printed as the verb's schema says, and the expression true of it, "d"?
json() { document fits "$(verb_ran)" "$LAB/out" "$@"; }

# json_of STATUS EXPRESSION ARGS...: with --json; no word on stderr.
json_of() {
	local want=$1 expression=$2
	shift 2
	run --json "$@"
	ended_with "$want" && silent err && json "$expression"
}
