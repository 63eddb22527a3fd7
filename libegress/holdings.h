/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_HOLDINGS_H
#define EGRESS_HOLDINGS_H

/* What stands in each backend, whichever one is chosen: seen without the host's lock. */
#include "backend.h"

/* What one backend has. */
struct holding {
	const struct backend_ops *ops;
	struct standing *standing; /* ascending by uids */
	size_t count;
};

struct holdings {
	struct holding items[BACKENDS_MAX];
	size_t count;
};

/*
 * All that stands in one backend, or ONLY that subject. Nothing does where the kernel lacks it or has not
 * loaded it: then it is not opened, so that looking loads no module. Errors: those of list, open and probe.
 */
int holding_look(const struct backend_ops *ops, const struct uid_range *only, struct fault *fault,
		 struct holding *ret);
void holding_clear(struct holding *holding);

/* Each of ALL (NULL-terminated), FIRST (or NULL) first. *ret has what was seen before an error, too. */
int holdings_look(const struct backend_ops *const *all, const struct backend_ops *first,
		  struct fault *fault, struct holdings *ret);
void holdings_clear(struct holdings *holdings);

/* Where the subject stands; NULL if nowhere. In the first one that has it, or in any but that one. */
const struct standing *holdings_find(const struct holdings *holdings, struct uid_range uids,
				     const struct backend_ops **ret_ops);
const struct standing *holdings_find_beside(const struct holdings *holdings, const struct backend_ops *ops,
					    struct uid_range uids, const struct backend_ops **ret_ops);

#endif
