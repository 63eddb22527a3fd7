#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An account is held by its subordinate uids as well, which newuidmap gives to whoever runs as it.
# shellcheck disable=SC2015,SC2317  # functions are called by case_; && and || are meant
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"

uid=2001
ways="tcp4 tcp6 udp4 udp6 icmp4 icmp6 dns4 dns6"
as_root_of_its_own="unshare --user --map-auto --setuid 0 --setgid 0"

# config PROFILE-KEYS [ENTRY...]: of agent1 if none is given.
config() { lab_config "no_new_privs = false; $1" "${@:2}"; }
subuid() { printf '%s\n' "$@" >/etc/subuid; }

lab_start "$@"
lab_install
lab_account agent1 "$uid"
lab_account alice 2002
# As useradd(8) does, with numbers that the test knows.
subuid agent1:100000:65536 alice:165536:65536
cp /etc/subuid /etc/subgid
config ''
lab_pam sshd
lab_pam su
lab_sshd

enter() { su "$1" -c "$2 </dev/null >/dev/null 2>&1"; }
reaped() { egressctl reap >/dev/null && nothing_left; }
runs_as() { pgrep -U "$1" -x "$2"; }
all_of_it_is_held() { held "$uid" && held 100000-165535; }

# shows KEY VALUE: of agent1.
shows() {
	egressctl --json show agent1 >"$LAB/show"
	/usr/bin/python3 -I -c 'import json, sys
is_ = json.load(open(sys.argv[1]))[sys.argv[2]]
sys.exit(0 if str(is_) == sys.argv[3] else f"{sys.argv[2]} is {is_}, not {sys.argv[3]}")' "$LAB/show" "$1" "$2" 2>&1
}

# tried TAG WAY...: under a subordinate uid, from a session over the wire; it was that uid that tried, each of them.
tried() {
	local tag=$1
	shift
	world_log_clear
	as_agent_ssh "$as_root_of_its_own sh -c 'cat /proc/self/uid_map; lab-reach $tag $*' >/tmp/tried-$tag" || :
	grep -Eq '^ +0 +100000 +65536$' "/tmp/tried-$tag" && [ "$(wc -l <"/tmp/tried-$tag")" -eq $(($# + 1)) ] ||
		{ cat "/tmp/tried-$tag"; echo "it did not try all of: $*"; return 1; }
}

# ---- one command, of a default account -------------------------------------------------------------

ignored_gets_out() {
	config 'subordinate_ids = "ignore";'
	# shellcheck disable=SC2086  # words
	tried control $ways && grep -q '^tcp4 reached ' /tmp/tried-control && grep -q '^udp6 reached ' /tmp/tried-control &&
		wait_for 5 world_log_has 'GET /control ' && wait_for 5 world_log_has '^udp6 .* control$'
	local status=$?
	config ''
	return "$status"
}
held_gets_nowhere() {
	# shellcheck disable=SC2086  # words
	tried held $ways && ! grep ' reached ' /tmp/tried-held && nothing_arrived
}
asks_the_proxy() {
	tried asks proxy && grep '^proxy reached ' /tmp/tried-asks && world_log_has 'GET [^ ]*/asks-by-proxy .* via a proxy$'
}
case_ "ignored: a subordinate uid gets out (control)" ignored_gets_out
case_ "held: a subordinate uid reaches nothing outside" held_gets_nowhere
case_ "held: it may ask the proxy" asks_the_proxy
case_ "afterwards no rule and no state" wait_for 10 reaped

# during SESSION-COMMAND CHECK...: CHECK while it lasts.
during() {
	local command=$1 status session
	shift
	stay_forget session
	su agent1 -c "$command; lab-stay session" &
	session=$!
	stay_wait session && "$@"
	status=$?
	stay_end session
	wait "$session"
	return "$status"
}
one_account() {
	all_of_it_is_held && shows ranges '[[2001, 2001], [100000, 165535]]' &&
		[ "$(egressctl --no-legend list | wc -l)" -eq 1 ] && egressctl verify &&
		egressctl show agent1 | grep -Eq '^subuids +100000-165535$'
}
not_alices() { ! held 165536-231071 >/dev/null && ! lab_rules | grep -e 165536 -e 2002; }
counts_both() {
	su alice -c true
	setpriv --reuid=100007 --clear-groups bash -c "echo x >/dev/udp/$WORLD4/9999" 2>/dev/null || :
	setpriv --reuid="$uid" --clear-groups bash -c "echo x >/dev/udp/$WORLD4/9999" 2>/dev/null || :
	egressctl --json show agent1 | /usr/bin/python3 -I -c 'import json, sys
denied = json.load(sys.stdin)["denied"]["packets"]
sys.exit(0 if denied == 2 else f"{denied} packets denied, not 2")'
}
case_ "one account, one line, both ranges, no drift" during : one_account
case_ "its packets are counted over all of its uids" during : counts_both
case_ "another account's ranges are not swept in" during : not_alices
drifts() {
	lab_flush
	egressctl verify >"$LAB/said" && { echo "no drift"; return 1; }
	grep -q '^agent1: uid 100000-165535: ' "$LAB/said" || { cat "$LAB/said"; return 1; }
	egressctl sync >/dev/null && all_of_it_is_held && egressctl verify
}
case_ "a flush is seen of each range, and sync mends them" during : drifts

# ---- what outlives the session ---------------------------------------------------------------------

stays_under_a_subordinate_uid() {
	enter agent1 "setsid $as_root_of_its_own sleep 300 &" && wait_for 10 runs_as 100000 sleep && all_of_it_is_held &&
		shows state lingering && shows processes 1 && egressctl reap >/dev/null && all_of_it_is_held
}
case_ "a leftover under a subordinate uid: the account lingers" stays_under_a_subordinate_uid
pkill -KILL -U 100000
case_ "when that is gone, reap releases" wait_for 10 reaped

# Sockets that nobody of the account has open any more: passed on to alice.
owns_a_socket() {
	/usr/bin/python3 -I - <<-'END' &
		import os, signal, socket
		os.setresuid(-1, 100009, -1)
		sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		sock.bind(("127.0.0.1", 0))
		os.setresuid(0, 0, 0)
		open("/tmp/socket.there", "w").close()
		signal.pause()
	END
	keeper=$!
	wait_for 10 test -e /tmp/socket.there && enter agent1 true && all_of_it_is_held && shows sockets 1 &&
		shows processes 0 && egressctl reap >/dev/null && all_of_it_is_held
}
case_ "a socket of a subordinate uid that somebody else has: the account lingers" owns_a_socket
kill "$keeper"
case_ "when that is closed, reap releases" wait_for 10 reaped

config 'on_last_close = "kill";'
killed() {
	enter agent1 "setsid $as_root_of_its_own sh -c 'sleep 300 & exec setpriv --reuid=7 --clear-groups sleep 301' &
		until pgrep -U 100007 -x sleep; do sleep 0.05; done"
	! pgrep -U 100000 && ! pgrep -U 100007 && nothing_left
}
case_ "kill: those under subordinate uids are ended, too" killed
config 'on_last_close = "release";'
released() {
	enter agent1 "setsid $as_root_of_its_own sleep 300 & until pgrep -U 100000 -x sleep; do sleep 0.05; done"
	runs_as 100000 sleep && nothing_left
}
case_ "release: nothing of it stays, whatever runs" released
pkill -KILL -U 100000
config ''

# ---- the set only grows ----------------------------------------------------------------------------

file_changes() {
	subuid alice:165536:65536
	su agent1 -c true && all_of_it_is_held && egressctl sync && all_of_it_is_held || return
	subuid agent1:300000:1000
	su agent1 -c true && all_of_it_is_held && held 300000-300999 &&
		shows ranges '[[2001, 2001], [100000, 165535], [300000, 300999]]' || return
	subuid agent1:300000:2000
	egressctl sync && held 301000-301999 && all_of_it_is_held && held 300000-300999
}
case_ "while the hold stands the set only grows: by an open, by sync" during : file_changes
case_ "when it ends, all of it goes" wait_for 10 reaped

taken_over() {
	subuid agent1:100000:65536
	enter agent1 "setsid sleep 300 &" && held 100000-165535 || return
	subuid alice:150000:65536
	config '' 'user = "agent1";' 'user = "alice";'
	syslog_mark
	! enter alice true && wait_for 5 syslog_has 'subordinate ids 150000-215535: overlap 100000-165535, by which uid 2001 is still held' &&
		held 100000-165535
}
case_ "what another account is still held by is refused" taken_over
pkill -KILL -U agent1
wait_for 10 reaped
case_ "when that is released, the other gets it" enter alice true
config ''

pinned() {
	subuid agent1:100000:65536
	egressctl hold agent1 && all_of_it_is_held && shows state pinned && egressctl release agent1 && nothing_left
}
always() {
	config 'hold = "always";'
	egressctl sync && all_of_it_is_held && lab_flush && egressctl sync && all_of_it_is_held || return
	config ''
	egressctl sync && nothing_left
}
case_ "hold and release: all of it" pinned
case_ "always: all of it, after sync" always

# ---- what cannot be had ----------------------------------------------------------------------------

# denied SAYING: agent1 gets no session, and the log says why.
denied() {
	syslog_mark
	! enter agent1 true && wait_for 5 syslog_has "deny user=agent1 .*$1" && nothing_left
}
with_line() { subuid "$1"; denied "$2"; }

config 'subordinate_ids = "refuse";'
case_ "refuse: no session" denied '/etc/subuid:1: uid 2001 has subordinate ids, which profile "default" refuses'
subuid alice:165536:65536
case_ "refuse: an account without any gets in" enter agent1 true
config ''
case_ "garbage in its line: no session" with_line agent1:100000:many '/etc/subuid:1: .*: is not NAME:FIRST:COUNT'
case_ "uid 0 in its range: no session" with_line agent1:0:65536 'has uid 0'
case_ "an account's uid in its range: no session" with_line agent1:2002:1 'has uid 2002'
case_ "an enormous range: no session" with_line agent1:100000:4000000000 'has more than 16777216 uids'
case_ "a range that wraps: no session" with_line agent1:4294967000:1000 'goes beyond the last uid'
overlapping() {
	subuid alice:100000:65536 agent1:120000:10
	denied '/etc/subuid:2: .*: overlaps line 1, "alice:100000:65536"'
}
case_ "a range that overlaps another name's: no session, both lines are named" overlapping
held_always() {
	subuid agent1:100000:65536
	config '' 'user = "agent1";' 'uid = "120000-120009"; profile = "always"'
	sed -i 's/^profiles = {/profiles = { always = { proxy = "127.0.0.1:3128"; hold = "always"; };/' /etc/egress/egress.conf
	denied 'subordinate ids 100000-165535: overlap the uids that .* holds always'
}
case_ "a range that overlaps what is held always: no session" held_always
config ''
writable() {
	subuid agent1:100000:65536
	chmod g+w /etc/subuid
	denied '/etc/subuid: others may write to it'
}
case_ "a file that others may write: no session" writable
chmod g-w /etc/subuid
not_of_others() {
	subuid "what is this?" alice:garbage "" '#' :::: agent1:100000:65536
	enter agent1 true && nothing_left
}
case_ "garbage in lines of others is theirs alone" not_of_others
not_covered() {
	subuid alice:garbage:garbage
	chmod g+w /etc/subuid
	su alice -c true && su root -c true
	local status=$?
	chmod g-w /etc/subuid
	return "$status"
}
case_ "whom nothing covers is not asked" not_covered
by_number() {
	subuid "$uid:100000:65536"
	during : all_of_it_is_held
}
case_ "a line that bears the uid counts" by_number

# ---- the name service's ----------------------------------------------------------------------------

# "subid: lab" in nsswitch.conf: agent1 has 500000-565535 there, as it would on a directory.
name_service() {
	cat >/tmp/subid.c <<-'END'
		#include <shadow/subid.h>
		#include <stdlib.h>
		#include <string.h>
		#include <unistd.h>

		enum subid_status shadow_subid_has_range(const char *owner, unsigned long start, unsigned long count,
							 enum subid_type type, bool *result)
		{
			*result = strcmp(owner, "agent1") == 0 && start >= 500000 && start + count <= 565536 && type;
			return SUBID_STATUS_SUCCESS;
		}

		enum subid_status shadow_subid_list_owner_ranges(const char *owner, enum subid_type type,
								 struct subid_range **ranges, int *count)
		{
			*count = 0;
			if (strcmp(owner, "agent1") != 0 || type != ID_TYPE_UID)
				return SUBID_STATUS_UNKNOWN_USER;
			*ranges = malloc(sizeof(**ranges));
			**ranges = (struct subid_range){ 500000, 65536 };
			*count = 1;
			return SUBID_STATUS_SUCCESS;
		}

		enum subid_status shadow_subid_find_subid_owners(unsigned long id, enum subid_type type, uid_t **uids, int *count)
		{
			*count = id && type && uids ? 0 : 0;
			return SUBID_STATUS_SUCCESS;
		}
	END
	cc -shared -fPIC -Wall -Werror -o "/usr/lib/$(cc -print-multiarch)/libsubid_lab.so" /tmp/subid.c &&
		echo "subid: lab" >>/etc/nsswitch.conf
}
fetched() {
	subuid
	name_service || return
	during : not held 500000-565535 || return
	egressctl sync && grep -x 'agent1:500000:65536' /var/lib/egress/subuid || return
	during : held 500000-565535 && during : shows ranges '[[2001, 2001], [500000, 565535]]'
}
case_ "the name service's ranges are fetched by sync, for all logins since" fetched
exported() {
	local as
	for as in env "setpriv --reuid=nobody --regid=nogroup --clear-groups"; do
		$as egressctl export agent1 --format nft >/tmp/exported && grep -q 'skuid 500000-565535 ' /tmp/exported || return
	done
}
case_ "export has them: for root by what sync kept, for others by asking" exported
forgotten() {
	sed -i '/^subid:/d' /etc/nsswitch.conf
	egressctl sync && during : not held 500000-565535
}
case_ "what the name service has no more is forgotten by sync" forgotten
case_ "in the end no rule and no state" wait_for 10 reaped
lab_end
