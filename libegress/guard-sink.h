/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_GUARD_SINK_H
#define EGRESS_GUARD_SINK_H

/*
 * Our own table of routes, where all goes to this host: "local default dev lo", and over IPv4 the same for each network
 * card that is up and has an address. A socket that names a card is shown that card's routes alone; and where it finds none the kernel takes
 * the destination for on-link, whatever the rules say. Over IPv6 it does not.
 */
#include "guard-link.h"

/*
 * Makes what of it is not there. Without it a section's next rule refuses, before the firewall would log and count.
 * Errors: as of guard_link.h, after all has been tried that can be; a card that is gone or down meanwhile is none.
 */
int guard_sink_make(struct guard_link *link, sa_family_t family);
int guard_sink_delete(struct guard_link *link, sa_family_t family);

#endif
