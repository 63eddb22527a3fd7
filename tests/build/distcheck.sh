#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The tarball builds, passes its unit tests, installs and uninstalls elsewhere, from a read-only tree.
# shellcheck disable=SC2317  # functions are called by case_
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
lab_start "$@"

build=/tmp/distcheck
configure() {
	mkdir "$build" && cd "$build" && "$lab_source/configure" --enable-werror >/tmp/configure.out
}
case_ "configures" configure
distcheck() { make -s -C "$build" -j"$(nproc)" distcheck; }
case_ "make distcheck passes" distcheck

# pkg-config that does not know one module: configure says which package brings it.
missing() {
	local module=$1 package=$2
	mkdir -p /tmp/without/"$module"
	cat >/tmp/without/"$module"/pkg-config <<-END
		#!/bin/sh
		case "\$*" in *$module*) exit 1 ;; esac
		exec /usr/bin/pkg-config "\$@"
	END
	chmod 755 /tmp/without/"$module"/pkg-config
	cd /tmp/without/"$module" || return
	! PKG_CONFIG=$PWD/pkg-config "$lab_source/configure" >/dev/null 2>err || { echo "no error"; return 1; }
	grep "install $package\$" err
}
case_ "names libip4tc-dev when it is missing" missing libip4tc libip4tc-dev
case_ "names libip6tc-dev when it is missing" missing libip6tc libip6tc-dev
case_ "names libconfig-dev when it is missing" missing libconfig libconfig-dev
case_ "names libjansson-dev when it is missing" missing jansson libjansson-dev
case_ "names check when it is missing" missing check check
lab_end
