/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a session that ends to rules that are gone, unless something still needs them. */
#include "session.h"

#include "procscan.h"
#include "sockets.h"
#include "subject.h"

#include <errno.h>
#include <syslog.h>
#include <unistd.h>

#define LEFTOVER_STEP_MS 10L

/* Drops the record; *ret_last: this was the last need on record; *ret_held: the uid has its folder still. */
static int drop(struct operation *op, uid_t uid, const char *token, unsigned int *ret_sessions, bool *ret_last,
		bool *ret_held, struct uid_ranges *ret_uids)
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
	if (known && need_is_nothing(&need))
		r = operation_uids(op, uid, ret_uids);
	if (r)
		return r;
	*ret_sessions = need.sessions;
	*ret_last = known && need_is_nothing(&need);
	*ret_held = ledger_has(op->ledger, uid);
	return 0;
}

/* 1, 0, or a negative errno where that cannot be known. Cron closes with the account's real uid: that is not left. */
static int is_left(const struct uid_ranges *uids, const struct deadline *deadline)
{
	struct procscan *scan = NULL;
	struct sockets *sockets = NULL;
	int r = procscan_take(deadline, NULL, &scan);

	if (!r)
		r = procscan_count_all(scan, uids) > (getuid() == uids->items[0].first ? 1U : 0U);
	if (!r)
		r = sockets_take(deadline, NULL, &sockets);
	if (!r)
		r = sockets_count_all(sockets, uids) > 0;
	procscan_free(scan);
	sockets_free(sockets);
	return r;
}

/* Without any lock: others must be able to log in meanwhile. As is_left. */
static int wait_for_leftovers(const struct uid_ranges *uids)
{
	const struct deadline deadline = deadline_in_ms(LEFTOVER_WAIT_MS);
	int r;

	while ((r = is_left(uids, &deadline)) > 0)
		if (!deadline_pause(&deadline, LEFTOVER_STEP_MS))
			break;
	return r;
}

static int settle(struct egress_ctx *ctx, enum backend_choice wanted, uid_t uid, enum ending ending,
		  bool *ret_held)
{
	struct operation op;
	struct need need;
	int r = operation_begin(ctx, wanted, &op);

	if (r)
		return r;
	r = operation_settle(&op, uid, ending, &need);
	if (!r)
		*ret_held = !need_is_nothing(&need);
	return operation_end(&op, r);
}

/* Who is to be ended is not waited for; what was ended may still have data on the way. */
static int settle_last(struct egress_ctx *ctx, enum backend_choice wanted, const struct uid_ranges *uids,
		       enum ending ending, bool *ret_held)
{
	uid_t uid = uids->items[0].first;
	int r = 0;

	if (ending == ENDING_KILL)
		r = settle(ctx, wanted, uid, ending, ret_held);
	if (r || (ending == ENDING_KILL && !*ret_held))
		return r;
	/*
	 * Other accounts can make a look take long, by ten thousands of sockets with one port. Then each who closed
	 * would keep all from logging in: the lock is not for looks that did not end without it.
	 */
	if (ending != ENDING_RELEASE && wait_for_leftovers(uids) == -ETIMEDOUT) {
		*ret_held = true;
		ctx_log(ctx, LOG_WARNING, "uid %u: left to egressctl reap: what is left of it cannot be seen in time",
			uid);
		return 0;
	}
	return settle(ctx, wanted, uid, ending, ret_held);
}

/* SPARE: whatever its profile says, what is left is neither ended nor overlooked. */
static int end_session(struct egress_ctx *ctx, uid_t uid, const char *token, bool spare, unsigned int *ret_sessions,
		       bool *ret_held)
{
	AUTO_RANGES struct uid_ranges uids = { 0 };
	enum backend_choice wanted;
	unsigned int sessions = 0;
	struct operation op;
	bool last = false, held = true;
	enum ending ending;
	int r = subject_fate(ctx, uid, &wanted, &ending);

	if (!r)
		r = operation_begin(ctx, wanted, &op);
	if (r)
		return r;
	if (spare && ending != ENDING_KEEP)
		ending = ENDING_HOLD;
	r = operation_end(&op, drop(&op, uid, token, &sessions, &last, &held, &uids));
	if (!r && last && ending != ENDING_KEEP)
		r = settle_last(ctx, wanted, &uids, ending, &held);
	if (r)
		return r;
	*ret_sessions = sessions;
	*ret_held = held;
	return 0;
}

int session_close(struct egress_ctx *ctx, uid_t uid, const char *token, unsigned int *ret_sessions,
		  bool *ret_held)
{
	return end_session(ctx, uid, token, false, ret_sessions, ret_held);
}

int session_undo(struct egress_ctx *ctx, uid_t uid, const char *token)
{
	unsigned int sessions;
	bool held;

	return end_session(ctx, uid, token, true, &sessions, &held);
}
