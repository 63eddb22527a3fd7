/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_EXISTING_H
#define EGRESS_EXISTING_H

/*
 * Connections that were there before the rules: what a process of the account connected, wrote and closed goes on
 * sending, and belongs to nobody whom a rule by owner could see. sock_diag(7) lists and destroys them.
 */
#include "deadline.h"
#include "fault.h"
#include "plan.h"

/* Of one plan that stands. */
struct existing_subject {
	const struct plan *plan;
	bool ends;     /* the connections of its uids that it does not let through */
	bool required; /* its profile wants nothing less */
};

struct existing_subject existing_subject_of(const struct profile *profile, const struct plan *plan);

#define EXISTING_TEXT_MAX 160

struct existing {
	unsigned int destroyed;
	unsigned int left;            /* what the kernel would not destroy */
	char first[EXISTING_TEXT_MAX]; /* one of them: "tcp to 192.0.2.1:443: WHY" */
	char absent[EXISTING_TEXT_MAX]; /* what this kernel lacks for all of it, or for a part; "" */
};

/*
 * Destroys TCP and UDP connections, under way or half open ones too, of whom SUBJECTS, ascending by uids, say so.
 * A uid that several of them hold goes by the narrowest. What listens stays: its answers have an owner, and leave
 * by the rules. So does what is not connected. Call it once the rules stand: nothing new can come then.
 * Loads no module. -ENOMEM, -ETIMEDOUT, -EIO: whose connections there are is not known.
 */
int existing_end(const struct deadline *deadline, const struct existing_subject *subjects, size_t count,
		 struct fault *fault, struct existing *ret);

/* What this kernel lacks for it; "" if nothing. Errors as above. */
int existing_absence(const struct deadline *deadline, struct fault *fault, char ret[EXISTING_TEXT_MAX]);

#endif
