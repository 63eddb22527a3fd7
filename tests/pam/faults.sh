#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A covered account and whatever can go wrong: no session, a line that says why, nothing left. The others pass.
# shellcheck disable=SC2015,SC2119,SC2120,SC2317  # functions are called by case_; && and || are meant
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/pam/common.sh
. "$(dirname "$0")/common.sh"
matrix_start "$@"

others_pass() { passes alice && passes root; }

# ---- the configuration -------------------------------------------------------------------------

broken() {
	lab_config_broken
	denied PAM_PERM_DENIED "/etc/egress/egress.conf:[0-9]+: " && others_pass
}
case_ "broken configuration, no last good one: denied" broken
lab_config

last_good() {
	rm -rf /var/lib/egress
	opens && sed -i 's/^profiles/profile/' /etc/egress/egress.conf || return
	opens && logged ".*the last good configuration stays in force" && others_pass
}
case_ "broken configuration: the last good one stays in force" last_good

unusable() {
	local why=$1
	shift
	rm -rf "$conf" /var/lib/egress
	lab_config
	"$@"
	denied PAM_PERM_DENIED "$why" && others_pass
}
conf=/etc/egress/egress.conf
case_ "writable by others: denied" unusable "others may write" chmod o+w $conf
case_ "of somebody else: denied" unusable "belongs to uid" chown alice $conf
make_link() { mv "$conf" /etc/egress/real && ln -s real "$conf"; }
case_ "a link: denied" unusable "link" make_link
make_large() { head -c 1048577 /dev/zero | tr '\0' '#' >>"$conf"; }
case_ "larger than 1 MiB: denied" unusable "larger than" make_large
open_folder() { chmod g+w /etc/egress; }
case_ "in a folder that others may write to: denied" unusable "others may write" open_folder
chmod 755 /etc/egress

not_a_file() {
	lab_config
	rm -rf /var/lib/egress "$conf"
	"$@"
	others_pass && run agent1 open && said open ok && no_rules && logged "$conf"
}
case_ "a FIFO: nobody waits, nobody new is held" not_a_file mkfifo $conf
rm -f $conf
case_ "a folder: nobody new is held" not_a_file mkdir $conf
rmdir $conf
case_ "a link to a device: nobody new is held" not_a_file ln -s /dev/zero $conf
rm -f $conf
lab_config

# ---- privilege ---------------------------------------------------------------------------------

case_ "no CAP_NET_ADMIN: denied" denied PAM_PERM_DENIED "ermi" no-net-admin
case_ "effective uid not 0: denied" denied PAM_PERM_DENIED "effective uid 65534" euid=65534
others_unprivileged() {
	run alice euid=65534 open close same && said open ok close ok same &&
		run root euid=65534 open close same && said open ok close ok same
}
case_ "effective uid not 0: the others pass" others_unprivileged
case_ "real uid not 0, as in su: opens and closes" opens ruid=2002

# ---- locks -------------------------------------------------------------------------------------

ledger_locked() {
	opens && with_lock /run/egress/lock denied PAM_PERM_DENIED "/run/egress/lock: still locked"
}
case_ "the ledger's lock is held past the deadline: denied" ledger_locked
case_ "iptables' lock is held past the deadline: denied" \
	with_lock /run/xtables.lock denied PAM_PERM_DENIED "/run/xtables.lock: still locked"

others_do_not_wait() {
	take_lock /run/egress/lock && flock /run/xtables.lock true || return
	SECONDS=0
	others_pass
	local status=$?
	drop_lock
	[ "$SECONDS" -le 2 ] || { echo "waited"; return 1; }
	return "$status"
}
case_ "the others wait for no lock" others_do_not_wait

gets_the_lock() {
	take_lock /run/egress/lock || return
	begin agent1 wait open close || return
	echo >&5
	wait_for 5 waits_for_lock
	local status=$?
	drop_lock
	finish && said open ok close ok && nothing_left && return "$status"
}
waits_for_lock() { find "/proc/$job/fd" -lname /run/egress/lock | grep -q .; }
case_ "a lock that is given back in time is waited for" gets_the_lock

# ---- the kernel's answers ----------------------------------------------------------------------

kernel_says() {
	shimmed "$1" denied "$2" "$3"
}
case_ "IPv4 cannot be written: denied" kernel_says v4:fail:ENOMEM@1 PAM_BUF_ERR "ipv4"
case_ "IPv6 cannot be written: IPv4 is undone, denied" kernel_says v6:fail:ENOMEM@1 PAM_BUF_ERR "ipv6"
case_ "IPv6 can never be written: denied" kernel_says v6:fail:EPERM PAM_PERM_DENIED "ipv6"
case_ "IPv4 says yes and does nothing: denied" kernel_says v4:swallow@1 PAM_SYSTEM_ERR "read back|verif|unknown|differ"
case_ "IPv6 says yes and does nothing: denied" kernel_says v6:swallow@1 PAM_SYSTEM_ERR "read back|verif|unknown|differ"
case_ "overtaken for ever: denied" kernel_says v4:fail:EAGAIN PAM_PERM_DENIED "ipv4"
case_ "overtaken twice: opens" shimmed v4:fail:EAGAIN@1-2 opens
case_ "overtaken twice in IPv6: opens" shimmed v6:fail:EAGAIN@1-2 opens
case_ "IPv4 says no and has done it: opens" shimmed v4:live:EIO@1 opens
case_ "IPv4 cannot be read: denied" kernel_says v4:read:EIO@1 PAM_SYSTEM_ERR "ipv4"

# After everything that could be refused is refused, the rules of the first session stand as before.
second_fails() {
	begin agent1 open wait close || return
	local before
	before=$(lab_rules)
	run agent1 no-net-admin open && said open PAM_PERM_DENIED && records_are 1 && held "$uid" &&
		[ "$before" = "$(lab_rules)" ]
	local status=$?
	finish && nothing_left && return "$status"
}
case_ "a second session fails: the first stays held" second_fails

# Somebody puts a rule before ours. The next open must see that, and not only that our rules are all there.
not_first() {
	local family=$1 tool=$2 status
	begin agent1 open wait close || return
	"$tool" -I OUTPUT -j ACCEPT
	shimmed "$family:swallow@1" run agent1 open && said open PAM_SYSTEM_ERR && records_are 1 &&
		run agent1 open close && said open ok close ok && held "$uid"
	status=$?
	"$tool" -D OUTPUT -j ACCEPT
	finish && nothing_left && return "$status"
}
case_ "IPv4: a rule before ours: denied as long as it cannot be mended" not_first v4 iptables-legacy
case_ "IPv6: a rule before ours: denied as long as it cannot be mended" not_first v6 ip6tables-legacy

# ---- the state folder --------------------------------------------------------------------------

state_is() {
	rm -rf /run/egress
	"$@"
	denied PAM_PERM_DENIED "/run/egress: " && others_pass
	local status=$?
	rm -rf /run/egress
	return "$status"
}
case_ "the state folder is a file: denied" state_is touch /run/egress
case_ "the state folder is a link: denied" state_is ln -s /tmp /run/egress
case_ "the state folder is somebody else's: denied" state_is install -d -o alice /run/egress
case_ "the state folder is writable by others: denied" state_is install -d -m 777 /run/egress

missing() { rm -rf /run/egress && opens && [ "$(stat -c '%a %u' /run/egress)" = "700 0" ]; }
case_ "the state folder is missing: made, and opens" missing

full() {
	rm -rf /run/egress
	mkdir -m 700 /run/egress
	mount -t tmpfs -o size=4k,nr_inodes=4,mode=700 lab /run/egress
	denied PAM_SYSTEM_ERR "No space left" && others_pass
	local status=$?
	umount /run/egress
	return "$status"
}
case_ "the disk is full: denied" full

read_only() {
	rm -rf /run/egress
	mkdir -m 700 /run/egress
	mount -t tmpfs -o ro,mode=700 lab /run/egress
	denied PAM_SYSTEM_ERR "Read-only file system" && others_pass
	local status=$?
	umount /run/egress
	return "$status"
}
case_ "the state folder is on a read-only disk: denied" read_only

# A session whose end meets a disk that cannot be written: DISK does that.
closes_on() {
	local disk=$1 status
	rm -rf /run/egress
	mkdir -m 700 /run/egress
	mount -t tmpfs -o size=64k,mode=700 lab /run/egress
	begin agent1 open wait close && held "$uid" && "$disk" && finish && said open ok close ok && "after_$disk"
	status=$?
	umount /run/egress
	return "$status"
}
after_fill_up() { logged "close user=agent1 .*sessions=0$" && rm /run/egress/filler && nothing_left; }
fill_up() {
	cat /dev/zero >/run/egress/filler 2>/dev/null
	! echo 1 2>/dev/null >/run/egress/one && rm -f /run/egress/one
}
make_read_only() { mount -o remount,ro /run/egress; }
after_make_read_only() {
	logged "close user=agent1 .*left to egressctl reap: .*Read-only file system" && held "$uid" && records_are 1 &&
		others_pass_held && mount -o remount,rw /run/egress && reaped
}
others_pass_held() { run alice open close && said open ok close ok && run root open close && said open ok close ok; }
case_ "the disk is full when a session ends: released all the same" closes_on fill_up
case_ "the disk is read-only when a session ends: told, held, and released by the reaper" closes_on make_read_only

# ---- an open that fails in the end ----------------------------------------------------------------

# Without room for it on the PAM handle. What runs is not what a session left: nobody is killed.
no_room() {
	local process status
	cc -shared -fPIC -o "$LAB/full-handle.so" tests/pam/full-handle.c || return
	sed -i 's/proxy = /on_last_close = "kill"; proxy = /' "$conf"
	setpriv --reuid="$uid" --regid="$uid" --clear-groups sleep 300 &
	process=$!
	under=(env "LD_PRELOAD=$LAB/full-handle.so")
	denied PAM_BUF_ERR "no memory" && run alice open && said open ok && ! gone "$process"
	status=$?
	under=(env)
	kill "$process"
	wait "$process"
	lab_config
	return "$status"
}
case_ "no room on the PAM handle: denied, nobody is killed" no_room

# ---- look-ups ----------------------------------------------------------------------------------

lookups_fail() {
	cp /etc/nsswitch.conf "$LAB/nsswitch"
	cc -shared -fPIC -o /usr/lib/libnss_lab.so.2 tests/pam/nss-lab.c && ldconfig || return
	sed -i 's/^passwd:.*/passwd: lab/' /etc/nsswitch.conf
	run agent1 open && said open PAM_SYSTEM_ERR && logged_once "deny user=agent1 .*look-up: " && nothing_left
	local status=$?
	cp "$LAB/nsswitch" /etc/nsswitch.conf
	return "$status"
}
case_ "the user database cannot be asked: an error, not \"no such user\"" lookups_fail

# ---- descriptors -------------------------------------------------------------------------------

# With too few, a covered account is denied; an empty folder may stay, which the reaper takes. With enough it
# is held. Never anything in between.
few_descriptors() {
	local count opened=0 denied=0
	for count in {0..24}; do
		rm -rf "$1"
		run agent1 more-fds="$count" open same || return
		if said open ok same >/dev/null; then
			held "$uid" && reaped || { echo "$count descriptors: open, and not held"; return 1; }
			opened=$((opened + 1))
			continue
		fi
		grep -Eqx 'open PAM_(PERM_DENIED|SYSTEM_ERR|BUF_ERR)' "$results" && grep -qx same "$results" &&
			logged "deny user=agent1" && no_rules && records_are 0 && reaped ||
			{ cat "$results"; echo "with $count descriptors"; return 1; }
		denied=$((denied + 1))
	done
	[ "$opened" -gt 5 ] && [ "$denied" -gt 1 ] || { echo "$opened opened, $denied denied"; return 1; }
}
case_ "few descriptors, fresh: denied or held" few_descriptors /run/egress
case_ "few descriptors, no last good configuration: denied or held" few_descriptors /var/lib/egress

# Whom the text does not name, because it covers him by his uid.
few_by_uid() {
	sed -i "s/user = \"agent1\"/uid = \"$uid\"/" "$conf"
	few_descriptors /var/lib/egress
	local status=$?
	lab_config
	return "$status"
}
case_ "few descriptors, covered by uid: denied or held" few_by_uid

dropped_with_few() {
	local count pid
	begin agent1 open wait close || return
	sed -i 's/"agent1"/"agent9"/' /etc/egress/egress.conf
	for count in {0..24}; do
		run agent1 more-fds="$count" open || break
		said open ok >/dev/null && [ "$(records)" -lt 2 ] &&
			{ echo "$count descriptors: a session, and no record"; finish; return 1; }
		egressctl reap >/dev/null
	done
	lab_config
	finish && nothing_left
}
case_ "few descriptors, out of the configuration while held: denied or held" dropped_with_few

root_with_few() {
	local count
	for count in {6..24}; do
		run root more-fds="$count" open close && said open ok close ok && run alice more-fds="$count" open close &&
			said open ok close ok || { echo "with $count descriptors"; return 1; }
	done
}
case_ "few descriptors: the others pass" root_with_few

case_ "afterwards it opens and closes as ever" opens
case_ "in the end no rule and no state" nothing_left
matrix_end
