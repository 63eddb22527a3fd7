#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# README.md, from a clone to a held login: its own commands, one after the other, on a machine that has none of it.
# shellcheck disable=SC2016,SC2317  # texts for other shells; functions are called by case_
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tree.bash
. "$(dirname "$0")/../tree.bash"
lab_start "$@"

# The indented lines between the marks.
walk() { sed -n '/^<!-- walk: begin -->$/,/^<!-- walk: end -->$/s/^    //p' README.md; }
# Those after them, without prompts: what README says that one sees.
shown() { sed -n '/^<!-- walk: end -->$/,/^## /s/^    //p' README.md; }

# No systemd runs in the lab: it is looked whether what would be enabled is there, and can be started.
cat >/usr/local/bin/systemctl <<'END'
#!/bin/sh
[ "$1 $2" = "enable --now" ] && shift 2 && cd /usr/lib/systemd/system && cat "$@" >/dev/null
END
chmod 755 /usr/local/bin/systemctl

tree_copy /tmp/clone
cd /tmp/clone || exit
nothing_there() { [ ! -e /usr/sbin/egressctl ] && ! grep -rl pam_egress /etc/pam.d && ! id agent1; }
case_ "nothing of it is there before" nothing_there
whole_walk() { [ "$(walk | wc -l)" -ge 10 ] && bash -euc "$(walk)" </dev/null; }
case_ "each command succeeds" whole_walk

login() { su - agent1 -c "$1" </dev/null; }
straight="curl -sS --noproxy '*' --max-time 5 http://$WORLD4/"
others() { world_log_clear && setpriv --reuid=nobody --clear-groups bash -c "$straight" && world_settle && world_arrivals; }
case_ "control: others reach the world" others
straight_is_refused() {
	world_log_clear
	login "$straight" && return 1
	nothing_arrived
}
case_ "su: the account does not" straight_is_refused
by_proxy() { world_log_clear && login 'curl -sS --max-time 5 http://www.example.com/readme' && world_log_has 'readme .* via a proxy'; }
case_ "su: it does through the proxy, of which nobody told it" by_proxy

lab_ssh_key() {
	ssh-keygen -q -t ed25519 -N '' -f $LAB/key && install -d -m 700 -o agent1 -g agent1 /home/agent1/.ssh &&
		install -m 600 -o agent1 -g agent1 $LAB/key.pub /home/agent1/.ssh/authorized_keys && lab_sshd
}
lab_ssh_key
login() { as_agent_ssh "$1" </dev/null; }
case_ "ssh: the account does not" straight_is_refused
case_ "ssh: through the proxy it does" by_proxy

told() { shown | grep -Fx "$1"; }
policy_is_shown() { told "$(login 'echo $EGRESS_POLICY')"; }
case_ "EGRESS_POLICY is what README shows" policy_is_shown
policy_helps() { login 'set -- ${EGRESS_POLICY#*why: }; "$1" "$2" "$3" tcp://192.0.2.1:443'; [ $? -eq 3 ]; }
case_ "what it says to ask is there for the account" policy_helps
refusal_is_shown() { shown | grep -F "$(login 'curl -sS --noproxy "*" http://192.0.2.1/' 2>&1 | sed 's/ port .*//')"; }
case_ "and so is the refusal" refusal_is_shown
# Not while the account only lingers of the login before: the word is wider.
is_active() { egressctl | grep -q ' active '; }
titles_are_shown() {
	wait_for 10 nothing_left || return # of the sessions before
	login 'exec sleep 60' &
	wait_for 10 is_active && told "$(egressctl | head -n 1)"
}
case_ "and so are the titles of the list" titles_are_shown
explained() { egressctl explain agent1 tcp://192.0.2.1:443; [ $? -eq 3 ]; }
case_ "explain says no" explained

named() { ! make uninstall >/tmp/said 2>&1 && grep 'still named by: .*/etc/pam.d/su' /tmp/said; }
case_ "uninstall refuses while a PAM file names the module" named
released() { egressctl sync >/dev/null && nothing_left; }
still_held() {
	pkill -u agent1 && wait_for 10 released && login 'sleep 300 >/dev/null 2>&1 &' && lab_pam_off sshd &&
		lab_pam_off su && ! make uninstall >/tmp/said 2>&1 && grep '^agent1 ' /tmp/said && [ -e /usr/sbin/egressctl ]
}
case_ "and while an account is held, which nothing could end then" still_held
undone() { pkill -u agent1 && wait_for 10 released && make uninstall && [ ! -e /usr/sbin/egressctl ]; }
case_ "it is undone as README says" undone
lab_end
