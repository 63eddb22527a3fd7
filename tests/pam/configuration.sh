#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whoever is named in a configuration that cannot be used, or held in the kernel, gets no session until it is mended,
# in whatever way it is broken. The others log in.
# shellcheck disable=SC2015,SC2317  # functions are called by case_; && and || are meant
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
lab_start "$@"
lab_install
lab_account agent1 2001
lab_account alice 2002
lab_account worker 2010

folder=/etc/egress
conf=$folder/egress.conf
parts=$folder/conf.d
service=egress-alone
printf '%s required pam_deny.so\n' auth account password session >/etc/pam.d/other
lab_pam_alone $service

profiles() { lab_backend_line && printf 'profiles = { default = { proxy = [ "127.0.0.1:3128" ]; }; };\n'; }
agent1() { printf 'accounts = ( { user = "agent1"; } );\n'; }
agent9() { printf 'accounts = ( { user = "agent9"; } );\n'; }

# No last good configuration and nobody held, before each of them.
fresh() {
	egressctl reap >/dev/null 2>&1
	rm -rf "$folder" /var/lib/egress
	mkdir -p "$parts"
	nothing_left
}

# write FILE: what is on standard input.
write() { cat >"$1" && chmod 644 "$1"; }

usable() { egressctl check-config >/dev/null || { echo "was not usable before it was broken"; return 1; }; }
unusable() { ! egressctl check-config >/dev/null 2>&1 || { echo "is not broken"; return 1; }; }

log_in() { pamtester "$service" "$1" open_session close_session; }

# denied USER WHY: it gets nothing, and the log says why; alice and root log in.
denied() {
	syslog_mark
	! pamtester "$service" "$1" open_session || { echo "$1 got a session"; return 1; }
	wait_for 5 syslog_has "deny user=$1 .*no last good configuration; $2" || { syslog_new; return 1; }
	log_in alice && log_in root
}
named_denied() { unusable && denied agent1 'it names "agent1"'; }

# ---- whom the text names -------------------------------------------------------------------------

whole() { { profiles; agent1; } | write "$conf"; }

# The name stands in conf.d/b.conf only.
in_part() {
	profiles | write "$conf" && agent1 | write "$parts/b.conf"
}

in_open_folder() {
	fresh && in_part && usable && chmod 775 "$parts" && named_denied
}
case_ "conf.d is writable by its group: named in it is denied" in_open_folder

behind_open_part() {
	fresh && in_part && agent9 | write "$parts/a.conf" && usable && chmod 666 "$parts/a.conf" && named_denied
}
case_ "conf.d/a.conf is writable by others: named in b.conf is denied" behind_open_part

in_open_part() {
	fresh && in_part && usable && chmod 666 "$parts/b.conf" && named_denied
}
case_ "conf.d/b.conf is writable by others: named in it is denied" in_open_part

behind_no_file() {
	fresh && in_part && "$@" "$parts/a.conf" && named_denied
}
case_ "conf.d/a.conf is a FIFO: named in b.conf is denied, nobody waits" behind_no_file mkfifo
case_ "conf.d/a.conf is a folder: named in b.conf is denied" behind_no_file mkdir
case_ "conf.d/a.conf leads nowhere: named in b.conf is denied" behind_no_file ln -s /nowhere

linked() {
	fresh && whole && usable && mv "$conf" "$folder/real" && ln -s real "$conf" && named_denied
}
case_ "egress.conf is a link to a good file: named in that is denied" linked

linked_part() {
	fresh && in_part && usable && mv "$parts/b.conf" "$folder/real" && ln -s ../real "$parts/b.conf" && named_denied
}
case_ "conf.d/b.conf is a link: named in that is denied" linked_part

large() {
	fresh && whole && usable && head -c 1048577 /dev/zero | tr '\0' '#' >>"$conf" && named_denied
}
case_ "egress.conf is larger than 1 MiB: named at its start is denied" large

of_another() {
	fresh && whole && usable && chown alice "$conf" && named_denied
}
case_ "egress.conf belongs to another user: named in it is denied" of_another

behind_nul() {
	fresh && { profiles; agent1; } | write "$conf" && usable || return
	{ profiles; printf '\0'; agent1; } | write "$conf"
	named_denied
}
case_ "a NUL in egress.conf: named behind it is denied" behind_nul

missing() {
	fresh && in_part && usable && rm "$conf" && named_denied
}
case_ "egress.conf is not there: named in conf.d is denied" missing

# ---- who is held by uid --------------------------------------------------------------------------

# The text names nobody, and the ledger tells nothing: the kernel is all there is to go by. Its entry, that of a uid.
stands() {
	local status
	fresh && { profiles | sed 's/ };/ hold = "always"; };/' && echo "accounts = ( { uid = \"$1\"; } );"; } |
		write "$conf" && egressctl sync && held "$1" || return
	rm -rf /var/lib/egress
	"${@:2}"
	sed -i 's/^profiles = {/profiles = {{/' "$conf"
	unusable && denied worker '"worker" is held'
	status=$?
	{ profiles; agent9; } | write "$conf"
	egressctl sync >/dev/null 2>&1 && nothing_left && return "$status"
}
case_ "broken while a range of uids is held: a uid in it is denied" stands 2003-2999
case_ "broken while a range is held, no ledger: a uid in it is denied" stands 2003-2999 rm -r /run/egress
case_ "broken while a uid is held: denied" stands 2010
case_ "broken while a uid is held, no ledger: denied" stands 2010 rm -r /run/egress

# As su does it: the real uid is the caller's.
as_su() {
	prlimit --nofile="$1:$1" setpriv --ruid 2002 pamtester "$service" "$2" open_session 2>&1
}

by_range() { profiles && echo 'accounts = ( { uid = "2000-2001"; } );'; }

# Whatever fails for want of descriptors, nobody gets a session and no rules. No name to go by, only uids.
few_descriptors() {
	local count opened=0 refused=0
	fresh && by_range | write "$conf" && usable || return
	for count in {3..20}; do
		rm -rf /var/lib/egress
		if as_su "$count" agent1; then
			held 2001 || { echo "with $count descriptors: a session without rules"; return 1; }
			opened=$((opened + 1))
		else
			refused=$((refused + 1))
		fi
		egressctl reap >/dev/null && nothing_left || { echo "with $count descriptors: something stays"; return 1; }
	done
	echo "$opened opened, $refused refused"
	[ "$opened" -gt 0 ] && [ "$refused" -gt 0 ]
}
case_ "few descriptors, covered by uid: refused or held" few_descriptors

case_ "in the end no rule and no state" nothing_left
lab_end
