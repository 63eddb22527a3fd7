#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The table "inet egress" as nft(8) sees it: what is written, what is recognised, what is refused.
# shellcheck source=tests/kernel/kernel.bash
# shellcheck disable=SC2317  # the cases call what stands here
. "$(dirname "$0")/kernel.bash"

driver() { "$DRIVER" -b nftables "$@"; }
hold() { driver hold "$@"; }
remove() { driver remove "$@"; }
list() { driver list "$1"; }
list_all() { driver list; }
verified() {
	driver verify "$@" >/run/verified || return 1
	! grep -v ' same$' /run/verified && [ -s /run/verified ]
}
drift_is() { list "$1" | grep -Fxq "drift: nftables: $2" || { list "$1"; echo "no drift \"$2\""; return 1; }; }
# What stands, without what was counted and without indentation, and with A, B for the two plans.
ruleset() {
	nft list ruleset | sed -e "s/$(key_of 1)/A/g" -e "s/$(key_of 2)/B/g" \
		-e 's/ counter packets [0-9]* bytes [0-9]*//' -e 's/^\t*//'
}
# case_nft NAME CMD: with empty tables of both kinds.
case_nft() {
	nft flush ruleset
	case_ "$@"
	nft flush ruleset
}
key_of() { nft list ruleset | sed -n 's/.*chain plan-\([0-9a-f]*\).*{.*/\1/p' | sed -n "${1}p"; }

agent=(2001 proxy=127.0.0.1:3128 'proxy=[::1]:3128' 'allow=192.0.2.0/24,udp,53-55,123' allow=10.1.0.0/17)

writes_one_table() {
	hold "${agent[@]}" + 20000-29999 drop nolog || return 1
	diff -u - <(ruleset) <<-'END'
		table inet egress {
			comment "libegress: accounts held to their proxies; see egressctl(8)"
			set held-A {
				type uid
				size 1024
				counter
				elements = { 2001 }
			}

			set denied-A {
				type uid
				size 1024
				counter
				elements = { 2001 }
			}

			set logged-A {
				type uid
				size 1024
				limit rate 10/minute
				elements = { 2001 limit rate 10/minute }
			}

			set held-B-ranges {
				type uid
				flags interval
				counter
				elements = { 20000-29999 }
			}

			set denied-B-ranges {
				type uid
				flags interval
				counter
				elements = { 20000-29999 }
			}

			set ranges {
				type uid . uid
				size 1024
				elements = { 20000 . 29999 comment "B-ranges" }
			}

			chain output {
				type filter hook output priority filter - 5; policy accept;
				meta skuid @held-A goto plan-A
				meta skuid @held-B-ranges goto plan-B-ranges
			}

			chain plan-A {
			ip hdrlength > 5 meta skuid @denied-A
			ip hdrlength > 5 reject with icmpx admin-prohibited
			exthdr rt exists meta skuid @denied-A
			exthdr rt exists reject with icmpx admin-prohibited
				ip daddr 127.0.0.1 tcp dport 3128 oifname "lo" return
				ip6 daddr ::1 tcp dport 3128 oifname "lo" return
				ip daddr 192.0.2.0/24 udp dport 53-55 return
				ip daddr 192.0.2.0/24 udp dport 123 return
				ip daddr 10.1.0.0/17 return
				meta skuid @denied-A
				meta skuid @logged-A log prefix "egress " group 9
				meta l4proto tcp reject with tcp reset
				reject with icmpx admin-prohibited
			}

			chain plan-B-ranges {
			ip hdrlength > 5 meta skuid @denied-B-ranges
			ip hdrlength > 5 reject with icmpx admin-prohibited
			exthdr rt exists meta skuid @denied-B-ranges
			exthdr rt exists reject with icmpx admin-prohibited
				meta skuid @denied-B-ranges
				drop
			}
		}
	END
}

shares_a_chain() {
	hold 2001 + 2002 + 2003 drop && hold 2004 || return 1
	[ "$(nft list ruleset | grep -c 'chain plan-')" -eq 2 ] || { nft list ruleset; return 1; }
	remove 2003 && [ "$(nft list ruleset | grep -c 'chain plan-')" -eq 1 ]
}

# One account among many: a few hundred bytes, whatever the others are.
sends_what_concerns_one() {
	local i plans=()
	for ((i = 100000; i < 102000; i++)); do plans+=(+ "$i"); done
	hold "${plans[@]:1}" || return 1
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 strace -o /run/trace -e trace=sendto "$DRIVER" -b nftables hold 50000 ||
		return 1
	awk '{ sum += $NF } END { print sum " bytes"; exit sum > 2500 }' /run/trace
}

survives_save_and_restore() {
	hold "${agent[@]}" + 20000-29999 + 20000-20009 drop && sends 2001 192.0.2.1 9
	nft list ruleset >/run/saved && nft flush ruleset && nft -f /run/saved || return 1
	verified "${agent[@]}" + 20000-29999 + 20000-20009 drop && not grep drift <(list_all)
}

# The sets have a size, or lists would miss elements while the kernel resizes them.
grows_when_full() {
	local i plans=() ranges=()
	for ((i = 100000; i < 101023; i++)); do plans+=(+ "$i"); done
	for ((i = 0; i < 1023; i++)); do ranges+=(+ "$((500000 + i * 10))-$((500005 + i * 10))"); done
	hold 2001 'allow=127.0.0.1,udp,9' && sends 2001 127.0.0.1 9 && hold 2002 && hold "${plans[@]:1}" "${ranges[@]}" || return 1
	hold 2003 + 600000-600005 && hold 2004 + 700000-700005 && [ "$(list_all | grep -c '^hold')" -eq 2052 ] &&
		not grep drift <(list_all) && list 2001 | grep -q '^allowed 1 packets' || return 1
	for i in 2002 2003 100000 101022 500000 510225 600000; do
		not sends "$i" 127.0.0.1 9 || { echo "$i is not held"; return 1; }
	done
	[ "$(nft list ruleset | grep -c 'size 4096$')" -eq 4 ]
}

# A wider range of which nothing is left beside narrower ones comes back when they go.
remembers_hidden_ranges() {
	hold 20000-29999 + 20000-24999 + 25000-29999 drop && verified 20000-29999 || return 1
	remove 20000-24999 25000-29999 && verified 20000-29999 && not sends 20000 127.0.0.1 9 &&
		not sends 29999 127.0.0.1 9
}

# Where a range leaves that another one within it takes over from, there are two transactions.
frees_who_left_for_another() {
	hold 20000-20010 + 20005-20010 drop + 20008-20010 || return 1
	remove 20000-20010 20008-20010 && verified 20005-20010 drop && sends 20000 127.0.0.1 9 &&
		not sends 20009 127.0.0.1 9 && [ "$(list_all | grep -c ^hold)" -eq 1 ] && remove 20005-20010 && [ -z "$(nft list ruleset)" ]
}

# A range that is apart from all others is read and written alone; these two must not be.
heeds_unrecorded_segments() {
	local key role
	hold 20000-20010 && key=$(key_of 1)-ranges || return 1
	for role in held denied logged; do nft add element inet egress "$role-$key" '{ 30000-30030 }' || return 1; done
	hold 30010-30020 'allow=127.0.0.1,udp,9' && sends 30015 127.0.0.1 9 && not sends 30015 127.0.0.1 10 &&
		not sends 30009 127.0.0.1 9 && not grep drift <(list_all)
}

restores_ranges_beside() {
	local key role
	hold 20000-20010 + 30000-30010 && key=$(key_of 1)-ranges && nft flush chain inet egress output &&
		nft delete chain inet egress "plan-$key" || return 1
	for role in held denied logged; do nft delete set inet egress "$role-$key" || return 1; done
	hold 20000-20010 && not sends 20005 127.0.0.1 9 && not sends 30005 127.0.0.1 9
}

# Of ten thousand ranges, what concerns one is read.
reads_what_concerns_a_range() {
	local i ranges=()
	for ((i = 0; i < 2000; i++)); do ranges+=(+ "$((100000 + i * 100))-$((100000 + i * 100 + 99))"); done
	hold "${ranges[@]:1}" && strace -e trace=recvmsg,recvfrom -o /run/trace "$DRIVER" -b nftables list 100000-100099 ||
		return 1
	[ "$(awk '{ bytes += $NF } END { print int(bytes) }' /run/trace)" -lt 20000 ]
}

counts_each_once() {
	ip link set lo up
	hold 20005 'allow=127.0.0.1,udp,9' + 20000-29999 'allow=127.0.0.1,udp,9' || return 1
	sends 20005 127.0.0.1 9 && not sends 20005 127.0.0.1 10 && not sends 20006 127.0.0.1 10 || return 1
	list 20005 | grep -q '^allowed 1 packets .* denied 1 packets' &&
		list 20000-29999 | grep -q '^allowed 0 packets .* denied 1 packets'
}

# What was counted goes along into the sets of the new plan.
keeps_counters_of_a_changed_account() {
	hold 2001 'allow=127.0.0.1,udp,9' + 2002 'allow=127.0.0.1,udp,9' || return 1
	sends 2001 127.0.0.1 9 && not sends 2001 127.0.0.1 10 && sends 2002 127.0.0.1 9 || return 1
	hold 2001 drop && list 2001 | grep -q '^allowed 1 packets .* denied 1 packets' &&
		list 2002 | grep -q '^allowed 1 packets .* denied 0 packets'
}

# drifts DIFFERENCE NFT-COMMAND...: noticed, mended, and nothing left to mend.
drifts() {
	local what=$1
	shift
	"$@" && drift_is 2001 "$what" && hold "${agent[@]}" && verified "${agent[@]}" &&
		not grep drift <(list 2001) && not sends 2001 198.51.100.1 9 && sends 3000 198.51.100.1 9
}

notices_and_mends() {
	hold "${agent[@]}" + 2002 drop || return 1
	local key
	key=$(key_of 1)
	drifts "output rule 1 is not ours" nft insert rule inet egress output accept &&
		drifts "plan-$key rule 2 is not ours" nft insert rule inet egress "plan-$key" index 1 udp dport 53 accept &&
		drifts "chain plan-$key is empty" nft flush chain inet egress "plan-$key" &&
		drifts "uid 2001 is not in set held-$key" nft delete element inet egress "held-$key" '{ 2001 }' &&
		drifts "uid 2001 is not in set denied-$key" nft delete element inet egress "denied-$key" '{ 2001 }' &&
		drifts "no rule of output leads to plan-$key" nft flush chain inet egress output &&
		drifts "table inet egress is dormant" nft add table inet egress '{ flags dormant; }' &&
		drifts "chain output is missing" eval 'nft flush chain inet egress output && nft delete chain inet egress output' &&
		drifts "chain output is not at hook output, priority -5, with policy accept" eval 'nft flush chain inet egress output &&
			nft delete chain inet egress output &&
			nft "add chain inet egress output { type filter hook output priority 5; }"' &&
		verified 2002 drop
}

# Else everybody on the host would be cut off.
notices_a_policy() {
	hold "${agent[@]}" && nft chain inet egress output '{ policy drop; }' && not sends 3000 198.51.100.1 9 || return 1
	drift_is 2001 "chain output is not at hook output, priority -5, with policy accept" && hold "${agent[@]}" &&
		sends 3000 198.51.100.1 9
}

# The record of ranges is referred to by no rule: anybody can delete it. Nobody is let out.
keeps_ranges_without_a_record() {
	hold 20000-20010 + 30000-30010 + 2001 && nft delete set inet egress ranges || return 1
	drift_is 20000-20010 "is not in set ranges" && remove 2001 && not sends 20000 127.0.0.1 9 || return 1
	hold 40000-40010 && not sends 20010 127.0.0.1 9 && not sends 30005 127.0.0.1 9 && not sends 40000 127.0.0.1 9 ||
		return 1
	[ "$(list_all | grep -c ^hold)" -eq 3 ] || { list_all; return 1; }
	hold 20000-20010 && not grep drift <(list 20000-20010) && remove 20000-20010 30000-30010 40000-40010 &&
		[ -z "$(nft list ruleset)" ]
}

takes_no_odd_record() {
	hold 20000-20010 && nft add element inet egress ranges '{ 30 . 10, 0 . 5 }' || return 1
	[ "$(list_all | grep -c ^hold)" -eq 1 ] && hold 30000-30010 && not sends 20000 127.0.0.1 9
}

# replaced_sets SED: 2001 and 2002 are held by sets that somebody restored in another form; 2003 comes.
replaced_sets() {
	nft flush ruleset
	hold "${agent[@]}" + 2002 "${agent[@]:1}" && nft list ruleset | sed "$1" >/run/saved && nft flush ruleset &&
		nft -f /run/saved || return 1
	list 2001 | grep -q 'drift: nftables: set held-.* is not as we make it' || { list 2001; return 1; }
	hold 2003 "${agent[@]:1}" && verified "${agent[@]}" + 2002 "${agent[@]:1}" && not grep drift <(list_all) || return 1
	sleep "${2-0}"
	not sends 2001 198.51.100.1 9 && not sends 2002 198.51.100.1 9 && not sends 2003 198.51.100.1 9
}

keeps_members_of_odd_sets() {
	replaced_sets '/^\t\tcounter$/d; s/ counter packets [0-9]* bytes [0-9]*//g; s/^\t\tlimit.*//; s/ limit rate 10.minute//g' &&
		replaced_sets 's/^\t\tsize .*/\t\tflags timeout\n\t\ttimeout 2s/; s/counter packets 0 bytes 0/& timeout 2s/g' 3 &&
		replaced_sets '/^\t\tsize/d'
}

# An interval set in the place of ours: who is in it cannot be told, and it holds him.
keeps_who_is_in_a_set_of_another_kind() {
	local key
	hold 2001 + 2002 drop + 2003 drop && key=$(key_of 1) && nft list ruleset |
		sed "/set held-$key {/,/}/{s/^\t\ttype uid/&\n\t\tflags interval/; s/elements.*/elements = { 1-4000 }/; /counter\$/d; /size/d}" \
			>/run/saved && nft flush ruleset && nft -f /run/saved || return 1
	remove 2002 2003 || return 1
	nft list set inet egress "held-$key" | grep -q 1-4000 || { nft list ruleset; echo "the set is gone"; return 1; }
}

removes_everybody() {
	local key
	hold "${agent[@]}" && key=$(key_of 1) && nft add element inet egress "held-$key" '{ * }' || return 1
	grep -q "drift: nftables: set held-$key is not as we make it" <(list_all) && not sends 3000 198.51.100.1 9 || return 1
	# As sync does it, which reads whole sets.
	hold "${agent[@]}" + 2002 "${agent[@]:1}" && sends 3000 198.51.100.1 9 && not sends 2001 198.51.100.1 9
}

# What somebody else's rule leads to cannot be deleted: it is left, and nobody is kept out.
leaves_chains_that_others_jump_to() {
	hold 2001 && nft add chain inet egress mine && nft add rule inet egress mine jump "plan-$(key_of 1)" || return 1
	hold 2001 drop && verified 2001 drop && not sends 2001 198.51.100.1 9 && remove 2001 && sends 2001 198.51.100.1 9
}

# While somebody flushes all the time an open succeeds and is held, or says why not.
survives_flushes() {
	local flusher i bad=0 good=0
	(while :; do nft flush ruleset; done) &
	flusher=$!
	for ((i = 0; i < 150; i++)); do
		if hold 2001 2>/run/why; then
			good=$((good + 1))
		else
			grep -q '^EAGAIN: ' /run/why || { cat /run/why; bad=$((bad + 1)); }
		fi
	done
	kill "$flusher"
	echo "$good opened, $bad failed otherwise"
	[ "$good" -gt 75 ] && [ "$bad" -eq 0 ]
}

notices_odd_sets() {
	hold "${agent[@]}" || return 1
	local key
	key=$(key_of 1)
	nft flush table inet egress && nft delete set inet egress "logged-$key" &&
		nft add set inet egress "logged-$key" '{ type uid; limit rate 1000/second; }' &&
		nft add element inet egress "logged-$key" '{ 2001 }' || return 1
	hold "${agent[@]}" && verified "${agent[@]}" && not grep drift <(list 2001)
}

mends_after_a_flush() {
	hold "${agent[@]}" + 2002 && nft flush ruleset && [ -z "$(list_all)" ] && hold "${agent[@]}" &&
		verified "${agent[@]}"
}

leaves_tables_of_others() {
	local before
	nft -f - <<-'END'
		table inet firewall { counter c { } chain out { type filter hook output priority filter; counter name c accept; } }
		table ip egress { chain output { type filter hook output priority filter; } }
	END
	before=$(nft list ruleset)
	hold "${agent[@]}" && remove 2001 && unchanged "$before" "$(nft list ruleset)"
}

refuses_a_table_of_others() {
	local before
	nft add table inet egress && nft add chain inet egress output || return 1
	before=$(nft list ruleset)
	refused EPERM "table inet egress: is there and not ours: rename or delete it" driver hold 2001 &&
		remove 2001 && [ -z "$(list_all)" ] && unchanged "$before" "$(nft list ruleset)"
}

leaves_what_others_put_in() {
	hold 2001 && nft add chain inet egress mine && nft add rule inet egress mine accept && remove 2001 || return 1
	echo "a chain of somebody else's is gone, or something of ours is left"
	[ "$(nft list table inet egress | grep -c 'chain\|set')" -eq 1 ] && nft list chain inet egress mine | grep -q accept
}

without_privilege() {
	local before verb
	hold 2001 || return 1
	before=$(nft list ruleset)
	for verb in "hold 2001" "remove 2001" list; do
		# shellcheck disable=SC2086  # a verb and its argument
		refused EPERM "nftables: cannot .* CAP_NET_ADMIN" setpriv --bounding-set=-net_admin "$DRIVER" -b nftables $verb ||
			return 1
	done
	refused EPERM "CAP_NET_ADMIN is needed in the user namespace that owns" \
		unshare --user --map-root-user "$DRIVER" -b nftables hold 2001 || return 1
	unchanged "$before" "$(nft list ruleset)"
}

# As a kernel answers that has no netfilter behind netlink.
a_kernel_without_nf_tables() {
	local verb
	for verb in probe "hold 2001"; do
		# shellcheck disable=SC2086  # a verb and its argument
		refused EOPNOTSUPP 'table inet egress: this kernel has no nf_tables.* "modprobe nf_tables"' \
			env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" strace -qq -o /run/trace \
			-e inject=socket:error=EPROTONOSUPPORT "$DRIVER" -b nftables $verb || return 1
	done
	[ -z "$(nft list ruleset)" ]
}

# in_a_kernel_with_modules CMD...: CMD sees a /proc with modules, and a /sys without nf_tables among them.
in_a_kernel_with_modules() {
	# shellcheck disable=SC2016  # arguments of the inner shell
	unshare --mount bash -c '
		mkdir -p /run/proc && mount --rbind /proc /run/proc && mount -t tmpfs tmpfs /proc &&
			ln -s /run/proc/self /proc/self && touch /proc/modules && mount -t tmpfs tmpfs /sys || exit 9
		if [ "$1" = built-in ]; then
			mkdir -p /run/upper /run/work && mount -t overlay overlay \
				-o lowerdir=/usr/lib,upperdir=/run/upper,workdir=/run/work /usr/lib &&
				mkdir -p "/usr/lib/modules/$(uname -r)" &&
				echo "$2" >"/usr/lib/modules/$(uname -r)/modules.builtin" || exit 9
			shift 2
		fi
		ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 exec "$@"' bash "$@"
}

# A question to nfnetlink would have the kernel load it.
asks_nothing_of_what_is_not_loaded() {
	hold 2001 || return 1
	for verb in probe list "remove 2001"; do
		# shellcheck disable=SC2086  # a verb and its argument
		in_a_kernel_with_modules built-in kernel/net/ipv4/ip_tables.ko strace -o /run/trace -e trace=socket "$DRIVER" -b nftables $verb >/run/said || return 1
		[ ! -s /run/said ] && not grep NETLINK /run/trace || return 1
	done
	verified 2001
}

# In doubt it is loaded, or a remove would be content with having found nothing.
asks_in_doubt() {
	hold 2001 || return 1
	in_a_kernel_with_modules built-in kernel/net/netfilter/nf_tables.ko "$DRIVER" -b nftables list | grep -q '^hold 2001' &&
		in_a_kernel_with_modules "$DRIVER" -b nftables list | grep -q '^hold 2001' &&
		in_a_kernel_with_modules "$DRIVER" -b nftables remove 2001 && [ -z "$(list_all)" ]
}

leaves_no_descriptor_to_children() {
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 strace -f -o /run/trace \
		-e trace=socket,openat,open,fcntl,dup,dup2,dup3 "$DRIVER" -b nftables hold 2001 || return 1
	awk '/socket\(/ { sockets++ } /socket\(/ && !/CLOEXEC/ { bad = 1; print }
		END { exit bad || sockets < 1 }' /run/trace
}

ip link set lo up
# A way out, so that a packet that is refused was refused by us.
ip link add out type veth peer name far && ip link set out up && ip link set far up && ip route add default dev out

case_nft "a hold is set elements, a branch and a chain in one table" writes_one_table
case_nft "accounts with the same rules share a chain, which goes with the last" shares_a_chain
case_nft "one account among 2,000 is sent alone" sends_what_concerns_one
case_nft "rules that were saved and restored are still ours" survives_save_and_restore
case_nft "sets grow when they are full, and nobody is let out" grows_when_full
case_nft "a range hidden by narrower ones is remembered" remembers_hidden_ranges
case_nft "who leaves to a range within is free" frees_who_left_for_another
case_nft "a range is placed by what stands there, too, and not by records alone" heeds_unrecorded_segments
case_nft "with a group of ranges that is made anew, all that are recorded come back" restores_ranges_beside
case_nft "one range among 2,000 is read alone" reads_what_concerns_a_range
case_nft "a uid inside a held range is counted once" counts_each_once
case_nft "what was counted goes along with a changed account" keeps_counters_of_a_changed_account
case_nft "each thing that somebody did to the table is named and mended" notices_and_mends
case_nft "a policy that is not accept is named and mended" notices_a_policy
case_nft "ranges whose record was taken away stay held" keeps_ranges_without_a_record
case_nft "a record that no range can be is left alone" takes_no_odd_record
case_nft "who is in a set that is not as we make it stays held" keeps_members_of_odd_sets
case_nft "a group whose set is of another kind is not dropped" keeps_who_is_in_a_set_of_another_kind
case_nft "a set that holds everybody is made anew" removes_everybody
case_nft "a chain that others lead to is left, and the account changes all the same" leaves_chains_that_others_jump_to
case_nft "a ruleset that is flushed all the time" survives_flushes
case_nft "a set with another limit is made anew" notices_odd_sets
case_nft "a flushed ruleset is made anew" mends_after_a_flush
case_nft "tables of others are left as they are" leaves_tables_of_others
case_nft "a table of our name that is not ours is refused, and nothing of it is changed" refuses_a_table_of_others
case_nft "what others put into our table stays" leaves_what_others_put_in
case_nft "no CAP_NET_ADMIN is EPERM, with the remedy" without_privilege
case_nft "a kernel without nf_tables: EOPNOTSUPP and a remedy" a_kernel_without_nf_tables
case_nft "a kernel that has not loaded nf_tables is not asked" asks_nothing_of_what_is_not_loaded
case_nft "one that is built in, or may be, is asked" asks_in_doubt
case_nft "every descriptor is close-on-exec" leaves_no_descriptor_to_children
kernel_end
