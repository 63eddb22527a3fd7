/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_BACKEND_IPTABLES_H
#define EGRESS_BACKEND_IPTABLES_H

/* What the files of the iptables backend share. */
#include "backend.h"
#include "xt-edit.h"

struct backend {
	int lock; /* the host's, for as long as the handle lives; -1: only for list */
	struct deadline deadline;
	char changed[BACKEND_CHANGED_MAX]; /* by the last change */
};

/* Both families or neither; see backend.h for the errors of replace and remove. */
int iptables_change(struct backend *backend, const struct xt_change *change, struct fault *fault);

int iptables_list(struct backend *backend, const struct uid_range *only, struct fault *fault,
		  struct standing **ret, size_t *ret_count);

/*
 * xt_family_table_state, with the remedy in FAULT for -EOPNOTSUPP, which NEEDED makes of
 * "unsupported".
 */
int iptables_table_state(const struct xt_family *family, bool needed, struct fault *fault,
			 enum xt_table_state *ret);

#endif
