#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The route guard: what the account's own uid may send, whatever becomes of the firewall's rules.
# shellcheck disable=SC2317  # the stories call what stands here
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"

UNCOVERED=2005

# guard_config ROUTE_GUARD [MORE-OF-THE-PROFILE]
guard_config() {
	mkdir -p /etc/egress
	cat >/etc/egress/egress.conf <<-END
		backend = "$LAB_BACKEND";
		profiles = { default = { proxy = [ "127.0.0.1:3128", "[::1]:3128" ];
			allow = ( { to = "198.51.100.7/32"; proto = "udp"; ports = "9000"; } );
			existing_sockets = "keep"; route_guard = $1; ${2-} }; };
		accounts = ( { user = "agent1"; }, { user = "agent2"; } );
	END
	chmod 644 /etc/egress/egress.conf
}

# A live session of agent1.
session_begin() {
	stay_forget guard
	setpriv --reuid 0 su agent1 -c 'lab-stay guard' &
	session=$!
	stay_wait guard
}

session_end() {
	stay_end guard
	wait "$session"
}

# One attempt of each kind, by UID, with its own sockets; nobody listens for most, and the world's ear hears all.
attempts() {
	setpriv --reuid "$1" --regid 65534 --clear-groups python3 -I - "$2" <<-'END'
		import socket, struct, sys
		tag = sys.argv[1].encode()
		def attempt(family, kind, proto, address):
		    try:
		        with socket.socket(family, kind, proto) as sock:
		            sock.settimeout(1)
		            if kind == socket.SOCK_STREAM:
		                sock.connect((address, 80))
		                sock.sendall(b"GET /" + tag + b" HTTP/1.0\r\n\r\n")
		                sock.recv(10)
		            elif proto in (1, 58):
		                echo = 8 if proto == 1 else 128
		                sock.sendto(bytes([echo, 0, 0, 0, 0, 0, 0, 0]) + tag, (address, 0))
		            else:
		                sock.sendto(tag, (address, 9999))
		    except OSError as e:
		        print(proto, address, e)
		for family, address, icmp in ((socket.AF_INET, "192.0.2.2", 1), (socket.AF_INET6, "2001:db8::2", 58)):
		    attempt(family, socket.SOCK_STREAM, 0, address)
		    attempt(family, socket.SOCK_STREAM, 262, address)
		    attempt(family, socket.SOCK_DGRAM, 0, address)
		    attempt(family, socket.SOCK_DGRAM, 136, address)
		    attempt(family, socket.SOCK_DGRAM, icmp, address)
		# By a network card: SO_BINDTODEVICE, IP_UNICAST_IF, IP_PKTINFO; to one of its addresses and to another.
		index = socket.if_nametoindex("to-world")
		for address in "192.0.2.2", "192.0.2.77":
		    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
		        sock.sendmsg([tag], [(0, 8, struct.pack("=i8x", index))], 0, (address, 9998))
		        sock.setsockopt(0, 50, struct.pack("!i", index))
		        sock.sendto(tag, (address, 9997))
		    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
		        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"to-world")
		        sock.sendto(tag, (address, 9996))
	END
}

nothing_leaves() {
	world_log_clear
	attempts 2001 escape
	nothing_arrived
}

# In each family one way at least: TCP, UDP and ICMP; and those by a network card.
all_leaves() {
	world_log_clear
	attempts "$1" free
	world_settle
	local way
	for way in 'packet4 tcp' 'packet6 tcp' 'packet4 udp' 'packet6 udp' 'packet4 icmp' 'packet6 icmp' \
		'packet4 udp .* 9998' 'packet4 udp .* 9997' 'packet4 udp .* 9996' 'packet4 udp .* > 192\.0\.2\.77 port 9996'; do
		world_log_has "$way" || { world_arrivals; echo "nothing like \"$way\" of uid $1 arrived"; return 1; }
	done
}

flushed_and_shut() {
	session_begin
	lab_flush
	nothing_leaves || { session_end; return 1; }
	all_leaves "$UNCOVERED" || { session_end; return 1; }
	session_end
}

# As in a network namespace whose loopback interface nobody ever brought up: then no route can come from there.
without_loopback() {
	local status
	ip addr del 127.0.0.1/8 dev lo
	flushed_and_shut
	status=$?
	ip addr add 127.0.0.1/8 dev lo
	return "$status"
}

# The control: the rules alone do not survive that.
flushed_and_open() {
	guard_config false
	session_begin
	lab_flush
	all_leaves 2001
	local status=$?
	egressctl sync >/dev/null
	session_end
	return "$status"
}

# The ways are the host's: somebody's rule and table, as a VPN has them, decide where what is allowed goes.
vpn() {
	ip link add vpn type veth peer name vpn-peer && ip link set vpn-peer up && ip addr add 10.9.9.1/24 dev vpn && ip link set vpn up &&
		ip route add 198.51.100.0/24 dev vpn table 77 && ip rule add pref 5000 to 198.51.100.0/24 lookup 77
}

way_of() { ip route get 198.51.100.7 ipproto udp dport "$1" uid "$2" 2>&1; }

goes_where_the_host_says() {
	session_begin
	local status=0
	way_of 9000 "$UNCOVERED" | grep -q 'dev vpn table 77' || { echo "no such way for others"; status=1; }
	way_of 9000 2001 | grep -q 'dev vpn table 77' || { way_of 9000 2001; status=1; }
	way_of 9001 2001 | grep -q 'local .* dev lo table 10101' || { way_of 9001 2001; status=1; }
	way_of 9001 0 | grep -q 'dev vpn table 77' || { way_of 9001 0; status=1; }
	session_end
	return "$status"
}

rules_of_others() { { ip -4 rule show; ip -6 rule show; } | grep -v 'proto 101$'; }

leaves_others_alone() {
	ip rule add pref 240 fwmark 5 lookup 77
	local before status=0
	before=$(rules_of_others)
	session_begin
	[ "$before" = "$(rules_of_others)" ] || { diff <(echo "$before") <(rules_of_others); status=1; }
	session_end
	[ "$before" = "$(rules_of_others)" ] || { diff <(echo "$before") <(rules_of_others); status=1; }
	ip rule del pref 240
	nothing_left && return "$status"
}

# Where somebody has a rule already, ours keep before it; among theirs there is no place.
keeps_before_others() {
	ip rule add pref 100 to 203.0.113.0/24 lookup 77
	local status=0
	session_begin
	[ "$(lab_guard -4 | tail -n 1 | cut -d: -f1)" -lt 100 ] || { lab_guard -4; status=1; }
	egressctl verify agent1 || status=1
	session_end
	ip rule del pref 100
	nothing_left && return "$status"
}

is_told_and_mended() {
	session_begin
	local status=0
	ip rule del pref "$(lab_guard -4 | grep 'uidrange 2001-2001 goto' | tail -n 1 | cut -d: -f1)" uidrange 2001-2001
	egressctl verify agent1 | grep -x 'agent1: route guard: ipv4: uid 2001: missing' || status=1
	egressctl sync && egressctl verify agent1 || status=1
	ip rule flush && ip rule add pref 32766 lookup main
	egressctl verify agent1 | grep 'route guard: ipv4: uid 2001: missing' || status=1
	egressctl sync && egressctl verify || status=1
	lab_flush
	nothing_leaves || status=1
	session_end
	nothing_left && return "$status"
}

goes_and_comes_with_the_profile() {
	session_begin
	local status=0
	guard_config false
	egressctl verify agent1 | grep 'route guard: ipv4: uid 2001: must not stand' || status=1
	egressctl sync && ! lab_guard -4 && ! lab_guard -6 || status=1
	guard_config true
	egressctl sync && lab_guard -4 | grep -q 'uidrange 2001-2001' && lab_guard -6 | grep -q 2001 || status=1
	session_end
	nothing_left && return "$status"
}

orphan_of_the_guard_goes() {
	ip rule add pref 23 protocol 101 uidrange 2009-2009 goto 199
	egressctl reap && egressctl hold agent2 && egressctl release agent2 && nothing_left
}

is_shown() {
	session_begin
	egressctl --json show agent1 | grep '"route_guard": *"on"'
	local status=$?
	session_end
	return "$status"
}

# There is no place before a rule of priority 30.
no_room() { ip rule add pref 30 lookup 77; }
room() { ip rule del pref 30; }

required_and_absent() {
	guard_config true 'required = [ "route_guard" ];'
	no_room
	syslog_mark
	! su agent1 -c true && syslog_has 'deny .*route_guard: ipv4: no room before the rule of priority 30'
	local status=$?
	room
	nothing_left && return "$status"
}

optional_and_absent() {
	guard_config true
	no_room
	syslog_mark
	session_begin
	local status=0
	held 2001 || status=1
	syslog_has 'route_guard: ipv4: no room .*; accounts are held without it' || status=1
	egressctl show agent1 | grep 'absent: route_guard' || status=1
	session_end
	room
	nothing_left && return "$status"
}

lab_start "$@"
lab_install
# Where no ARP is needed, a packet says by itself that it left.
ip neigh replace 192.0.2.77 lladdr "$(ip -n world -o link show to-host | sed "s/.*ether \([^ ]*\).*/\1/")" dev to-world
lab_account agent1 2001
lab_account agent2 2002
lab_account bystander $UNCOVERED
lab_pam su
vpn
guard_config true

case_ "flushed under a live session, nothing of the account leaves the host; a bystander's does" flushed_and_shut
case_ "nor does it where loopback has no address" without_loopback
case_ "control: without the guard it does" flushed_and_open
guard_config true
egressctl reap >/dev/null
case_ "what is allowed goes where the host's own rules say, as a bystander's does" goes_where_the_host_says
case_ "rules of others stay as they are, and with the last session none of ours is left" leaves_others_alone
case_ "ours keep before a rule of somebody else" keeps_before_others
case_ "verify names what is missing, sync mends it, ip rule flush included" is_told_and_mended
case_ "the guard goes and comes with the profile" goes_and_comes_with_the_profile
guard_config true
case_ "what a killed release left of the guard goes" orphan_of_the_guard_goes
case_ "show says that it is on" is_shown
case_ "required and absent: denied, and named" required_and_absent
case_ "optional and absent: held, told and shown" optional_and_absent
lab_end
