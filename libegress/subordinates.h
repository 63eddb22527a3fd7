/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_SUBORDINATES_H
#define EGRESS_SUBORDINATES_H

/* With which subordinate ranges an account is held: what the files say, judged by its profile and the configuration. */
#include "conf.h"
#include "person.h"
#include "subuid.h"

struct subordinates {
	const struct conf *conf; /* NULL: none */
	const struct account *account;
	const struct person *person;
	struct subuid *subuid;
};

/* None if the profile ignores them. -EPERM: the profile refuses those that it has; -EBADMSG: see subuid_find, or an entry
 * of the configuration that is held always has some of them, or the proxy's user; -EIO, -ENOMEM. May ask NSS. */
int subordinates_find(const struct subordinates *who, struct fault *fault, struct uid_ranges *ret);

/* The same of files that are read for it, which a profile that ignores them does not need; WHO->subuid is NULL. Errors
 * of subuid_load as well: files that cannot be read deny only whom they concern. */
int subordinates_read(const struct subuid_paths *paths, struct subordinates *who, struct fault *fault,
		      struct uid_ranges *ret);

#endif
