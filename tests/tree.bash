# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A copy of the source tree to build in, for script/. To be sourced.

# tree_copy TO: the tree as it lies there, without what an earlier build may have left in it.
tree_copy() {
	local from
	from=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
	mkdir -p "$1"
	tar -C "$from" --exclude-vcs --exclude='./config.*' --exclude=./Makefile --exclude=.libs \
		--exclude='*.o' --exclude='*.lo' --exclude='*.la' --exclude=autom4te.cache -cf - . |
		tar -C "$1" -xf -
}
