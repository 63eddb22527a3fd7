/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_PLAN_DECIDE_H
#define EGRESS_PLAN_DECIDE_H

/* What a plan says of one packet, as the kernel would with it. Pure. */
#include "plan.h"

struct packet {
	struct addr to;
	uint8_t proto;        /* an IPPROTO_ number; ICMP by family, as in struct rule */
	uint16_t port;        /* destination; 0: the protocol has none */
	uint16_t source_port; /* 0: the protocol has none, or it is not known */
	struct addr from;     /* looked at with REPLY only */
	bool reply;           /* TCP, and not the SYN that opens a connection */
	bool forged;          /* IPv4 with options, or IPv6 with a routing header */
	bool by_card;         /* it leaves by a network card even if it goes to loopback: its socket is bound to one */
};

/* The rule that decides: its verdict is never VERDICT_LOG. NULL: the plan says nothing, and has no hold on it. */
const struct rule *plan_decide(const struct plan *plan, const struct packet *packet);

#endif
