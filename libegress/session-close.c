/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a session that ends to rules that are gone, unless something still needs them. */
#include "session.h"

#include "procscan.h"
#include "subject.h"

#include <errno.h>

#define LEFTOVER_STEP_MS 10L

/* Drops the record; *ret_last: this was the last need on record; *ret_held: the uid has its folder still. */
static int drop(struct operation *op, uid_t uid, const char *token, unsigned int *ret_sessions, bool *ret_last,
		bool *ret_held)
{
	struct need need = { 0 };
	int r = ledger_drop(op->ledger, uid, token, &op->ctx->fault);
	bool known = r == 0;

	if (r == -ENOENT)
		r = 0;
	if (!r)
		r = operation_sessions(op, uid, &need);
	if (r)
		return r;
	*ret_sessions = need.sessions;
	*ret_last = known && need_is_nothing(&need);
	*ret_held = ledger_has(op->ledger, uid);
	return 0;
}

/* Without any lock: others must be able to log in meanwhile. */
static void wait_for_leftovers(uid_t uid)
{
	const struct deadline deadline = deadline_in_ms(LEFTOVER_WAIT_MS);
	struct procscan *scan = NULL;
	bool any = true;

	while (any && !procscan_take(&deadline, NULL, &scan)) {
		any = procscan_count(scan, (struct uid_range){ uid, uid }) > 0;
		procscan_free(scan);
		if (any && !deadline_pause(&deadline, LEFTOVER_STEP_MS))
			return;
	}
}

static int settle(struct egress_ctx *ctx, enum backend_choice wanted, uid_t uid, bool keep, bool *ret_held)
{
	struct operation op;
	struct need need;
	int r = operation_begin(ctx, wanted, &op);

	if (r)
		return r;
	r = operation_settle(&op, uid, keep, &need);
	if (!r)
		*ret_held = keep || !need_is_nothing(&need);
	return operation_end(&op, r);
}

int session_close(struct egress_ctx *ctx, uid_t uid, const char *token, unsigned int *ret_sessions,
		  bool *ret_held)
{
	enum backend_choice wanted;
	unsigned int sessions = 0;
	struct operation op;
	bool keep = true, last = false, held = true;
	int r = subject_fate(ctx, uid, &wanted, &keep);

	if (!r)
		r = operation_begin(ctx, wanted, &op);
	if (r)
		return r;
	r = operation_end(&op, drop(&op, uid, token, &sessions, &last, &held));
	if (!r && last && !keep) {
		wait_for_leftovers(uid);
		r = settle(ctx, wanted, uid, keep, &held);
	}
	if (r)
		return r;
	*ret_sessions = sessions;
	*ret_held = held;
	return 0;
}
