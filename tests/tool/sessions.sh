#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# list and show tell who is logged in, what runs, and what lingers; reap lets go of what nothing needs.
# shellcheck disable=SC2317  # functions are called by case_
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/tool.bash"
lab_start "$@"
lab_install
lab_account agent1 2001
lab_config
lab_pam sshd
# shellcheck disable=SC2119  # nothing is taken from it
lab_sshd

# Without its session the rest of the story has no meaning.
opened() {
	case_ "session $1 opens" stay_wait "$1" || lab_end
}

# ---- a session over ssh --------------------------------------------------------------------------

as_agent_ssh lab-stay one &
opened one
case_ "list: active" matches 0 '^agent1 +2001 +active +1 +[1-9][0-9]* +default +'"$LAB_BACKEND"' ' list
case_ "the session's record" json_of 0 'len(d[0]["sessions"]) == 1
	and list(d[0]["sessions"][0]) == SESSION and d[0]["sessions"][0]["service"] == "sshd"
	and d[0]["sessions"][0]["rhost"] == "192.0.2.2" and d[0]["sessions"][0]["pid"] > 1
	and d[0]["processes"] >= 1' list
opened_now() {
	run --json show agent1
	json 'abs(__import__("time").time() - __import__("calendar").timegm(__import__("time").strptime(
		d["sessions"][0]["opened"], "%Y-%m-%dT%H:%M:%SZ"))) < 60'
}
case_ "opened is the time in UTC" opened_now
case_ "show prints the session" matches 0 '^  [^ ]+ +sshd +[0-9]+ +[^ ]+ +192\.0\.2\.2 +20..-' show agent1

as_agent_ssh lab-stay two &
opened two
case_ "two sessions" matches 0 '^agent1 +2001 +active +2 ' list
stay_end two
case_ "one of them ends" wait_for 10 matches 0 '^agent1 +2001 +active +1 ' list
case_ "the other one's rules stay" held 2001

# Whatever a pin is worth beside a session: the account is held until both are gone.
run hold agent1
run release agent1
case_ "a released pin leaves the session's hold" held 2001
case_ "reap has nothing to do" json_of 0 'd == {"held": 0, "released": 0, "ended": 0}' reap

stay_end one
case_ "the last one ends" wait_for 10 json_of 0 'd == []' list
case_ "nothing is left" wait_for 10 nothing_left

# ---- leftovers -----------------------------------------------------------------------------------

as_agent_ssh 'setsid sleep 300 >/dev/null 2>&1 </dev/null &'
case_ "a leftover process lingers" wait_for 10 matches 0 '^agent1 +2001 +lingering +0 +1 ' list
case_ "reap leaves it" json_of 0 'd["released"] == 0' reap
case_ "its rules stay" held 2001
pkill -U 2001 -x sleep
# The close may still have been waiting for it: then that has released it.
reaped() { json_of 0 'd["ended"] == 0' reap && no_rules; }
case_ "reap releases when it is gone" wait_for 10 reaped
case_ "nothing is left then" nothing_left

# ---- an opener that was killed -------------------------------------------------------------------

as_agent_ssh lab-stay three &
opened three
run --json list
opener=$(python3 -I -c 'import json, sys; print(json.load(open(sys.argv[1]))[0]["sessions"][0]["pid"])' \
	"$LAB/out")
kill -KILL "$opener"
stay_end three
pkill -KILL -U 2001
case_ "reap ends a session whose opener is gone" json_of 0 'd["ended"] == 1' reap
case_ "and lets go when its processes have died" wait_for 10 reaped
case_ "and nothing is left" nothing_left

lab_sshd_stop
lab_end
