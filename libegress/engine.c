/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine.h"

#include "choice.h"
#include "drift.h"
#include "procscan.h"
#include "takeover.h"
#include "util.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#define READ_SINGLY_MAX 4

static void keep_notice(struct egress_ctx *ctx, int priority, const char *line)
{
	struct notice *notice = &ctx->notices[ctx->notice_count];

	/* Where there is no room, an error is worth more than the last notice. */
	if (ctx->notice_count == NOTICES_MAX && priority <= LOG_ERR) {
		notice = &ctx->notices[--ctx->notice_count];
		free(notice->line);
		ctx->notices_lost++;
	}
	if (ctx->notice_count == NOTICES_MAX || !(notice->line = strdup(line))) {
		ctx->notices_lost++;
		return;
	}
	notice->priority = priority;
	ctx->notice_count++;
}

void ctx_log(struct egress_ctx *ctx, int priority, const char *format, ...)
{
	char line[FAULT_LINE_MAX];
	va_list args;

	if (!ctx->log)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fault_clean_line(line);
	if (ctx->locked)
		keep_notice(ctx, priority, line);
	else
		ctx->log(priority, line, ctx->log_data);
}

static void tell_notices(struct egress_ctx *ctx)
{
	for (size_t i = 0; i < ctx->notice_count; i++) {
		ctx->log(ctx->notices[i].priority, ctx->notices[i].line, ctx->log_data);
		free(ctx->notices[i].line);
	}
	ctx->notice_count = 0;
	if (ctx->notices_lost)
		ctx_log(ctx, LOG_WARNING, "%zu more notices were dropped", ctx->notices_lost);
	ctx->notices_lost = 0;
}

void report_to_log(const char *line, void *data)
{
	ctx_log(data, LOG_WARNING, "%s", line);
}

/* No backend is an error of those who need one. */
static int choose(struct operation *op, enum backend_choice wanted)
{
	struct choice choice;
	int r = choice_make(op->ctx, wanted, op->ledger, &choice);

	if (!r)
		op->ops = choice.ops;
	if (r != -EOPNOTSUPP)
		return r;
	op->no_backend = op->ctx->fault;
	fault_clear(&op->ctx->fault);
	return 0;
}

int operation_begin(struct egress_ctx *ctx, enum backend_choice wanted, struct operation *ret)
{
	struct operation op = { .ctx = ctx, .deadline = deadline_in_ms(OPERATION_MS) };
	int r = shield_raise(&ctx->fault, &op.shield);

	if (r)
		return r;
	ctx->locked = true;
	r = ledger_open(ctx->statedir, &op.deadline, &ctx->fault, &op.ledger);
	if (!r) {
		ledger_set_report(op.ledger, report_to_log, ctx);
		r = choose(&op, wanted);
	}
	if (r)
		return operation_end(&op, r);
	*ret = op;
	return 0;
}

int operation_end(struct operation *op, int r)
{
	int lowered;

	ledger_close(op->ledger);
	/* Nobody need wait while a netlink socket closes, which waits for what was deleted through it. */
	operation_leave_kernel(op);
	operation_look_again(op);
	lowered = shield_lower(&op->shield, &op->ctx->fault);
	op->ctx->locked = false;
	tell_notices(op->ctx);
	return r ? r : lowered;
}

int operation_kernel(struct operation *op)
{
	if (op->backend)
		return 0;
	if (!op->ops)
		return fault_set(&op->ctx->fault, op->no_backend.error, "%s", op->no_backend.line);
	return op->ops->open(&op->deadline, &op->ctx->fault, &op->backend);
}

void operation_leave_kernel(struct operation *op)
{
	if (op->backend)
		op->ops->close(op->backend);
	op->backend = NULL;
}

static int check_stands(struct operation *op, const struct plan *plan, const struct standing *standing)
{
	char **lines = NULL;
	int r = drift_compare(plan, standing, &lines);

	if (!r && lines[0])
		r = fault_set(&op->ctx->fault, -EIO, "%s: read back: %s", op->ops->name, lines[0]);
	egress_lines_free(lines);
	return r;
}

static int read_back_of(struct operation *op, const struct uid_range *only, const struct plan *plans, size_t plan_count)
{
	struct standing *standing = NULL;
	size_t count = 0;
	int r = op->ops->list(op->backend, only, &op->ctx->fault, &standing, &count);

	for (size_t i = 0; !r && i < plan_count; i++)
		r = check_stands(op, &plans[i], standing_find(standing, count, plans[i].uids));
	standing_free(standing, count);
	return r;
}

/*
 * The kernel's own word, after the backend's: a commit can say yes and have done nothing. An account's few are asked
 * for one by one: to read everybody's takes several times as long where many are held.
 */
static int read_back(struct operation *op, const struct plan *plans, size_t plan_count)
{
	int r = 0;

	if (plan_count > READ_SINGLY_MAX)
		return read_back_of(op, NULL, plans, plan_count);
	for (size_t i = 0; !r && i < plan_count; i++)
		r = read_back_of(op, &plans[i].uids, &plans[i], 1);
	return r;
}

/* Whose they are is written first: "auto" stays with it from then on, unless nothing came of it. */
static int replace(struct operation *op, const struct plan *plans, size_t count)
{
	char before[LEDGER_BACKEND_MAX] = "";
	int r = operation_kernel(op);

	if (!r && ledger_backend(op->ledger, before))
		before[0] = '\0';
	if (!r)
		r = ledger_set_backend(op->ledger, op->ops->name, &op->ctx->fault);
	if (r)
		return r;
	r = op->ops->replace(op->backend, plans, count, &op->ctx->fault);
	if (!r || r == -EIO)
		op->wrote = true;
	else if (before[0])
		ledger_set_backend(op->ledger, before, NULL);
	if (!r)
		snprintf(op->changed, sizeof(op->changed), "%s", op->ops->changed(op->backend));
	return r;
}

/* What cannot be had here. */
static int do_without_guard(struct operation *op, const struct plan *plans, size_t count, const struct fault *why)
{
	for (size_t i = 0; i < count; i++)
		if (plans[i].guard_required)
			return fault_set(&op->ctx->fault, why->error, "%.400s (and the profile requires it)",
					 why->line);
	ctx_log(op->ctx, LOG_WARNING, "%.400s; accounts are held without it", why->line);
	return 0;
}

/* Its answer to each message is the kernel's own word; there is no commit that could say yes and do nothing. */
static int set_guard(struct operation *op, const struct plan *plans, size_t count)
{
	size_t length = strlen(op->changed);
	struct fault why = { 0 };
	bool changed = false;
	int r = op->ctx->guard->replace(plans, count, &op->deadline, &why, &changed);

	if (r == -EOPNOTSUPP)
		return do_without_guard(op, plans, count, &why);
	if (r)
		return fault_set(&op->ctx->fault, r, "%s", why.line);
	if (changed)
		snprintf(op->changed + length, sizeof(op->changed) - length, "%sroute guard", length ? "; " : "");
	return 0;
}

int operation_hold(struct operation *op, const struct plan *plans, size_t count)
{
	int r = count ? replace(op, plans, count) : 0;

	if (!r && count)
		r = read_back(op, plans, count);
	if (!r && count)
		r = set_guard(op, plans, count);
	if (!r && count)
		takeover_finish(op, plans, count);
	return r;
}

/* The chosen one last: what cannot be removed elsewhere leaves it standing. */
int operation_remove(struct operation *op, const struct uid_range *subjects, size_t count)
{
	int r = count ? op->ctx->guard->remove(subjects, count, &op->deadline, &op->ctx->fault) : 0;

	if (!r)
		r = takeover_release(op, subjects, count);
	if (r || !count || !op->ops)
		return r;
	r = operation_kernel(op);
	return r ? r : op->ops->remove(op->backend, subjects, count, &op->ctx->fault);
}

/*
 * From another pid namespace every opener looks dead. One that was killed may have left a child on its way
 * to the account's uid: su's caller can stop and kill as he likes. What cannot be known lives.
 */
static bool session_lives(struct operation *op, const struct session *session)
{
	const struct procscan *scan;
	int r;

	if (!ledger_sees_processes(op->ledger))
		return true;
	r = session_is_live(session);
	if (r < 0)
		ctx_log(op->ctx, LOG_WARNING, "session %s: counts as live: its opener, process %d, cannot be read",
			session->token, session->pid);
	if (r != 0)
		return true;
	scan = operation_processes(op);
	return !scan || procscan_has_passage(scan, session->start_time);
}

int operation_sessions(struct operation *op, uid_t uid, struct need *ret)
{
	AUTO_FREE struct session *sessions = NULL;
	struct need need = { .pinned = ledger_is_pinned(op->ledger, uid) };
	struct fault *fault = &op->ctx->fault;
	size_t count = 0;
	int r = ledger_sessions(op->ledger, uid, fault, &sessions, &count);

	for (size_t i = 0; !r && i < count; i++) {
		if (session_lives(op, &sessions[i])) {
			need.sessions++;
			continue;
		}
		r = ledger_drop(op->ledger, uid, sessions[i].token, fault);
		if (!r)
			need.ended++;
	}
	if (!r)
		*ret = need;
	return r;
}

int operation_uids(struct operation *op, uid_t uid, struct uid_ranges *ret)
{
	AUTO_RANGES struct uid_ranges uids = { 0 };
	int r = ledger_ranges(op->ledger, uid, &op->ctx->fault, &uids);

	if (!r && uid_ranges_put_first(&uids, (struct uid_range){ uid, uid }))
		r = fault_set(&op->ctx->fault, -ENOMEM, "uid %u: no memory", uid);
	if (r)
		return r;
	*ret = uids;
	uids = (struct uid_ranges){ 0 };
	return 0;
}

/* UIDS: its set. */
static int need_of(struct operation *op, const struct uid_ranges *uids, enum ending ending, struct need *ret)
{
	struct need need;
	int r = operation_sessions(op, uids->items[0].first, &need);

	if (r)
		return r;
	/* A session may be open that nobody knows of: what runs is not ended, nor overlooked. */
	if ((ending == ENDING_KILL || ending == ENDING_RELEASE) && ledger_is_damaged(op->ledger, uids->items[0].first))
		ending = ENDING_HOLD;
	if (need_is_nothing(&need) && ending == ENDING_KILL)
		operation_end_leftovers(op, uids);
	/* From another pid namespace nobody is released, on whatever grounds. */
	if (need_is_nothing(&need) && (ending != ENDING_RELEASE || !ledger_sees_processes(op->ledger)))
		need.leftovers = operation_has_leftovers(op, uids);
	*ret = need;
	return 0;
}

int operation_need(struct operation *op, uid_t uid, enum ending ending, struct need *ret)
{
	AUTO_RANGES struct uid_ranges uids = { 0 };
	int r = operation_uids(op, uid, &uids);

	return r ? r : need_of(op, &uids, ending, ret);
}

int operation_settle(struct operation *op, uid_t uid, enum ending ending, struct need *ret)
{
	AUTO_RANGES struct uid_ranges uids = { 0 };
	struct need need;
	int r = operation_uids(op, uid, &uids);

	if (!r)
		r = need_of(op, &uids, ending, &need);
	if (r)
		return r;
	if (need_is_nothing(&need) && ending != ENDING_KEEP) {
		r = operation_remove(op, uids.items, uids.count);
		if (!r)
			r = ledger_forget(op->ledger, uid, &op->ctx->fault);
	}
	if (!r)
		*ret = need;
	return r;
}
