/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an operation makes of connections that were there before the rules. */
#include "engine.h"

#include "existing.h"

#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

static bool is_required(const struct existing_subject *subjects, size_t count)
{
	bool required = false;

	for (size_t i = 0; i < count; i++)
		required = required || subjects[i].required;
	return required;
}

static bool has_end(const struct existing_subject *subjects, size_t count)
{
	bool ends = false;

	for (size_t i = 0; i < count; i++)
		ends = ends || subjects[i].ends;
	return ends;
}

static int judge(struct operation *op, const char *who, const struct existing *existing, bool required)
{
	struct egress_ctx *ctx = op->ctx;

	if (existing->destroyed)
		ctx_log(ctx, LOG_NOTICE, "%s: existing_sockets: destroyed=%u", who, existing->destroyed);
	if (existing->absent[0] && required)
		return fault_set(&ctx->fault, -EOPNOTSUPP, "%s: existing_sockets: required, but this kernel has %s", who,
				 existing->absent);
	if (existing->left && required)
		return fault_set(&ctx->fault, -EPERM, "%s: existing_sockets: required, but %u cannot be destroyed: %s",
				 who, existing->left, existing->first);
	if (existing->absent[0])
		ctx_log(ctx, LOG_NOTICE, "%s: existing_sockets: this kernel has %s", who, existing->absent);
	if (existing->left)
		ctx_log(ctx, LOG_ERR, "%s: existing_sockets: %u cannot be destroyed, and may still send: %s", who,
			existing->left, existing->first);
	return 0;
}

static int by_uids(const void *a, const void *b)
{
	const struct existing_subject *x = a, *y = b;

	return uid_range_compare(x->plan->uids, y->plan->uids);
}

int operation_end_existing(struct operation *op, const char *who, struct existing_subject *subjects, size_t count)
{
	bool required = is_required(subjects, count);
	struct existing existing = { 0 };
	int r = 0;

	if (count)
		qsort(subjects, count, sizeof(*subjects), by_uids);
	if (has_end(subjects, count))
		r = existing_end(&op->deadline, subjects, count, &op->ctx->fault, &existing);
	else if (required)
		r = existing_absence(&op->deadline, &op->ctx->fault, existing.absent);
	return r ? r : judge(op, who, &existing, required);
}
