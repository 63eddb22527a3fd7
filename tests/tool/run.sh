#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run: a session without PAM. What the command reaches, who it is, what it has of the caller, how it ends, and what
# becomes of the session then; from a script, on a terminal, and as a unit of systemd starts it.
# shellcheck disable=SC2317  # functions are called by case_
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/tool.bash"
# shellcheck source=tests/services/common.sh
. "$(dirname "$0")/../services/common.sh"

label=run
enter_run() { egressctl run "$1" -- bash -c "$2"; }
enter_powerless_run() { setpriv --bounding-set -net_admin egressctl run "$1" -- bash -c "$2"; }
enter_setpriv() { setpriv --reuid="$1" --regid="$1" --init-groups bash -c "$2"; }

# profile KEYS: agent1's, besides its proxy.
profile() { lab_config "$1"; }

lab_start "$@"
lab_install
services_start
groupadd --gid 3001 builders
usermod --append --groups builders agent1

# ---- what it reaches -----------------------------------------------------------------------------

out_by() {
	world_log_clear
	"$1" agent1 "lab-reach $2 $ways >/tmp/reached" && all_reached /tmp/reached "$2"
}
case_ "the same command by setpriv gets out (control)" out_by enter_setpriv control
stays() {
	world_log_clear
	syslog_mark
	stay_forget used
	enter_run agent1 "lab-reach used $ways >/tmp/refused; lab-stay used; lab-reach used proxy >/tmp/proxy" &
	use_job=$!
	stay_wait used
}
case_ "a session opens" stays
case_ "it is held" held "$uid"
case_ "all it tries is refused at once" all_refused /tmp/refused
case_ "nothing of it arrives" nothing_arrived
recorded() {
	egressctl --json list >/tmp/list
	python3 -I -c 'import json, os, sys
s, = json.load(open("/tmp/list"))[0]["sessions"]
name = open("/proc/%d/comm" % s["pid"]).read().strip()
uids = [l for l in open("/proc/%d/status" % s["pid"]) if l.startswith("Uid")][0].split()[1:]
ok = s["service"] == name == "egressctl" and uids == ["0"] * 4 and s["hardening"] == ["no_new_privs", "seccomp"]
sys.exit(0 if ok else str((s, name, uids)))' 2>&1
}
case_ "its opener is egressctl, root still, and it is hardened" recorded
case_ "the page comes through the proxy" end_use
case_ "afterwards nothing is left" nothing_left
log_says() { wait_for 5 syslog_has "egressctl\[[0-9]+\]: $1"; }
case_ "the log tells of the open" log_says "open user=agent1 uid=$uid service=egressctl profile=default backend=$LAB_BACKEND sessions=1"
case_ "the log tells of the close" log_says "close user=agent1 uid=$uid service=egressctl sessions=0\$"

# ---- who it is -----------------------------------------------------------------------------------

# ids WRAP...: all four uids and gids, the groups, no capability, no_new_privs and one filter.
ids() {
	"$@" egressctl run agent1 -- grep -E '^(Uid|Gid|Groups|Cap(Inh|Prm|Eff|Amb)|NoNewPrivs|Seccomp|SigBlk|SigIgn):' \
		/proc/self/status >/tmp/status || return
	tr -s '\t ' ' ' </tmp/status | sed 's/ $//' | sort | diff - <(sort <<-END
		Uid: $uid $uid $uid $uid
		Gid: $uid $uid $uid $uid
		Groups: $uid 3001
		NoNewPrivs: 1
		Seccomp: 2
		SigBlk: 0000000000000000
		SigIgn: 0000000000000000
		CapInh: 0000000000000000
		CapPrm: 0000000000000000
		CapEff: 0000000000000000
		CapAmb: 0000000000000000
	END
	)
}
case_ "ids, groups, no capabilities, hardening, signals" ids env
keeping() { setpriv --inh-caps=+net_admin,+net_raw --ambient-caps=+net_admin,+net_raw --securebits="+$1" "${@:2}"; }
case_ "the same where securebits would keep capabilities: no_setuid_fixup" ids keeping no_setuid_fixup
case_ "no capability although the unit gives ambient ones" ids setpriv --inh-caps=+net_raw --ambient-caps=+net_raw
keeps_them() {
	keeping no_setuid_fixup setpriv --reuid="$uid" --regid="$uid" --clear-groups \
		grep -q '^CapEff:.*[1-9a-f]' /proc/self/status
}
case_ "which setpriv keeps (control)" keeps_them
by_uid() { [ "$(egressctl run "$uid" -- id -un)" = agent1 ]; }
case_ "USER is a uid" by_uid
no_keyring() {
	python3 -I - <<-'END'
		import ctypes, subprocess, sys
		libc = ctypes.CDLL(None)
		JOIN, SHOW = 1, "import ctypes; print(ctypes.CDLL(None).syscall(250, 0, -3, 0))"
		mine = libc.syscall(250, JOIN, b"roots")
		if mine < 0:
		    sys.exit("no keyrings here")
		other = int(subprocess.check_output(["egressctl", "run", "agent1", "--", "python3", "-I", "-c", SHOW]))
		sys.exit(0 if other > 0 and other != mine else "session keyring %d, the caller's %d" % (other, mine))
	END
}
case_ "root's session keyring is left" no_keyring

# ---- what it has of the caller ---------------------------------------------------------------------

environment() {
	env -i SECRET=x PATH=/evil LD_PRELOAD= BASH_ENV=/tmp/x TERM=vt100 LC_ALL=C HOME=/root HTTPS_PROXY=http://evil \
		TZ=UTC /usr/sbin/egressctl run agent1 -- env | sort >/tmp/env
	policy="this account reaches only the proxy 127.0.0.1:3128; why: /usr/sbin/egressctl explain agent1 DESTINATION"
	sort <<-END | diff - /tmp/env
		HOME=/home/agent1
		USER=agent1
		LOGNAME=agent1
		SHELL=/bin/bash
		PATH=/usr/local/bin:/usr/bin:/bin
		TERM=vt100
		LC_ALL=C
		TZ=UTC
		$(printf '%s=http://127.0.0.1:3128\n' {HTTP,HTTPS,ALL}_PROXY {http,https,all}_proxy)
		NO_PROXY=
		no_proxy=
		NODE_USE_ENV_PROXY=1
		EGRESS_POLICY=$policy
	END
}
case_ "a clean environment, and the session's variables" environment
descriptors() {
	local seen
	# shellcheck disable=SC2016  # the inner shell's own
	seen=$(egressctl run agent1 -- /bin/sh -c 'ls -l /proc/$$/fd' 7</etc/shadow 200</etc/shadow | grep -c -- '->')
	[ "$seen" = 3 ] || { echo "$seen descriptors"; return 1; }
}
case_ "no descriptor but the first three" descriptors
stays_where() { (cd /usr/share && [ "$(egressctl run agent1 -- /bin/pwd)" = /usr/share ]); }
case_ "it stays in the working directory" stays_where
head -c 300000 /dev/urandom >/tmp/bytes
copies() { egressctl run agent1 -- cat </tmp/bytes >/tmp/copied && cmp /tmp/bytes /tmp/copied; }
case_ "input and output pass byte for byte" copies
errors_pass() {
	egressctl run agent1 -- sh -c 'echo out; echo err >&2' >/tmp/out 2>/tmp/err
	[ "$(cat /tmp/out)/$(cat /tmp/err)" = out/err ]
}
case_ "standard error passes, nothing is added" errors_pass
words() { [ "$(egressctl run agent1 -- printf '<%s>' --json -- -c "a b" '')" = '<--json><--><-c><a b><>' ]; }
case_ "options after -- are the command's" words
case_ "options before it are egressctl's" fails_with 2 'run: --json: .*' --json run agent1 -- true

# ---- how it ends -----------------------------------------------------------------------------------

ends_with() {
	run run agent1 -- "${@:2}"
	ended_with "$1" && wait_for 10 nothing_left
}
case_ "exit status 0" ends_with 0 true
case_ "exit status 7" ends_with 7 sh -c 'exit 7'
# shellcheck disable=SC2016  # the inner shell's own
case_ "ended by SIGKILL: 137" ends_with 137 sh -c 'kill -KILL $$'
case_ "not there: 127" ends_with 127 no-such-program
case_ "and it is said" one_error 'no-such-program: cannot run: No such file or directory'
case_ "not to be run: 126" ends_with 126 /etc/passwd
install -m 700 /bin/true /usr/local/bin/for-root
case_ "not for the account: 126" ends_with 126 /usr/local/bin/for-root

# begin CMD...: a job of its own; "$opener" is egressctl.
begin() {
	stay_forget it
	rm -f /tmp/caught
	# A script's background jobs ignore INT and QUIT.
	setsid env --default-signal=INT,QUIT "$@" &
	opener=$!
	stay_wait it
}
# shellcheck disable=SC2016  # the inner shell's own
catcher='for s in HUP INT QUIT TERM USR1 USR2 WINCH TSTP CONT; do trap "echo $s >>/tmp/caught" $s; done
	: >/tmp/stay-it.there; until [ -e /tmp/stay-it.go ]; do sleep 0.05; done'
caught() { grep -qx "$1" /tmp/caught; }
each_passes() {
	local name
	begin egressctl run agent1 -- bash -c "$catcher" || return
	for name in HUP INT QUIT TERM USR1 USR2 WINCH TSTP CONT; do
		kill -s "$name" "$opener"
		wait_for 5 caught "$name" || return
	done
	held "$uid" || return
	stay_end it
	wait "$opener" && wait_for 10 nothing_left
}
case_ "signals reach the command" each_passes
once_each() { [ "$(sort /tmp/caught | uniq | wc -l)/$(wc -l </tmp/caught)" = 9/9 ] || { cat /tmp/caught; return 1; }; }
case_ "and once each" once_each
terminated() {
	begin egressctl run agent1 -- lab-stay it || return
	kill -s "$1" "$opener"
	wait "$opener"
	status=$?
	ended_with "$2" && nothing_left && ! pgrep -U "$uid"
}
case_ "TERM ends the command, and the session" terminated TERM 143
case_ "INT ends the command, and the session" terminated INT 130
case_ "HUP ends the command, and the session" terminated HUP 129
killed() {
	begin egressctl run agent1 -- lab-stay it || return
	pgrep -U "$uid" >/dev/null || return
	kill -KILL "$opener"
	wait "$opener"
	wait_for 10 not pgrep -U "$uid" && wait_for 10 reaped
}
case_ "KILL of egressctl ends the command" killed
killed_and_left() {
	# A child: what bash became itself would be the command, and end with it.
	begin egressctl run agent1 -- bash -c 'setsid lab-stay it & wait' || return
	kill -KILL "$opener"
	wait "$opener"
	wait_for 10 not pgrep -U "$uid" -x bash || return
	pgrep -U "$uid" -x lab-stay >/dev/null || { echo "nothing was left"; return 1; }
	egressctl reap && held "$uid" || return
	stay_end it
	wait_for 10 reaped
}
case_ "KILL of egressctl: what the command started stays held" killed_and_left
nohup_stays() {
	begin bash -c "trap '' HUP; exec egressctl run agent1 -- lab-stay it" || return
	kill -HUP "$opener"
	kill -WINCH "$opener"
	grep -q '^SigIgn:.*1$' "/proc/$(pgrep -P "$opener")/status" || { echo "HUP is not ignored"; return 1; }
	egressctl --json list | grep -q '"active"' || return
	stay_end it
	wait "$opener"
}
case_ "what nohup ignores, the command ignores" nohup_stays
left_behind() {
	run run agent1 -- bash -c 'setsid sleep 1000 >/dev/null 2>&1 </dev/null & exit 5'
	ended_with 5 && silent out && held "$uid" || return
	grep -Fqx 'egressctl: user "agent1": stays held: processes left: 1, sockets left: 0' "$LAB/err" ||
		{ cat "$LAB/err"; return 1; }
	pkill -U "$uid" -x sleep
	wait_for 10 reaped
}
case_ "what a command leaves behind stays held, and is said" left_behind
profile 'on_last_close = "kill";'
ends_leftovers() {
	run run agent1 -- bash -c 'setsid sleep 1000 >/dev/null 2>&1 </dev/null &'
	ended_with 0 && silent err && nothing_left && ! pgrep -U "$uid"
}
case_ "on_last_close = kill ends it" ends_leftovers
profile ''

# ---- on a terminal ---------------------------------------------------------------------------------

on_terminal() { timeout 60 python3 -I tests/tool/run_terminal.py "$1" "$uid" 2>&1; }
case_ "a terminal: ^C ends the command" on_terminal interrupt
case_ "a terminal: ^Z stops both, fg continues both" on_terminal suspend
case_ "a terminal: the line of the session is shown" on_terminal notice
case_ "a terminal: a shell in the session stops itself and goes on" on_terminal shell
case_ "a terminal: its hangup ends the command" on_terminal hangup
case_ "a terminal: setpriv's command types into root's shell (control)" on_terminal push_control
case_ "a terminal: the session cannot" on_terminal push
case_ "and nothing is left" wait_for 10 nothing_left

# ---- when nothing is run ---------------------------------------------------------------------------

# not_run STATUS PATTERN ARGS...
not_run() {
	rm -f /tmp/ran
	fails_with "$1" "$2" run "${@:3}" -- touch /tmp/ran && [ ! -e /tmp/ran ] && wait_for 10 "$let_go"
}
let_go=nothing_left
lab_config_broken
case_ "a broken configuration" not_run 1 '.*egress\.conf:.*' agent1
profile ''
case_ "no configuration" not_run 1 '/etc/egress/none\.conf: .* \(no last good configuration: nobody new is held\)' \
	-c /etc/egress/none.conf agent1
case_ "no such user" not_run 1 'user "frob": does not exist' frob
case_ "no user of that number" not_run 1 'user "4711": does not exist' 4711
case_ "whom nothing covers" not_run 3 'user "alice": nothing covers it: nothing is run' alice
case_ "root" not_run 3 'user "root": uid 0 is never held: nothing is run' root
let_go=reaped
as_alice() {
	local WRAP=(setpriv --reuid=alice --regid=alice --init-groups)
	"$@"
}
case_ "not root" as_alice not_run 1 'user "agent1": cannot be held: effective uid 2002, not 0' agent1
powerless() {
	local WRAP=(setpriv --bounding-set -net_admin)
	not_run 1 '.*([Pp]ermi|CAP_NET_ADMIN).*' agent1
}
case_ "without CAP_NET_ADMIN" powerless
# As a unit's LimitFSIZE= has it; it says so where that limit does not matter.
too_large() {
	local said status
	rm -f /tmp/ran
	said=$(prlimit --fsize=0 egressctl run agent1 -- touch /tmp/ran 2>&1 | cat; exit "${PIPESTATUS[0]}")
	status=$?
	echo "status $status: $said"
	[ "$status" -eq 1 ] && [ ! -e /tmp/ran ] && grep -q 'File too large' <<<"$said" && wait_for 10 reaped
}
case_ "where no file may grow: one line, and not a signal" too_large
case_ "no command" fails_with 2 'run: argument missing: needs USER -- CMD.*' run agent1 --
denied_in_log() { syslog_has 'egressctl\[[0-9]+\]: deny user=agent1 service=egressctl: '; }
case_ "the log tells of the refusals" wait_for 5 denied_in_log

# ---- a unit of systemd -----------------------------------------------------------------------------

# As systemd starts the ExecStart of a service: root, no terminal, /dev/null, a session and an environment of its own.
unit=/usr/share/doc/libegress/examples/agent-job.service
as_unit() {
	local start
	start=$(sed -nE 's/^ExecStart=(.* -- ).*/\1/p' "$unit")
	[ -n "$start" ] || { echo "no ExecStart in $unit"; return 1; }
	world_log_clear
	# shellcheck disable=SC2086  # words
	setsid env -i PATH=/usr/bin LANG=C INVOCATION_ID=x NOTIFY_SOCKET=/run/x $start lab-reach unit $ways proxy \
		</dev/null >/tmp/refused 2>/tmp/err || { cat /tmp/err; return 1; }
	all_refused /tmp/refused && by_proxy unit && nothing_arrived_but_proxy && wait_for 10 nothing_left
}
nothing_arrived_but_proxy() { world_settle && ! world_arrivals | grep -v -e 'via a proxy$' -e '^packet4 tcp .* port 80$'; }
case_ "a unit's ExecStart is held" as_unit
# It is root that systemd starts, and the command that a stop ends.
fits() { ! grep -E '^(User|Group|DynamicUser|NoNewPrivileges|PAMName)=' "$unit" && grep -q '^KillMode=mixed$' "$unit"; }
case_ "the unit leaves the account to egressctl" fits
lab_end
