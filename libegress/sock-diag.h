/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_SOCK_DIAG_H
#define EGRESS_SOCK_DIAG_H

/* Questions to sock_diag(7): the IP sockets of this network namespace, and the end of one of them. */
#include "deadline.h"

#include <linux/inet_diag.h>
#include <stdbool.h>
#include <stdint.h>

/* Of include/net/tcp_states.h; <netinet/tcp.h> has the same numbers, but not beside the kernel's headers. */
enum tcp_state {
	TCP_ESTABLISHED = 1, TCP_SYN_SENT, TCP_SYN_RECV, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_TIME_WAIT, TCP_CLOSE,
	TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_LISTEN, TCP_CLOSING,
};
#define SOCK_DIAG_ALL_STATES UINT32_MAX

struct sock_diag;

/* -ENOMEM; an absence, see below: this kernel has none of it. Close with sock_diag_close. */
int sock_diag_open(const struct deadline *deadline, struct sock_diag **ret);
void sock_diag_close(struct sock_diag *diag); /* takes NULL */

/* Words for "nobody here can tell", which will not change. */
bool sock_diag_is_absence(int r);

/* Told of each socket; what it returns but 0 ends the list and is its result. */
typedef int sock_diag_fn(const struct inet_diag_msg *socket, uint8_t protocol, void *data);

/*
 * All of a family and protocol in STATES (1 << TCP_...). The kernel has no filter by uid. Asks without looking
 * whether that loads a module. No snapshot: what comes and goes meanwhile may be in it.
 */
int sock_diag_list(struct sock_diag *diag, uint8_t family, uint8_t protocol, uint32_t states, sock_diag_fn *fn,
		   void *data);

/* As if its connection had been aborted. -ENOENT, -ESTALE: it is gone; -EOPNOTSUPP, -EINVAL: no kernel for it. */
int sock_diag_destroy(struct sock_diag *diag, uint8_t protocol, const struct inet_diag_msg *socket);
/* Can sockets of the protocol be destroyed? 0, or an error as of sock_diag_destroy; destroys nothing. */
int sock_diag_can_destroy(struct sock_diag *diag, uint8_t protocol);

#endif
