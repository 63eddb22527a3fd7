/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_UID_OWNER_H
#define EGRESSCTL_UID_OWNER_H

/* Which held account a subordinate uid is of, for whoever asks of many: not a look at everything for each. */
#include <stdbool.h>
#include <stdint.h>

#include "egress.h"

struct uid_owner {
	struct egress_uid_range uids;
	char *account; /* whose subordinate ones they are; NULL: an account's own */
};

struct uid_owners {
	struct egress_ctx *ctx;
	struct uid_owner *items; /* what was held at the last look */
	size_t count;
	uint64_t looked; /* when the last look ended, and how long it took: of the monotonic clock, in ms */
	uint64_t took;
};

/* Looks for the first time: 0, or why nobody is known, see egress_list. CTX logs nothing from here on. */
int uid_owners_begin(struct uid_owners *owners, struct egress_ctx *ctx);
void uid_owners_end(struct uid_owners *owners);

/*
 * The account's name, valid until the next call; NULL for any other uid. AGAIN: where nothing is known of the uid, look
 * anew; not more often than once a second, nor for more than a twentieth of the time.
 */
const char *uid_owners_find(struct uid_owners *owners, uid_t uid, bool again);

#endif
