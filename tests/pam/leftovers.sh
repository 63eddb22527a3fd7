#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a session leaves behind stays held until it is gone, however it hides from whoever looks through /proc.
# shellcheck disable=SC2015,SC2119,SC2317  # functions are called by case_; && and || are meant
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"

uid=2001
reaps=25

held_config() {
	mkdir -p /etc/egress
	cat >/etc/egress/egress.conf <<-END
		backend = "$LAB_BACKEND";
		profiles = { default = { proxy = [ "127.0.0.1:3128" ]; }; };
		accounts = ( { user = "agent1"; }, { user = "agent2"; }, { uid = "20000-20009"; } );
	END
}

lab_start "$@"
lab_install
lab_account agent1 $uid
lab_account alice 2002
lab_account agent2 2003
held_config
: >/run/leftovers.lock
case_ "the helper compiles" cc -std=gnu11 -O2 -Wall -Wextra -Werror -o /usr/local/bin/leftovers \
	"$lab_source/tests/pam/leftovers.c"

enter() { su agent1 -c "$1 </dev/null >/dev/null 2>&1"; }
# pgrep and pkill can be outrun too; the helper's lock cannot.
hider_lives() { ! flock -n /run/leftovers.lock true; }
kill_all() {
	pkill -KILL -U agent1
	! hider_lives && ! pgrep -U agent1
}
released() { egressctl reap >/dev/null && nothing_left; }

# Whatever the case left behind must not spoil the next one.
clean_up() {
	wait_for 10 kill_all && wait_for 10 released && world_log_clear
}

stays_held() {
	held "$uid" || return
	nothing_arrived || { echo "something of it arrived"; return 1; }
}

released_when_gone() {
	wait_for 10 kill_all && wait_for 10 released
}

# hides MODE: by leftovers.c, through many reaps.
hides() {
	local i
	world_log_clear
	enter "leftovers $1 $1-held" || return
	hider_lives || { echo "it does not run"; return 1; }
	for i in $(seq "$reaps"); do
		"reap_$1" "$i" && held "$uid" || { echo "after reap $i of $reaps"; return 1; }
	done
	hider_lives || { echo "it ended by itself"; return 1; }
	stays_held
}

arrives_without_hold() {
	local status
	world_log_clear
	lab_pam_off su
	enter "leftovers $1 $1-free" && wait_for 5 world_log_has "^udp4 .* $1-free$"
	status=$?
	lab_pam su
	wait_for 10 kill_all && return "$status"
}

hiding() {
	case_ "$2: without the module it sends (control)" arrives_without_hold "$1"
	case_ "$2: it stays held through $reaps reaps, nothing of it arrives" hides "$1"
	case_ "$2: released when it is gone" released_when_gone
	clean_up
}

delayed_reap() {
	strace -o "$LAB/trace" "$@" egressctl reap >/dev/null
	grep -q 'DELAYED' "$LAB/trace" || { echo "nothing was delayed"; return 1; }
}

# ---- threads that hop ----------------------------------------------------------------------------

leader_is_dead() { grep -q '^State:.Z' "/proc/$(pgrep -o -U agent1)/status"; }
reap_threads() { wait_for 5 leader_is_dead && egressctl reap >/dev/null; }

# ---- forks that outrun the look through /proc ------------------------------------------------------

# The pids are about to wrap, each time at another moment. The reaper is kept for a while where it has the list of
# processes and has not yet looked at them: meanwhile the one that it wants is not any more on that list.
reap_forks() {
	echo $(($(cat /proc/sys/kernel/pid_max) - 5 - $1 * 4)) >/proc/sys/kernel/ns_last_pid
	delayed_reap -P /proc/1/status -e trace=openat -e inject=openat:delay_enter=100000:when=1
}

# ---- su, stopped before it is the account ----------------------------------------------------------

child_of() { pgrep -P "$1" -x su; }
is_stopped() { grep -Eq '^State:.[Tt]' "/proc/$1/status"; }
is_real_uid() { grep -Eq "^Uid:.$2[[:space:]]" "/proc/$1/status"; }
find_stopped() {
	opener=$(pgrep -P "$tracer" -x su) && child=$(child_of "$opener") && is_stopped "$child"
}

# stop_su CALLER: CALLER's su to agent1 stands between its session and setuid, and its parent is dead.
stop_su() {
	local caller=$1
	world_log_clear
	rm -f /tmp/after
	echo agent1 | strace -f -qq -u "$caller" -o "$LAB/trace" -e trace=setgid -e inject=setgid:signal=SIGSTOP:when=1 \
		su agent1 -c 'lab-reach after tcp4 udp4 udp6 >/tmp/after' >/dev/null 2>&1 &
	tracer=$!
	wait_for 15 find_stopped || return
	is_real_uid "$child" "$(id -u "$caller")" || { echo "it is no longer the caller's"; return 1; }
	kill -KILL "$opener" && wait_for 5 gone "$opener" && is_stopped "$child"
}

continue_su() {
	kill -CONT "$child" && wait "$tracer"
	[ "$(wc -l </tmp/after)" -eq 3 ] || { echo "it did not go on"; return 1; }
}

stopped_su_is_free() {
	local status
	lab_pam_off su
	stop_su "$1" && continue_su && wait_for 5 world_log_has '^udp4 .* after$'
	status=$?
	lab_pam su
	return "$status"
}

stopped_su_is_held() {
	local i
	stop_su "$1" || return
	for i in 1 2 3; do
		egressctl reap >/dev/null && held "$uid" || { echo "after reap $i"; return 1; }
	done
}

stopped_su_gets_nothing_out() {
	continue_su || return
	! grep ' reached ' /tmp/after && nothing_arrived
}

stopped_su() {
	[ "$1" = alice ] || egressctl hold "$1" >/dev/null
	case_ "su by $1, stopped on its way: without the module it sends (control)" stopped_su_is_free "$1"
	case_ "su by $1, stopped on its way, its parent killed: held" stopped_su_is_held "$1"
	case_ "su by $1: when it goes on, nothing of it arrives" stopped_su_gets_nothing_out "$1"
	[ "$1" = alice ] || egressctl release "$1" >/dev/null
	case_ "su by $1: released when it is gone" wait_for 10 released
	clean_up
}

# ---- ordinary ones ---------------------------------------------------------------------------------

ordinary_is_held() {
	world_log_clear
	stay_forget left
	enter "$1" && stay_wait left || return
	egressctl reap >/dev/null && stays_held || return
	stay_end left
	wait_for 10 test -s /tmp/left || return
	! grep ' reached ' /tmp/left && nothing_arrived
}

ordinary() {
	rm -f /tmp/left
	case_ "$1: held, nothing of it arrives" ordinary_is_held "$2"
	case_ "$1: released when it is gone" released_when_gone
	clean_up
}

ordinary_control() {
	local status
	rm -f /tmp/left
	world_log_clear
	lab_pam_off su
	stay_forget left
	enter "setsid $stay &" && stay_wait left && stay_end left && wait_for 5 world_log_has '^udp4 .* left$'
	status=$?
	lab_pam su
	wait_for 10 kill_all && return "$status"
}

leaves_nothing() { enter true && wait_for 5 nothing_left; }

# ---- sockets that make every look at sockets slow ------------------------------------------------------

# In one slot of the kernel's table of UDP sockets, which it goes through from its start for each part of a list.
crowd_of_sockets() {
	cat >/usr/local/bin/many-sockets <<-'END'
		import os, resource, socket, sys, time
		hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
		resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
		kept = []
		for i in range(min(15000, hard - 20)):
		    kept.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
		    kept[-1].bind(("127.%s.%d.%d" % (sys.argv[1], i >> 8, i & 255), 5555))
		if os.fork() == 0:
		    os.setsid()
		    time.sleep(300)
		os._exit(0)
	END
	local i
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		enter "python3 -I /usr/local/bin/many-sockets $i" || return
		! look_is_slow || return 0
	done
	echo "180000 sockets are not enough"
	return 1
}
# Where there is somebody to release.
look_is_slow() { come_and_go 20000 && egressctl reap 2>&1 | grep -q 'nothing is released: sock_diag'; }
come_and_go() { pamtester nameless "#$1" open_session close_session; }

# Whoever closes must not keep the others from logging in, each for as long as such a look may take.
lock_stays_free() {
	local i job
	for i in 20001 20002 20003; do
		come_and_go "$i" &
		job=$!
		while ! gone "$job"; do
			flock -w 1 /run/egress/lock true || { echo "the lock was taken for a second"; wait "$job"; return 1; }
		done
		wait "$job" || return
	done
	held "$uid" && held 20001
}

# ---- a uid that has no name ------------------------------------------------------------------------

# sudo asks PAM for a session only if the uid has an entry in passwd. So a range that sudo -u '#UID' can reach
# needs hold = "always"; other services may name '#UID' to PAM.
nameless() { sudo -n -u "#$1" -- sh -c "$2" </dev/null; }
nameless_config() {
	printf 'backend = "%s";\nprofiles = { default = { proxy = [ "127.0.0.1:3128" ]; hold = "%s"; }; };\n%s\n' \
		"$LAB_BACKEND" "$1" 'accounts = ( { uid = "20000-20009"; } );' >/etc/egress/egress.conf
}

# nameless_tries UID: by sudo.
nameless_tries() {
	world_log_clear
	rm -f /tmp/nameless
	nameless "$1" "lab-reach nameless tcp4 udp4 udp6 >/tmp/nameless" && [ "$(wc -l </tmp/nameless)" -eq 3 ]
}
nameless_sends() { nameless_tries "$1" && wait_for 5 world_log_has 'GET /nameless ' && world_log_has '^udp6 '; }
nameless_is_silent() { nameless_tries "$1" && ! grep ' reached ' /tmp/nameless && nothing_arrived; }

nameless_session() {
	pamtester nameless '#20005' open_session && held 20005 && nameless_is_silent 20005
}
nameless_not_in_range() {
	pamtester nameless '#20010' open_session && nothing_left && nameless_sends 20010
}

nameless_always() {
	nameless_config always
	egressctl sync >/dev/null && nameless_is_silent 20005
}
nameless_always_off() {
	nameless_config session
	egressctl sync >/dev/null && nothing_left
}

# ---- all of it -------------------------------------------------------------------------------------

lab_pam su
hiding threads "threads that hop, the first one ended"
if [ -e /proc/sys/kernel/ns_last_pid ]; then
	hiding forks "forks while pids wrap"
else
	skip "forks while pids wrap" "no /proc/sys/kernel/ns_last_pid"
fi
stopped_su agent2
stopped_su alice

stay="sh -c 'lab-stay left; lab-reach left tcp4 udp4 >/tmp/left.new; mv /tmp/left.new /tmp/left; sleep 300'"
case_ "setsid: without the module it sends (control)" ordinary_control
case_ "a session that leaves nothing: released at its end (control)" leaves_nothing
ordinary setsid "setsid $stay &"
ordinary "a double fork" "( ( $stay & ) & )"
ordinary nohup "nohup $stay &"
ordinary "tmux, detached" "tmux new-session -d \"$stay\""

echo 'Defaults runas_allow_unknown_id' >>/etc/sudoers
lab_pam sudo
lab_pam_alone nameless
case_ "so many sockets that no look at them ends (control)" crowd_of_sockets
case_ "so many sockets: who closes leaves the lock to others, and the rest to the reaper" lock_stays_free
case_ "so many sockets: all are released when they are gone" released_when_gone
clean_up

nameless_config session
case_ "a session of '#UID', not in the range: nothing is held, it sends (control)" nameless_not_in_range
case_ "a session of '#UID', in the range: held, nothing of it arrives" nameless_session
case_ "a session of '#UID': released when it is gone" wait_for 10 released
case_ "sudo -u '#UID', always held: nothing of it arrives" nameless_always
case_ "sudo -u '#UID', not in the range that is always held: it sends (control)" nameless_sends 20010
case_ "sudo -u '#UID', no longer held: nothing is left" nameless_always_off
case_ "sudo -u '#UID', no longer held: it sends (control)" nameless_sends 20005
lab_end
