/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_KILL_UID_H
#define EGRESS_KILL_UID_H

#include "procscan.h"

#include <sys/types.h>

/*
 * Sends SIGKILL at once to every process whose real or saved uid is UID and that this pid namespace sees: none of
 * them can fork ahead of it, stop it, or kill who sends it. Whoever has another uid is out of reach, the kernel sees
 * to that. SCAN: who runs; it is asked whether the highest uid is free. The caller has uid 0 in all three, so it is
 * not reached itself, and gets no SIGCHLD. 0: each has its signal, which is not yet to say that it is gone.
 * -EINVAL: never that uid; -EPERM: not possible here; -EAGAIN: root got in between; -ETIMEDOUT, -ENOMEM, -EIO.
 */
int kill_uid(uid_t uid, const struct procscan *scan, const struct deadline *deadline, struct fault *fault);

#endif
