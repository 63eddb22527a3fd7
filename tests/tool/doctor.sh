#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# doctor names the weak spots of accounts and PAM stacks, none that is not there, and what mends each.
# shellcheck disable=SC2016,SC2317  # functions are called by case_, texts by eval
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/tool.bash"
# shellcheck source=tests/tool/doctor.bash
. "$(dirname "$0")/doctor.bash"
lab_start "$@"
lab_install
doctor_lab

# ---- PAM: a host as it is, then as it should be ------------------------------------------------------

case_ "a host without the module fails" says fail sshd 'without pam_egress.so'
every_way() {
	local service
	for service in su su-l sudo sudo-i cron atd login systemd-user; do
		said fail "$service" without || return
	done
}
case_ "and every way in is named" every_way
case_ "jobs run without a hold" said fail cron-jobs 'jobs of cron'
case_ "chfn opens no session" eval '! said fail chfn && ! said warn chfn'
mend_pam() {
	local service
	# su-l and runuser-l include the other one; of the latter something is started before.
	for service in sshd su sudo sudo-i cron atd login runuser systemd-user; do
		run --json doctor
		mends "$service" without || return
	done
	mends runuser-l 'comes after' && said pass su-l || return
	grep -q '^session required pam_egress.so' /etc/pam.d/sshd
}
case_ "PAM: the remedies help" mend_pam
jobs_held() { says pass cron-jobs 'jobs of cron are held' && said pass at-jobs 'jobs of at are held'; }
case_ "jobs are held then" jobs_held
login_works() { as_agent_ssh true && lab_sshd_stop; }
lab_sshd
case_ "sshd works with it" login_works

include_after() {
	printf 'session required pam_exec.so /bin/true\n@include lab-part\n' >/etc/pam.d/lab-service
	printf '%s\n' "$1" >/etc/pam.d/lab-part
}
late() { include_after 'session required pam_egress.so'; }
early() { include_after 'session required pam_permit.so' && sed -i '1i session required pam_egress.so' /etc/pam.d/lab-service; }
case_ "PAM: after a module that starts processes, through an @include" finds warn service 'after pam_exec.so' late
case_ "PAM: before it" eval 'early && ! says warn service "^lab-service"'
case_ "PAM: an optional line denies nothing" finds fail service '^lab-service: "optional"' \
	sed -i 's/required pam_egress/optional pam_egress/' /etc/pam.d/lab-service
case_ "PAM: [default=ignore] denies nothing" finds fail service '^lab-service: "\[' \
	sed -i 's/optional pam_egress/[success=ok default=ignore] pam_egress/' /etc/pam.d/lab-service
case_ "PAM: -session may be missing" finds fail service '^lab-service: "-session' \
	sed -i 's/^session \[.*\] pam_egress/-session required pam_egress/' /etc/pam.d/lab-service
skipped() { printf 'session [success=1 default=ignore] pam_permit.so\nsession required pam_egress.so\n' >/etc/pam.d/lab-service; }
case_ "PAM: a jump over it" finds fail service '^lab-service: a line before' skipped
ended() { printf 'session sufficient pam_permit.so\nsession required pam_egress.so\n' >/etc/pam.d/lab-service; }
case_ "PAM: a line before that ends the stack" eval 'ended && says fail service "^lab-service: a line before"'
commented() { printf '# session required pam_egress.so\nsession required pam_permit.so\n' >/etc/pam.d/lab-service; }
case_ "PAM: a comment is no line" finds warn service '^lab-service: sessions without' commented
words() { printf 'session required %s\n' "$1" >/etc/pam.d/lab-service; }
case_ "PAM: known words" eval 'words "pam_egress.so debug quiet config=/etc/egress/egress.conf" && says pass service "^lab-service: sessions are held"'
case_ "PAM: an unknown word denies all" finds fail service '^lab-service: who is covered gets no session.*"hardn=no"' \
	words 'pam_egress.so quiet hardn=no'
case_ "PAM: another configuration" finds warn service '^lab-service: goes by another configuration, /etc/other.conf' \
	words 'pam_egress.so config=/etc/other.conf'
case_ "PAM: harden=no" finds warn service '^lab-service: .*not hardened' words 'pam_egress.so harden=no'
case_ "PAM: a path where nothing is" finds fail service '^lab-service: nobody gets a session: /lib/lab/pam_egress.so' \
	words /lib/lab/pam_egress.so
circle() { echo '@include lab-service' >/etc/pam.d/lab-service; }
case_ "PAM: a file that includes itself" eval 'circle && says skip service "^lab-service: cannot be read"'
rm -f /etc/pam.d/lab-*

# ---- the account ---------------------------------------------------------------------------------------

in_group() { groupadd -f "$1" && gpasswd -a agent1 "$1"; }
case_ "no group: passes" says pass groups
for group in docker lxd libvirt incus-admin sudo wheel disk; do
	trouble "group $group" fail groups "member of $group:" in_group $group
done
trouble "group kvm" warn groups "member of kvm:" in_group kvm
primary() { usermod -g disk agent1; }
trouble "a primary group" fail groups "member of disk:" primary
usermod -g agent1 agent1
others_group() { gpasswd -a bystander docker && says pass groups; }
case_ "another's group is his" others_group

sudo_rule() { echo "$1 ALL=(root) NOPASSWD: /usr/bin/id" >/etc/sudoers.lab && cat /etc/sudoers.lab >/etc/sudoers; }
case_ "sudo: nothing allowed" says pass sudo-rules
case_ "sudo: a rule for another" eval 'sudo_rule bystander && says pass sudo-rules'
case_ "sudo: a rule" finds warn sudo-rules 'not in sessions' sudo_rule agent1
case_ "sudo: a rule, without no_new_privs" finds fail sudo-rules 'as others' profile 'no_new_privs = false;'
echo "root ALL=(ALL:ALL) ALL" >/etc/sudoers
lab_config

case_ "subordinate uids: held by default" says pass subordinate-ids 'held with'
case_ "subordinate uids: an always held range has none" \
	finds fail subordinate-ids 'until its first session' lab_config 'hold = "always";' 'uid = "2000-2009";'
lab_config
case_ "subordinate uids: refuse" finds warn subordinate-ids refused profile 'subordinate_ids = "refuse";'
trouble "subordinate uids: ignore" fail subordinate-ids 'way out' profile 'subordinate_ids = "ignore";'
case_ "subordinate uids: none left" said pass subordinate-ids 'no subordinate'
by_number() { echo 2001:300000:65536 >>/etc/subuid; }
case_ "subordinate uids by number" finds fail subordinate-ids 2001:300000 by_number
sed -i '/^2001:/d' /etc/subuid
lab_config

case_ "on_last_close = release" finds warn last-close release profile 'on_last_close = "release";'
case_ "no_new_privs = false" finds warn no-new-privs . profile 'no_new_privs = false;'
case_ "socket_families = any" finds warn socket-families . profile 'socket_families = "any";'
lab_config
case_ "and by default none of them" eval 'says pass last-close && said pass no-new-privs && said pass socket-families'

second_name() { echo 'agent1-too:x:2001:2001::/:/bin/sh' >>/etc/passwd; }
case_ "a second name of the uid" finds warn names agent1-too second_name
sed -i '/^agent1-too/d' /etc/passwd
case_ "one name" says pass names
lingers() { mkdir -p /var/lib/systemd/linger && : >/var/lib/systemd/linger/agent1; }
case_ "linger" finds warn linger . lingers
rm -f /var/lib/systemd/linger/agent1
case_ "no linger" says pass linger

lab_pam_off cron
lab_pam_off atd
case_ "cron without the module" says fail cron-jobs 'jobs of cron'
case_ "its remedy helps" mends cron-jobs 'jobs of cron'
case_ "may not use cron" said pass cron-jobs 'may not'
allowed() { : >/etc/cron.deny; echo agent1 >/etc/cron.allow; }
trouble "cron.allow" fail cron-jobs 'jobs of cron' allowed
case_ "at: held always" finds pass at-jobs 'held always' profile 'hold = "always";'
lab_config
rm -f /etc/cron.allow
lab_pam cron
lab_pam atd

drift() { egressctl hold agent1 && lab_flush; }
case_ "not held: no drift" says pass drift
case_ "drift" finds fail drift differ drift
case_ "drift: the remedy helps" mends drift differ
egressctl release agent1 >/dev/null

not_covered() { sed -i 's/user = "agent1"/user = "bystander"/' /etc/egress/egress.conf; }
case_ "an account that nothing covers" finds fail covered 'no entry' not_covered
lab_config
broken() { echo '{{{' >>/etc/egress/egress.conf; }
case_ "a broken configuration" finds fail configuration egress.conf broken
lab_config
last_good() { egressctl hold agent1 && egressctl release agent1 && broken && says fail configuration 'the last good .* in force'; }
case_ "a broken configuration: the last good one is in force" last_good
case_ "by which the account is judged" eval 'said pass covered "profile default" && said pass no-new-privs'
lab_config

unix_socket() { # PATH MODE GROUP
	mkdir -p "$(dirname "$1")"
	rm -f "$1"
	python3 -I -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$1"
	chgrp "$3" "$1" && chmod "$2" "$1"
}

# ---- what is printed -----------------------------------------------------------------------------------

in_order() {
	run doctor agent1
	grep -Ex 'account|host|PAM|sshd|proxy|deputies' "$LAB/out" | tr '\n' ' ' | grep -qx 'account host PAM sshd proxy deputies '
}
case_ "text: one part after the other" in_order
case_ "text: the verdict, and the remedy below it" eval 'run doctor agent1; grep -A1 -E "^  WARN  AllowTcpForwarding yes" $LAB/out | grep -q "^        # "'
case_ "exit 0 without a FAIL" matches 0 '^[0-9]+ passed, [0-9]+ warnings, 0 failed, 0 not looked at$' doctor agent1
case_ "exit 0 for the host" matches 0 '^Without USER: the host only' doctor
case_ "--no-legend" eval 'run --no-legend doctor agent1; ! grep -q passed $LAB/out'
case_ "by uid" json_of 0 'd["account"] == "agent1"' doctor 2001
case_ "JSON" json_of 0 'list(d) == ["account", "findings", "summary"] and list(d["summary"]) == ["pass", "warn", "fail", "skip"]
	and all(list(f) == ["area", "check", "verdict", "text", "remedy"] for f in d["findings"])
	and sum(d["summary"].values()) == len(d["findings"])
	and all(f["verdict"] in d["summary"] for f in d["findings"])
	and all(f["remedy"] is None for f in d["findings"] if f["verdict"] in ("pass", "skip"))' doctor agent1
case_ "JSON of the host" json_of 0 'd["account"] is None and "groups" not in [f["check"] for f in d["findings"]]' doctor
case_ "colour" eval 'run --color=always doctor; grep -q $'"'\\033\\[33mWARN'"' $LAB/out'
lab_pam_off sshd
case_ "exit 3 with a FAIL" matches 3 '^  FAIL  sshd: ' doctor agent1
lab_pam sshd
case_ "no such user" fails_with 1 '"nobody-there": no such user' doctor nobody-there
case_ "two users" fails_with 2 'doctor: .*one argument too many' doctor agent1 bystander

unchanged() {
	local before
	before=$(lab_rules)
	run doctor agent1
	[ "$before" = "$(lab_rules)" ] && nothing_left
}
case_ "it changes nothing" unchanged

# ---- without privilege ---------------------------------------------------------------------------------

WRAP=(setpriv --reuid=2001 --regid=2001 --init-groups)
unprivileged() {
	json_of 0 'd["summary"]["skip"] >= 5 and d["summary"]["fail"] == 0' doctor agent1 || return
	local check
	for check in drift sudo-rules backend sshd translation; do said skip "$check" || return; done
	said pass groups && said pass answer
}
case_ "the account itself: what it cannot look at is named" unprivileged
others() { unix_socket /run/docker.sock 660 root && run --json doctor bystander; said skip socket 'needs root'; }
case_ "another account's sockets are not looked at" others
WRAP=()
rm -f /run/docker.sock

lab_end
