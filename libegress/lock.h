/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_LOCK_H
#define EGRESS_LOCK_H

#include "deadline.h"
#include "fault.h"

/*
 * Takes an exclusive flock on the file NAME beside DIRFD (AT_FDCWD, or ignored where NAME is
 * absolute), which is made (0600) if it is missing; no link is followed. Waits until DEADLINE at
 * most; a deadline that has passed still tries once. The caller releases the lock by closing
 * *ret_fd, which is close-on-exec. Errors: -EBUSY somebody else holds it, -EPERM, -ENOMEM, -EIO.
 */
int lock_take(int dirfd, const char *name, const struct deadline *deadline, struct fault *fault,
	      int *ret_fd);

#endif
