#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# probe says of each way out whether it is one: compared with what arrives outside, and with the rules taken away.
# shellcheck disable=SC2016,SC2317  # functions are called by case_, texts by eval
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/tool.bash"
lab_start "$@"
lab_install
lab_account agent1 2001

# The outside address that probe uses here, so that the world can say what arrived.
ip -n world addr add 198.51.100.99/32 dev lo
ip route add 198.51.100.0/24 via $WORLD4
ip -n world addr add 2001:db8::99/128 dev lo

# Without the route guard, which refuses before a rule counts, and without hardening, by which some of these sockets are never made; subordinate uids are another story.
bare="socket_families = \"any\"; route_guard = false;"
profile() { guarded "$bare ${1-}"; }
guarded() { lab_config && sed -i "s|3128\" \]; |&${1-} |" /etc/egress/egress.conf && egressctl sync >/dev/null; }
profile
usermod --del-subuids 0-4294967294 agent1

# ways RESULT NAME...: each of them ended so in the last run.
ways() {
	python3 -I -c '
import json, sys
d = json.load(open(sys.argv[1]))
of = {w["way"]: w for w in d["ways"]}
wrong = [of[name] for name in sys.argv[3:] if of[name]["result"] != sys.argv[2]]
if wrong: sys.exit("not %s: %s" % (sys.argv[2], wrong))
' "$LAB/out" "$@"
}
packets=(tcp tcp-any-port tcp-mapped tcp-fast-open tcp-ipv6 udp udp-ipv6 udp-lite udp-lite-ipv6 dns icmp icmp-ipv6 mptcp)
loopback=(loopback-tcp loopback-udp loopback-tcp-ipv6 loopback-udp-ipv6)

case_ "not held: 3" fails_with 3 'agent1: not held: .*' probe agent1
egressctl hold agent1 >/dev/null
world_log_clear
case_ "held: nothing escapes" json_of 0 'd["escaped"] == 0 and d["account"] == "agent1"
	and list(d) == ["account", "ways", "escaped"]
	and all(list(w) == ["way", "target", "result", "why"] for w in d["ways"])
	and all(w["result"] in ("refused", "impossible", "allowed", "not shown") for w in d["ways"])' probe agent1
case_ "packets are refused by the rules" ways refused "${packets[@]}"
case_ "loopback as well" ways refused "${loopback[@]}"
case_ "raw sockets are not made" ways impossible raw packet
case_ "what cannot be tried is named" ways "not shown" subordinate-uid
case_ "nothing arrived" nothing_arrived
case_ "it is still held" held 2001
case_ "text" matches 0 '^loopback-tcp +127\.0\.0\.1:[0-9]+ +refused +counted as denied$' probe agent1
case_ "text: how many" matches 0 '^0 escaped$' probe 2001
case_ "--no-legend" eval 'run --no-legend probe agent1; ! grep -Eq "^WAY|escaped$" $LAB/out'

# The control.
world_log_clear
lab_flush
case_ "flushed rules: escaped, exit 3" json_of 3 'd["escaped"] >= 17' probe agent1
case_ "each way of a packet" ways escaped "${packets[@]}" "${loopback[@]}"
arrived_inside() { json 'all(w["why"] == "it arrived" for w in d["ways"] if w["way"].startswith("loopback-"))'; }
case_ "what came to a listener of its own was seen there" arrived_inside
arrived_outside() { world_settle && world_log_has 'tcp' && world_log_has 'udp' && world_log_has 'icmp'; }
case_ "and it did arrive" arrived_outside
case_ "text: escaped" matches 3 '^tcp +198\.51\.100\.99:443 +ESCAPED ' probe agent1
egressctl sync >/dev/null
case_ "mended: nothing escapes" json_of 0 'd["escaped"] == 0' probe agent1

allowed_by_profile() {
	profile 'allow = ( { to = "198.51.100.99/32"; proto = "udp"; } );' && json_of 0 'd["escaped"] == 0' probe agent1 &&
		ways allowed udp && ways refused tcp udp-ipv6
}
case_ "what the profile allows is no escape" allowed_by_profile

allowed_loopback() {
	profile 'allow = ( { to = "::1"; proto = "any"; } );' && json_of 0 'd["escaped"] == 0' probe agent1 &&
		ways allowed loopback-tcp-ipv6 loopback-udp-ipv6 && ways refused loopback-tcp loopback-udp
}
case_ "nor is it on loopback" allowed_loopback

# What leaves by a hole counts nothing, and the account's sessions go on meanwhile.
hole() {
	case $LAB_BACKEND in
	iptables) iptables-legacy -I OUTPUT -d 198.51.100.99 -p udp -j ACCEPT ;;
	nftables) nft insert rule inet egress output ip daddr 198.51.100.99 ip protocol udp accept ;;
	esac
}
as_account=(setpriv --reuid=2001 --regid=2001 --clear-groups)
# busy PORT: packets to there meanwhile.
busy() {
	local pid
	profile 'allow = ( { to = "192.0.2.2"; proto = "udp"; ports = "9999"; } );' && hole || return
	rm -f /tmp/busy
	"${as_account[@]}" bash -c 'exec 3>/dev/udp/192.0.2.2/'"$1"'; : >/tmp/busy
		while :; do echo x >&3; sleep 0.001; done' 2>/dev/null &
	pid=$!
	wait_for 10 test -e /tmp/busy
	json_of 3 'd["escaped"] == 1' probe agent1 && ways escaped udp && ways refused tcp
	set -- $?
	kill "$pid"
	wait "$pid"
	return "$1"
}
case_ "other packets that the profile allows hide no escape" busy 9999
case_ "nor do others that are refused" busy 9998

# fights DO: the account does that to each process of its uid that it finds.
fights() {
	local pid
	rm -f /tmp/fights
	"${as_account[@]}" python3 -I -c '
import os, resource, signal
def stop(pid): os.kill(pid, signal.SIGSTOP)
def starve(pid): resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, 0))
open("/tmp/fights", "w").close()
while True:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(pid) not in (os.getpid(), 1) and os.stat("/proc/" + pid).st_uid in (0, 2001):
                '"$1"'(int(pid))
        except OSError:
            pass' &
	pid=$!
	wait_for 10 test -e /tmp/fights
	WRAP=(timeout -s KILL 60)
	json_of 0 'd["escaped"] == 0' probe agent1 && ways refused "${packets[@]}" "${loopback[@]}"
	set -- $?
	WRAP=()
	kill -KILL "$pid"
	wait "$pid"
	return "$1"
}
profile
case_ "the account cannot stop what probes" fights stop
case_ "nor take its descriptors away" fights starve
profile >/dev/null

no_route() {
	ip route del 198.51.100.0/24 && ip addr del "$HOST4/24" dev to-world || return
	json_of 0 'd["escaped"] == 0' probe agent1 && ways "not shown" tcp udp tcp-mapped dns && ways refused loopback-tcp tcp-ipv6
}
case_ "no route: not shown" no_route
ip addr add "$HOST4/24" dev to-world
ip route add 198.51.100.0/24 via $WORLD4

subordinate_held() {
	usermod --add-subuids 300000-365535 agent1 && profile && json_of 0 'd["escaped"] == 0' probe agent1 &&
		ways refused subordinate-uid
}
case_ "subordinate uids that are held" subordinate_held
usermod --del-subuids 0-4294967294 agent1
# What a hold once covers it keeps, whatever the profile becomes.
subordinate() {
	egressctl release agent1 && usermod --add-subuids 300000-365535 agent1 && profile 'subordinate_ids = "ignore";' &&
		egressctl hold agent1 || return
	json_of 3 'd["escaped"] == 1' probe agent1 && ways escaped subordinate-uid
}
case_ "subordinate uids that are ignored" subordinate
usermod --del-subuids 0-4294967294 agent1
profile >/dev/null

hardened() {
	guarded "route_guard = false;" && json_of 0 'd["escaped"] == 0' probe agent1 &&
		ways impossible mptcp io-uring && ways refused tcp udp loopback-tcp
}
case_ "hardened as a session is: nothing beyond IP" hardened
hardened_by_last_good() { echo '{{{' >>/etc/egress/egress.conf && hardened_again; }
hardened_again() { run --json probe agent1; ways impossible mptcp; }
case_ "hardened, too, by the last good configuration where it is broken" hardened_by_last_good
unhardened() { profile >/dev/null; run --json probe agent1; ways refused mptcp; }
case_ "and without it" unhardened

guard_stays() {
	guarded && lab_flush && json_of 3 'd["escaped"] == 4' probe agent1 && ways impossible tcp udp tcp-ipv6 &&
		ways escaped "${loopback[@]}"
}
case_ "flushed rules with the route guard: loopback alone" guard_stays
guard_by_protocol() {
	guarded 'allow = ( { to = "198.51.100.99"; proto = "tcp"; } );' && lab_flush || return
	run --json probe agent1
	ways escaped tcp tcp-any-port tcp-mapped tcp-fast-open && ways impossible udp icmp udp-lite tcp-ipv6 || return
	guarded 'allow = ( { to = "198.51.100.99"; proto = "udp"; ports = "443"; } );' && lab_flush || return
	run --json probe agent1
	ways impossible tcp tcp-any-port tcp-mapped tcp-fast-open icmp udp-lite tcp-ipv6 && ways escaped udp
}
case_ "and what the profile allows, by protocol and port" guard_by_protocol
guard_and_loopback() {
	guarded && lab_flush && echo "nameserver 127.0.0.53" >/etc/resolv.conf || return
	run --json probe agent1
	ways escaped dns && ways impossible udp
}
case_ "a resolver on loopback is beyond the route guard" guard_and_loopback
echo "nameserver $WORLD4" >/etc/resolv.conf
profile

case_ "no such user" fails_with 1 '"nobody-there": no such user' probe nobody-there
case_ "root" fails_with 1 '"root": uid 0 is never held' probe root
case_ "no user" fails_with 2 'probe: argument missing: .*' probe
WRAP=(setpriv --reuid=2001 --regid=2001 --init-groups)
case_ "without privilege" fails_with 1 'probe: .*needs root' probe agent1
WRAP=()
unchanged() {
	local before
	before=$(lab_rules)
	run probe agent1
	[ "$before" = "$(lab_rules)" ]
}
case_ "it changes nothing" unchanged

lab_end
