/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "takeover.h"

#include "grace.h"
#include "holdings.h"
#include "util.h"

#include <syslog.h>

/* Foreign rules that lead to one subject's must not keep the others. */
static int remove_singly(const struct backend_ops *ops, struct backend *backend,
			 const struct uid_range *subjects, size_t count, struct fault *fault)
{
	int first = 0;

	for (size_t i = 0; i < count; i++) {
		int r = ops->remove(backend, &subjects[i], 1, first ? NULL : fault);

		if (!first)
			first = r;
	}
	return first;
}

/* One host's lock at a time: two handles of ours would wait for each other. */
static int remove_from(struct operation *op, const struct backend_ops *ops,
		       const struct uid_range *subjects, size_t count, struct fault *fault)
{
	struct backend *backend = NULL;
	struct fault why = { 0 };
	int r;

	operation_leave_kernel(op);
	r = ops->open(&op->deadline, fault, &backend);
	if (r)
		return r;
	r = ops->remove(backend, subjects, count, &why);
	if (r == -EPERM && count > 1) {
		fault_clear(&why);
		r = remove_singly(ops, backend, subjects, count, &why);
	}
	ops->close(backend);
	return r ? fault_set(fault, r, "%s", why.line) : 0;
}

/* Those of the subjects that stand in one backend go; IN_USE: after the packets that are on their way. */
static int clear_one(struct operation *op, const struct backend_ops *ops, const struct uid_range *subjects,
		     size_t count, bool in_use, struct fault *fault)
{
	struct holding holding = { 0 };
	AUTO_FREE struct uid_range *there = NULL;
	size_t found = 0;
	int r = holding_look(ops, count == 1 ? subjects : NULL, fault, &holding);

	if (!r && holding.count && !(there = calloc(count, sizeof(*there))))
		r = fault_set(fault, -ENOMEM, "%s: no memory", ops->name);
	for (size_t i = 0; !r && holding.count && i < count; i++)
		if (standing_find(holding.standing, holding.count, subjects[i]))
			there[found++] = subjects[i];
	holding_clear(&holding);
	if (r || !found)
		return r;
	if (in_use)
		grace_period(&op->deadline);
	return remove_from(op, ops, there, found, fault);
}

/*
 * Held by both, an account reaches what both let through, which is not more than its profile: the open may
 * succeed. Denied, it would be locked out for rules that only narrow. The next sync or reap tries again.
 */
static void tell_unfinished(struct operation *op, const struct backend_ops *ops, const struct fault *why)
{
	ctx_log(op->ctx, LOG_ERR, "held by %s; what may still stand in %s is left to the next sync: %.400s",
		op->ops->name, ops->name, why->line);
	if (!op->unfinished.error)
		fault_set(&op->unfinished, why->error, "taken over by %s, but not removed from %s: %.400s",
			  op->ops->name, ops->name, why->line);
}

void takeover_finish(struct operation *op, const struct plan *plans, size_t count)
{
	const struct backend_ops *const *ops = op->ctx->backends;
	AUTO_FREE struct uid_range *subjects = calloc(count, sizeof(*subjects));

	for (size_t i = 0; subjects && i < count; i++)
		subjects[i] = plans[i].uids;
	for (; *ops; ops++) {
		struct fault why = { 0 };

		if (*ops == op->ops)
			continue;
		if (!subjects)
			fault_set(&why, -ENOMEM, "no memory");
		else if (!clear_one(op, *ops, subjects, count, true, &why))
			continue;
		tell_unfinished(op, *ops, &why);
	}
}

int takeover_release(struct operation *op, const struct uid_range *subjects, size_t count)
{
	const struct backend_ops *const *ops = op->ctx->backends;
	int r = 0;

	for (; !r && count && *ops; ops++)
		if (*ops != op->ops)
			r = clear_one(op, *ops, subjects, count, false, &op->ctx->fault);
	return r;
}
