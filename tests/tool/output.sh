#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# egressctl prints what the library says, whatever it says: aligned, escaped, as whole documents, with
# the right exit status. The library is a fake that is preloaded.
# shellcheck disable=SC2317  # functions are called by case_
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/tool.bash"
lab_start "$@"

EGRESSCTL=$(built_egressctl) || exit 1
FAKE=/tmp/fake-libegress.so
if ! cc -std=gnu11 -shared -fPIC -fvisibility=hidden -Ilibegress -o $FAKE tests/tool/fake-libegress.c; then
	fail "the fake library" "does not compile"
	lab_end
fi
# The fake comes before AddressSanitizer's own library where the tool is built with it.
export ASAN_OPTIONS="${ASAN_OPTIONS-}${ASAN_OPTIONS+:}verify_asan_link_order=0"

# scene NAME COMMAND...
scene() {
	local WRAP=(env "LD_PRELOAD=$FAKE" "FAKE_SCENE=$1" "${WRAP[@]}")
	shift
	"$@"
}

# failing ERRNO TEXT COMMAND...
failing() {
	local WRAP=(env "FAKE_ERRNO=$1" "FAKE_ERROR=$2" "${WRAP[@]}")
	shift 2
	scene one "$@"
}

# ---- list --------------------------------------------------------------------------------------

one_row() {
	scene one prints 0 "$@" <<-'END'
		ACCOUNT   UID  STATE   SESSIONS  PROCS  PROFILE  BACKEND   ALLOWED  DENIED
		agent1   2001  active         1      3  default  iptables       12       1
	END
}
case_ "list prints titles and a row" one_row list
case_ "no verb is list" one_row

no_titles() {
	scene one prints 0 "$@" <<-'END'
		agent1  2001  active  1  3  default  iptables  12  1
	END
}
case_ "--no-legend leaves the titles out" no_titles --no-legend list
case_ "options may follow the verb" no_titles list --no-legend

empty_list() { scene empty prints 0 list <<<"no account is held"; }
case_ "an empty list says so" empty_list
empty_silent() { scene empty prints 0 --no-legend list </dev/null; }
case_ "an empty list without legend is empty" empty_silent
case_ "an empty list is [] as JSON" scene empty json_of 0 'd == []' list

lengths() { while IFS= read -r line; do echo "${#line}"; done; }
aligned() {
	scene many run --no-legend list
	ended_with 0 && [ "$(lengths <"$LAB/out" | sort -u | wc -l)" -eq 1 ] &&
		[ "$(grep -c '  iptables  ' "$LAB/out")" -eq 4 ]
}
case_ "rows are aligned beside a name of 70 characters" aligned

# The same bytes on a terminal of twenty columns: rows wrap, nothing is cut off.
narrow() {
	scene many run --color=never list
	env LD_PRELOAD= SHELL=/bin/sh script -qec "stty cols 20; LD_PRELOAD=$FAKE FAKE_SCENE=many \
		$EGRESSCTL --color=never list" /dev/null </dev/null | tr -d '\r' | diff "$LAB/out" -
}
case_ "a terminal of 20 columns loses nothing" narrow

narrow_show() {
	scene one run --color=never show root
	env LD_PRELOAD= SHELL=/bin/sh script -qec "stty cols 20; LD_PRELOAD=$FAKE FAKE_SCENE=one \
		$EGRESSCTL --color=never show root" /dev/null </dev/null | tr -d '\r' | diff "$LAB/out" -
}
case_ "nor does show" narrow_show
# "ö" is two bytes and one column, "語" three and two.
wide() {
	scene wide run --no-legend list
	ended_with 0 && python3 -I -c '
import sys, unicodedata
columns = {sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line.split("  active")[0])
           for line in open(sys.argv[1], encoding="utf-8")}
sys.exit(len(columns) != 1)' "$LAB/out"
}
case_ "rows are aligned beside wide characters" wide

# ---- JSON --------------------------------------------------------------------------------------

case_ "list: the keys are the documented ones" scene one json_of 0 \
	'len(d) == 1 and list(d[0]) == ACCOUNT and list(d[0]["sessions"][0]) == SESSION
	and list(d[0]["allowed"]) == list(d[0]["denied"]) == ["packets", "bytes"]' list
case_ "list: the values are the library's" scene one json_of 0 'd == [{
	"account": "agent1", "uid": 2001, "ranges": [[2001, 2001]], "state": "active",
	"profile": "default", "backend": "iptables", "proxy": ["127.0.0.1:3128", "[::1]:3128"],
	"processes": 3, "sessions": [{"token": "a1b2c3", "service": "sshd", "pid": 812, "tty": "ssh",
	"rhost": "192.0.2.7", "opened": "2026-11-22T02:00:00Z",
	"hardening": ["no_new_privs", "seccomp"]}],
	"allowed": {"packets": 12, "bytes": 4096}, "denied": {"packets": 1, "bytes": 180}}]' list
case_ "show: the same keys, plan and drift" scene one json_of 0 \
	'list(d) == ACCOUNT + ["plan", "drift", "backend_reason", "sockets", "lacking", "route_guard"] and d["drift"] == d["lacking"] == []
	and d["backend"] == "iptables" and d["backend_reason"] == "auto: legacy iptables tables are in use here"
	and d["plan"][0] == "hold 2001" and len(d["plan"]) == 3' show agent1
case_ "a range has its two ends" scene range json_of 0 \
	'd["uid"] == 20000 and d["ranges"] == [[20000, 29999]]' show agent1
case_ "an account has each of its ranges, its own uid first" scene drift json_of 0 \
	'd["ranges"] == [[2001, 2001], [100000, 165535], [300000, 300009]]' show agent1
case_ "a counter beyond JSON's integers stops there" scene range json_of 0 \
	'd["allowed"]["packets"] == 2 ** 63 - 1' show agent1
case_ "odd bytes make no odd document" scene odd json_of 0 \
	'd[0]["account"] == r"\x1b[31mred\x0a\xff\xc2\x9b2J" and d[0]["profile"] == "j\u00fcrgen"
	and d[0]["sessions"][1]["service"] == "x\ny"' list
case_ "hold" scene one json_of 0 'd == {"account": "root", "pinned": True}' hold root
case_ "release" scene one json_of 0 'd == {"account": "root", "pinned": False}' release root
case_ "a number is resolved" scene one json_of 0 'd["account"] == "root"' hold 0
case_ "sync" scene one json_of 0 'd == {"held": 1, "released": 2, "ended": 3}' sync
case_ "reap" scene empty json_of 0 'd == {"held": 0, "released": 0, "ended": 0}' reap
case_ "verify" scene one json_of 0 'd == {"differences": []}' verify
case_ "verify with drift" scene drift json_of 3 'len(d["differences"]) == 2' verify root
case_ "check-config" scene one json_of 0 \
	'd == {"file": "/etc/egress/egress.conf", "valid": True, "backend": "nftables",
	"backend_reason": "auto: \x1b[2J"}' check-config
no_backend() { local WRAP=(env "FAKE_BACKEND=backend \"nftables\": nothing here" "${WRAP[@]}"); scene one "$@"; }
case_ "check-config where nothing can hold" no_backend json_of 0 \
	'd["valid"] and d["backend"] is None and d["backend_reason"] == "backend \"nftables\": nothing here"' check-config

invalid_json() {
	failing 74 'egress.conf:3: no such key: "prxy"' run --json check-config some.conf
	ended_with 1 && one_error 'egress\.conf:3: no such key: "prxy"' &&
		json 'list(d) == ["file", "valid", "error"] and d["valid"] is False
			and d["file"].endswith("/some.conf") and d["file"][0] == "/"
			and d["error"] == "egress.conf:3: no such key: \"prxy\""'
}
case_ "check-config of a broken file, and its path made absolute" invalid_json

# ---- show, verify, changes as text ---------------------------------------------------------------

whole_show() {
	scene one prints 0 show agent1 <<-'END'
		account    agent1
		uid        2001
		state      active
		profile    default
		backend    iptables (auto: legacy iptables tables are in use here)
		proxy      127.0.0.1:3128
		           [::1]:3128
		processes  3
		sockets    2
		sessions   1
		  TOKEN   SERVICE  PID  TTY  RHOST      OPENED                HARDENING
		  a1b2c3  sshd     812  ssh  192.0.2.7  2026-11-22T02:00:00Z  no_new_privs,seccomp
		allowed    12 packets, 4.0 KiB
		denied     1 packet, 180 B
		plan       hold 2001
		           ipv4 allow tcp 127.0.0.1/32 port 3128
		           both reject any with prohibited
		guard      on
		drift      none
	END
}
case_ "show prints it all" whole_show
case_ "show prints what the kernel lacks" scene drift matches 0 '^lacking +existing_sockets: no module .x1b\[2J$' show root
subordinates_shown() {
	[ "$(scene drift run show agent1 && sed -n '/^uid /,/^state/p' "$LAB/out")" = "uid        2001
subuids    100000-165535
           300000-300009
state      lingering" ] || { cat "$LAB/out"; return 1; }
}
case_ "show prints the subordinate ranges" subordinates_shown
case_ "show prints the drift" scene drift matches 0 '^drift +agent1: ipv4: rule 3 is missing$' show root
case_ "show: a session without hardening says so" scene odd matches 0 ' none$' show root
case_ "show says where it must be" scene drift matches 0 \
	'^backend +iptables \(must be nftables: configured\)$' show root
case_ "check-config says which backend, in a comment" scene one matches 0 \
	'^# backend: nftables \(auto: \\x1b\[2J\)$' check-config
case_ "or that there is none" no_backend matches 0 '^# backend: none: backend "nftables": nothing here$' check-config
case_ "show prints a range" scene range matches 0 '^uid +20000-29999$' show root
case_ "show of an account that is not held is 3" scene free matches 3 '^state +not held$' show root
case_ "verify prints nothing but agreement" scene one matches 0 '^kernel and plan agree$' verify
case_ "verify prints each difference" scene drift matches 3 '^agent1: ipv4: rule 3 is missing$' verify
case_ "hold says so" scene one matches 0 '^root: pinned$' hold root
case_ "release says so" scene one matches 0 '^root: no longer pinned$' release root
case_ "sync says what it did" scene one matches 0 \
	'^accounts held: 1, released: 2; sessions ended: 3$' sync
quiet_reap() { scene empty prints 0 --no-legend reap </dev/null; }
case_ "reap without legend and without work is silent" quiet_reap

# ---- what others chose -----------------------------------------------------------------------------

no_control() {
	scene "$@"
	silent err && ! grep -q '[[:cntrl:]]' "$LAB/out" && ! grep -q $'\u202e\|\xc2\x9b' "$LAB/out"
}
case_ "list: no control character comes through" no_control odd run list
case_ "show: no control character comes through" no_control odd run show root
no_escape() {
	scene one run export root --format "$1"
	ended_with 0 && silent err && ! tr -d '\t' <"$LAB/out" | grep '[[:cntrl:]]'
}
for format in nft iptables json networkpolicy; do
	case_ "export as $format: no control character comes through" no_escape $format
done
one_comment() {
	scene one run export root --format "$1"
	ended_with 0 && ! grep '^flush' "$LAB/out" && [ "$(grep -c '^\*filter$' "$LAB/out")" -eq "$2" ]
}
case_ "export: a name is no line of the file, nft" one_comment nft 0
case_ "export: nor of the file for iptables-restore" one_comment iptables 1
strange_rule() { local WRAP=(env FAKE_MATCH=77); scene one fails_with 1 '.*: cannot export: .*' "$@"; }
for format in nft iptables json networkpolicy; do
	case_ "export as $format: refuses a rule that it does not know" strange_rule export root --format $format
done
names_typed() { scene empty prints 0 complete profiles <<<agent1; }
case_ "complete: what cannot be typed as it is shown is left out" names_typed
case_ "verify: no control character comes through" no_control drift run verify
case_ "letters of other scripts do" scene odd matches 0 'jürgen' list
locale_c() { LC_ALL=C scene odd matches 0 'j\\xc3\\xbcrgen' list; }
case_ "but not where the locale has none" locale_c
bad_error() { failing 5 $'\033]0;x\007 is\nbad' fails_with 1 '\\x1b\]0;x\\x07 is\\x0abad' list; }
case_ "an error is one line, escaped" bad_error
odd_user() { scene one matches 0 '^\\x1b\[2J: pinned$' hold $'\033[2J'; }
case_ "a user name from the command line is escaped" odd_user

# ---- colour ----------------------------------------------------------------------------------------

GREEN=$'\033\\[32mactive\033\\[0m'
coloured() { scene one run "$@" && ended_with 0 && grep -q "$GREEN" "$LAB/out"; }
plain() { scene one run "$@" && ended_with 0 && grep -q active "$LAB/out" && ! grep -q $'\033' "$LAB/out"; }
case_ "--color=always colours the state" coloured --color=always list
case_ "and that of show" coloured show --color always root
case_ "JSON has no colour" plain --color=always --json list
case_ "no colour into a file" plain list
terminal() {
	env SHELL=/bin/sh TERM=xterm "$@" script -qec "LD_PRELOAD=$FAKE FAKE_SCENE=one $EGRESSCTL list" \
		/dev/null </dev/null
}
coloured_on_terminal() { terminal "$@" | grep -q "$GREEN"; }
plain_on_terminal() { terminal "$@" | grep -q '  active  '; }
case_ "colour on a terminal" coloured_on_terminal
case_ "NO_COLOR is honoured" plain_on_terminal NO_COLOR=1
case_ "an empty NO_COLOR is none" coloured_on_terminal NO_COLOR=
terminal_show() {
	env SHELL=/bin/sh TERM=xterm "$@" script -qec "LD_PRELOAD=$FAKE FAKE_SCENE=one $EGRESSCTL show root" \
		/dev/null </dev/null
}
show_on_terminal() { terminal_show "$@" | grep -q "$GREEN"; }
case_ "show has colour on a terminal" show_on_terminal
no_colour_show() { ! show_on_terminal NO_COLOR=1; }
case_ "and none with NO_COLOR" no_colour_show
stronger() { NO_COLOR=1 coloured --color=always list; }
case_ "--color=always is stronger than NO_COLOR" stronger
case_ "TERM=dumb has no colour" plain_on_terminal TERM=dumb

# ---- exit status -------------------------------------------------------------------------------------

case_ "a busy lock is 4" failing 16 'lock: busy' fails_with 4 'lock: busy' sync
for errno in 1 5 11 12 22 74 95 110; do
	case_ "errno $errno is 1" failing $errno 'a: b: c' fails_with 1 'a: b: c' list
done
case_ "release of what is not pinned is 3" failing 2 'root: not pinned' \
	fails_with 3 'root: not pinned' release root
case_ "release of nobody we know is 1" failing 2 'frob: no such user' \
	fails_with 1 'frob: no such user' release frob
unpinned_json() {
	failing 2 'root: not pinned' run --json release root
	ended_with 3 && one_error 'root: not pinned' && json 'd == {"account": "root", "pinned": False}'
}
case_ "and is an answer as JSON" unpinned_json
no_half_document() { failing 5 'a: b: c' fails_with 1 'a: b: c' --json "$@"; }
for verb in "export root" "complete profiles" list "show root" "hold root" "release root" sync reap verify; do
	# shellcheck disable=SC2086  # words
	case_ "$verb --json: an error leaves stdout empty" no_half_document $verb
done

with_log() {
	local WRAP=(env "FAKE_LOG=$1")
	scene one run --json list
	ended_with 0 && json 'len(d) == 1'
}
warned() { with_log '4egress.conf: old' && one_error 'egress.conf: old'; }
unwarned() { with_log '5egress.conf: fine' && silent err; }
case_ "a warning of the library is a line on stderr" warned
case_ "a notice is not" unwarned

# ---- run ---------------------------------------------------------------------------------------------

useradd --uid 2001 agent1
useradd --uid 2002 agent2
# closed TEXT COMMAND...: what was closed meanwhile.
closed() {
	local WRAP=(env FAKE_CLOSED=/tmp/closed) wanted=$1
	shift
	: >/tmp/closed
	"$@" || return
	[ "$(cat /tmp/closed)" = "$wanted" ] || { echo "closed: $(cat /tmp/closed)"; return 1; }
}
# ends STATUS SCENE USER COMMAND...: what is run, and nothing is said.
ends() {
	scene "$2" run run "$3" -- "${@:4}"
	ended_with "$1" && silent out && silent err
}
printed() { scene one prints 0 run agent1 -- echo word <<<word; }
case_ "run: what the command prints, and nothing else" closed "2001 a1b2c3" printed
case_ "run: its exit status" closed "2001 a1b2c3" ends 7 one agent1 sh -c 'exit 7'
# shellcheck disable=SC2016  # the inner shell's own
case_ "run: has the session's variables" ends 0 one agent1 sh -c '[ "$EGRESS_POLICY" = none ]'
# not_run STATUS PATTERN COMMAND...: COMMAND is what plays it.
not_run() {
	rm -f /tmp/ran
	"${@:3}" fails_with "$1" "$2" run agent1 -- touch /tmp/ran || return
	[ ! -e /tmp/ran ] || { echo "it was run"; return 1; }
}
case_ "run: is run (control)" eval 'ends 0 one agent1 touch /tmp/ran && [ -e /tmp/ran ]'
for errno in 1 5 11 12 22 74 95 110; do
	case_ "run: an open that fails with errno $errno is 1, and nothing is run" \
		closed "" not_run 1 'a: b: c' failing $errno 'a: b: c'
done
case_ "run: a busy lock is 4, and nothing is run" closed "" not_run 4 'lock: busy' failing 16 'lock: busy'
case_ "run: whom nothing covers is 3, and nothing is run" closed "" \
	not_run 3 'user "agent1": nothing covers it: nothing is run' scene empty
case_ "run: who is another one by now: nothing is run, and the session is closed" closed "20000 a1b2c3" \
	not_run 1 'user "agent1": became another uid meanwhile' scene range
odd_open() { not_run 1 '\\x1b\]0;x\\x07 is\\x0abad' failing 5 $'\033]0;x\007 is\nbad'; }
case_ "run: why an open failed is one line, escaped" odd_open
# left STATUS ERRNO TEXT PATTERN COMMAND...: a close that fails changes no exit status.
left() {
	local WRAP=(env "FAKE_CLOSE=$2" "FAKE_ERROR=$3" "${WRAP[@]}")
	scene one run run agent1 -- "${@:5}"
	ended_with "$1" && silent out && one_error "user \"agent1\": left to egressctl reap: $4"
}
syslog_mark
for errno in 5 16 2; do
	case_ "run: a close that fails with errno $errno is said, and the status is the command's" \
		closed "2001 a1b2c3" left 7 $errno 'a: b: c' 'a: b: c' sh -c 'exit 7'
done
case_ "run: also that of one that succeeds" left 0 5 'a: b: c' 'a: b: c' true
# shellcheck disable=SC2016  # the inner shell's own
case_ "run: and of one that is killed" left 137 5 'a: b: c' 'a: b: c' sh -c 'kill -KILL $$'
odd_close() { left 0 5 $'\033[2J\nbad' '\\x1b\[2J\\x0abad' true; }
case_ "run: why a close failed is one line, escaped" odd_close
close_logged() { syslog_has 'close user=agent1 uid=2001 service=egressctl: left to egressctl reap: \\x1b\[2J\\x0abad'; }
case_ "run: and stands in the log" wait_for 5 close_logged
leftovers() {
	scene drift run run agent1 -- sh -c 'exit 5'
	ended_with 5 && silent out && one_error 'user "agent1": stays held: processes left: 1, sockets left: 0'
}
case_ "run: what stays behind is said, and the status is the command's" leftovers
odd_names() {
	syslog_mark
	ends 0 odd agent2 true && wait_for 5 syslog_has 'close user=\\x1b\[31mred\\x0a\\xff\\xc2\\x9b2J uid=2002 ' &&
		syslog_has 'open user=\\x1b\[31mred\\x0a\\xff\\xc2\\x9b2J uid=2002 .* profile=j\\xc3\\xbcrgen '
}
case_ "run: odd names are escaped in the log" odd_names
on_terminal() {
	env SHELL=/bin/sh script -qec "LD_PRELOAD=$FAKE FAKE_SCENE=one $EGRESSCTL $1 run agent1 -- true" /dev/null </dev/null |
		tr -d '\r'
}
noticed() { [ "$(on_terminal '')" = 'egress: \x1b[2J' ]; }
case_ "run: the notice, on a terminal, is escaped" noticed
unnoticed() { [ "$(on_terminal --no-legend)" = "" ]; }
case_ "run: --no-legend leaves it out" unnoticed

# ---- usage -------------------------------------------------------------------------------------------

usage() { scene one fails_with 2 "$@"; }
case_ "unknown verb" usage '"frob": no such verb: see egressctl --help' frob
case_ "unknown long option" usage '"--frob": no such option.*' --frob
case_ "unknown short option" usage '"-x": no such option.*' list -x
case_ "unknown short option before a known one" usage '"-x": no such option.*' --json -xh
case_ "an argument to --help" usage '"--help=1": no such option.*' --help=1
case_ "an argument to --json" usage '"--json=1": no such option.*' --json=1
case_ "option without its argument" usage '"-c": needs an argument.*' -c
case_ "colour of another kind" usage '--color: "blue" is not auto, always or never' --color=blue
case_ "argument missing" usage 'show: argument missing: needs USER' show
case_ "argument too many" usage 'list: "x": one argument too many' list x
case_ "empty user" usage '"": not a user: empty' hold ''
case_ "empty file" usage '"": not a file: empty' -c '' list
case_ "an odd verb is escaped" usage '"\\x1b\[2J": no such verb.*' $'\033[2J'
case_ "uid out of range" scene one fails_with 1 '"99999999999999999999": not a uid: out of range' \
	show 99999999999999999999
case_ "uid -1" scene one fails_with 1 '"4294967295": not a uid: out of range' show 4294967295
case_ "a uid without a name is passed on" scene one matches 0 "^4000000000: pinned$" hold 4000000000
case_ "a name like an option after --" scene one matches 0 '^-c: pinned$' hold -- -c
posix() { POSIXLY_CORRECT=1 no_titles list --no-legend; }
case_ "POSIXLY_CORRECT changes nothing" posix
case_ "--help" scene one matches 0 '^  check-config \[FILE\] +parse' --help
case_ "--help after a verb" scene one matches 0 '^usage: egressctl \[OPTION\]\.\.\. show USER$' show --help
case_ "--help before a verb, and whatever its arguments" scene one matches 0 '^usage: .* show USER$' --help show a b c
case_ "--help of no verb" usage '"frob": no such verb.*' frob --help
# What a person needs of a verb, for each that there is.
helps() {
	local part
	run "$1" --help
	ended_with 0 && silent err || return
	for part in "^usage: egressctl \[OPTION\]... $1( |\$)" '^Exit: (0 .*, )?1 .*, 2 usage(, .+)?\.$' \
		"^Example: egressctl $1( |\$)"; do
		grep -Eq -e "$part" "$LAB/out" || { echo "no line like $part"; return 1; }
	done
	[ "$(awk 'length > 100' "$LAB/out")" = "" ] || { echo "a line of more than 100 columns"; return 1; }
}
verbs=$(scene one run complete verbs; cat "$LAB/out")
many_verbs() { [ "$(wc -w <<<"$verbs")" -ge 10 ]; }
case_ "there are verbs" many_verbs
for verb in $verbs; do case_ "$verb --help" scene one helps "$verb"; done
case_ "-h is --help" scene one matches 0 '^usage: egressctl ' -h
case_ "--version" scene one matches 0 '^egressctl [0-9]+\.[0-9]+' --version

# ---- writing -----------------------------------------------------------------------------------------

cannot_write() {
	local said
	scene many "$@" 2>"$LAB/err"
	[ "$(cat "$LAB/status")" -eq 1 ] || { echo "status $(cat "$LAB/status")"; return 1; }
	said=$(cat "$LAB/err")
	[ "$said" = "${WANT-}" ] || { echo "said: $said"; return 1; }
}
to_full() { "${WRAP[@]}" "$EGRESSCTL" "$@" >/dev/full; echo $? >"$LAB/status"; }
to_closed() { "${WRAP[@]}" "$EGRESSCTL" "$@" >&-; echo $? >"$LAB/status"; }
# A file of the library's must not be what is printed to.
into_file() {
	local WRAP=(env "FAKE_FILE=$LAB/library" "FAKE_LOG=4odd")
	: >"$LAB/library"
	scene one into_file_closed list
}
into_file_closed() {
	"${WRAP[@]}" "$EGRESSCTL" "$@" <&- >&- 2>&-
	! grep . "$LAB/library"
}
case_ "closed descriptors do not become the library's files" into_file
# The reader is gone before anything is written.
to_pipe() {
	[ -p "$LAB/gone" ] || mkfifo "$LAB/gone"
	# shellcheck disable=SC2094  # opened for both first, so that opening for writing does not wait
	exec 8<>"$LAB/gone" 9>"$LAB/gone" 8>&-
	"${WRAP[@]}" env --default-signal=PIPE "$EGRESSCTL" "$@" >&9
	echo $? >"$LAB/status"
	exec 9>&-
}
WANT="egressctl: standard output: cannot write: No space left on device"
case_ "a full disk is noticed" cannot_write to_full list
case_ "a full disk is noticed for JSON" cannot_write to_full --json list
case_ "a full disk is noticed for --help" cannot_write to_full --help
WANT="egressctl: standard output: cannot write: Bad file descriptor"
case_ "a closed stdout is noticed" cannot_write to_closed list
WANT=
case_ "a reader that went away is no noise" cannot_write to_pipe list
case_ "nor for JSON" cannot_write to_pipe --json list
case_ "nor for show" cannot_write to_pipe show root
case_ "nor for --help" cannot_write to_pipe --help
case_ "nor for an export" cannot_write to_pipe export root --format nft

lab_end
