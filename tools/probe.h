/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_PROBE_H
#define EGRESSCTL_PROBE_H

/* The ways out that the verb probe tries: one row each, in probe-ways.c. */
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "plan-decide.h"

/* What came of an attempt. STAGE tells who refused: making the socket sends nothing. */
struct attempt {
	enum { STAGE_SOCKET, STAGE_SEND } stage;
	int error; /* a positive errno, 0 if nothing failed */
	bool guarded; /* its route ends on this host, by the route guard */
};

struct target {
	struct sockaddr_storage address;
	socklen_t length;
	char text[64];
};

enum target_kind {
	TARGET_NONE,	  /* the socket alone is a way out: no rule sees what it sends */
	TARGET_OUTSIDE4,  /* a documentation address (RFC 5737) that this host has a route to */
	TARGET_OUTSIDE6,  /* RFC 3849 */
	TARGET_MAPPED,	  /* the first of them, as IPv6 */
	TARGET_RESOLVER,  /* the first of resolv.conf */
	TARGET_LOOPBACK4, /* a listener of probe's own */
	TARGET_LOOPBACK6,
	TARGET_KINDS,
};

struct way {
	const char *name;
	enum target_kind target;
	int family, type, protocol; /* of the socket */
	in_port_t port;
	const char *module; /* is loaded by the attempt: without it there is none */
	bool subordinate;   /* as the first subordinate uid */
	void (*try)(const struct way *way, const struct target *target, struct attempt *ret);
};

extern const struct way probe_ways[]; /* ends with an empty row */

/* Does root have a route there? Asks the kernel, sends nothing. */
bool probe_has_route(const struct target *target);

/* ADDRESS with PORT; false if it is none. */
bool probe_target(const char *address, in_port_t port, bool mapped, struct target *ret);

/* What WAY sends to TARGET, for a plan to decide. */
struct packet probe_packet(const struct way *way, const struct target *target);

#endif
