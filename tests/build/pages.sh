#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The man pages name what the code has, all of it and nothing else: keys, verbs, options, JSON, arguments, functions, exit
# statuses, files.
# shellcheck disable=SC2317  # functions are called by case_
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/../tool/tool.bash"
lab_start "$@"
lab_install

# same WHAT CODE PAGE: two lists of words that must be one.
same() {
	local code=/tmp/code page=/tmp/page
	"$1" | sort -u >"$code"
	"$2" | sort -u >"$page"
	[ -s "$code" ] || { echo "nothing found in the code"; return 1; }
	diff "$code" "$page" | sed -n 's/^< /only in the code: /p; s/^> /only in the page: /p' | grep . && return 1
	return 0
}

code_keys() { grep -ohE '\{ "[a-z_]+", (conf_)?read_' libegress/conf*.c | grep -oE '[a-z_]+"' | tr -d '"'; }
page_keys() { sed -nE 's/^\.It Cm ([a-z_]+)( .*)?$/\1/p' man/egress.conf.5; }
case_ "egress.conf(5): every key, and no other" same code_keys page_keys

code_words() { sed -nE '/words_/,/^\};/s/.*\{ "([a-z_]+)", .*/\1/p' libegress/words.c | grep -vx -e any -e second -e minute -e hour -e day; }
words_in_page() {
	local word
	for word in $(code_words); do
		grep -Eq "(dq|Cm |Ql |\b)$word\b" man/egress.conf.5 || { echo "egress.conf(5) does not say \"$word\""; return 1; }
	done
}
case_ "egress.conf(5): every word that a key takes" words_in_page

code_verbs() { sed -nE 's/^[[:space:]]*\{ "([a-z-]+)", ".*/\1/p' tools/egressctl.c; }
page_verbs() { sed -nE '/^\.Sh DESCRIPTION/,/^Options stand/s/^\.It Cm ([a-z-]+)( .*)?$/\1/p' man/egressctl.8; }
case_ "egressctl(8): every verb, and no other" same code_verbs page_verbs
help_verbs() { "$EGRESSCTL" --help | sed -nE 's/^  ([a-z][a-z-]+)( .*)?$/\1/p'; }
case_ "egressctl --help: every verb, and no other" same code_verbs help_verbs
readme_verbs() { sed -nE '/^## egressctl/,/^## [^e]/s/^\| (.*) \| .*/\1/p' README.md | grep -oE '`[a-z-]+' | tr -d '`'; }
case_ "README: every verb, and no other" same code_verbs readme_verbs

code_options() { sed -nE 's/^[[:space:]]*\{ "([a-z-]+)", (no|required)_argument, .*/\1/p' tools/*.c; }
page_options() { grep -oE '(Fl|,|\|) -[a-z-]+' man/egressctl.8 | sed -E 's/.* -//'; }
case_ "egressctl(8): every option, and no other" same code_options page_options

# show's keys are list's and more.
page_json() {
	[ "$1" != show ] || page_json list
	sed -n '/^\.Sh JSON/,/^\.Sh ENV/p' man/egressctl.8 |
		awk -v verb="$1" '/^\.It Cm/ { on = index(" " $0 " ", " " verb " ") } on' | grep -oE '"[a-z_]+":' | tr -d '":'
}
json_keys() {
	local schema verb
	for schema in tests/tool/schema/*.json; do
		verb=$(basename "$schema" .json)
		[ "$verb" != shared ] || continue
		diff <(document keys "$verb" | grep . | sort -u) <(page_json "$verb" | sort -u) | sed -n "s/^< /only in schema\/$verb.json: /p; \
			s/^> /only in the page, $verb: /p" | grep . && return 1
	done
	grep -q '^\.It Cm complete$' man/egressctl.8
}
case_ "egressctl(8): every JSON key of every verb's schema, and no other" json_keys

code_statuses() { sed -nE 's/^[[:space:]]*EXIT_[A-Z]+ = ([0-9]+),.*/\1/p' tools/exit.h; }
page_statuses() { sed -nE '/^\.Sh EXIT STATUS/,/^\.Sh [^E]/s/^\.It ([0-9]+)$/\1/p' man/egressctl.8; }
case_ "egressctl(8): every exit status, and no other" same code_statuses page_statuses

code_arguments() { grep -oE 'str(n?)cmp\(argv\[i\], "[a-z]+|"[a-z]+=' pam_egress/options.c | grep -oE '[a-z]+=?$' | tr -d =; }
page_arguments() { sed -nE '/^\.Sh (OPTIONS|DESCRIPTION)/,/^\.Sh RETURN/s/^\.It Cm ([a-z]+)( .*)?$/\1/p' man/pam_egress.8; }
case_ "pam_egress(8): every argument, and no other" same code_arguments page_arguments
code_codes() { sed -n '/^static int pam_code/,/^}/p' pam_egress/pam_egress.c | grep -oE 'PAM_[A-Z_]+'; }
page_codes() { sed -nE 's/^\.It Dv (PAM_[A-Z_]+)$/\1/p' man/pam_egress.8; }
case_ "pam_egress(8): every code, and no other" same code_codes page_codes

code_functions() { grep -oE 'egress_[a-z_]+' libegress/libegress.sym | grep -vE '_free$'; }
page_functions() { grep -oE 'egress_[a-z_]+' man/libegress.3 | grep -vE '_free$|^egress_(ctx|session|account|record|changes)$'; }
case_ "libegress(3): every function, and no other" same code_functions page_functions

files_are_there() {
	local file
	sed -nE 's/^\.It Pa ([^ ]+).*/\1/p' man/*.[0-9] | sort -u >/tmp/files
	[ -s /tmp/files ] || { echo "no page names a file"; return 1; }
	while read -r file; do
		case $file in
		/etc/egress/*) [ -e /etc/egress/egress.conf ] ;;
		/run/xtables.lock) grep -q /run/xtables.lock libegress/hostlock.h ;;
		/run/egress*) grep -q "^statedir = /run/egress" "$BUILD/Makefile" ;;
		/var/lib/egress*) grep -q 'localstatedir)/lib/egress' Makefile.am ;;
		*) [ -e "$file" ] ;;
		esac || { echo "$file"; return 1; }
	done </tmp/files
}
case_ "the files that pages name are those that the code uses" files_are_there
# Strings that are a path, and not a message with one in it.
code_files() { find /usr/lib -name 'libegress.so.*' -type f -exec grep -azhxE '/(etc|run|var)/[a-z0-9./-]+' {} + | tr '\0' '\n'; }
files_are_named() {
	local file
	code_files | sort -u >/tmp/files
	grep -qx /etc/egress/egress.conf /tmp/files || { echo "nothing found in the library"; return 1; }
	while read -r file; do
		grep -Eq "^\.(It )?Pa $file( |\$)" man/*.[0-9] || { echo "no page names $file"; return 1; }
	done </tmp/files
}
case_ "those that the library uses are named by a page" files_are_named
lab_end
