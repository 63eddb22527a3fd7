#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the rules do to packets: only the held account's, in both families, and only to narrow.
# shellcheck source=tests/kernel/kernel.bash
. "$(dirname "$0")/kernel.bash"

# connects UID ADDRESS PORT
connects() {
	# shellcheck disable=SC2016  # arguments of the inner shell
	as "$1" timeout 5 bash -c ': >"/dev/tcp/$1/$2"' bash "$2" "$3" 2>/run/connect-error
}

serve() {
	python3 -I - "$@" <<-'END' &
		import socket, sys, signal
		held = []
		for place in sys.argv[1:]:
		    address, port = place.rsplit("-", 1)
		    family = socket.AF_INET6 if ":" in address else socket.AF_INET
		    held.append(socket.create_server((address, int(port)), family=family))
		signal.pause()
	END
	server=$!
	trap 'kill $server' EXIT
	wait_for 10 connects 0 127.0.0.1 3128 && wait_for 10 connects 0 ::1 4000
}

refuses_at_once() {
	local started=${EPOCHREALTIME/./}
	not connects 2001 "$1" 4000 && grep -q 'Connection refused' /run/connect-error &&
		[ $((${EPOCHREALTIME/./} - started)) -lt 900000 ]
}

lets_through_what_the_plan_allows() {
	hold 2001 proxy=127.0.0.1:3128 'proxy=[::1]:3128' || return 1
	echo "the proxy is out of reach"
	connects 2001 127.0.0.1 3128 && connects 2001 ::1 3128 || return 1
	echo "the rest is not refused"
	refuses_at_once 127.0.0.1 && refuses_at_once ::1 || return 1
	echo "UDP is not refused"
	not sends 2001 127.0.0.1 53 && not sends 2001 ::1 53 || return 1
}

leaves_the_others_alone() {
	hold 2001 || return 1
	local uid
	for uid in 0 1000 2000 2002; do
		connects $uid 127.0.0.1 4000 && connects $uid ::1 4000 &&
			sends $uid ::1 9 || return 1
	done
}

# RETURN, not ACCEPT: what the host refuses stays refused.
allows_no_more_than_the_host() {
	hold 2001 proxy=127.0.0.1:3128 || return 1
	iptables-legacy -A OUTPUT -p tcp --dport 3128 -m owner --uid-owner 2001 -j REJECT
	not connects 2001 127.0.0.1 3128 && connects 0 127.0.0.1 3128
}

lets_the_narrowest_decide() {
	hold 2000-2999 + 2001 allow=127.0.0.1,tcp,4000 + 2000-2010 allow=::1,tcp,4000 || return 1
	echo 2001
	connects 2001 127.0.0.1 4000 && not connects 2001 ::1 4000 || return 1
	echo 2002
	not connects 2002 127.0.0.1 4000 && connects 2002 ::1 4000 || return 1
	echo 2011
	not connects 2011 127.0.0.1 4000 && not connects 2011 ::1 4000 || return 1
	remove 2001 2000-2010 && not connects 2001 127.0.0.1 4000
}

# is_held UID..., is_free UID...
is_held() {
	local uid
	for uid; do
		echo "$uid is free"
		not sends "$uid" 127.0.0.1 9 && not sends "$uid" ::1 9 || return 1
	done
}
is_free() {
	local uid
	for uid; do
		echo "$uid is held"
		sends "$uid" 127.0.0.1 9 && sends "$uid" ::1 9 || return 1
	done
}

# Every other uid of 20001-24999 in one write, and a range that begins among them.
tells_thousands_apart() {
	local uid plans
	mapfile -t plans < <(for uid in $(seq 20001 2 24999); do printf '%s\n' "$uid" +; done)
	hold "${plans[@]}" 24500-29999 || return 1
	[ "$(list_all | grep -c '^hold')" -eq 2501 ] && not grep drift <(list_all) || return 1
	is_held 20001 22499 22501 24497 24499 24500 24501 24502 24999 25000 29999 &&
		is_free 0 1000 20000 20002 22498 22500 22502 24498 30000 65534 4294967294 || return 1
	remove 22501 24501 24500-29999 && is_free 22501 24500 24502 25000 29999 24501 &&
		is_held 20001 22499 22503 24499 24503 24999 && hold 22500 && is_held 22499 22500 22503 &&
		is_free 22501
}

# A reset for a closed port is the kernel's own: no socket, no owner.
leaves_what_nobody_owns() {
	hold 2001 && not connects 0 127.0.0.1 4999 && grep -q 'Connection refused' /run/connect-error &&
		not connects 0 ::1 4999 && grep -q 'Connection refused' /run/connect-error
}

drops_in_silence() {
	hold 2001 drop allow=127.0.0.1,tcp,3128 && connects 2001 127.0.0.1 3128 || return 1
	not connects 2001 127.0.0.1 4000 && not grep 'refused' /run/connect-error
}

counts_both_families() {
	hold 2001 allow=127.0.0.1,udp,9 allow=::1,udp,9 || return 1
	sends 2001 127.0.0.1 9 && sends 2001 ::1 9 &&
		not sends 2001 127.0.0.1 10 && not sends 2001 ::1 10 || return 1
	list 2001 | grep '^allowed'
	list 2001 | grep -q '^allowed 2 packets 78 bytes, denied 2 packets 78 bytes$'
}

lets_go() {
	hold 2001 && not connects 2001 127.0.0.1 4000 && remove 2001 && connects 2001 127.0.0.1 4000
}

# While the plan changes all the time, nothing gets out.
is_never_open_meanwhile() {
	local sender i
	hold 2001 || return 1
	as 2001 python3 -I - <<-'END' &
		import os, socket, sys
		families = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
		tries = escaped = 0
		while not os.path.exists("/run/enough"):
		    for family, address in families:
		        with socket.socket(family, socket.SOCK_DGRAM) as out:
		            tries += 1
		            try:
		                out.sendto(b"x", (address, 10))
		                escaped += 1
		            except PermissionError:
		                pass
		sys.exit(escaped > 0 or tries < 100)
	END
	sender=$!
	for i in $(seq 40); do
		hold 2001 drop "proxy=127.0.0.1:$((4000 + i))" "proxy=[::1]:$i" + $((3000 + i)) &&
			hold 2001 nolog && remove $((3000 + i)) && continue
		touch /run/enough
		return 1
	done
	touch /run/enough
	echo "a packet got out"
	wait $sender && rm /run/enough
}

serve 127.0.0.1-3128 ::1-3128 127.0.0.1-4000 ::1-4000
case_ "the proxy is reached, the rest refused at once" lets_through_what_the_plan_allows
case_ "other users are left alone" leaves_the_others_alone
case_ "what the host refuses stays refused" allows_no_more_than_the_host
case_ "of several holds the narrowest decides" lets_the_narrowest_decide
case_ "of thousands each is told from its neighbours" tells_thousands_apart
case_ "what nobody owns passes" leaves_what_nobody_owns
case_ "drop is silent" drops_in_silence
case_ "list counts both families" counts_both_families
case_ "a removed account is free" lets_go
case_ "a change of plan lets nothing out" is_never_open_meanwhile
kernel_end
