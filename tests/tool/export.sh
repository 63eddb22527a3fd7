#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# export says what a profile allows in the words of others, by the configuration alone. What packets then meet is
# tests/wire/export.sh; here: who may, what a NetworkPolicy can be, and what goes wrong.
# shellcheck disable=SC2317  # functions are called by case_
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/tool.bash"
lab_start "$@"
lab_install
lab_account agent1 2001
lab_account Agent_2 2002
lab_account other 2003
printf 'a\033b:x:2004:2004::/:/bin/sh\n' >>/etc/passwd

lab_config
cat >/etc/egress/egress.conf <<'END'
profiles = {
	default = { proxy = [ "127.0.0.1:3128", "[::1]:3128" ]; };
	pods = {
		proxy = [ "192.0.2.7:3128", "[2001:db8::7]:3128" ];
		allow = (
			{ to = "198.51.100.0/24"; proto = "tcp"; ports = "443,8000-8010"; },
			{ to = "203.0.113.9"; proto = "udp"; },
			{ to = "203.0.113.10"; proto = "any"; }
		);
	};
	odd = {
		proxy = [ "192.0.2.7:3128" ];
		allow = (
			{ to = "192.0.2.9"; proto = "icmp"; },
			{ to = "127.0.0.1"; ports = "5432-5433"; },
			{ to = "192.0.2.53"; proto = "udp"; ports = "53"; }
		);
	};
	jobs = { proxy = [ "192.0.2.7:3128" ]; hold = "always"; };
};
accounts = (
	{ user = "agent1"; profile = "pods"; }, { user = "Agent_2"; profile = "odd"; },
	{ uid = "2004"; profile = "pods"; }, { uid = "2005"; }, { uid = "20000-29999"; profile = "jobs"; }
);
END

# ---- by the configuration alone ------------------------------------------------------------------

for format in nft iptables json; do
	case_ "nobody may export as $format" as nobody matches 0 '192\.0\.2\.7' export agent1 --format $format
done
same() {
	run export "$2" --format "$1" && cp "$LAB/out" /tmp/root
	as nobody run export --format="$1" "$2"
	ended_with 0 && silent err && diff /tmp/root "$LAB/out"
}
for format in nft iptables json networkpolicy; do
	case_ "root gets what nobody gets: $format" same $format agent1
done
by_uid() {
	run export "$2" --format "$1" && cp "$LAB/out" /tmp/name
	run export "$3" --format "$1" && diff /tmp/name "$LAB/out"
}
case_ "a uid is its name" by_uid iptables agent1 2001
case_ "nothing was made" nothing_left
case_ "JSON: the keys are the documented ones" json_of 0 'list(d) == ["account", "uid", "ranges", "profile", "log", "rules"]
	and list(d["log"]) == ["group", "rate", "period"] and all(list(r) ==
	["family", "action", "with", "protocol", "to", "ports", "match", "interface", "proxy"] for r in d["rules"])' export agent1
case_ "JSON: the rules in their order" json_of 0 '
	[(r["family"], r["action"], r["protocol"], r["to"], r["ports"], r["proxy"]) for r in d["rules"]] == [
	("ipv4", "reject", "any", None, None, False), ("ipv6", "reject", "any", None, None, False),
	("ipv4", "allow", "tcp", "192.0.2.7/32", [3128, 3128], True),
	("ipv6", "allow", "tcp", "2001:db8::7/128", [3128, 3128], True),
	("ipv4", "allow", "tcp", "198.51.100.0/24", [443, 443], False),
	("ipv4", "allow", "tcp", "198.51.100.0/24", [8000, 8010], False),
	("ipv4", "allow", "udp", "203.0.113.9/32", None, False),
	("ipv4", "allow", "any", "203.0.113.10/32", None, False),
	("both", "log", "any", None, None, False), ("both", "reject", "tcp", None, None, False),
	("both", "reject", "any", None, None, False)]' export agent1
case_ "JSON: a loopback proxy keeps to its interface" json_of 0 \
	'd["rules"][2]["interface"] == "lo" and d["rules"][2]["proxy"]' export 2005
case_ "JSON: what could be forged comes first" json_of 0 '[r["match"] for r in d["rules"]][:3] ==
	["options", "routing-header", None]' export agent1
case_ "JSON: answers of a listener" json_of 0 '[(r["to"], r["ports"], r["interface"]) for r in d["rules"]
	if r["match"] == "replies"] == [("127.0.0.1/32", [5432, 5433], "lo")]' export Agent_2
case_ "JSON: a range" json_of 0 'd["uid"] == 20000 and d["ranges"] == [[20000, 29999]] and d["profile"] == "jobs"' \
	export 20000-29999
case_ "a uid inside a range is exported by itself" json_of 0 'd["ranges"] == [[20005, 20005]]' export 20005
case_ "the range as list names it" matches 0 'meta skuid 20000-29999 goto plan' \
	export "uid 20000-29999" --format nft
no_escape() {
	run export 2004 --format "$1"
	ended_with 0 && ! grep -q $'\033' "$LAB/out"
}
for format in nft iptables networkpolicy json; do
	case_ "no control character gets out: $format" no_escape $format
done

# ---- subordinate uids ------------------------------------------------------------------------------

# all_of FORMAT PATTERN...: the lines of agent1's export that are like that are those of standard input.
all_of() {
	cat >/tmp/wanted
	run export agent1 --format "$1"
	ended_with 0 && silent err && grep "${@:2}" "$LAB/out" | tr -d '\t' | diff /tmp/wanted -
}
# profile KEYS: those of agent1's besides what it has.
profile() { sed -i "s/^\tpods = {.*/\tpods = { $1/" /etc/egress/egress.conf; }
alone() {
	all_of nft skuid <<<'meta skuid 2001 goto plan' &&
		all_of iptables '^-I' <<<'-I OUTPUT 1 -m owner --uid-owner 2001 -j EXPORT-2001' &&
		json_of 0 'd["ranges"] == [[2001, 2001]]' export agent1 && not grep -q Subordinate "$LAB/out"
}
: >/etc/subuid
case_ "an account without subordinate uids is alone" alone
printf '%s\n' agent1:100000:65536 other:300000:65536 2001:165536:10 >/etc/subuid
nft_has() {
	all_of nft -e Subordinate -e skuid <<-'END'
		# Subordinate uids: 100000-165535, 165536-165545
		meta skuid 2001 goto plan
		meta skuid 100000-165535 goto plan
		meta skuid 165536-165545 goto plan
	END
}
iptables_has() {
	all_of iptables -e '^-I' -e 'Take away' <<-'END'
		# Take away, with both: -D OUTPUT -m owner --uid-owner 2001 -j EXPORT-2001, -D OUTPUT -m owner --uid-owner 100000-165535 -j EXPORT-2001, -D OUTPUT -m owner --uid-owner 165536-165545 -j EXPORT-2001, -F EXPORT-2001, -X EXPORT-2001
		-I OUTPUT 1 -m owner --uid-owner 2001 -j EXPORT-2001
		-I OUTPUT 1 -m owner --uid-owner 100000-165535 -j EXPORT-2001
		-I OUTPUT 1 -m owner --uid-owner 165536-165545 -j EXPORT-2001
	END
}
case_ "nft: its subordinate uids go the same way" nft_has
case_ "iptables: its subordinate uids go the same way" iptables_has
case_ "JSON: its ranges, its own uid first" json_of 0 \
	'd["uid"] == 2001 and d["ranges"] == [[2001, 2001], [100000, 165535], [165536, 165545]]' export agent1
as_the_kernel_has() {
	egressctl hold agent1 >/dev/null && egressctl --json show agent1 >/tmp/held && egressctl release agent1 >/dev/null &&
		json_of 0 'd["ranges"] == json.load(open("/tmp/held"))["ranges"]' export agent1
}
case_ "JSON: the ranges by which it is held" as_the_kernel_has
kept_is_roots() { [ "$(stat -c %a /var/lib/egress)" = 700 ]; }
case_ "what is kept of a name service root alone can read now" kept_is_roots
for format in nft iptables json; do
	case_ "root gets what nobody gets, subordinate uids too: $format" same $format agent1
done
case_ "a range has none" json_of 0 'd["ranges"] == [[20000, 29999]]' export 20000-29999
ignored() {
	profile 'subordinate_ids = "ignore";' && alone
}
refused() {
	profile 'subordinate_ids = "refuse";' &&
		fails_with 1 '/etc/subuid:1: uid 2001 has subordinate ids, which profile "pods" refuses' export agent1 --format "$1"
}
case_ "ignored: they are not in it" ignored
for format in nft iptables json; do
	case_ "refused: there is nothing that would stand, so nothing is exported: $format" refused $format
done
profile ''
unreadable() {
	printf '%s\n' agent1:100000:many >/etc/subuid
	fails_with 1 '/etc/subuid:1: "agent1:100000:many": is not NAME:FIRST:COUNT' export agent1 --format nft
}
case_ "a line of its that is no range: nothing is exported" unreadable
printf '%s\n' Agent_2:100000:65536 Agent_2:165536:10 >/etc/subuid

# Dropped from the configuration while it is held: export goes by what is written there now.
dropped() {
	local result
	egressctl hold agent1 >/dev/null &&
		sed -i.whole 's/{ user = "agent1"; profile = "pods"; },//' /etc/egress/egress.conf || return
	fails_with 3 '.*agent1.*nothing covers it' export agent1 --format nft
	result=$?
	mv /etc/egress/egress.conf.whole /etc/egress/egress.conf
	egressctl release agent1 >/dev/null && return "$result"
}
case_ "what is held but not configured is not exported" dropped

# ---- a listener of the account's own ---------------------------------------------------------------

install -m 755 "$lab_source/tests/pam/ports.py" /usr/local/bin/ports
heard=/tmp/heard
: >$heard
chmod 666 $heard
as_agent() { setpriv --reuid=2002 --regid=2002 --clear-groups "$@"; }
serve() {
	rm -f "/tmp/ready-$1"
	"${@:2}" ports serve "$1" "$heard" "/tmp/ready-$1" &
	wait_for 10 test -e "/tmp/ready-$1"
}
load() {
	run export Agent_2 --format "$1" && cp "$LAB/out" /tmp/exported || return
	case $1 in
	nft) nft -f /tmp/exported ;;
	iptables) iptables-legacy-restore --noflush /tmp/exported && ip6tables-legacy-restore --noflush /tmp/exported ;;
	esac
}
unload() { nft flush ruleset; iptables-legacy -F; iptables-legacy -X; ip6tables-legacy -F; ip6tables-legacy -X; }
asks() { "${@:4}" ports ask "$2" "$3" 127.0.0.1 | grep -x "127.0.0.1 $1"; }
case_ "Agent_2 listens at 5432, and at 5555; somebody else at 9090" eval \
	'serve 5432 as_agent && serve 5555 as_agent && serve 9090 env'
case_ "with nothing loaded 5555 answers (control)" asks answered 0 5555 env
case_ "and from port 5433 others are reached (control)" asks answered 5433 9090 as_agent
for format in nft iptables; do
	case_ "$format: loads" load $format
	case_ "$format: a listed listener answers" asks answered 0 5432 env
	case_ "$format: one that is not listed does not" asks silent 0 5555 env
	case_ "$format: from a listed port nobody else is reached" asks ECONNREFUSED 5433 9090 as_agent
	unload
done

# ---- Kubernetes ------------------------------------------------------------------------------------

# policy EXPRESSION: of what was printed last; see networkpolicy.py.
policy() { /usr/bin/python3 "$lab_source/tests/tool/networkpolicy.py" "$LAB/out" "$1" 2>&1; }
policy_of() {
	run export "$1" --format networkpolicy
	ended_with 0 && silent err && policy "$2"
}
case_ "NetworkPolicy: the client library reads it; egress is denied by default" policy_of agent1 \
	'p.spec.policy_types == ["Egress"] and p.spec.ingress is None and label == "agent1"
	and p.metadata.name == "egress-agent1"'
case_ "NetworkPolicy: what the profile lists, and nothing else" policy_of agent1 'allows() == [
	("192.0.2.7/32", "TCP", 3128, None), ("2001:db8::7/128", "TCP", 3128, None),
	("198.51.100.0/24", "TCP", 443, None), ("198.51.100.0/24", "TCP", 8000, 8010),
	("203.0.113.9/32", "UDP", None, None), ("203.0.113.10/32", None, None, None)]'
case_ "NetworkPolicy: no name server that is not listed" policy_of 20000-29999 \
	'allows() == [("192.0.2.7/32", "TCP", 3128, None)]'
case_ "NetworkPolicy: a range has a name and a label" policy_of 20000-29999 \
	'label == "uid-20000-29999" and p.metadata.name == "egress-uid-20000-29999"'
case_ "NetworkPolicy: an odd name is none" policy_of 2004 'label == "uid-2004" and p.metadata.name == "egress-uid-2004"'
left_out() {
	run export Agent_2 --format networkpolicy
	ended_with 0 && one_error 'odd: left out: icmp to 192\.0\.2\.9/32, tcp to 127\.0\.0\.1/32 port 5432-5433: .*' &&
		policy 'allows() == [("192.0.2.7/32", "TCP", 3128, None), ("192.0.2.53/32", "UDP", 53, None)]
			and notes["egress/left-out"] == "icmp to 192.0.2.9/32, tcp to 127.0.0.1/32 port 5432-5433"
			and label == "Agent_2" and p.metadata.name == "egress-agent-2-2002"'
}
case_ "NetworkPolicy: what it cannot say is left out, and told" left_out
case_ "NetworkPolicy: a loopback proxy cannot be one" fails_with 1 \
	'default: proxy 127\.0\.0\.1/32 port 3128: cannot be a NetworkPolicy: .*' export 2005 --format networkpolicy

# ---- what goes wrong -------------------------------------------------------------------------------

case_ "no format" fails_with 2 'export: --format is missing: nft, iptables, networkpolicy or json' export agent1
case_ "another format" fails_with 2 'export: --format: "pf" is not nft, .*' export agent1 --format pf
case_ "an empty format" fails_with 2 'export: --format: "" is not nft, .*' export agent1 --format=
case_ "a format without a name" fails_with 2 '"--format": needs an argument.*' export agent1 --format
case_ "two formats" fails_with 2 'export: --json: is another format than "nft"' export agent1 --json --format nft
case_ "no user" fails_with 2 'export: argument missing: needs USER' export --format nft
case_ "--format of another verb" fails_with 2 'list: "--format": no option of this verb' list --format nft
case_ "nobody of that name" fails_with 1 '.*frob.*does not exist' export frob --format nft
case_ "covered by nothing" fails_with 3 '.*other.*nothing covers it' export other --format json
case_ "root" fails_with 3 '.*root.*nothing covers it' export root --format nft
case_ "a range that no entry names" fails_with 1 '.*20000-29998.*' export 20000-29998 --format nft
case_ "a missing configuration" fails_with 1 '/etc/egress/none\.conf.*' \
	-c /etc/egress/none.conf export agent1 --format nft
lab_config_broken
case_ "a configuration that does not parse" fails_with 1 '.*egress\.conf:2: .*' export agent1 --format json
case_ "nothing is left" nothing_left

lab_end
