/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hold.h"

#include "conf-check.h"
#include "existing.h"
#include "subordinates.h"
#include "util.h"

#include <string.h>
#include <syslog.h>

/* One who left the configuration is held by the profile that is remembered. */
static int check_subordinates(struct egress_ctx *ctx, struct coverage *coverage)
{
	struct subordinates who = { .conf = coverage->view.conf, .account = coverage->account,
				    .person = &coverage->person };

	return who.account ? subordinates_read(&ctx->subuid, &who, &ctx->fault, &coverage->ranges) : 0;
}

int hold_check(struct egress_ctx *ctx, struct coverage *coverage)
{
	const char *login = coverage->person.login;
	int r;

	if (geteuid() != 0)
		return fault_set(&ctx->fault, -EPERM, "user \"%s\": cannot be held: effective uid %u, not 0",
				 login, geteuid());
	if (!coverage->person.exists)
		return fault_set(&ctx->fault, -ENOENT, "user \"%s\": does not exist, but is configured",
				 login);
	r = check_subordinates(ctx, coverage);
	if (r && r != -ENOMEM && coverage->cover == COVER_DROPPED) {
		coverage->unfit = ctx->fault;
		fault_clear(&ctx->fault);
		r = 0;
	}
	if (r || coverage->cover != COVER_PROFILE)
		return r;
	return conf_check_proxies(coverage->view.conf,
				  (struct uid_range){ coverage->person.uid, coverage->person.uid },
				  &ctx->fault);
}

/* With each first session: one that was killed may have left the rules, and connections. */
static int end_existing(struct operation *op, const struct coverage *coverage, const struct plan *plans, size_t count)
{
	const struct profile *profile = coverage->account->profile;
	AUTO_FREE struct existing_subject *subjects = calloc(count, sizeof(*subjects));

	if (!subjects)
		return fault_set(&op->ctx->fault, -ENOMEM, "%s: existing_sockets: no memory", coverage->person.login);
	for (size_t i = 0; i < count; i++) {
		subjects[i] = existing_subject_of(profile, &plans[i]);
		subjects[i].ends = subjects[i].ends && (!op->shared || op->changed[0]);
	}
	return operation_end_existing(op, coverage->person.login, subjects, count);
}

int hold_make(struct operation *op, const struct coverage *coverage)
{
	AUTO_RANGES struct uid_ranges uids = { 0 };
	struct plan *plans = NULL;
	int r = operation_uids(op, coverage->person.uid, &uids);

	if (r)
		return r;
	r = plans_compile(coverage->account->profile, &uids, &plans);
	if (r)
		return fault_set(&op->ctx->fault, r, "%s: plan: no memory", coverage->person.login);
	r = operation_hold(op, plans, uids.count);
	if (!r)
		r = end_existing(op, coverage, plans, uids.count);
	plans_free(plans, uids.count);
	return r;
}

/* Then every difference in the kernel is drift. */
static bool is_held_the_same(struct operation *op, uid_t uid, const char *profile)
{
	AUTO_FREE char *before = NULL;
	char backend[LEDGER_BACKEND_MAX];
	size_t length;

	return op->ops && !ledger_profile(op->ledger, uid, NULL, &before, &length) && strcmp(before, profile) == 0 &&
	       !ledger_backend(op->ledger, backend) && strcmp(backend, op->ops->name) == 0;
}

int hold_enter(struct operation *op, const struct coverage *coverage)
{
	AUTO_FREE char *profile = NULL;
	bool grew = false;
	int r = subject_remember(coverage->account, &profile);

	if (!ledger_sees_processes(op->ledger))
		return fault_set(&op->ctx->fault, -EPERM,
				 "%s/pidns: " LEDGER_ELSEWHERE, ledger_path(op->ledger));
	if (r)
		return fault_set(&op->ctx->fault, r, "%s: no memory", coverage->person.login);
	if (coverage->unfit.error)
		return fault_set(&op->ctx->fault, coverage->unfit.error, "%s", coverage->unfit.line);
	op->entered = !ledger_has(op->ledger, coverage->person.uid);
	op->same = !op->entered && is_held_the_same(op, coverage->person.uid, profile);
	r = ledger_enter(op->ledger, coverage->person.uid, coverage->person.login, profile, &op->ctx->fault);
	if (!r)
		r = ledger_grow(op->ledger, coverage->person.uid, &coverage->ranges, &op->ctx->fault, &grew);
	op->same = op->same && !grew;
	return r;
}

bool hold_is_kept(const struct coverage *coverage)
{
	return coverage->keep;
}

/* A kernel that could not be written needs no second try: with the record all is as it was. */
static int take_back(struct operation *op, const struct coverage *coverage)
{
	uid_t uid = coverage->person.uid;
	struct need need;

	if (op->entered && !op->wrote)
		return ledger_forget(op->ledger, uid, &op->ctx->fault);
	return operation_settle(op, uid, hold_is_kept(coverage) ? ENDING_KEEP : ENDING_HOLD, &need);
}

void hold_take_back(struct operation *op, const struct coverage *coverage)
{
	struct fault first = op->ctx->fault;

	fault_clear(&op->ctx->fault);
	if (take_back(op, coverage))
		ctx_log(op->ctx, LOG_ERR, "%s: after the failure: %s", coverage->person.login,
			op->ctx->fault.line);
	op->ctx->fault = first;
}

void hold_keep_conf(struct operation *op, const struct conf_view *view)
{
	struct egress_ctx *ctx = op->ctx;
	struct fault why = { 0 };

	if (view->from != CONF_FROM_FILE || ctx->trial)
		return;
	if (conf_keep(ctx->libdir, ctx->config_path, view->conf, &why))
		ctx_log(ctx, LOG_WARNING, "%s (the configuration is not kept as the last good one)",
			why.line);
}

