/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ip-family.h"

#include "util.h"

#include <fcntl.h>

/* Not "self": a thread may have entered a network namespace of its own. */
#define IPV6_FILE "/proc/thread-self/net/if_inet6"

bool ip_family_exists(sa_family_t family)
{
	AUTO_CLOSE int fd = -1;

	/* By the effective uid: su's real one is its caller's. */
	if (family == AF_INET || faccessat(AT_FDCWD, IPV6_FILE, F_OK, AT_EACCESS) == 0)
		return true;
	fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd >= 0 || errno != EAFNOSUPPORT;
}
