#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each backend can be left out: the rest builds and passes its unit tests, and says what is missing.
# shellcheck disable=SC2317  # functions are called by case_
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
# shellcheck source=tests/tool/tool.bash
. "$(dirname "$0")/../tool/tool.bash"
lab_start "$@"

configured() {
	mkdir "/tmp/without-$1" && cd "/tmp/without-$1" &&
		"$lab_source/configure" --enable-werror "--without-$1" CFLAGS=-O0 >/tmp/configure.out
}
built() { make -s -C "/tmp/without-$1" -j"$(nproc)" >/tmp/make.out 2>&1 || { tail -n 20 /tmp/make.out; return 1; }; }
checked() {
	make -s -C "/tmp/without-$1" -j"$(nproc)" check >/tmp/make.out 2>&1 && return
	grep -E "^(FAIL|ERROR)|error|:[FE]:" /tmp/make.out
	return 1
}
needs_none_of() { ! ldd "/tmp/without-$1/.libs/libegress.so" | grep -E "$2"; }

# config NAME: a configuration that asks for that backend.
config() {
	mkdir -p /etc/egress
	cat >/etc/egress/wanted.conf <<-END
		backend = "$1";
		profiles = { default = { proxy = "127.0.0.1:3128"; }; };
		accounts = ( { uid = "20000-29999"; } );
	END
	chmod 644 /etc/egress/wanted.conf
}
refused() {
	config "$1"
	fails_with 1 "/etc/egress/wanted\\.conf: backend \"$1\": not built into this libegress" \
		check-config /etc/egress/wanted.conf
}
held_by_none() {
	config "$1"
	fails_with 1 "backend \"$1\": not built into this libegress" -c /etc/egress/wanted.conf hold '#20001'
}
accepted() {
	config "$1"
	matches 0 "^backend = \"$1\";\$" check-config /etc/egress/wanted.conf
}

without() {
	local name=$1 other=$2 libraries=$3
	EGRESSCTL=/tmp/without-$name/egressctl
	case_ "without $name: configures" configured "$name" && case_ "without $name: builds" built "$name" || return
	case_ "without $name: the unit tests pass" checked "$name"
	case_ "without $name: its libraries are not needed" needs_none_of "$name" "$libraries"
	case_ "without $name: check-config refuses it" refused "$name"
	case_ "without $name: nobody is held by it" held_by_none "$name"
	case_ "without $name: $other is taken" accepted "$other"
	case_ "without $name: so is auto" accepted auto
}
# egressctl alone asks the name service.
needs_no_libsubid() { ! ldd /tmp/without-libsubid/.libs/egressctl | grep libsubid; }
case_ "without libsubid: configures" configured libsubid && case_ "without libsubid: builds" built libsubid
case_ "without libsubid: it is not needed" needs_no_libsubid
without iptables nftables 'libip[46]tc'
without nftables iptables 'libnftnl'

both() { ! (cd /tmp && mkdir both && cd both && "$lab_source/configure" --without-iptables --without-nftables) 2>/tmp/err; }
case_ "without both there is nothing to build" both
case_ "which configure says" grep -q 'nothing to hold with' /tmp/err
lab_end
