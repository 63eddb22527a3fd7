#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Real openers that are killed in the middle of a session, and a caller of su who tries to stop it while it has a lock.
# shellcheck disable=SC2015,SC2317  # functions are called by case_; && and || are meant
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"

uid=2001
caller_dir=/tmp/caller

lab_start "$@"
lab_install
lab_account agent1 $uid
lab_account alice 2002
lab_config
install -m 755 "$lab_source/tests/crash/su_caller.py" /usr/local/bin/su-caller
for service in sshd su sudo; do lab_pam "$service"; done
egressctl sync >/dev/null

backend_is() {
	lab_config
	echo "backend = \"$1\";" >>/etc/egress/egress.conf
}

# By packets, since the backend may be any.
sends() { setpriv --reuid "$uid" --regid "$uid" --clear-groups lab-reach "$1" udp4 udp6 >"/tmp/sent-$1"; }
is_held() {
	world_log_clear
	sends probe || true
	! grep ' reached ' /tmp/sent-probe && nothing_arrived
}
all_gone() { egressctl reap >/dev/null && nothing_left && ! nft list ruleset | grep egress; }
kill_all() {
	pkill -KILL -U agent1
	! pgrep -U agent1
}

# ---- openers that are killed ---------------------------------------------------------------------

enter_sshd() { as_agent_ssh "$1"; }
enter_su() { su agent1 -c "$1"; }
enter_sudo() { sudo -n -u agent1 sh -c "$1"; }

opener_of() { egressctl --json list | grep -o '"pid": *[0-9]*' | grep -o '[0-9]*'; }

killed_opener() {
	local service=$1 opener job
	stay_forget left
	stay_forget session
	"enter_$service" "setsid lab-stay left </dev/null >/dev/null 2>&1 & lab-stay session" </dev/null &
	job=$!
	stay_wait left && stay_wait session && opener=$(opener_of) || return
	[ "$(wc -w <<<"$opener")" -eq 1 ] || { echo "openers: $opener"; return 1; }
	grep -Eq "^Name:.$service" "/proc/$opener/status" || { echo "the opener is not $service"; return 1; }
	kill -KILL "$opener" && wait_for 10 gone "$opener" || return
	stay_end session
	wait "$job"
	egressctl reap >/dev/null && egressctl reap >/dev/null && is_held
}

leftover_ends() {
	pgrep -U agent1 >/dev/null || { echo "nothing was left"; return 1; }
	stay_end left
	wait_for 10 not pgrep -U agent1 && wait_for 10 all_gone
}

# ---- a caller of su ------------------------------------------------------------------------------

call_su() {
	rm -rf "$caller_dir"
	install -d -o alice "$caller_dir"
	stay_forget session
	syslog_mark
	setpriv --reuid alice --regid alice --init-groups su-caller "$1" "$2" "$caller_dir" 2>"$LAB/caller.err" &
	caller=$!
	wait_for 10 test -s "$caller_dir/pid" && called=$(cat "$caller_dir/pid")
}

caller_goes() {
	touch "$caller_dir/done"
	kill -KILL "$called"
	wait "$caller"
	wait_for 10 kill_all && wait_for 10 all_gone
} 2>/dev/null

state() { sed -n 's/^State:.\(.\).*/\1/p' "/proc/$called/status" 2>/dev/null; }
is_stopped() { [ "$(state)" = T ]; }
has_open() { find "/proc/$called/fd" -lname "$1" | grep -q .; }

# What the caller does has an effect where su is not inside an operation. At the prompt no key has.
works_at_the_prompt() {
	local how=$1 effect=$2 status
	call_su "$how" prompt && wait_for 10 test -s "$caller_dir/struck" && wait_for 5 "$effect" "$called"
	status=$?
	caller_goes
	return "$status"
}

works_in_the_session() {
	local how=$1 effect=$2 status
	call_su "$how" inside && stay_wait session && touch "$caller_dir/strike" && wait_for 5 "$effect" "$called"
	status=$?
	caller_goes
	return "$status"
}

take_lock() {
	stay_forget lock
	flock "$1" lab-stay lock &
	lock_job=$!
	stay_wait lock
}

drop_lock() {
	stay_end lock
	wait "$lock_job"
}

# has_arrived HOW: the signal of a key, or of a terminal that goes away, waits for su to be ready for it.
has_arrived() {
	local bit
	case $1 in
	hangup) bit=1 ;;
	interrupt) bit=2 ;;
	quit) bit=4 ;;
	suspend) bit=$((1 << 19)) ;;
	*) return 0 ;;
	esac
	(($(sed -n 's/^ShdPnd:\t/0x/p' "/proc/$called/status") & bit))
}

# It waits on, neither stopped nor ended, for as long as somebody has the lock.
waits_on() {
	local i
	for i in {1..20}; do
		has_open "$1" && [[ "$(state)" == [SRD] ]] || { echo "state $(state), after look $i of 20"; return 1; }
		sleep 0.05
	done
}

struck_inside() {
	local how=$1 lock=$2 status=1
	take_lock "$lock" || return
	if call_su "$how" inside && wait_for 10 has_open "$lock" && touch "$caller_dir/strike" &&
		wait_for 10 test -s "$caller_dir/struck"; then
		waits_on "$lock" && { has_arrived "$how" || { echo "no signal arrived"; false; }; }
		status=$?
	fi
	drop_lock
	[ "$status" -eq 0 ] && has_come_to_its_end
	status=$?
	caller_goes && return "$status"
}

# Even if su gets the signal as soon as the operation is over: it is on record, the rules stand, no lock is taken.
has_come_to_its_end() {
	wait_for 5 on_record && wait_for 5 flock -n /run/egress/lock true && flock -n /run/xtables.lock true && is_held
}
on_record() { find /run/egress -regextype egrep -regex '.*/2001/[0-9a-f]{32}' | grep -q .; }

# ---- all of it -----------------------------------------------------------------------------------

lab_sshd
backends=$("${BUILD:?the tree to test}/tests/crash/crash" usable)
case_ "a backend can be used" test -n "$backends"
for backend in $backends; do
	backend_is "$backend"
	case_ "$backend: not held, it sends (control)" not is_held
	for service in sshd su sudo; do
		case_ "$backend: $service is killed: what it left stays held" killed_opener $service
		case_ "$backend: $service is killed: released when that has ended" leftover_ends
		wait_for 10 kill_all && wait_for 10 all_gone
	done
done

case_ "SIGSTOP at su's prompt stops it (control)" works_at_the_prompt stop is_stopped
case_ "SIGKILL at su's prompt ends it (control)" works_at_the_prompt kill gone
case_ "^C in su's session ends it (control)" works_in_the_session interrupt gone
case_ "the terminal goes away at su's prompt: it ends (control)" works_at_the_prompt hangup gone

for backend in $backends; do
	backend_is "$backend"
	# On the way to iptables' lock it has the ledger's.
	lock=/run/egress/lock
	[ "$backend" != iptables ] || lock=/run/xtables.lock
	for how in stop kill term suspend interrupt quit hangup; do
		case_ "$backend: $how while su waits for $lock: it waits on, and holds the account" struck_inside $how $lock
	done
done
case_ "in the end no rule and no state" all_gone
lab_end
