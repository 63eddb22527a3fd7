# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the tests of doctor share; sourced after tool.bash, used after lab_install.

doctor_lab() {
	local kernel folder
	kernel=$(uname -r)
	lab_account agent1 2001
	lab_account bystander 2002
	lab_config
	# This machine's own weak spots are not the lab's, nor are its largest folders worth a walk for each case.
	mkdir -p "/usr/lib/modules/$kernel" /etc/modprobe.d /etc/systemd/system
	: >"/usr/lib/modules/$kernel/modules.dep"
	: >"/usr/lib/modules/$kernel/modules.builtin"
	: >/etc/cron.deny
	: >/etc/at.deny
	for folder in /usr/lib/*/; do
		[ "$folder" != /usr/lib/python3/ ] || continue
		[ -z "$(find "$folder" -maxdepth 1 -name 'libc.so*')" ] || continue
		[ "$(find "$folder" | head -n 2000 | wc -l)" -lt 2000 ] || mount -t tmpfs lab "$folder"
	done
}

# said VERDICT CHECK [PATTERN]: is there a finding of the last run like this?
said() {
	python3 -I -c '
import json, re, sys
d = json.load(open(sys.argv[1]))
verdict, check, pattern = sys.argv[2:]
found = [f for f in d["findings"] if f["check"] == check]
if not any(f["verdict"] == verdict and re.search(pattern, f["text"]) for f in found):
    sys.exit("no %s %s like \"%s\": %s" % (verdict, check, pattern, [(f["verdict"], f["text"]) for f in found]))
' "$LAB/out" "$1" "$2" "${3-.}"
}
says() { run --json doctor agent1; json && said "$@"; }
host_says() { run --json doctor; json && said "$@"; }

# The remedy of the finding with CHECK, as somebody would type it.
remedy_of() {
	python3 -I -c '
import json, re, sys
for f in json.load(open(sys.argv[1]))["findings"]:
    if f["check"] == sys.argv[2] and re.search(sys.argv[3], f["text"]) and f["remedy"]:
        print(f["remedy"]); break
' "$LAB/out" "$1" "${2-.}"
}

# finds VERDICT CHECK PATTERN SETUP...: not there before SETUP, there after it.
finds() {
	local verdict=$1 check=$2 pattern=$3
	shift 3
	says "$verdict" "$check" "$pattern" >/dev/null && { echo "said before: $verdict $check $pattern"; return 1; }
	"$@" || return
	says "$verdict" "$check" "$pattern"
}
# mends CHECK PATTERN: its remedy, run as it stands, takes the finding away.
mends() {
	local command
	command=$(remedy_of "$1" "$2")
	[ -n "$command" ] || { echo "no remedy for $1"; return 1; }
	bash -c "$command" || { echo "failed: $command"; return 1; }
	if says warn "$1" "$2" >/dev/null || said fail "$1" "$2" >/dev/null; then
		echo "did not help: $command"
		return 1
	fi
}
# trouble NAME VERDICT CHECK PATTERN SETUP...: both.
trouble() {
	local name=$1
	shift
	case_ "$name: $1 with it only" finds "$@" && case_ "$name: the remedy helps" mends "$2" "$3"
}

profile() { lab_config && sed -i "s/3128\" \]; /&$1 /" /etc/egress/egress.conf; }

pam_services="sshd su su-l sudo sudo-i cron atd login runuser runuser-l systemd-user"
pam_everywhere() {
	local service
	[ -e /etc/pam.d/systemd-user ] || cp /usr/lib/pam.d/systemd-user /etc/pam.d/
	for service in $pam_services; do lab_pam "$service"; done
}
