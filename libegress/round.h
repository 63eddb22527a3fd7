/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_ROUND_H
#define EGRESS_ROUND_H

/* One round of upkeep over everybody: who there is, what must stand, what may go. */
#include "existing.h"
#include "holdings.h"
#include "subject.h"

struct round {
	struct egress_ctx *ctx;
	struct operation op;
	struct conf_view view;
	struct subject *subjects;
	size_t subject_count;
	struct plan *plans; /* of those who must stay held; each account's in a row */
	bool *plan_goes_on; /* is it one more of the account before it? */
	struct existing_subject *existing; /* one for each plan, its PLAN not set yet */
	size_t plan_count, plan_room;
	struct uid_range *gone; /* of those who need nothing any more; each account's uids in a row */
	bool *gone_goes_on;     /* is it one more of the account before it? */
	size_t gone_count, gone_room;
	bool holds; /* what must stand is made to stand: sync */
	struct fault unfit; /* the first subordinate ranges that cannot be had */
	struct holdings found; /* as the kernel was found, the chosen backend first */
	struct guard_look guard; /* the same of the route guard; empty where there can be none */
	const struct account *printed; /* whose text PROFILE is: many have the same entry */
	char *profile;
	struct egress_changes changes;
};

/* All that may take long, before the locks: configuration, subjects, and their subordinate ranges if the round HOLDS.
 * Clear with round_clear, even after an error. -EBADMSG, -EIO, -EPERM, -ENOMEM. */
int round_prepare(struct egress_ctx *ctx, struct round *round);
void round_clear(struct round *round);

/* Under the lock, as all that follow. Plans for the subject, or it goes. -ENOMEM, -EIO, ... of the ledger. */
int round_sort_subject(struct round *round, const struct subject *subject);
/* GOES_ON: one more of the account before it. -ENOMEM. */
int round_add_gone(struct round *round, struct uid_range uids, bool goes_on);
/* A range that is held as one has no record: its uids may have theirs. */
bool round_has_record(const struct round *round, struct uid_range uids);
/* So that it stays held after it left the configuration, flush or not, while it runs. -ENOMEM, -EIO. */
int round_remember(struct round *round, const struct subject *subject);

#endif
