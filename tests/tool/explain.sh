#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain: would it pass, by which entry, what instead; by the configuration alone, root or not.
# shellcheck disable=SC2317  # functions are called by case_
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/tool.bash"
lab_start "$@"
lab_install
lab_account agent1 2001
lab_account agent2 2002
lab_account other 2003
lab_account agent3 2004
mkdir -p /etc/egress/conf.d
cat >/etc/egress/egress.conf <<END
backend = "$LAB_BACKEND";
profiles = {
	default = {
		proxy = [ "127.0.0.1:3128",
			  "[::1]:3128" ];
		allow = (
			{ to = "192.0.2.10/32"; ports = "443,8000-8010"; reason = "licence server"; },
			{ to = "2001:db8::/32"; proto = "icmp"; }
		);
	};
};
accounts = (
	{ user = "agent1"; },
	{ uid = "20000-29999"; profile = "bare"; }
);
END
cat >/etc/egress/conf.d/bare.conf <<'END'
profiles = { bare = {
	proxy = "127.0.0.1:3128"; proxy_url = "https://proxy.example.org:3128"; reject = "drop"; }; };
accounts = ( { user = "agent2"; profile = "bare"; } );
END
cat >/etc/egress/conf.d/empty.conf <<'END'
profiles = { empty = {
	proxy = "127.0.0.1:3128";
	allow = ( ); }; };
accounts = ( { user = "agent3"; profile = "empty"; } );
END
chmod 644 /etc/egress/egress.conf /etc/egress/conf.d/*.conf
conf=/etc/egress/egress.conf bare=/etc/egress/conf.d/bare.conf

# ---- text ----------------------------------------------------------------------------------------

for who in root nobody; do
	case_ "$who: denied" as $who prints 3 explain agent1 tcp://192.0.2.1:443 <<END
account    agent1, $conf:13
to         tcp://192.0.2.1:443
verdict    denied
profile    default
rule       both reject tcp with reset, $conf:3
instead    http://127.0.0.1:3128
to allow   , { to = "192.0.2.1"; proto = "tcp"; ports = "443"; }
after      the last entry of allow, $conf:8
END
	case_ "$who: allowed" as $who prints 0 explain agent1 tcp://192.0.2.10:8003 <<END
account    agent1, $conf:13
to         tcp://192.0.2.10:8003
verdict    allowed
profile    default
rule       ipv4 allow tcp 192.0.2.10/32 port 8000-8010, $conf:7
reason     licence server
END
	case_ "$who: a uid without a name, nothing a proxy could carry" as $who prints 3 explain 20005 udp://192.0.2.1:123 <<END
account    uid 20005, $conf:14
to         udp://192.0.2.1:123
verdict    denied
profile    bare
rule       both drop any, $bare:1
instead    nothing: a proxy carries TCP
to allow   allow = ( { to = "192.0.2.1"; proto = "udp"; ports = "123"; } );
after      the profile's {, $bare:1
END
	case_ "$who: whom nothing covers" as $who prints 0 explain other tcp://192.0.2.1:443 <<END
account    other
to         tcp://192.0.2.1:443
verdict    not held
because    nothing in the configuration covers it
END
	case_ "$who: uid 0" as $who matches 0 '^because    uid 0 is never held$' explain root tcp://192.0.2.1:443
	case_ "$who: --json, denied" as $who json_of 3 'list(d) == ["account", "uid", "destination", "verdict", "profile",
		"covered_by", "rule", "decided_by", "reason", "instead", "add", "add_after"] and d["uid"] == 2002 and
		d["verdict"] == "denied" and d["instead"] == "https://proxy.example.org:3128" and d["reason"] is None and
		d["covered_by"] == {"file": "'$bare'", "line": 3} and d["decided_by"] == {"file": "'$bare'", "line": 1}' \
		explain agent2 'udp://[2001:db8::1]:53'
	case_ "$who: --json, allowed" as $who json_of 0 'd["verdict"] == "allowed" and d["add"] is None and
		d["instead"] is None and d["add_after"] is None and d["decided_by"]["line"] == 8 and
		d["destination"] == "icmp://2001:db8::1" and d["rule"] == "ipv6 allow icmpv6 2001:db8::/32"' \
		explain agent1 'icmp://[2001:DB8::1]'
	case_ "$who: --json, not held" as $who json_of 0 'd["verdict"] == "not held" and d["profile"] is None and
		d["covered_by"] is None and d["decided_by"] is None and d["rule"] is None' explain 0 icmp://192.0.2.1
done
case_ "the proxy's second line decides for ::1" matches 0 "^rule  .*$conf:5$" explain agent1 'tcp://[::1]:3128'
case_ "nothing was made" nothing_left

# ---- what it says to add -------------------------------------------------------------------------

# Put where it says, it lets through what was denied.
added() {
	local user=$1 to=$2 line file at
	run --json explain "$user" "$to"
	ended_with 3 || return
	read -r file at line < <(python3 -I -c '
import json, sys
d = json.load(open(sys.argv[1]))
print(d["add_after"]["file"], d["add_after"]["line"], d["add"])' "$LAB/out")
	cp "$file" "$LAB/before"
	ADD=$line AT=$at perl -i -pe 'if ($. == $ENV{AT}) { s/(= \{|\})(,?)$/$1 $ENV{ADD}$2/ or s/(= \{) *$/$1 $ENV{ADD}/ or s/\{$/{ $ENV{ADD}/ or s/\( \)/( $ENV{ADD} )/ }' "$file"
	run explain "$user" "$to"
	cp "$LAB/before" "$file"
	ended_with 0
}
case_ "an entry is added to those that are there" added agent1 'udp://[2001:db9::1]:53'
case_ "icmp is added, too" added agent1 icmp://192.0.2.1
case_ "the text says where in a list that is there" matches 3 '^after      the \( of allow, .*/empty\.conf:3$' \
	explain agent3 tcp://192.0.2.1:443
case_ "the first entry is added to a list that is there" added agent3 tcp://192.0.2.1:443
case_ "the first entry is added to the profile" added agent2 tcp://192.0.2.1:443

# ---- what is no question -------------------------------------------------------------------------

for bad in example.org 192.0.2.1:443 tcp: tcp:// tcp://example.org:443 tcp://192.0.2.1 tcp://192.0.2.1: tcp://192.0.2.1:0 \
	tcp://192.0.2.1:65536 tcp://192.0.2.1:4x tcp://192.0.2.0/24:443 tcp://2001:db8::1:443 'tcp://[2001:db8::1' \
	'tcp://[2001:db8::1]443' 'tcp://[::ffff:192.0.2.1]:443' https://192.0.2.1/ icmp://192.0.2.1:1 \
	"tcp://$(printf 'a%.0s' {1..300}):1"; do
	case_ "not a destination: ${bad:0:40}" fails_with 2 "destination \"${bad:0:3}.*" explain agent1 "$bad"
done
case_ "an odd destination is escaped" fails_with 2 'destination "tcp://\?\[2J".*' explain agent1 $'tcp://\033[2J'
case_ "no such user" fails_with 1 'user "frob": does not exist' explain frob tcp://192.0.2.1:443
case_ "one word too few" fails_with 2 'explain: .*' explain agent1
case_ "one word too many" fails_with 2 'explain: .*' explain agent1 tcp://192.0.2.1:443 x
chmod 600 "$conf"
case_ "nobody may not read the configuration" as nobody fails_with 1 "$conf.*" explain agent1 tcp://192.0.2.1:443
chmod 644 "$conf"

# ---- on the wire ---------------------------------------------------------------------------------

lab_pam su
# agrees TO CMD...: does a packet of agent1 for it arrive, or a proxy answer, as explain says?
agrees() {
	local to=$1 says arrives=3
	run explain agent1 "$to"
	says=$status
	world_log_clear
	su agent1 -c "$2" </dev/null >/dev/null 2>&1
	world_settle
	world_arrivals && arrives=0
	[ "$says" -eq "$arrives" ] || { echo "explain ends with $says, the wire with $arrives"; return 1; }
}
sed -i 's|{ to = "192.0.2.10/32"; ports = "443,8000-8010";|{ to = "192.0.2.2"; proto = "udp"; ports = "9999";|' $conf
case_ "udp, allowed, arrives" agrees udp://192.0.2.2:9999 'echo x >/dev/udp/192.0.2.2/9999'
case_ "udp, another port, does not" agrees udp://192.0.2.2:9998 'echo x >/dev/udp/192.0.2.2/9998'
case_ "tcp does not" agrees tcp://192.0.2.2:9999 'echo x >/dev/tcp/192.0.2.2/9999'
case_ "icmp to an IPv6 address, allowed, arrives" agrees icmp://2001:db8::2 'ping -c 1 -W 1 2001:db8::2'
case_ "icmp to an IPv4 address does not" agrees icmp://192.0.2.2 'ping -c 1 -W 1 192.0.2.2'
lab_end
