#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Packets to a proxy on loopback leave by lo only; chains of others with our names stay as they are, and who is
# covered never gets a session without rules.
# shellcheck disable=SC2015,SC2119,SC2317  # functions are called by case_; && and || are meant
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"

uid=2001
lab_start "$@"
lab_install
lab_account agent1 $uid
lab_account alice 2002
lab_config
sed -i 's/"127.0.0.1:3128"/"127.0.0.1:3128", "[::1]:3128"/' /etc/egress/egress.conf
install -m 755 "$lab_source/tests/pam/loopback.py" /usr/local/bin/loopback

enter() { su agent1 -c "$1" </dev/null; }
logged() { wait_for 5 syslog_has "pam_egress\(su:session\): $1" || { syslog_new; return 1; }; }
rules() { { lab_rules4; lab_rules6; } | sed "s| \[[0-9:]*\]$||"; }
begin() {
	stay_forget session
	enter "lab-stay session" &
	job=$!
	stay_wait session && held "$uid"
}
end() {
	stay_end session
	wait "$job"
}

# rules_are FILE: as they were then, in both families.
rules_are() { diff "$1" <(rules) || { echo "the rules changed"; return 1; }; }

# ---- by a network card -----------------------------------------------------------------------------

ear=$LAB/ear.log
listen() {
	ip route add default via "$WORLD4"
	ip -6 route add default via "$WORLD6"
	in_world /usr/bin/python3 -I "$lab_source/tests/pam/loopback_ear.py" to-host "$ear" "$LAB/ear.ready" \
		2>"$LAB/ear.err" &
	wait_for 10 test -e "$LAB/ear.ready"
}

ear_has() { grep -Fxq -e "$1" "$ear"; }
ear_hears() { wait_for 3 ear_has "$1"; }
tries() {
	: >"$ear"
	world_log_clear
	enter "loopback to-world >/tmp/tries" && [ "$(wc -l </tmp/tries)" -eq 4 ] || { cat /tmp/tries; return 1; }
	world_settle
}

gets_out() {
	tries && ear_hears "127.0.0.1 payload" && ear_hears "127.0.0.1 bare" &&
		ear_hears "::1 payload" && ear_hears "::1 bare"
}

gets_nothing_out() {
	tries || return
	! grep . "$ear" && nothing_arrived
}

serve6() {
	/usr/bin/python3 -I -c 'import socket, signal; s = socket.create_server(("::1", 3128),
		family=socket.AF_INET6); signal.pause()' &
	wait_for 10 bash -c ': </dev/tcp/::1/3128'
}

by_lo() {
	world_log_clear
	enter "lab-reach lo proxy >/tmp/lo; : </dev/tcp/::1/3128 && touch /tmp/lo6"
	grep -q '^proxy reached ' /tmp/lo || { cat /tmp/lo; return 1; }
	wait_for 5 world_log_has 'GET [^ ]*/lo-by-proxy .* via a proxy$' && [ -e /tmp/lo6 ]
}

case_ "an ear in the world" listen
case_ "by the network card to loopback: without the module it arrives (control)" gets_out
lab_pam su
case_ "by the network card to loopback: of a held account nothing arrives" gets_nothing_out
case_ "another proxy on ::1" serve6
case_ "by lo the proxies are reached, the page comes" by_lo

# ---- chains of others --------------------------------------------------------------------------------

# foreign_chain TOOL: an administrator's EGRESS, filled and used.
foreign_chain() {
	"$1" -N EGRESS && "$1" -A EGRESS -p tcp --dport 25 -j DROP && "$1" -A EGRESS -j RETURN &&
		"$1" -A OUTPUT -o to-world -j EGRESS
}
foreign_chain_off() { "$1" -D OUTPUT -o to-world -j EGRESS && "$1" -F EGRESS && "$1" -X EGRESS; }

is_denied() {
	local name=ipv4
	[ "$1" = iptables-legacy ] || name=ipv6
	rm -f /tmp/entered
	foreign_chain "$1" || return
	rules >"$LAB/before"
	syslog_mark
	! enter "touch /tmp/entered" && [ ! -e /tmp/entered ] || { echo "there was a session"; return 1; }
	logged "deny user=agent1( uid=$uid)? service=su: .*$name: .*chain EGRESS:" && rules_are "$LAB/before"
}

opens_again() {
	foreign_chain_off "$1" && begin && end && wait_for 10 nothing_left
}

for tool in iptables-legacy ip6tables-legacy; do
	case_ "$tool: somebody else's EGRESS: denied with its name, his rules stand" is_denied $tool
	case_ "$tool: without it a session opens (control)" opens_again $tool
done

both() { iptables-legacy "$@" && ip6tables-legacy "$@"; }
his_rules() { rules | grep -e '-A EGRESS-2002' -e '^:EGRESS-2002'; }
reaches() { enter_as "$1" "lab-reach $1 tcp4 tcp6 >/tmp/reach-$1"; [ "$(grep -c ' reached ' "/tmp/reach-$1")" = 2 ]; }
enter_as() { su "$1" -c "$2" </dev/null; }

foreign_account_chain() {
	both -N EGRESS-2002 && both -A EGRESS-2002 -j DROP || return
	his_rules >"$LAB/before"
	rules >"$LAB/before-all"
	begin || return
	reaches alice || { cat /tmp/reach-alice; rules | grep 2002; end; return 1; }
	! rules | grep -e '-A EGRESS .*2002' && diff "$LAB/before" <(his_rules)
	local status=$?
	end
	return "$status"
}

# What we held before is ours whatever is in the chain: this is what the branch is for.
chain_with_branch() {
	both -N EGRESS && both -A EGRESS -m owner --uid-owner 2002 -g EGRESS-2002 && both -I OUTPUT -j EGRESS || return
	local status=0
	reaches alice && status=1
	both -D OUTPUT -j EGRESS && both -F EGRESS && both -X EGRESS && return "$status"
}

unchanged_after_close() { wait_for 10 no_state && rules_are "$LAB/before-all"; }
case_ "somebody else's EGRESS-2002: no branch to it, uid 2002 is free" foreign_account_chain
case_ "somebody else's EGRESS-2002: unchanged after open and close" unchanged_after_close
egressctl reap >/dev/null
case_ "somebody else's EGRESS-2002: unchanged after reap" rules_are "$LAB/before-all"
case_ "a branch to it would have stopped uid 2002 (control)" chain_with_branch
both -F EGRESS-2002
both -X EGRESS-2002

# ---- few descriptors ---------------------------------------------------------------------------------

by_range() {
	cat >/etc/egress/egress.conf <<-END
		backend = "$LAB_BACKEND";
		profiles = { default = { proxy = [ "127.0.0.1:3128" ]; }; };
		accounts = ( { uid = "2001-2001"; } );
	END
	lab_pam_alone su
}

# few COUNT: su by alice, who gives it that many descriptors; /dev/udp of bash needs no more than one.
few() {
	rm -f /tmp/entered
	setpriv --reuid alice --regid alice --init-groups prlimit --nofile="$1" su agent1 -c \
		'exec 2>/dev/null; : >/tmp/entered; echo few >/dev/udp/'"$WORLD4/9999" </dev/null >/dev/null 2>&1
	[ -e /tmp/entered ]
}

few_without_module() {
	local count
	lab_pam_off su
	echo "session required pam_permit.so" >>/etc/pam.d/su
	for count in {3..20}; do
		world_log_clear
		few "$count" && world_settle && world_log_has '^udp4 .* few$' && break
	done
	lab_pam_alone su
	echo "first with $count descriptors"
	[ "$count" -lt 8 ]
}

few_with_module() {
	local count opened=0 refused=0
	for count in {3..20}; do
		world_log_clear
		if few "$count"; then opened=$((opened + 1)); else refused=$((refused + 1)); fi
		nothing_arrived || { echo "with $count descriptors: a session without rules"; return 1; }
		wait_for 5 reaped || { echo "with $count descriptors: something stays"; return 1; }
		rm -rf /var/lib/egress
	done
	echo "$opened opened, $refused refused"
	[ "$opened" -gt 0 ] && [ "$refused" -gt 0 ]
}
reaped() { egressctl reap >/dev/null && nothing_left; }

by_range
case_ "few descriptors: without the module it sends (control)" few_without_module
case_ "few descriptors: never a session without rules" few_with_module
case_ "in the end no rule and no state" reaped
lab_end
