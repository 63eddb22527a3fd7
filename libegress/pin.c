/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holding without a session, at an administrator's word. */
#include "hold.h"
#include "upkeep.h"
#include "util.h"

static int pin_locked(struct operation *op, const struct coverage *coverage)
{
	uid_t uid = coverage->person.uid;
	bool was_pinned = ledger_is_pinned(op->ledger, uid);
	int r = operation_kernel(op);

	if (r)
		return r;
	r = hold_enter(op, coverage);
	if (!r)
		r = ledger_pin(op->ledger, uid, &op->ctx->fault);
	if (!r)
		r = hold_make(op, coverage);
	if (r && !was_pinned) {
		ledger_unpin(op->ledger, uid, NULL);
		hold_take_back(op, coverage);
	} else if (!r) {
		hold_keep_conf(op, &coverage->view);
	}
	return r;
}

int upkeep_hold(struct egress_ctx *ctx, const char *user)
{
	AUTO_COVERAGE struct coverage coverage = { 0 };
	struct operation op;
	int r = coverage_find(ctx, user, &coverage);

	if (!r && coverage.cover == COVER_NONE && !coverage.person.exists)
		r = fault_set(&ctx->fault, -ENOENT, "user \"%s\": does not exist", user);
	if (!r && (coverage.cover == COVER_NONE || !coverage.account))
		r = fault_set(&ctx->fault, -ENOENT, "user \"%s\": nothing in %s covers it", user,
			      ctx->config_path);
	if (!r)
		r = hold_check(ctx, &coverage);
	if (!r)
		r = operation_begin(ctx, conf_backend(coverage.view.conf), &op);
	return r ? r : operation_end(&op, pin_locked(&op, &coverage));
}

static int unpin_locked(struct operation *op, const char *user, uid_t uid, enum ending ending)
{
	struct need need;
	int r = ledger_unpin(op->ledger, uid, &op->ctx->fault);

	if (r == -ENOENT)
		return fault_set(&op->ctx->fault, r, "user \"%s\": is not pinned%s", user,
				 ending == ENDING_KEEP ? " by egressctl hold: the configuration keeps it held" : "");
	return r ? r : operation_settle(op, uid, ending, &need);
}

int upkeep_release(struct egress_ctx *ctx, const char *user)
{
	enum backend_choice wanted;
	struct uid_range uids;
	struct operation op;
	enum ending ending;
	int r = subject_parse(ctx, user, &uids);

	if (!r && uids.first != uids.last)
		r = fault_set(&ctx->fault, -ENOENT, "user \"%s\": a range is never pinned", user);
	if (!r)
		r = subject_fate(ctx, uids.first, &wanted, &ending);
	if (!r)
		r = operation_begin(ctx, wanted, &op);
	return r ? r : operation_end(&op, unpin_locked(&op, user, uids.first, ending));
}
