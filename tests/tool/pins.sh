#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# hold, release, list, show, verify and sync say what is so in the kernel, as text and as JSON.
# shellcheck disable=SC2317  # functions are called by case_
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/tool.bash"
lab_start "$@"
lab_install
lab_account agent1 2001
lab_account agent2 2002
lab_config

as_agent1() { setpriv --reuid=2001 --regid=2001 --clear-groups "$@"; }

# ---- nothing is held ---------------------------------------------------------------------------

empty_list() { prints 0 list <<<"no account is held"; }
case_ "list: no account is held" empty_list
case_ "list --json: []" json_of 0 'd == []' list
case_ "show: not held, exit 3" matches 3 '^state +not held$' show agent1
case_ "show by uid" matches 3 '^account +agent1$' show 2001
case_ "show --json: not held, exit 3" json_of 3 'd["state"] == "not held" and d["sessions"] == []
	and d["allowed"] == d["denied"] == {"packets": 0, "bytes": 0}' show agent1
case_ "verify: nothing to compare" matches 0 '^kernel and plan agree$' verify
case_ "release of what is not pinned is 3" fails_with 3 '.*agent1.*' release agent1
case_ "nothing was made" nothing_left

# ---- a pin -------------------------------------------------------------------------------------

pinned_and_held() { matches 0 '^agent1: pinned$' hold agent1 && held 2001; }
case_ "hold: the rules stand" pinned_and_held
case_ "hold again is no error" pinned_and_held
case_ "list shows the pin" matches 0 '^agent1 +2001 +pinned +0 +0 +default +'"$LAB_BACKEND"' +0 +0$' list
case_ "list --json shows the pin" json_of 0 'len(d) == 1 and list(d[0]) == ACCOUNT
	and d[0]["account"] == "agent1" and d[0]["uid"] == 2001 and d[0]["ranges"] == [[2001, 2001], [100000, 165535]]
	and d[0]["state"] == "pinned" and d[0]["profile"] == "default"
	and d[0]["backend"] == "'"$LAB_BACKEND"'" and d[0]["proxy"] == ["127.0.0.1:3128"]
	and d[0]["processes"] == 0 and d[0]["sessions"] == []' list
case_ "show prints the plan" matches 0 'ipv4 allow tcp 127\.0\.0\.1/32 port 3128$' show agent1
case_ "show --json has the plan and no drift" json_of 0 'list(d) == ACCOUNT + ["plan", "drift", "backend_reason", "sockets", "lacking", "route_guard"]
	and d["drift"] == [] and "ipv4 allow tcp 127.0.0.1/32 port 3128" in d["plan"]' show 2001
case_ "verify of the account agrees" matches 0 '^kernel and plan agree$' verify agent1

refused() {
	! as_agent1 /bin/bash -c ": </dev/tcp/$WORLD4/80" 2>/dev/null &&
		json_of 0 'd["denied"]["packets"] > 0 and d["denied"]["bytes"] > 0
			and d["allowed"]["packets"] == 0' show agent1
}
case_ "a refused packet is counted as denied" refused
proxied() {
	as_agent1 /bin/bash -c ": </dev/tcp/127.0.0.1/3128" &&
		json_of 0 'd[0]["allowed"]["packets"] > 0' list
}
case_ "a packet to the proxy is counted as allowed" proxied

# ---- drift -------------------------------------------------------------------------------------

drifts() {
	local before
	before=$(lab_rules)
	run verify
	ended_with 3 && silent err && [ -s "$LAB/out" ] || return 1
	json_of 3 'list(d) == ["differences"] and len(d["differences"]) > 0' verify agent1 || return 1
	json_of 0 'd["drift"] != []' show agent1 || return 1
	[ "$before" = "$(lab_rules)" ] || { echo "verify changed something"; return 1; }
}
mended() { json_of 0 'd["held"] == 1 and d["ended"] == 0' sync && held 2001 && matches 0 . verify; }
damage() {
	echo "# $*"
	"$@" && drifts && mended
}
case_ "a rule of ours deleted" damage iptables-legacy -D EGRESS-2001 1
case_ "the chain emptied, IPv6" damage ip6tables-legacy -F EGRESS-2001
case_ "an accept in our chain" damage iptables-legacy -I EGRESS-2001 -j ACCEPT
case_ "a rule before our jump" damage iptables-legacy -I OUTPUT -p udp -j ACCEPT
case_ "everything flushed" damage iptables-legacy -F
case_ "sync without drift changes nothing" json_of 0 'd == {"held": 0, "released": 0, "ended": 0}' sync
case_ "sync says so to people" matches 0 '^nothing to do$' sync
iptables-legacy -D OUTPUT -p udp -j ACCEPT 2>/dev/null

# ---- a range, an odd name ------------------------------------------------------------------------

# A name that no useradd gives, from a directory that lets everything through.
printf 'a\033[31mb:x:2010:2010::/:/bin/sh\n' >>/etc/passwd
cat >/etc/egress/egress.conf <<END
backend = "$LAB_BACKEND";
profiles = {
	default = { proxy = [ "127.0.0.1:3128" ]; };
	jobs = { proxy = [ "127.0.0.1:3128" ]; hold = "always"; };
};
accounts = (
	{ user = "agent1"; }, { uid = "2010"; }, { uid = "20000-29999"; profile = "jobs"; }
);
END
odd_name() {
	matches 0 '^a\\x1b\[31mb: pinned$' hold 2010 && matches 0 '^a\\x1b\[31mb +2010 +pinned' list &&
		json_of 0 'd["account"] == "a\x1b[31mb"' show 2010 && json_of 0 'True' release 2010
}
case_ "a name with an escape in it" odd_name
case_ "sync holds a range that is always held" json_of 0 'd["held"] == 1' sync
case_ "list shows the range" matches 0 '^uid 20000-29999 +20000-29999 +pinned ' list
case_ "list --json shows its ends" json_of 0 '[a["ranges"] for a in d] == [[[2001, 2001], [100000, 165535]],
	[[20000, 29999]]] and d[1]["uid"] == 20000' list
case_ "show takes the name that list prints" matches 0 '^uid +20000-29999$' show "uid 20000-29999"
lab_account ranged 20007
# A range is held without anybody's subordinate uids.
usermod --del-subuids 0-4294967294 ranged
case_ "show of one whom a range holds" matches 0 '^account +uid 20000-29999$' show ranged
case_ "as JSON" json_of 0 'd["state"] == "pinned" and d["ranges"] == [[20000, 29999]] and d["drift"] == []' show 20005
case_ "explain says the same" matches 3 '^account +uid 20005, ' explain 20005 tcp://192.0.2.1:443
case_ "nobody beside it" fails_with 1 'user "19999": nothing covers it, and it is not held' show 19999
case_ "probe tries as one of its" matches 0 '^tcp .* (refused|impossible) ' probe ranged
unranged() {
	iptables-legacy -F EGRESS-20000-29999 && matches 3 '^uid 20000-29999: ' verify ranged && run sync && matches 0 . verify ranged
}
case_ "verify of one whom a range holds" unranged
by_itself() {
	egressctl hold ranged && matches 0 '^account +ranged$' show 20007 && matches 0 '^account +uid 20000' show 20005 &&
		egressctl release ranged && matches 0 '^account +uid 20000' show 20007
}
case_ "who is held by itself as well is shown so" by_itself
# takes VERB: a range; explain and export want a word more, and run a command.
takes() {
	case $1 in
	explain) run explain 20000-29999 icmp://192.0.2.1 ;;
	export) run export 20000-29999 --format json ;;
	run) run run 20000-29999 -- true ;;
	*) run "$1" 20000-29999 ;;
	esac
	[ "$status" -eq 0 ]
}
promises() { "$EGRESSCTL" "$1" --help | grep -q ' or a range that "list" shows'; }
as_promised() {
	local verb verbs
	verbs=$("$EGRESSCTL" complete user-verbs)
	promises show && [ "$(wc -w <<<"$verbs")" -ge 8 ] || return
	for verb in $verbs; do
		if promises "$verb"; then
			takes "$verb" || { echo "$verb takes no range: $(cat "$LAB/err")"; return 1; }
		elif takes "$verb"; then
			echo "$verb takes a range, which its --help does not say"
			return 1
		fi
	done
}
case_ "a range is taken where --help says so" as_promised
lab_config
case_ "sync releases the range that left the configuration" json_of 0 'd["released"] == 1' sync

# ---- release -------------------------------------------------------------------------------------

released() { json_of 0 'd == {"account": "agent1", "pinned": False}' release agent1 && no_rules; }
case_ "release: the rules are gone" released
case_ "and the account is not listed" empty_list
lab_config 'hold = "always";'
case_ "release of what is always held says what keeps it" fails_with 3 \
	'user "agent1": is not pinned by egressctl hold: the configuration keeps it held' release agent1
lab_config
case_ "nothing is left" nothing_left

lab_end
