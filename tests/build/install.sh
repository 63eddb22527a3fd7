#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What "make install" puts where, that it replaces by rename, and when "make uninstall" refuses.
# shellcheck disable=SC2317  # functions are called by case_
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
lab_start "$@"

stage=/tmp/stage
make_() { make -s -C "$BUILD" DESTDIR="$stage" "$@"; }
module() { find "$1" -name pam_egress.so; }

expected='etc/egress/egress.conf
include/egress.h
lib/libegress.so
lib/libegress.so.0
lib/libegress.so.0.0.0
lib/pkgconfig/libegress.pc
lib/systemd/system/egress-reap.service
lib/systemd/system/egress-reap.timer
lib/systemd/system/egress-sync.service
lib/tmpfiles.d/egress.conf
sbin/egressctl
security/pam_egress.so
share/bash-completion/completions/egressctl
share/doc/libegress/COPYING
share/doc/libegress/HACKING.md
share/doc/libegress/NEWS
share/doc/libegress/README.md
share/doc/libegress/SECURITY.md
share/doc/libegress/examples/agent-job.service
share/doc/libegress/examples/atd
share/doc/libegress/examples/cron
share/doc/libegress/examples/egress.conf
share/doc/libegress/examples/sshd
share/doc/libegress/examples/su
share/doc/libegress/examples/sudo
share/doc/libegress/examples/systemd-user
share/fish/vendor_completions.d/egressctl.fish
share/man/man3/libegress.3
share/man/man5/egress.conf.5
share/man/man8/egressctl.8
share/man/man8/pam_egress.8
share/zsh/site-functions/_egressctl'
installed() {
	# libegress.la is libtool's, and nobody's business at run time.
	(cd "$stage" && find . -type f -o -type l) |
		sed -e 's|zsh/vendor-completions|zsh/site-functions|' -e 's|^\./usr/||' -e 's|^\./||' -e 's|^lib/.*security/|security/|' |
		grep -v '^lib/libegress\.la$' | LC_ALL=C sort
}
all_there() { make_ install && diff <(echo "$expected") <(installed); }
case_ "installs what it should and nothing else" all_there
no_la() { ! find "$stage" -name 'pam_egress.la' | grep .; }
case_ "the module has no .la" no_la
soname() { readelf -d "$stage"/usr/lib/libegress.so | grep -q 'SONAME.*libegress\.so\.0\]'; }
case_ "the library has its SONAME" soname
mode_of() { [ "$(stat -c %a "$1")" = "$2" ]; }
case_ "the configuration is readable and not writable by others" mode_of "$stage"/etc/egress/egress.conf 644
no_placeholders() { ! grep -rE '@[a-z]+@' "$stage"/usr/lib/systemd "$stage"/usr/lib/tmpfiles.d "$stage"/usr/lib/pkgconfig; }
case_ "no placeholder is left in units, tmpfiles and pkg-config" no_placeholders

# As an administrator's systemd reads them, with the tool where the units name it.
units_verify() {
	make -s -C "$BUILD" install >/dev/null && systemd-analyze verify /usr/lib/systemd/system/egress-*
}
if command -v systemd-analyze >/dev/null; then
	case_ "systemd finds nothing wrong with the units" units_verify
else
	skip "systemd finds nothing wrong with the units" "no systemd-analyze on this machine"
fi

keeps_configuration() {
	echo "# mine" >>"$stage"/etc/egress/egress.conf
	make_ install && tail -n 1 "$stage"/etc/egress/egress.conf | grep -qx '# mine'
}
case_ "a second install keeps the administrator's configuration" keeps_configuration

# Opened before, a file that is replaced by rename keeps its old content, and its name never vanishes.
by_rename() {
	local file inode
	for file in "$(module "$stage")" "$stage"/usr/sbin/egressctl "$stage"/usr/lib/libegress.so.0.0.0; do
		inode=$(stat -c %i "$file")
		exec 9<"$file"
		make_ install || return
		if [ "$(stat -Lc %h /proc/self/fd/9)" != 0 ] || [ "$(stat -c %i "$file")" = "$inode" ]; then
			echo "$file was written in place"
			return 1
		fi
		exec 9<&-
	done
}
case_ "files are replaced, not written in place" by_rename

never_missing() {
	local file
	file=$(module "$stage")
	strace -f -qq -e trace=unlink,unlinkat,rename,renameat,renameat2 -o /tmp/trace make -s -C "$BUILD" \
		DESTDIR="$stage" install || return
	grep -E "rename.*\"[^\"]*security/pam_egress\.so\"" /tmp/trace >/dev/null ||
		{ echo "no rename onto the module"; return 1; }
	! grep -E "unlink[^\"]*\"$file\"" /tmp/trace
}
case_ "during an upgrade the module is never missing" never_missing

refuses() {
	mkdir -p "$stage"/etc/pam.d
	echo "session requisite pam_egress.so" >"$stage"/etc/pam.d/sshd
	make_ -k uninstall >/tmp/said 2>&1 && { echo "it did not refuse"; return 1; }
	grep "still named by: $stage/etc/pam.d/sshd" /tmp/said && [ -e "$(module "$stage")" ] &&
		diff <(echo "$expected") <(installed | grep -v '^etc/pam.d/')
}
case_ "uninstall refuses while a PAM file names the module, says which, and removes nothing" refuses

uninstalls() {
	rm "$stage"/etc/pam.d/sshd
	make_ uninstall && [ "$(installed)" = etc/egress/egress.conf ]
}
case_ "uninstall leaves only a configuration that was changed" uninstalls
lab_end
