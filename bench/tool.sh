#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bench/tool.sh BACKEND HELD ROUNDS: what egressctl and a login cost with so many accounts held. Run by
# script/bench in network and mount namespaces that it may do as it likes with; BUILD is the build tree.
set -eu

backend=$1 held=$2 rounds=$3
lab=/run/bench
guest=bench-guest agent=bench-agent

egressctl() {
	LD_LIBRARY_PATH=$BUILD/.libs "$BUILD/.libs/egressctl" -c $lab/egress.conf "$@"
}

# In a file over the machine's own that only we see.
make_accounts() {
	cp /etc/passwd $lab/passwd
	seq -f 'agent%.0f' 30 | awk -v names="$guest $agent" '
		BEGIN { for (n = split(names, name, " "); n > 0; n--) print name[n] ":x:" 59000 + n ":65534::/:/bin/false" }
		{ print $1 ":x:" 59100 + NR ":65534::/:/bin/false" }' >>$lab/passwd
	mount --bind $lab/passwd /etc/passwd
}

make_stacks() {
	mkdir -p $lab/pam.d
	printf 'session required pam_permit.so\n' | tee $lab/pam.d/other >$lab/pam.d/without
	printf 'session required %s config=%s\nsession required pam_permit.so\n' \
		"$BUILD/.libs/pam_egress.so" $lab/egress.conf >$lab/pam.d/with
}

# An administrator's: a few profiles, users, a group and a range.
write_config() {
	cat <<-END
		backend = "$backend";
		profiles = {
			default = { proxy = [ "127.0.0.1:3128", "[::1]:3128" ]; };
			build = { proxy = [ "127.0.0.1:3129" ]; allow = ( { to = "192.0.2.10"; ports = "443"; } ); };
			always = { proxy = [ "127.0.0.1:3128", "[::1]:3128" ]; hold = "always"; };
		};
		accounts = (
			{ user = "$agent"; },
	END
	seq -f "	{ user = \"agent%.0f\"; profile = \"build\"; }," 30
	# "$1" further accounts that are always held, a uid each.
	[ "$1" -eq 0 ] || seq -f '	{ uid = "%.0f"; profile = "always"; },' 100000 $((100000 + $1 - 1))
	printf '\t{ uid = "20000-29999"; profile = "build"; },\n\t{ group = "users"; profile = "build"; }\n);\n'
}

flush_rules() {
	local tool
	case $backend in
	nftables) nft flush ruleset ;;
	*) for tool in iptables-legacy ip6tables-legacy; do $tool -F && $tool -X; done ;;
	esac
}

# timed FIGURE LAYOUT CMD...: milliseconds, as the programs of bench/ print them.
timed() {
	local figure=$1 layout=$2 i start times=() end=$((SECONDS + 10))
	shift 2
	for ((i = 0; i < rounds && (i < 3 || SECONDS < end); i++)); do
		[ "$figure" != sync ] || flush_rules
		start=${EPOCHREALTIME/./}
		# One that fails is told, repeated, and counted.
		"$@" >/dev/null || "$@" >/dev/null
		times+=("$((${EPOCHREALTIME/./} - start))")
	done
	printf '%s\n' "${times[@]}" | sort -n | awk -v head="$figure\t$backend\t$layout\t$held\tms" '
		{ time[NR] = $1 / 1e3 }
		function at(part) { return time[1 + int(part * (NR - 1) + 0.5)] }
		END { printf "%s\t%g\t%g\t%g\n", head, at(0.5), at(0.25), at(0.75) }'
}

measure_tool() {
	write_config "$held" >$lab/egress.conf
	timed sync "egressctl sync" egressctl sync
	[ "$(egressctl --no-legend list | wc -l)" -eq "$held" ] || { echo "tool.sh: not all are held" >&2; exit 1; }
	timed list "egressctl list" egressctl list
}

login() { "$BUILD/bench/login" -r "$1" $lab/pam.d "$2" "$3" "$4" "$5"; }

mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p $lab
ip link set lo up
# The last good configuration is kept there.
mount -t tmpfs -o mode=755 tmpfs /var/lib
mkdir /var/lib/egress
make_accounts
make_stacks
if [ "$backend" = - ]; then
	backend=auto
	write_config 0 >$lab/egress.conf
	login $((rounds * 10)) uncovered - 0 $guest
	exit
fi
measure_tool
login "$rounds" "uncovered, all in the configuration" "$backend" "$held" $guest
write_config 0 >$lab/egress.conf
login "$rounds" covered "$backend" "$held" $agent
