/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_IP_FAMILY_H
#define EGRESS_IP_FAMILY_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Has this kernel AF_INET, AF_INET6? If not, nothing can leave that way, and nothing has to be held. Two signs must
 * agree, so that a sandbox which hides one of them hides no family.
 */
bool ip_family_exists(sa_family_t family);

#endif
