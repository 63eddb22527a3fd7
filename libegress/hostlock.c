/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hostlock.h"

#include "lock.h"

#include <fcntl.h>

/*
 * iptables lets XTABLES_LOCKFILE name another file: the caller of su would choose our lock by that.
 */
int hostlock_take(const struct deadline *deadline, struct fault *fault, int *ret_fd)
{
	return lock_take(AT_FDCWD, HOSTLOCK_PATH, deadline, fault, ret_fd);
}
