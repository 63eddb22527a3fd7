/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_HOSTLOCK_H
#define EGRESS_HOSTLOCK_H

#include "deadline.h"
#include "fault.h"

#define HOSTLOCK_PATH "/run/xtables.lock"

/*
 * The lock that iptables(8) takes around each of its changes. Released by closing *ret_fd. Errors:
 * those of lock_take.
 */
int hostlock_take(const struct deadline *deadline, struct fault *fault, int *ret_fd);

#endif
