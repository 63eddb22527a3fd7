/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_GUARD_H
#define EGRESS_GUARD_H

/*
 * The route guard: policy routing rules that keep accounts' uids on this host but for their allowed destinations. They
 * go by the socket's own uid, stand with either backend, and survive its tables. See guard-layout.h for the rules.
 */
#include "deadline.h"
#include "fault.h"
#include "plan.h"

/* What stands differs here from what must; for one subject, or for all of them. */
struct guard_difference {
	struct uid_range uids; /* meaningful if OF_SUBJECT */
	bool of_subject;
	bool beyond_us; /* only the administrator can mend it */
	char *line;     /* "route guard: ipv4: uid 2001: missing" */
};

struct guard_look {
	struct guard_difference *differences; /* ascending by uids, those for all first */
	size_t count;
	struct uid_range *subjects; /* who stands in any family, ascending, each once */
	size_t subject_count;
};

struct guard_ops {
	/*
	 * Makes the guard of each plan's subject equal to its plan: none where plan->guard is false. Who is guarded
	 * stays so at each moment. More than one plan: what others changed is mended everywhere. *ret_changed: did
	 * anything differ? -EOPNOTSUPP: a plan wants a guard, and there can be none here; FAULT says why.
	 */
	int (*replace)(const struct plan *plans, size_t count, const struct deadline *deadline, struct fault *fault,
		       bool *ret_changed);
	/* Absence is success. With the last subject goes all that is ours. */
	int (*remove)(const struct uid_range *subjects, size_t count, const struct deadline *deadline,
		      struct fault *fault);
	/* Changes nothing. Errors as for replace. Clear with guard_look_clear. */
	int (*look)(const struct plan *plans, size_t count, const struct deadline *deadline, struct fault *fault,
		    struct guard_look *ret);
};

extern const struct guard_ops guard_routes;

void guard_look_clear(struct guard_look *look);
/* Appends the lines about the subject, or else those about all, to a list of drift.h. -ENOMEM. */
int guard_look_tell(const struct guard_look *look, struct uid_range uids, bool mendable, char ***lines);

#endif
