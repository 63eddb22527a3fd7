/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_DESTINATION_H
#define EGRESS_DESTINATION_H

/* Where somebody wants to go, as text. Pure. */
#include "fault.h"
#include "plan-decide.h"

/*
 * "tcp://192.0.2.1:443", "udp://[2001:db8::1]:53", "icmp://192.0.2.1": a packet of a socket that is bound to no card.
 * -EINVAL: "destination "TEXT": WHY".
 */
int destination_parse(const char *text, struct fault *fault, struct packet *ret);

/* The same, made from the packet. */
#define DESTINATION_TEXT_MAX 80
char *destination_print(const struct packet *packet, char text[DESTINATION_TEXT_MAX]);

/* What would let it through, as an entry of "allow". */
#define DESTINATION_ENTRY_MAX 128
char *destination_print_entry(const struct packet *packet, char text[DESTINATION_ENTRY_MAX]);

#endif
