/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_HARDEN_H
#define EGRESS_HARDEN_H

/*
 * What the calling process gives up before it becomes a session, and with it all that it starts: new privileges
 * by exec, and sockets that no rule sees. None of it can be taken back.
 *
 *	refused                                    looks like
 *	families beyond unix, inet, inet6, netlink EAFNOSUPPORT, a kernel that lacks them
 *	AF_PACKET by its old name, SOCK_PACKET     EAFNOSUPPORT, the same
 *	MPTCP, SMC, L2TP                           EPROTONOSUPPORT, the same; programs fall back to TCP
 *	io_uring, whose sockets no filter sees     ENOSYS, the same
 *	socketcall of i386, which hides its
 *	arguments; only where it makes sockets     EAFNOSUPPORT
 *	every other foreign ABI, x32 too           ENOSYS
 *
 * Raw sockets stay: whoever may make them needs one to close the session.
 */
#include "fault.h"
#include "profile.h"

enum hardening {
	HARDENING_NO_NEW_PRIVS = 1 << 0,
	HARDENING_SECCOMP = 1 << 1,
};

struct harden {
	unsigned int what; /* enum hardening: what harden_apply will do */
};

/* Layers that the profile asks for and this kernel lacks, of those that harden a session. enum layer. */
unsigned int harden_lacks(const struct profile *profile);

/*
 * What the profile wants and this kernel has; changes nothing. -EOPNOTSUPP: a layer that the profile requires is
 * lacking.
 */
int harden_prepare(const struct profile *profile, struct fault *fault, struct harden *ret);

/* From here on it holds, for the calling thread. -EPERM, -ENOMEM: half of it may hold; no session then. */
int harden_apply(const struct harden *harden, struct fault *fault);

#endif
