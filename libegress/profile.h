/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_PROFILE_H
#define EGRESS_PROFILE_H

#include "addr.h"

/* Where in the configuration something stands. FILE belongs to the configuration. */
struct origin {
	const char *file;
	unsigned int line;
};

enum reject { REJECT_RESET, REJECT_DROP };
enum hold { HOLD_SESSION, HOLD_ALWAYS };
enum last_close { LAST_CLOSE_HOLD, LAST_CLOSE_KILL, LAST_CLOSE_RELEASE };
enum subordinate_ids { SUBORDINATE_HOLD, SUBORDINATE_REFUSE, SUBORDINATE_IGNORE };
enum socket_families { FAMILIES_IP, FAMILIES_ANY };
enum existing_sockets { EXISTING_DESTROY, EXISTING_KEEP };

/* What a kernel may lack. Where a profile requires it, there is no session without it. */
enum layer {
	LAYER_SECCOMP = 1 << 0,
	LAYER_EXISTING_SOCKETS = 1 << 1,
	LAYER_ROUTE_GUARD = 1 << 2,
};

#define PROTO_ANY 0 /* else an IPPROTO_ number; IPPROTO_ICMP means ICMPv6 for an IPv6 destination */

struct allow {
	struct prefix to;
	uint8_t proto;            /* PROTO_ANY, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP */
	struct port_range *ports; /* tcp and udp only; none: every port */
	size_t port_count;
	char *reason; /* or NULL */
	struct origin origin;
};

struct proxy {
	struct endpoint endpoint;
	struct origin origin;
};

struct log_rule {
	bool enabled;
	uint16_t group;      /* NFLOG group */
	unsigned int rate;   /* packets a period, 1..10000 */
	unsigned int period; /* seconds: 1, 60, 3600 or 86400 */
};

/* What accounts may reach. Owned by its struct config. */
struct profile {
	char *name;
	struct proxy *proxies; /* at least one */
	size_t proxy_count;
	char *proxy_user; /* or NULL */
	struct allow *allows;
	size_t allow_count;
	struct origin allow_origin; /* of the list; FILE NULL: the profile has none */
	enum reject reject;
	struct log_rule log;
	enum hold hold;
	enum last_close last_close; /* what becomes of processes that outlive the last session */
	enum subordinate_ids subordinate_ids;
	bool no_new_privs;
	enum socket_families socket_families;
	enum existing_sockets existing_sockets;
	bool route_guard;
	unsigned int required; /* enum layer */
	bool env;              /* proxy variables in the session */
	char *proxy_url;       /* what they say, or NULL: the first proxy */
	char *ca_file;         /* absolute path, or NULL */
	bool notice;           /* a line to the user at login */
	struct origin origin;
};

void profile_init(struct profile *profile);  /* the defaults of egress.conf(5) */
void profile_clear(struct profile *profile); /* frees what it owns, not the struct */

#endif
