#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What can be told of the sources without building them.
# shellcheck disable=SC2317  # functions are called by case_
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
lab_start "$@"

scripts() {
	find script tests bench .ci etc/completion/bash -type f ! -name '*.c' ! -name '*.h' ! -name '*.py' ! -name '*.conf' \
		! -name '*.plan' ! -name '*.error' ! -name '*.inc' ! -name expected-skips ! -name elsewhere ! -name '*.awk' \
		! -name '*.gnuplot' ! -name budgets ! -name '*.json'
}
sources() { find libegress pam_egress tools tests bench -name '*.[ch]'; }

checked() { scripts | xargs shellcheck -x; }
case_ "shellcheck finds nothing" checked
licensed() { ! { scripts; sources; find tests -name '*.py' -o -name '*.json'; find bench -type f; } | xargs grep -L 'SPDX-License-Identifier: GPL-2.0-or-later' | grep .; }
case_ "every source names its licence" licensed
short() { ! sources | xargs wc -l | awk '$2 != "total" && $1 >= 600' | grep .; }
case_ "no source is of 600 lines" short
mutations() { tests/mutate --check; }
case_ "each mutation finds what it deletes" mutations
pages() { ! mandoc -T lint man/*.[0-9] 2>&1 | grep -vE 'referenced manual not found|mandoc\.db'; }
case_ "mandoc finds nothing in the pages" pages
# A terminal of 80 columns is the narrowest that pages are made for.
page_warnings() {
	local page
	for page in man/*.[0-9]; do
		MANWIDTH=80 man --warnings --encoding=UTF-8 --local-file "$page" 2>&1 >/tmp/page | sed "s|^|$page: |"
		grep -q '^SEE ALSO' /tmp/page || echo "$page: is not shown"
	done
}
case_ "man warns of nothing in them" eval '! page_warnings | grep .'
login_path='\b(system|popen|exec[lv]p?e?|_?exit|abort|alarm|signal|sigaction|setlocale|umask|chdir|getenv|pthread_create)[[:space:]]*\('
quiet() { ! grep -nE "$login_path" libegress/*.c pam_egress/*.c | grep -vE '^[^:]*:[0-9]*:[[:space:]]*(/?\*|//)'; }
case_ "the login path ends nothing, runs nothing and changes nothing of the process" quiet
lab_end
