/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_KILL_UID_H
#define EGRESS_KILL_UID_H

#include "deadline.h"
#include "fault.h"

#include <sys/types.h>

/*
 * Sends SIGKILL at once to every process whose real or saved uid is UID and that this pid namespace sees: none of
 * them can fork ahead of it. Whoever has another uid is out of its reach, the kernel sees to that. The caller has
 * uid 0 in all three, so it is not reached either. 0: each has its signal, which is not yet to say that it is
 * gone. -EAGAIN: something of the account kept us from it, try again; -EINVAL: never that uid; -EPERM: not safe
 * here; -ETIMEDOUT, -ENOMEM, -EIO. Nobody gets a SIGCHLD of it.
 */
int kill_uid(uid_t uid, const struct deadline *deadline, struct fault *fault);

#endif
