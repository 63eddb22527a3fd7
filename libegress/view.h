/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_VIEW_H
#define EGRESS_VIEW_H

/* Everything at one look, without a lock: configuration, ledger, kernel, processes. */
#include "procscan.h"
#include "subject.h"

struct view {
	struct egress_ctx *ctx;
	struct conf_view conf;
	struct ledger *ledger; /* NULL: none yet */
	const struct backend_ops *ops;
	struct subject *subjects;
	size_t subject_count;
	struct standing *standing;
	size_t standing_count;
	struct procscan *scan;
};

/* With no configuration to go by ret->conf.conf is NULL, which is logged. Clear with view_clear. */
int view_take(struct egress_ctx *ctx, struct view *ret);
void view_clear(struct view *view);
#define AUTO_VIEW __attribute__((cleanup(view_clear)))

const struct standing *view_standing(const struct view *view, struct uid_range uids);
const struct subject *view_subject(const struct view *view, struct uid_range uids);

/* The account as the public API tells it. */
int view_describe(const struct view *view, const struct subject *subject, struct egress_account **ret);

#endif
