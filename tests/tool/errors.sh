#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What goes wrong is one line on stderr and an exit status; it changes nothing.
# shellcheck disable=SC2317  # functions are called by case_
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/tool.bash"
lab_start "$@"
lab_install
lab_account agent1 2001
lab_account other 2002
lab_config

# ---- who may: of each verb, verbs.sh --------------------------------------------------------------

case_ "nobody may check the configuration" as nobody matches 0 'profiles' check-config
case_ "nobody gets help" as nobody matches 0 '^usage: ' --help
case_ "nothing was made" nothing_left

# ---- who is not held -----------------------------------------------------------------------------

case_ "hold: no such user" fails_with 1 '.*frob.*' hold frob
case_ "show: no such user" fails_with 1 '.*frob.*' show frob
case_ "release: no such user" fails_with 1 '.*frob.*' release frob
case_ "hold: no such uid" fails_with 1 '.*"3999": does not exist' hold 3999
case_ "show: covered by nothing, not held" fails_with 3 '.*other.*' show other
case_ "show: root" fails_with 3 '.*root.*' show root
cannot_hold() {
	run hold "$1"
	[ "$status" -ne 0 ] && silent out && one_error ".*$1.*"
}
case_ "hold: covered by nothing" cannot_hold other
case_ "hold: root" cannot_hold root
case_ "an odd name is quoted and escaped" fails_with 1 '.*"\?\[2J".*' hold $'\033[2J'
case_ "a name of 5000 characters" fails_with 1 '.+' hold "$(printf 'a%.0s' {1..5000})"
case_ "still nothing was made" nothing_left

# ---- configuration -------------------------------------------------------------------------------

case_ "check-config prints what it read" matches 0 '127\.0\.0\.1:3128' check-config
case_ "check-config --json" json_of 0 \
	'list(d) == ["file", "valid", "backend", "backend_reason"] and d["valid"] is True
	and d["file"] == "/etc/egress/egress.conf"' check-config
round_trip() {
	run check-config
	cp "$LAB/out" /etc/egress/again.conf
	chmod 644 /etc/egress/again.conf
	run check-config /etc/egress/again.conf
	ended_with 0 && diff "$LAB/out" /etc/egress/again.conf
}
case_ "what check-config prints is a configuration" round_trip
relative() { (cd /etc/egress && run --json -c again.conf check-config && json \
	'd["file"] == "/etc/egress/again.conf" and d["valid"] is True'); }
case_ "a relative -c is made absolute" relative

cat >/etc/egress/bad.conf <<'END'
profiles = { default = { prxy = [ "127.0.0.1:3128" ]; }; };
accounts = ( { user = "agent1"; } );
END
case_ "check-config names file, line and token" \
	fails_with 1 '/etc/egress/bad\.conf:1: .*"prxy".*' check-config /etc/egress/bad.conf
case_ "-c before check-config is the same" \
	fails_with 1 '/etc/egress/bad\.conf:1: .*"prxy".*' -c /etc/egress/bad.conf check-config
bad_json() {
	run --json check-config /etc/egress/bad.conf
	ended_with 1 && one_error '/etc/egress/bad\.conf:1: .*' &&
		json 'list(d) == ["file", "valid", "error"] and d["valid"] is False
			and d["file"] == "/etc/egress/bad.conf" and "\"prxy\"" in d["error"]'
}
case_ "check-config --json of a broken file" bad_json
case_ "check-config of a missing file" fails_with 1 '/etc/egress/none\.conf.*' \
	check-config /etc/egress/none.conf
case_ "check-config of a folder" fails_with 1 '/etc/egress.*' check-config /etc/egress
case_ "-c with a broken file has nothing to fall back on" \
	fails_with 1 '.*bad\.conf:1: .*' -c /etc/egress/bad.conf hold agent1

nobody_new='/etc/egress/none\.conf: .* \(no last good configuration: nobody new is held\)'
case_ "-c with a missing file is no answer but an error" fails_with 1 "$nobody_new" -c /etc/egress/none.conf hold other
case_ "and so for JSON" fails_with 1 "$nobody_new" -c /etc/egress/none.conf --json hold other

lab_config_broken
case_ "hold with a broken configuration" fails_with 1 '.*egress\.conf:2: .*' hold agent1
case_ "sync with a broken configuration" fails_with 1 '.*egress\.conf:2: .*' sync
case_ "a broken configuration held nobody" nothing_left
lab_config

# ---- locks ---------------------------------------------------------------------------------------

# busy LOCK VERB...: exit 4 after the deadline of ten seconds, not much later, one line.
busy() {
	local begun=$SECONDS
	while_locked "$1" fails_with 4 '.+' "${@:2}" || return
	[ $((SECONDS - begun)) -le 13 ] || { echo "took $((SECONDS - begun)) s"; return 1; }
}
case_ "the host's lock is busy" busy /run/xtables.lock hold agent1
case_ "a busy lock held nobody, and left nothing" nothing_left
run hold agent1
case_ "the ledger's lock is busy" busy "$(find /run/egress -name lock | head -n 1)" --json sync
case_ "and the hold still stands" held 2001

# ---- output --------------------------------------------------------------------------------------

full() {
	egressctl "$@" >/dev/full 2>"$LAB/err"
	status=$?
	ended_with 1 && one_error 'standard output: cannot write: No space left on device'
}
case_ "a full disk is noticed" full list
case_ "a full disk is noticed for JSON" full --json show agent1
run release agent1
case_ "nothing is left" nothing_left

lab_end
