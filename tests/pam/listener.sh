#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Loopback is shut but for what is listed, by each address that leads to this host; a listed port of the account's own
# answers, and opens nothing.
# shellcheck disable=SC2015,SC2119,SC2317  # functions are called by case_; && and || are meant
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"

uid=2001
lab_start "$@"
lab_install
lab_account agent1 $uid
lab_account alice 2002
lab_config "allow = ( { to = \"127.0.0.1\"; proto = \"tcp\"; ports = \"8080\"; },
	{ to = \"::1\"; proto = \"tcp\"; ports = \"8080\"; } );"
install -m 755 "$lab_source/tests/pam/ports.py" /usr/local/bin/ports

listed=(127.0.0.1 ::1 ::ffff:127.0.0.1)
unlisted=(127.0.0.2 ::ffff:127.0.0.2 "$HOST4" "::ffff:$HOST4" "$HOST6")
nameless=(0.0.0.0 :: ::ffff:0.0.0.0) # the kernel makes 127.0.0.1 and ::1 of them
heard=/tmp/heard
: >"$heard"
chmod 666 "$heard"

# as ACCOUNT CMD
as() { su "$1" -c "$2" </dev/null; }

serve() {
	rm -f "/tmp/ready-$2"
	as "$1" "exec ports serve $2 $heard /tmp/ready-$2" 2>"$LAB/serve-$2.err" &
	wait_for 10 test -e "/tmp/ready-$2"
}

# asks ACCOUNT SOURCE PORT ADDRESS...: into /tmp/asked; $heard has who came.
asks() {
	: >"$heard"
	as "$1" "ports ask ${*:2} >/tmp/asked-$1" || return
	[ "$(wc -l <"/tmp/asked-$1")" -eq $(($# - 3)) ] || { cat "/tmp/asked-$1"; return 1; }
}

all_answer() {
	asks "$@" && ! grep -v ' answered$' "/tmp/asked-$1" && [ "$(wc -l <"$heard")" -eq $(($# - 3)) ]
}
none_answers() {
	asks "$@" || return
	! grep ' answered$' "/tmp/asked-$1" && ! grep . "$heard"
}

everywhere=("${listed[@]}" "${unlisted[@]}" "${nameless[@]}")
case_ "alice's service on 9090, of agent1 one on 8080, none is held" serve alice 9090
case_ "without the module every address leads to it (control)" all_answer agent1 0 9090 "${everywhere[@]}"
case_ "from port 8080 as well (control)" all_answer agent1 8080 9090 "${everywhere[@]}"
lab_pam su
case_ "of a held account none leads to another's service" none_answers agent1 0 9090 "${everywhere[@]}"
case_ "alice gets there as before (control)" all_answer alice 0 9090 "${everywhere[@]}"

case_ "a service of its own at the listed port" serve agent1 8080
case_ "and one at another port" serve agent1 8081
case_ "others are answered by the listed addresses" all_answer alice 0 8080 "${listed[@]}" "${nameless[@]}"
case_ "itself is" all_answer agent1 0 8080 "${listed[@]}" "${nameless[@]}"
case_ "others are not answered by other addresses" none_answers alice 0 8080 "${unlisted[@]}"
case_ "nor at a port that is not listed" none_answers alice 0 8081 "${everywhere[@]}"
outside_is_not_answered() {
	in_world ports ask 0 8080 "$HOST4" "$HOST6" >/tmp/asked-world
	[ "$(wc -l </tmp/asked-world)" -eq 2 ] && ! grep answered /tmp/asked-world
}
case_ "nor from outside" outside_is_not_answered

# The listed port as a source; its own listener goes first.
stop_own() { pkill -KILL -U "$uid" -f 'ports serve 8080'; wait_for 10 not port_open 8080; }
case_ "its service is gone" stop_own
case_ "from the listed port no other is reached" none_answers agent1 8080 9090 "${everywhere[@]}"
world_log_clear
reaches_nobody() { none_answers agent1 8080 80 "$WORLD4" "$WORLD6" && nothing_arrived; }
case_ "nor anything outside" reaches_nobody
allowed() {
	egressctl --json list | /usr/bin/python3 -I -c 'import json, sys
(held,) = json.load(sys.stdin)
print(held["allowed"]["packets"], held["denied"]["packets"])'
}
counts() {
	local before after
	serve agent1 8080 && before=$(allowed) && all_answer alice 0 8080 127.0.0.1 && after=$(allowed) || return
	[ "${before% *}" -lt "${after% *}" ] && [ "${before#* }" = "${after#* }" ] || { echo "$before, then $after"; return 1; }
}
case_ "answers count as allowed" counts
pkill -KILL -U "$uid"
lab_end
