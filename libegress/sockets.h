/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_SOCKETS_H
#define EGRESS_SOCKETS_H

/* Whose IP sockets there are in this network namespace, with a process or without: sock_diag(7). */
#include "addr.h"
#include "deadline.h"
#include "fault.h"
#include "uid-ranges.h"

struct sockets; /* a snapshot */

/*
 * By DEADLINE, and by two seconds from now. Loads no module: what this kernel cannot tell without is left out, see
 * sockets_missing. -EIO, -ETIMEDOUT: whose sockets there are cannot be known; -ENOMEM.
 */
int sockets_take(const struct deadline *deadline, struct fault *fault, struct sockets **ret);
void sockets_free(struct sockets *sockets); /* takes NULL */

/*
 * Those through which a uid of the range can still send. A closed one that has nothing more to send does not count,
 * although it waits for its peer for a while.
 */
unsigned int sockets_count(const struct sockets *sockets, struct uid_range uids);

unsigned int sockets_count_all(const struct sockets *sockets, const struct uid_ranges *uids);

/* The modules without which TCP or UDP were left out: "tcp_diag, udp_diag"; "" if both were asked. */
const char *sockets_missing(const struct sockets *sockets);

#endif
