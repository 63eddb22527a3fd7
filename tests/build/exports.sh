#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the module and the library show to others, and what they take from them: nothing that ends, stops or
# changes the process that they are guests in.
# shellcheck disable=SC2317  # functions are called by case_
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
lab_start "$@"
lab_install

module=$(find /usr/lib /lib -name pam_egress.so 2>/dev/null | head -n 1)
library=$(find /usr/lib /usr/local/lib -name libegress.so 2>/dev/null | head -n 1)
entries='pam_sm_close_session
pam_sm_open_session'

cc -o /tmp/dlopen tests/build/dlopen.c
# shellcheck disable=SC2086  # words
case_ "the module loads with everything resolved" /tmp/dlopen "$module" $entries

exports() { nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort; }
same_lists() { diff "$1" "$2" || { echo "$3"; return 1; }; }

module_exports() { same_lists <(echo "$entries") <(exports "$module") "pam_egress.so exports something else"; }
case_ "the module exports its two entry points and nothing else" module_exports

listed() { sed -n 's/^\t\(egress_[a-z_]*\);$/\1/p' libegress/libegress.sym | LC_ALL=C sort; }
library_exports() {
	[ "$(listed | wc -l)" -gt 10 ] || { echo "the map was not understood"; return 1; }
	same_lists <(listed) <(exports "$library") "libegress.so and its map differ"
}
case_ "the library exports what its map lists" library_exports

# Declarations as the compiler sees them: comments and types are gone.
declared() {
	echo '#include "egress.h"' | cc -std=c11 -Ilibegress -E -P - |
		tr '\n' ' ' | grep -oE '\begress_[a-z_]+ ?\(' | tr -d ' (' | grep -v '_fn$' | LC_ALL=C sort -u
}
header_declares() { same_lists <(listed) <(declared) "the map and egress.h differ"; }
case_ "the header declares what the map lists" header_declares

stands_alone() {
	cc -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c libegress/egress.h
}
case_ "the header stands alone" stands_alone

# ---- what the code of ours takes from others -----------------------------------------------------

# Of the objects, not of the finished files: their start-up code is the compiler's.
imports() {
	nm --undefined-only "$BUILD/.libs/libcore.a" "$BUILD/.libs/libmodule.a" | awk '$1 == "U" { print $2 }' |
		sed 's/@.*//; s/^__isoc[0-9]*_//; s/^__\(.*\)_chk$/\1/' | LC_ALL=C sort -u
}
forbidden='system|popen|exec[lv].*|fexecve|posix_spawnp?|v?fork|clone|_?_?exit|_Exit|quick_exit|atexit|on_exit|abort
__assert_fail|err|errx|warnx?|alarm|setitimer|signal|sigaction|sigwait|raise|setlocale|umask|f?chdir|chroot
getenv|secure_getenv|setenv|putenv|unsetenv|clearenv|pthread_create|sleep|usleep|printf|puts|putchar|perror|stdout
stderr|std(out|err)|openlog|closelog|getaddrinfo|gethostby.*|strtok|getpwnam|getpwuid|getgrnam|localtime|strerror_l
set(e?[ug]id|re[ug]id|groups)|lckpwdf|flockfile|lockf'
takes_nothing() {
	[ "$(imports | wc -l)" -gt 50 ] || { echo "the archives were not understood"; return 1; }
	! imports | grep -Ex "$(tr '\n' '|' <<<"$forbidden" | sed 's/|$//')"
}
# kill-uid may kill, and makes the child that does so by system calls alone; its own test is t-kill-uid. Others may
# not: a call by number would not be seen here (grace asks for a membarrier, which the C library has no name for).
object_imports() {
	nm -A --undefined-only "$BUILD/.libs/libcore.a" "$BUILD/.libs/libmodule.a" |
		sed -nE "s/^.*:([^:]*\.o): +U ($1)(@.*)?\$/\1 \2/p" | LC_ALL=C sort -u
}
one_kills() {
	[ "$(object_imports kill)" = "kill-uid.o kill" ] || { object_imports kill; return 1; }
	! object_imports syscall | grep -vx -e 'kill-uid.o syscall' -e 'grace.o syscall'
}
case_ "nobody but kill-uid kills, or makes system calls by number" one_kills
case_ "no program, exit, alarm, signal, locale, environment, thread, output" takes_nothing

# What libpam loads stays in sshd: the closure of what we need.
needs() { ldd "$module" | awk '{ print $1 }'; }
needs_no() { ! needs | grep -E "$1"; }
case_ "the module needs no libxtables, libnftables, libsubid, libegress" \
	needs_no 'libxtables|libnftables|libsubid|libegress|libjansson|libsystemd'
resolved() { ! ldd -r "$module" 2>&1 | grep -E 'not found|undefined symbol'; }
case_ "nothing that the module needs is missing" resolved

hardened() {
	readelf -lW "$1" | grep -q GNU_RELRO && readelf -dW "$1" | grep -Eq 'BIND_NOW|FLAGS.*NOW' &&
		! readelf -dW "$1" | grep -E 'RPATH|RUNPATH|TEXTREL' && ! readelf -lW "$1" | grep -E 'GNU_STACK.*RWE'
}
case_ "the module is bound at once, with no search path of its own" hardened "$module"
case_ "the library as well" hardened "$library"

# A second context must not meet what the first left behind. Constant tables only.
no_statics() {
	! size -A "$BUILD/.libs/libcore.a" "$BUILD/.libs/libmodule.a" | grep -v '^\.data\.rel\.ro' |
		awk '/:$/ { file = $1 } /^\.(t?data|t?bss)/ && $2 > 0 { print file, $1, $2 }' | grep .
}
case_ "no writable static data" no_statics
lab_end
