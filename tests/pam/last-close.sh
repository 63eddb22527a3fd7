#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What becomes of sockets and processes that outlive the last session, of a second name, of a uid that is given away.
# shellcheck disable=SC2015,SC2119,SC2317  # functions are called by case_; && and || are meant
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"

uid=2001

# config PROFILE-KEYS [ENTRY...]: of agent1 if none is given.
config() {
	local keys=$1 entries
	shift
	entries=$(printf '{ %s }, ' "${@:-user = \"agent1\";}")
	mkdir -p /etc/egress
	cat >/etc/egress/egress.conf <<-END
		backend = "$LAB_BACKEND";
		profiles = { default = { proxy = [ "127.0.0.1:3128", "127.0.0.1:3129" ]; $keys }; };
		accounts = ( ${entries%, } );
	END
}

lab_start "$@"
lab_install
lab_account agent1 "$uid"
lab_account alice 2002
config ''
lab_pam su
: >/run/leftovers.lock
install -m 755 "$lab_source/tests/pam/leftover_sockets.py" /usr/local/bin/leftover-sockets
case_ "the helper compiles" cc -std=gnu11 -O2 -Wall -Wextra -Werror -o /usr/local/bin/leftovers \
	"$lab_source/tests/pam/leftovers.c"

enter() { su "${2-agent1}" -c "$1 </dev/null >/dev/null 2>&1"; }
as_alice() { setpriv --reuid=2002 --regid=2002 --clear-groups "$@"; }
meet() { wait_for 15 test -e "/tmp/$1"; }
reaped() { egressctl reap >/dev/null && nothing_left; }
runs_none() { ! pgrep -U "$1" && ! pgrep -u "$1"; }

# shows KEY VALUE: of agent1.
shows() {
	egressctl --json show agent1 >"$LAB/show"
	/usr/bin/python3 -I -c 'import json, sys
is_ = json.load(open(sys.argv[1]))[sys.argv[2]]
sys.exit(0 if str(is_) == sys.argv[3] else f"{sys.argv[2]} is {is_}, not {sys.argv[3]}")' "$LAB/show" "$1" "$2" 2>&1
}
lingers() { held "$uid" && shows state lingering && shows processes "$1" && shows sockets "$2"; }

# ---- sockets -------------------------------------------------------------------------------------

rm -f /tmp/sink.read
leftover-sockets sink &
meet sink.there

orphan_lingers() {
	enter "leftover-sockets orphan" && lingers 0 1 || return
	egressctl reap >/dev/null && lingers 0 1
}
orphan_is_sent() { : >/tmp/sink.read && wait_for 10 reaped; }
case_ "closed with data that its peer does not take: the account lingers" orphan_lingers
case_ "when the peer has taken it: released" orphan_is_sent

# hand_over: to alice's process, which is the only one that has it then.
hand_over() {
	world_log_clear
	rm -f /tmp/keep.* /tmp/meeting
	as_alice leftover-sockets keep &
	keeper=$!
	meet keep.there && enter "leftover-sockets hand-over" && meet keep.has
}
keeper_ends() { : >/tmp/keep.go && wait "$keeper"; }
handed_over_is_free() {
	lab_pam_off su
	hand_over && keeper_ends && wait_for 5 world_log_has '^udp4 .* handed-over$'
	local status=$?
	lab_pam su
	return "$status"
}
handed_over_is_held() {
	hand_over && lingers 0 1 && egressctl reap >/dev/null && lingers 0 1 || return
	keeper_ends && nothing_arrived
}
case_ "handed over to another account, without the module: it sends (control)" handed_over_is_free
case_ "handed over to another account: held as long as that has it, nothing of it arrives" handed_over_is_held
case_ "when that has ended: released" wait_for 10 reaped

went_abroad() {
	world_log_clear
	rm -f /tmp/abroad.there
	enter "leftover-sockets abroad &" && meet abroad.there && held "$uid" && shows state lingering && shows processes 1 || return
	egressctl reap >/dev/null && held "$uid" && nothing_arrived
}
case_ "taken along into a network namespace of its own: found by its process" went_abroad
pkill -KILL -U "$uid"
case_ "when that is killed: released" wait_for 10 reaped

# The usual end of a session must not wait for the next reap.
browses() {
	local i
	for i in $(seq 20); do
		enter "curl -sf -x $PROXY_URL http://$WORLD4/ -o /dev/null" && nothing_left || { echo "session $i of 20"; return 1; }
	done
}
case_ "curl through the proxy, twenty times: released when the session ends" browses

# ---- on_last_close = "kill" ------------------------------------------------------------------------

config 'on_last_close = "kill";'
# killed COMMAND: nothing of it runs when su has returned.
killed() {
	enter "$1" || :
	runs_none agent1 && nothing_left
}
many_times() {
	local i
	for i in $(seq 10); do
		"$@" || { echo "time $i of 10"; return 1; }
	done
}
case_ "kill: a process that stays" killed "setsid sleep 300 &"
case_ "kill: one that ignores signals" killed "trap '' HUP TERM INT; setsid sleep 300 & sleep 300 &"
case_ "kill: forks that each make the next" many_times killed "leftovers forks killed"
case_ "kill: threads that each make the next" many_times killed "leftovers threads killed"
case_ "kill: one that kills all that it may" killed \
	"setsid /usr/bin/python3 -c 'import os
if os.fork() == 0:
    while True: os.kill(-1, 9)' &"

told() { syslog_mark; killed "setsid sleep 300 &" && wait_for 5 syslog_has 'uid 2001: ended what its last session left: processes='; }
case_ "kill: it is told" told

another_session() {
	stay_forget other
	enter "lab-stay other" &
	local session=$! status
	stay_wait other || return
	enter "setsid sleep 300 &" && wait_for 5 pgrep -U agent1 -x sleep && held "$uid"
	status=$?
	stay_end other
	wait "$session"
	[ "$status" -eq 0 ] && runs_none agent1 && nothing_left
}
case_ "kill: not while another session is open, but at its end" another_session

opener_dies() {
	stay_forget dies
	enter "setsid sleep 300 & lab-stay dies" &
	local su=$!
	stay_wait dies || return
	pkill -KILL -x su
	wait "$su"
	egressctl reap >/dev/null && runs_none agent1 && wait_for 10 reaped
}
case_ "kill: by reap, when the opener was killed" opener_dies

# root's, with the account's effective uid: out of reach for who has the account's rights.
out_of_reach() {
	rm -f /tmp/euid.there
	leftover-sockets euid "$uid" &
	local root=$! status
	meet euid.there
	syslog_mark
	enter true && held "$uid" && gone "$root" && return 1
	wait_for 5 syslog_has 'uid 2001: 1 of its processes cannot be ended, it stays held' && ! gone "$root"
	status=$?
	kill -KILL "$root"
	wait "$root"
	wait_for 10 reaped && return "$status"
}
case_ "kill: what cannot be ended is told, and the account stays held" out_of_reach

left_the_configuration() {
	stay_forget leaves
	enter "setsid sleep 300 & lab-stay leaves" &
	local session=$!
	stay_wait leaves || return
	config '' 'user = "alice";'
	stay_end leaves
	wait "$session"
	runs_none agent1 && nothing_left
}
case_ "kill: also when it left the configuration meanwhile" left_the_configuration

config 'on_last_close = "release";'
released() {
	enter "setsid sleep 300 &" && wait_for 5 pgrep -U agent1 -x sleep && nothing_left
	local status=$?
	pkill -KILL -U agent1
	return "$status"
}
case_ "release: although something still runs" released

# ---- names -----------------------------------------------------------------------------------------

useradd -o --no-create-home --shell /bin/bash --uid "$uid" second
useradd -o --no-create-home --shell /bin/bash --uid "$uid" third
groupadd crew
usermod -aG crew third

# session_is_held NAME: while it lasts.
session_is_held() {
	stay_forget named
	enter "lab-stay named" "$1" &
	local session=$! status
	stay_wait named && held "$uid"
	status=$?
	stay_end named
	wait "$session"
	[ "$status" -eq 0 ] && wait_for 10 reaped
}
for entry in 'user = "agent1";' 'user = "second";' 'user = "third";' 'group = "crew";' 'group = "third";'; do
	config '' "$entry"
	for name in agent1 second third; do
		case_ "one uid, three names: an entry { $entry } holds $name" session_is_held $name
	done
done
config '' 'user = "alice";'
case_ "one uid, three names: an entry for somebody else holds none (control)" not session_is_held second
userdel second
userdel third

# ---- rules that somebody changed ------------------------------------------------------------------------

config ''
mended() {
	stay_forget mended
	enter "lab-stay mended" &
	local session=$! status
	stay_wait mended || return
	syslog_mark
	enter true && world_settle && ! syslog_has 'mended' || return
	lab_flush
	syslog_mark
	enter true && held "$uid" && wait_for 5 syslog_has "uid 2001: mended: $1"
	status=$?
	[ "$status" -eq 0 ] || syslog_new
	stay_end mended
	wait "$session"
	wait_for 10 reaped && return "$status"
}
case "$LAB_BACKEND" in
iptables) where='ipv4: .*OUTPUT.*ipv6: ' ;;
nftables) where='table inet egress: [0-9]+ objects' ;;
esac
case_ "rules that were flushed under a session: the next one mends them, and says where" mended "$where"

# ---- a uid that changes hands -------------------------------------------------------------------------

config ''
give_away() {
	userdel -f agent1 >/dev/null 2>&1
	useradd --no-create-home --shell /bin/bash --uid "$uid" bob
}
take_back() {
	userdel -f bob >/dev/null 2>&1
	useradd --no-create-home --shell /bin/bash --uid "$uid" agent1
}
given_away() {
	stay_forget gone
	enter "lab-stay gone" &
	local session=$!
	stay_wait gone || return
	give_away
	held "$uid" || return
	pkill -KILL -x su # the session's opener
	pkill -KILL -U "$uid"
	wait "$session"
	wait_for 5 runs_none "$uid" || return
	world_log_clear
	enter "lab-reach bob udp4" bob && wait_for 5 world_log_has '^udp4 .* bob$' && nothing_left
}
case_ "deleted while a session is open, its uid given away, nothing of it left: the new account is free" given_away
take_back
still_runs() {
	enter "setsid sleep 300 &"
	give_away
	world_log_clear
	enter "lab-reach bob udp4" bob || return
	held "$uid" && nothing_arrived || return
	pkill -KILL -U "$uid"
	wait_for 5 runs_none "$uid" || return
	enter "lab-reach bob udp4" bob && wait_for 5 world_log_has '^udp4 .* bob$' && nothing_left
}
case_ "the same, but something of it runs: held with it until that is gone" still_runs
lab_end
