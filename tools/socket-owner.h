/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_SOCKET_OWNER_H
#define EGRESSCTL_SOCKET_OWNER_H

/* Which process has the socket that sent a packet? A guess of a moment ago: it may be gone, or shared. */
#include "ip-packet.h"

#include <sys/types.h>

#define OWNER_NAME_MAX 32

struct socket_owner {
	pid_t pid; /* 0: not found */
	char name[OWNER_NAME_MAX];
};

struct socket_owner socket_owner_find(const struct ip_packet *packet, uid_t uid);

#endif
