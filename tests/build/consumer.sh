#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A program of somebody else's compiles and links against what was installed, and lists held accounts.
# shellcheck disable=SC2317  # functions are called by case_
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
lab_start "$@"
lab_install
lab_account agent1 2001
lab_config

# Installed under /usr/local, as configure does by itself, or elsewhere: pkg-config is told where.
pc=$(find /usr -name libegress.pc | head -n 1)
PKG_CONFIG_PATH=$(dirname "${pc:-/none}")
export PKG_CONFIG_PATH
flags() { pkg-config "$@" libegress; }

case_ "pkg-config knows the version" flags --modversion
warnings="-Wall -Wextra -Wpedantic -Werror"
build() {
	# shellcheck disable=SC2046,SC2086  # words
	"$@" $warnings -o /tmp/consumer tests/tool/consumer.c $(flags --cflags --libs)
}
case_ "it builds as C11" build cc -std=c11
linked() { readelf -d /tmp/consumer | grep 'NEEDED.*libegress\.so\.0'; }
case_ "it needs libegress.so.0" linked
only_libegress() { ! readelf -d /tmp/consumer | grep -E 'NEEDED.*(ip[46]tc|config|jansson|pam)'; }
case_ "and nothing that libegress is made of" only_libegress

# A library in a directory that ld.so does not know yet.
LD_LIBRARY_PATH=$(flags --variable=libdir)
export LD_LIBRARY_PATH
lists() { [ "$(/tmp/consumer)" = "$1" ]; }
case_ "it lists nobody" lists ""
egressctl hold agent1 >/dev/null
case_ "it lists who is held" lists "agent1 pinned"
egressctl release agent1 >/dev/null
nobody() {
	setpriv --reuid=nobody --regid=nogroup --clear-groups /tmp/consumer 2>&1 | grep '^consumer: .'
}
case_ "it says why it may not" nobody

lab_end
