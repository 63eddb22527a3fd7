/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_VIEW_H
#define EGRESS_VIEW_H

/* Everything at one look, without a lock: configuration, ledger, kernel, processes. */
#include "choice.h"
#include "existing.h"
#include "holdings.h"
#include "procscan.h"
#include "sockets.h"
#include "subject.h"

struct view {
	struct egress_ctx *ctx;
	struct conf_view conf;
	struct ledger *ledger; /* NULL: none yet */
	struct choice choice; /* ops NULL: nobody can be held, and REASON says why */
	struct subject *subjects;
	size_t subject_count;
	struct uid_range *ranges; /* the subordinate ones of all subjects, ascending */
	size_t range_count;
	struct holdings holdings; /* the chosen backend's first */
	struct guard_look guard;
	struct fault no_guard; /* why there can be none here */
	struct procscan *scan;
	struct sockets *sockets;
	char no_existing[EXISTING_TEXT_MAX]; /* what this kernel lacks to end connections */
};

/* With no configuration to go by ret->conf.conf is NULL, which is logged. Clear with view_clear. */
int view_take(struct egress_ctx *ctx, struct view *ret);
void view_clear(struct view *view);
#define AUTO_VIEW __attribute__((cleanup(view_clear)))

/* Where it stands: in the chosen backend, else in another; NULL if in none. *ret_ops is set if not NULL. */
const struct standing *view_standing(const struct view *view, struct uid_range uids,
				     const struct backend_ops **ret_ops);
const struct subject *view_subject(const struct view *view, struct uid_range uids);
/* Is it, whole, one of a subject's subordinate ranges? */
bool view_has_range(const struct view *view, struct uid_range uids);

/* The account as the public API tells it. */
int view_describe(const struct view *view, const struct subject *subject, struct egress_account **ret);

#endif
