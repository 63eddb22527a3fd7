/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making the kernel equal to configuration and ledger for everybody at once. */
#include "upkeep.h"

#include "conf-check.h"
#include "drift.h"
#include "existing.h"
#include "hold.h"
#include "round.h"
#include "takeover.h"
#include "util.h"

#include <string.h>
#include <syslog.h>

/* Rules that nobody accounts for: a range that left the configuration, or what a lost ledger left. */
static int sort_orphan(struct round *round, struct uid_range uids)
{
	const struct uid_ranges alone = { .items = &uids, .count = 1 };

	if (subjects_find_uids(round->subjects, round->subject_count, uids) || round_has_record(round, uids) ||
	    ledger_has_range(round->op.ledger, uids) || operation_has_leftovers(&round->op, &alone))
		return 0;
	return round_add_gone(round, uids, false);
}

/* One that cannot be written must not keep the others; the first fault is the answer. */
static int remember_all(struct round *round)
{
	struct operation *op = &round->op;
	int first = 0;

	for (size_t i = 0; i < round->subject_count; i++) {
		const struct subject *subject = &round->subjects[i];
		int r = 0;

		if (subject->keep || round_has_record(round, subject->uids))
			r = round_remember(round, subject);
		if (!first)
			first = r;
	}
	return first ? first : ledger_set_backend(op->ledger, op->ops->name, &op->ctx->fault);
}

/* What stands of it in the chosen backend. */
static const struct standing *find_chosen(const struct round *round, struct uid_range uids)
{
	const struct holding *chosen = &round->found.items[0];

	return round->op.ops ? standing_find(chosen->standing, chosen->count, uids) : NULL;
}

static const struct standing *find_beside(const struct round *round, struct uid_range uids,
					  const struct backend_ops **ret_ops)
{
	return holdings_find_beside(&round->found, round->op.ops, uids, ret_ops);
}

/* What is about to be made or mended is counted, and told if it stood and was not right. */
static int count_change(struct round *round, const struct plan *plan, bool *ret_changed)
{
	const struct standing *standing = find_chosen(round, plan->uids);
	struct egress_ctx *ctx = round->op.ctx;
	char uids[UID_RANGE_TEXT_MAX], **lines = NULL;
	const struct backend_ops *other;
	int r = drift_compare(plan, standing, &lines);

	if (!r)
		r = guard_look_tell(&round->guard, plan->uids, true, &lines);
	if (r)
		return r;
	addr_print_uid_range(plan->uids, uids);
	if (find_beside(round, plan->uids, &other))
		ctx_log(ctx, LOG_NOTICE, "uid %s: taken over from %s", uids, other->name);
	else if (lines[0] && standing)
		ctx_log(ctx, LOG_NOTICE, "uid %s: mended: %s", uids, lines[0]);
	*ret_changed = lines[0] || find_beside(round, plan->uids, &other);
	egress_lines_free(lines);
	return 0;
}

/* By accounts. */
static int count_changes(struct round *round)
{
	bool counted = false, changed = false;
	int r = 0;

	for (size_t i = 0; !r && i < round->plan_count; i++) {
		counted = counted && round->plan_goes_on[i];
		changed = false;
		r = count_change(round, &round->plans[i], &changed);
		round->existing[i].ends = changed && round->existing[i].ends;
		if (r || !changed || counted)
			continue;
		counted = true;
		round->changes.held++;
	}
	return r;
}

/* The rules stand, whatever becomes of connections: the records must be written. It is told at the end. */
static void end_existing(struct round *round)
{
	struct operation *op = &round->op;

	for (size_t i = 0; i < round->plan_count; i++)
		round->existing[i].plan = &round->plans[i];
	if (!operation_end_existing(op, "sync", round->existing, round->plan_count))
		return;
	ctx_log(op->ctx, LOG_ERR, "%s", op->ctx->fault.line);
	if (!op->unfinished.error)
		op->unfinished = op->ctx->fault;
	fault_clear(&op->ctx->fault);
}

static int look_at_chosen(struct round *round)
{
	struct operation *op = &round->op;
	struct holding *chosen = &round->found.items[0];
	int r;

	if (!op->ops)
		return 0;
	r = operation_kernel(op);
	if (!r)
		r = op->ops->list(op->backend, NULL, &op->ctx->fault, &chosen->standing, &chosen->count);
	if (!r) {
		chosen->ops = op->ops;
		round->found.count = 1;
	}
	return r;
}

/* One that cannot be seen keeps nobody from being held; it keeps everybody from being released. */
static void look_at_others(struct round *round)
{
	struct operation *op = &round->op;

	for (size_t i = 0; op->ctx->backends[i]; i++) {
		const struct backend_ops *ops = op->ctx->backends[i];
		struct fault why = { 0 };

		if (ops == op->ops)
			continue;
		if (!holding_look(ops, NULL, &why, &round->found.items[round->found.count])) {
			round->found.count++;
			continue;
		}
		ctx_log(op->ctx, LOG_ERR, "%s: cannot see what it holds: %.400s", ops->name, why.line);
		fault_set(&op->unfinished, why.error, "%s", why.line);
	}
}

/* Where it cannot be looked at, what must be guarded fails with the reason. */
static void look_at_guard(struct round *round)
{
	struct operation *op = &round->op;
	struct fault why = { 0 };
	int r = op->ctx->guard->look(round->plans, round->plan_count, &op->deadline, &why, &round->guard);

	if (r && r != -EOPNOTSUPP)
		ctx_log(op->ctx, LOG_ERR, "%s", why.line);
}

/* Killed while it released, an operation may have left the guard of somebody who is not held any more. */
static int sort_guard_orphans(struct round *round)
{
	const struct backend_ops *first;
	int r = 0;

	for (size_t i = 0; !r && i < round->guard.subject_count; i++)
		if (!holdings_find(&round->found, round->guard.subjects[i], &first))
			r = sort_orphan(round, round->guard.subjects[i]);
	return r;
}

static int sort_orphans(struct round *round)
{
	int r = look_at_chosen(round);

	if (!r)
		look_at_others(round);
	look_at_guard(round);
	if (!r)
		r = sort_guard_orphans(round);
	for (size_t i = 0; !r && i < round->found.count; i++) {
		const struct holding *holding = &round->found.items[i];
		const struct backend_ops *first;

		for (size_t k = 0; !r && k < holding->count; k++) {
			const struct uid_range uids = holding->standing[k].plan.uids;

			/* Standing twice, it is one orphan. */
			holdings_find(&round->found, uids, &first);
			if (first == holding->ops)
				r = sort_orphan(round, uids);
		}
	}
	return r;
}

/* How many there are of the account whose first is I. */
static size_t gone_length(const struct round *round, size_t i)
{
	size_t length = 1;

	while (i + length < round->gone_count && round->gone_goes_on[i + length])
		length++;
	return length;
}

/* Its rules are gone; now the record of them. */
static int forget(struct round *round, size_t i)
{
	struct operation *op = &round->op;
	const struct backend_ops *from;
	bool stood = false;
	int r = 0;

	if (round_has_record(round, round->gone[i]))
		r = ledger_forget(op->ledger, round->gone[i].first, &op->ctx->fault);
	for (size_t k = 0; k < gone_length(round, i); k++)
		stood = stood || holdings_find(&round->found, round->gone[i + k], &from);
	if (!r && stood)
		round->changes.released++;
	return r;
}

static int let_go_one(struct round *round, size_t i)
{
	int r = operation_remove(&round->op, &round->gone[i], gone_length(round, i));

	return r ? r : forget(round, i);
}

/* One that cannot go, because foreign rules lead to its chain, must not keep the others. */
static int let_go_singly(struct round *round)
{
	struct egress_ctx *ctx = round->op.ctx;
	struct fault first = ctx->fault;

	for (size_t i = 0; i < round->gone_count; i += gone_length(round, i)) {
		fault_clear(&ctx->fault);
		if (let_go_one(round, i))
			ctx_log(ctx, LOG_ERR, "uid %u: stays held: %s", round->gone[i].first, ctx->fault.line);
	}
	ctx->fault = first;
	return first.error;
}

static int let_go(struct round *round)
{
	struct operation *op = &round->op;
	int r = operation_remove(op, round->gone, round->gone_count);

	if (r)
		return r == -EPERM ? let_go_singly(round) : r;
	for (size_t i = 0; !r && i < round->gone_count; i += gone_length(round, i))
		r = forget(round, i);
	return r;
}

/* What a takeover left behind goes once the chosen backend has the account as it must be. */
static int finish_takeovers(struct round *round)
{
	AUTO_FREE struct plan *plans = calloc(round->plan_count + 1, sizeof(*plans)); /* their rules stay ours */
	const struct backend_ops *other;
	size_t count = 0;
	int r = plans ? 0 : fault_set(&round->op.ctx->fault, -ENOMEM, "plans: no memory");

	for (size_t i = 0; !r && i < round->plan_count; i++) {
		const struct plan *plan = &round->plans[i];
		const struct standing *chosen = find_chosen(round, plan->uids);
		char **lines = NULL;

		if (!chosen || !find_beside(round, plan->uids, &other))
			continue;
		r = drift_compare(plan, chosen, &lines);
		if (!r && !lines[0])
			plans[count++] = *plan;
		egress_lines_free(lines);
	}
	if (!r && count)
		takeover_finish(&round->op, plans, count);
	return r;
}

/* A takeover that could not be finished is told by those who do it for everybody. */
static int let_go_and_tell(struct round *round)
{
	struct operation *op = &round->op;
	int r = let_go(round);

	ledger_tidy(op->ledger);
	if (!r && op->unfinished.error)
		r = fault_set(&op->ctx->fault, op->unfinished.error, "%s", op->unfinished.line);
	if (!r && round->unfit.error)
		r = fault_set(&op->ctx->fault, round->unfit.error, "%s", round->unfit.line);
	return r;
}

static int sort_all(struct round *round)
{
	int r = 0;

	for (size_t i = 0; !r && i < round->subject_count; i++)
		r = round_sort_subject(round, &round->subjects[i]);
	return r ? r : sort_orphans(round);
}

static int sync_locked(struct round *round)
{
	struct operation *op = &round->op;
	int r = operation_kernel(op);

	if (!r)
		r = sort_all(round);

	if (!ledger_sees_processes(op->ledger))
		ctx_log(op->ctx, LOG_WARNING, "%s/pidns: " LEDGER_ELSEWHERE, ledger_path(op->ledger));
	if (!r)
		r = count_changes(round);
	if (!r)
		r = operation_hold(&round->op, round->plans, round->plan_count);
	if (!r)
		end_existing(round);
	if (!r)
		r = remember_all(round);
	return r ? r : let_go_and_tell(round);
}

static int reap_locked(struct round *round)
{
	struct operation *op = &round->op;
	int r;

	if (!ledger_sees_processes(op->ledger))
		return fault_set(&op->ctx->fault, -EPERM, "%s/pidns: " LEDGER_ELSEWHERE,
				 ledger_path(op->ledger));
	r = sort_all(round);
	if (!r)
		r = finish_takeovers(round);
	return r ? r : let_go_and_tell(round);
}

static int run_round(struct egress_ctx *ctx, int (*locked)(struct round *), bool is_sync,
		     struct egress_changes *ret)
{
	struct round round = { .ctx = ctx, .holds = is_sync };
	int r = round_prepare(ctx, &round);

	if (!r && is_sync)
		conf_warn_of_nobody(ctx, round.view.conf);
	if (!r)
		r = operation_begin(ctx, conf_backend(round.view.conf), &round.op);
	if (!r) {
		if (is_sync)
			operation_tell_blind_spots(&round.op);
		r = locked(&round);
		if (!r && is_sync)
			hold_keep_conf(&round.op, &round.view);
		r = operation_end(&round.op, r);
	}
	if (!r)
		*ret = round.changes;
	round_clear(&round);
	return r;
}

int upkeep_sync(struct egress_ctx *ctx, struct egress_changes *ret)
{
	return run_round(ctx, sync_locked, true, ret);
}

int upkeep_reap(struct egress_ctx *ctx, struct egress_changes *ret)
{
	return run_round(ctx, reap_locked, false, ret);
}
