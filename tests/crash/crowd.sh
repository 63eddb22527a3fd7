#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two hundred sessions of fifty accounts at once, while others change the same tables and egressctl mends and reaps:
# whoever has a session is held. With TEST_ALL=yes twenty times over. And a lock that nobody gives back.
# shellcheck disable=SC2015,SC2317  # functions are called by case_; && and || are meant
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"

crowd=${BUILD:?the tree to test}/tests/crash/crowd
matrix=$BUILD/tests/pam/matrix
stacks=/run/crowd.d
accounts=50 sessions=200 rounds=2 first=3001
times=1
[ -z "${TEST_ALL-}" ] || times=20

lab_start "$@"
lab_install
mkdir $stacks
printf '%s required pam_deny.so\n' auth account password session >$stacks/other
echo 'session required pam_egress.so' >$stacks/crowd
for ((i = 0; i < accounts; i++)); do
	echo "crowd$i:x:$((first + i)):$((first + i))::/:/bin/sh"
done >>/etc/passwd

crowd_config() {
	mkdir -p /etc/egress
	printf 'backend = "%s";\nprofiles = { default = { proxy = [ "127.0.0.1:3128" ]; }; };\n%s\n' "$1" \
		"accounts = ( { uid = \"$first-$((first + accounts - 1))\"; } );" >/etc/egress/egress.conf
	chmod 644 /etc/egress/egress.conf
}

# ---- those beside them ---------------------------------------------------------------------------

# again CMD...: until there is $LAB/enough; each that fails is told.
again() {
	while [ ! -e "$LAB/enough" ]; do
		"$@" >>"$LAB/beside" 2>&1 || { echo "failed: $*"; echo x >>"$LAB/beside.failed"; }
	done
}

legacy_rule() {
	iptables-legacy -w -A OUTPUT -p udp --dport 9 -j ACCEPT && iptables-legacy -w -D OUTPUT -p udp --dport 9 -j ACCEPT
}

nft_rule() {
	nft add table inet beside && nft add chain inet beside out '{ type filter hook output priority 0; }' &&
		nft add rule inet beside out udp dport 9 accept && nft delete table inet beside
}

# egressctl may give up at the deadline in such a crowd; status 4 says so.
patient() { "$@" || [ $? -eq 4 ]; }

beside_start() {
	rm -f "$LAB/enough" "$LAB/beside.failed"
	: >"$LAB/beside"
	beside=()
	for command in legacy_rule nft_rule "patient egressctl sync" "patient egressctl reap"; do
		# shellcheck disable=SC2086  # words
		again $command &
		beside+=($!)
	done
}

beside_end() {
	touch "$LAB/enough"
	wait "${beside[@]}"
	[ ! -e "$LAB/beside.failed" ] || { tail -n 3 "$LAB/beside"; echo "something beside them failed"; return 1; }
}

nothing_of_ours() {
	nothing_left || return
	! nft list ruleset | grep egress
}

# ---- the crowd -----------------------------------------------------------------------------------

in_a_crowd() {
	local status
	beside_start
	"$crowd" "$stacks" crowd crowd "$first" "$accounts" "$sessions" "$rounds" >"$LAB/crowd"
	status=$?
	beside_end || status=1
	cat "$LAB/crowd"
	return "$status"
}

all_opened() {
	sed 's/^/# /' "$LAB/crowd" >&3
	grep -q "^$((sessions * rounds)) opens, 0 denials, $((sessions * rounds)) closes, 0 closes that failed" "$LAB/crowd" ||
		{ cat "$LAB/crowd"; return 1; }
}

all_gone() { egressctl reap >/dev/null && nothing_of_ours; }

# ---- a lock that nobody gives back ---------------------------------------------------------------

# All are denied at their own deadline, and do not queue for it.
denied_together() {
	local file=$1 i start=$SECONDS pids=() denied
	: >"$LAB/denied"
	exec 8>>"$file"
	flock 8
	for ((i = 0; i < 20; i++)); do
		"$matrix" "$stacks" crowd "crowd$i" open 3>>"$LAB/denied" 8>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	exec 8>&-
	denied=$(grep -c '^open PAM_PERM_DENIED$' "$LAB/denied")
	echo "$denied of 20 denied after $((SECONDS - start)) s"
	[ "$denied" -eq 20 ] && [ $((SECONDS - start)) -ge 9 ] && [ $((SECONDS - start)) -lt 15 ] && all_gone
}

# ---- all of it -----------------------------------------------------------------------------------

exec 3>&1
backends=$("$BUILD/tests/crash/crash" usable)
case_ "a backend can be used" test -n "$backends"
for backend in $backends; do
	crowd_config "$backend"
	for ((time = 1; time <= times; time++)); do
		case_ "$backend, $time of $times: whoever has a session is held, whoever else writes" in_a_crowd
		case_ "$backend, $time of $times: everybody was let in and out" all_opened
		case_ "$backend, $time of $times: in the end no rule and no file" all_gone
	done
	case_ "$backend: the ledger's lock is never given back: all are denied at the deadline" \
		denied_together /run/egress/lock
done
crowd_config iptables
case_ "iptables: the host's lock is never given back: all are denied at the deadline" denied_together /run/xtables.lock
lab_end
