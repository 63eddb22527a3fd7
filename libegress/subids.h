/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_SUBIDS_H
#define EGRESS_SUBIDS_H

/*
 * Subordinate ids that only the name service knows. The library that asks it exits and prints, so a login never does:
 * whoever has a program of his own (egressctl sync) asks, and what is found is kept in a file beside the last good
 * configuration, which logins read like /etc/subuid.
 */
#include "engine.h"
#include "subject.h"

/*
 * Asks by the context's egress_subids_fn, if it has one, for the users that the configuration names, for members of its
 * groups, and for the subjects; keeps the answers. Before any lock. What could not be asked keeps the file as it is.
 * -EIO, -EPERM, -ENOMEM.
 */
int subids_refresh(struct egress_ctx *ctx, const struct conf *conf, const struct subject *subjects, size_t count,
		   struct fault *fault);

/*
 * Asks for one person, by each of its names, and keeps nothing; the context has an egress_subids_fn. *ret: lines as of
 * /etc/subuid, malloced. -EIO, -ENOMEM.
 */
int subids_tell(struct egress_ctx *ctx, const struct person *person, char **ret);

#endif
