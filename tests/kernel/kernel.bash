# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For the tests of a backend against the kernel: a network of our own, /run of our own, nothing
# else. To be sourced, before anything is done:
#
#	. "$(dirname "$0")/kernel.bash"
#	case_ "what is promised" some_function
#	kernel_end
#
# The verdict is what iptables-legacy-save and the wire say, not what the driver prints.

: "${BUILD:?the top of the build tree}"
DRIVER=$BUILD/tests/kernel/backend-driver
failures=0

for SHIM in "$BUILD/tests/shim/.libs/fault-shim.so" "$BUILD/tests/shim/fault-shim.so"; do
	[ ! -e "$SHIM" ] || break
done

if [ "${KERNEL_INSIDE-}" != "$PPID" ]; then
	if [ "$(id -u)" -ne 0 ]; then
		echo "not ok - $(basename "$0"): must be run as root"
		exit 1
	fi
	# shellcheck disable=SC2016  # the inner shell's own pid
	exec unshare --net --mount --propagation private bash -c \
		'mount -t tmpfs tmpfs /run && ip link set lo up || exit 1
		KERNEL_INSIDE=$$ bash "$@"; exit $?' kernel "$(realpath "$0")" "$@"
fi
export LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# The shim comes before the sanitizer's runtime, which otherwise refuses to start.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
cd /run || exit 1

# case_ NAME CMD...: passes if CMD does; otherwise its last line is the reason. Tables are empty, and
# what CMD leaves in the background is ended.
case_() {
	local name=$1 said status earlier
	shift
	earlier=" $(jobs -p | tr '\n' ' ')"
	empty_tables
	"$@" >/run/said 2>&1
	status=$?
	end_jobs "$earlier"
	if [ "$status" -eq 0 ]; then
		echo "ok - $name"
		return
	fi
	sed 's/^/# /' /run/said
	said=$(tail -n 1 /run/said)
	echo "not ok - $name: ${said:-status $status}"
	failures=$((failures + 1))
}

# The last line of every script, so its status is the script's.
kernel_end() { [ "$failures" -eq 0 ]; }

end_jobs() {
	local pid
	for pid in $(jobs -p); do
		case $1 in *" $pid "*) continue ;; esac
		kill "$pid"
		wait "$pid"
	done 2>/dev/null
}

empty_tables() {
	local tool
	for tool in "iptables-legacy -w 30" "ip6tables-legacy -w 30"; do
		$tool -F && $tool -X && $tool -Z && $tool -P OUTPUT ACCEPT
	done
}

wait_for() {
	local limit=$1 deadline=$((SECONDS + $1 + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "$SECONDS" -ge "$deadline" ]; then
			echo "still not after $limit s: $*"
			return 1
		fi
		sleep 0.02
	done
}

# Those that are built in and that this kernel has.
backends() {
	local backend
	for backend in iptables nftables; do
		! "$DRIVER" -b "$backend" probe 2>/dev/null || echo "$backend"
	done
}

hold() { "$DRIVER" hold "$@"; }
remove() { "$DRIVER" remove "$@"; }
list() { "$DRIVER" list "$1"; }
list_all() { "$DRIVER" list; }

# Same plans, same kernel: nothing differs and nothing drifts.
verified() {
	"$DRIVER" verify "$@" >/run/verified || return 1
	if grep -v ' same$' /run/verified; then
		echo "differs: $(grep -v ' same$' /run/verified | tail -n 1)"
		return 1
	fi
	[ -s /run/verified ]
}

# faulty FAULTS DRIVER-ARGUMENTS...; see tests/shim/fault-shim.c.
faulty() {
	local faults=$1
	shift
	rm -f /run/shim.log
	EGRESS_SHIM=$faults EGRESS_SHIM_LOG=/run/shim.log LD_PRELOAD=$SHIM "$DRIVER" "$@"
}

# faults_happened LINES: exactly those, in the last run of faulty.
faults_happened() {
	touch /run/shim.log
	diff -u <(echo "$1") <(cat /run/shim.log; [ -s /run/shim.log ] || echo)
}

# refused ENAME PATTERN CMD...: fails with that error, and a line like that.
refused() {
	local name=$1 pattern=$2 status
	shift 2
	"$@" >/run/refused 2>&1
	status=$?
	cat /run/refused
	[ "$status" -eq 1 ] || { echo "status $status, not 1: $*"; return 1; }
	grep -Eq "^$name: .*$pattern" /run/refused || { echo "not \"$name: $pattern\""; return 1; }
}

filter4() { iptables-legacy-save -t filter | grep -v '^#'; }
filter6() { ip6tables-legacy-save -t filter | grep -v '^#'; }
filters() { filter4; filter6; }
# The same with counters.
counted() {
	{ iptables-legacy-save -c -t filter; ip6tables-legacy-save -c -t filter; } | grep -v '^#'
}

# The rules alone, of one family; what is expected comes on standard input.
rules_are() {
	local is
	cat >/run/expected
	is=$("$1" | grep -e '^-A' -e '^:EGRESS' | sed 's/ \[.*//')
	diff -u /run/expected <(printf '%s' "${is:+$is
}") || { echo "$1 is not as expected"; return 1; }
}

# unchanged BEFORE AFTER: two texts.
unchanged() {
	[ "$1" = "$2" ] && return
	diff -u <(echo "$1") <(echo "$2")
	echo "the tables changed"
	return 1
}

not() { ! "$@"; }

# Runs CMD as UID.
as() {
	local uid=$1
	shift
	setpriv --reuid="$uid" --regid=65534 --clear-groups "$@"
}

# One UDP packet of UID to ADDRESS PORT; fails if it was refused. Nobody has to listen.
sends() {
	# shellcheck disable=SC2016  # arguments of the inner shell
	as "$1" bash -c 'exec 2>/dev/null; printf x >"/dev/udp/$1/$2"' bash "$2" "$3"
}
