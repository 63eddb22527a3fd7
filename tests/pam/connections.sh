#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# existing_sockets: what an account connected before it was held. The first session ends it, unless it goes to where
# the account may go; with "keep" it goes on, which is the control. What arrives in the world is counted there.
# shellcheck disable=SC2015,SC2317,SC2119  # functions are called by case_; && and || are meant
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/pam/common.sh
. "$(dirname "$0")/common.sh"
matrix_start "$@"

install -m 755 "$lab_source/tests/pam/connections.py" /usr/local/bin/connections
for netlink_shim in "$BUILD/tests/shim/.libs/netlink-shim.so" "$BUILD/tests/shim/netlink-shim.so"; do
	[ ! -e "$netlink_shim" ] || break
done

# profile TEXT: of agent1. The route guard alone would stop an orphan, too.
profile() { lab_config "route_guard = false; $1"; }

as() { setpriv --reuid="$1" --regid="$1" --clear-groups --inh-caps=-all "${@:2}"; }
as_only() { exec setpriv --reuid="$1" --regid="$1" --clear-groups --inh-caps=-all "${@:2}"; }
files=(peer.there peer.log mark marked window stay.there stay.log speak)
forget() { rm -f "${files[@]/#//tmp/}"; }

peer_begin() {
	forget
	in_world /usr/local/bin/connections peer 2>"$LAB/peer.err" &
	peer=$!
	wait_for 10 test -e /tmp/peer.there
}

# What came of the connections that were there at the mark; once in a session of agent1.
peer_end() {
	: >/tmp/mark
	wait_for 10 test -e /tmp/marked && : >/tmp/window && wait_for 20 test -e /tmp/peer.log && cat /tmp/peer.log ||
		kill "$peer"
	wait "$peer"
}

connected() { [ "$(in_world ss -Htn state established "sport = :4000" | wc -l)" -eq "$1" ]; }
# Closed by its process, with more to send than its peer takes.
orphans() { [ "$(ss -Htn state fin-wait-1 "dport = :4000" | awk '$2 > 1000' | wc -l)" -eq "$1" ]; }

# orphans_meet ACCOUNT PATTERN COUNT: three orphans of ACCOUNT, from before agent1's session, each end like PATTERN.
orphans_meet() {
	local kind
	peer_begin || return
	for kind in 4 6 mapped; do
		as "$1" /usr/local/bin/connections orphan "$kind" || return
	done
	wait_for 10 orphans 3 || { ss -tan; echo "no orphans to begin with"; return 1; }
	begin agent1 open wait close || { cat "$results"; return 1; }
	held "$uid" || return
	peer_end
	[ "$(grep -Ecx "$2" /tmp/peer.log)" -eq 3 ] || { cat /tmp/peer.log; echo "not three like $2"; finish; return 1; }
	finish && said open ok close ok
}
gone_after() { wait_for 10 orphans 0 && egressctl reap && nothing_left; }

nothing='[46] 0 reset' all='[46] [1-9][0-9]{4,} eof'
for reject in reset drop; do
	profile "reject = \"$reject\"; existing_sockets = \"keep\";"
	case_ "control: kept, with $reject, all that three orphans had to send arrives" orphans_meet $uid "$all"
	case_ "control: then they are gone, with $reject" gone_after
	profile "reject = \"$reject\";"
	case_ "destroyed, with $reject, nothing of theirs arrives" orphans_meet $uid "$nothing"
	case_ "nothing of it is left, with $reject" gone_after
	case_ "the log tells, with $reject" logged 'agent1: existing_sockets: destroyed=3'
done
case_ "another account's orphans go on" orphans_meet 2002 "$all"
case_ "and are gone by themselves" gone_after

# ---- open ones -----------------------------------------------------------------------------------

# stays ACCOUNT: with its connections, until stay_over.
stays() {
	forget
	as_only "$1" /usr/local/bin/connections stay 2>"$LAB/stay.err" &
	stayer=$!
	wait_for 10 test -e /tmp/stay.there
}
stay_over() { kill -KILL "$stayer"; wait "$stayer" 2>/dev/null; wait_for 10 reaped; }
reaped() { egressctl reap && nothing_left; }

# speaks <LINES: what they do once agent1 is held.
speaks() {
	begin agent1 open wait close || return
	: >/tmp/speak
	wait_for 10 test -e /tmp/stay.log && diff - /tmp/stay.log
	local status=$?
	[ "$(ss -Hltn "sport = :5000" | wc -l)" -eq 1 ] || { echo "the listener is gone"; status=1; }
	finish && return "$status"
}
udp_to_world() { ss -Hun state established "dport = :9999" | grep -q .; }

case_ "agent1 has connections" stays $uid
case_ "one to the proxy lives, those to the world are aborted, the listener stays" speaks <<-END
	proxy HTTP/1.0 200 OK
	web ECONNABORTED
	udp EDESTADDRREQ
END
case_ "none of UDP is connected any more" not udp_to_world
stay_over

case_ "alice has connections" stays 2002
case_ "alice's all live" speaks <<-END
	proxy HTTP/1.0 200 OK
	web HTTP/1.0 200 OK
	udp sent
END
stay_over

profile 'allow = ( { to = "192.0.2.2"; ports = "80"; }, { to = "192.0.2.2"; proto = "udp"; ports = "9999"; } );'
case_ "agent1 has connections to where it may go" stays $uid
case_ "those live" speaks <<-END
	proxy HTTP/1.0 200 OK
	web HTTP/1.0 200 OK
	udp sent
END
stay_over

# ---- half open -----------------------------------------------------------------------------------

hardware=$(ip link show to-world | sed -nE 's|.*link/ether ([^ ]+).*|\1|p')
half_open() { ss -Htn state syn-recv "sport = :5000" | grep -q .; }
half_open_meets() {
	profile "$1"
	stays "$uid" && in_world /usr/local/bin/connections syn "$hardware" &&
		wait_for 5 half_open || { echo "none to begin with"; return 1; }
	begin agent1 open wait close || return
	"${@:2}" half_open
	local status=$?
	finish
	stay_over && return "$status"
}
case_ "control: kept, a half-open one waits for its peer" half_open_meets 'existing_sockets = "keep";' eval
case_ "a half-open one is gone" half_open_meets '' not

# ---- who else holds ------------------------------------------------------------------------------

profile ''
# ends CMD...: which holds agent1.
ends() {
	peer_begin && as "$uid" /usr/local/bin/connections orphan 4 && wait_for 10 orphans 1 && "$@" || return
	held "$uid" && peer_end
	[ "$(cat /tmp/peer.log)" = "4 0 reset" ]
}
case_ "egressctl hold ends them, too" ends egressctl hold agent1
lets_go() { "$@" && wait_for 10 reaped; }
case_ "and lets go" lets_go egressctl release agent1
profile 'hold = "always";'
case_ "so does sync" ends egressctl sync
profile ''
case_ "and lets go of whom nothing holds always" lets_go egressctl sync

# ---- what a kernel lacks -------------------------------------------------------------------------

lacks() { under=(env "LD_PRELOAD=$netlink_shim" "EGRESS_NETLINK_SHIM=$1"); }
lacks destroy:EOPNOTSUPP
case_ "without SOCK_DESTROY a session is given" opens
case_ "and the log says what is lacking" logged 'agent1: existing_sockets: this kernel has no SOCK_DESTROY for tcp, '
show_says() {
	EGRESS_NETLINK_SHIM=destroy:EOPNOTSUPP LD_PRELOAD=$netlink_shim egressctl show agent1 >"$LAB/show"
	grep "$1" "$LAB/show"
}
case_ "show says it, too" show_says '^lacking    existing_sockets: no SOCK_DESTROY for tcp, no SOCK_DESTROY for udp$'
show_is_silent() { ! egressctl show agent1 | grep lacking; }
case_ "and says nothing where nothing is lacking" show_is_silent
profile 'required = [ "existing_sockets" ];'
case_ "where it is required there is no session" denied PAM_PERM_DENIED \
	'existing_sockets: required, but this kernel has no SOCK_DESTROY for tcp, no SOCK_DESTROY for udp'

# resists PROFILE CMD...: an orphan that cannot be destroyed; the two calls before only ask whether one can.
resists() {
	profile "$1"
	peer_begin && as "$uid" /usr/local/bin/connections orphan 4 && wait_for 10 orphans 1 || return
	"${@:2}"
	local status=$?
	held "$uid" && peer_end && wait_for 10 reaped && return "$status"
}
lacks destroy:EPERM@4
refused() {
	run agent1 open && said open PAM_PERM_DENIED &&
		logged 'deny user=agent1 .*required, but 1 cannot be destroyed: tcp to 192.0.2.2:4000: Operation not permitted'
}
case_ "one that resists denies where it is required" resists 'required = [ "existing_sockets" ];' refused
told() {
	run agent1 open close && said open ok close ok &&
		logged 'agent1: existing_sockets: 1 cannot be destroyed, and may still send: tcp to 192.0.2.2:4000: Operation'
}
case_ "and is told where it is not" resists '' told
matrix_end
