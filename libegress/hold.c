/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hold.h"

#include "conf-check.h"
#include "existing.h"
#include "util.h"

#include <string.h>
#include <syslog.h>

int hold_check(struct egress_ctx *ctx, const struct coverage *coverage)
{
	const char *login = coverage->person.login;

	if (geteuid() != 0)
		return fault_set(&ctx->fault, -EPERM, "user \"%s\": cannot be held: effective uid %u, not 0",
				 login, geteuid());
	if (!coverage->person.exists)
		return fault_set(&ctx->fault, -ENOENT, "user \"%s\": does not exist, but is configured",
				 login);
	if (coverage->cover != COVER_PROFILE)
		return 0;
	return conf_check_proxies(coverage->view.conf,
				  (struct uid_range){ coverage->person.uid, coverage->person.uid },
				  &ctx->fault);
}

/* With each first session: one that was killed may have left the rules, and connections. */
static int end_existing(struct operation *op, const struct coverage *coverage, const struct plan *plan)
{
	const struct profile *profile = coverage->account->profile;
	const struct existing_subject subject = {
		.plan = plan,
		.ends = profile->existing_sockets == EXISTING_DESTROY && (!op->shared || op->changed[0]),
		.required = profile->required & LAYER_EXISTING_SOCKETS,
	};

	return operation_end_existing(op, coverage->person.login, &subject, 1);
}

int hold_make(struct operation *op, const struct coverage *coverage)
{
	const struct uid_range subject = { coverage->person.uid, coverage->person.uid };
	struct plan plan = { 0 };
	int r = plan_compile(coverage->account->profile, subject, &plan);

	if (r)
		return fault_set(&op->ctx->fault, r, "%s: plan: no memory", coverage->person.login);
	r = operation_hold(op, &plan, 1);
	if (!r)
		r = end_existing(op, coverage, &plan);
	plan_clear(&plan);
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
	int r = subject_remember(coverage->account, &profile);

	if (!ledger_sees_processes(op->ledger))
		return fault_set(&op->ctx->fault, -EPERM,
				 "%s/pidns: " LEDGER_ELSEWHERE, ledger_path(op->ledger));
	if (r)
		return fault_set(&op->ctx->fault, r, "%s: no memory", coverage->person.login);
	op->entered = !ledger_has(op->ledger, coverage->person.uid);
	op->same = !op->entered && is_held_the_same(op, coverage->person.uid, profile);
	return ledger_enter(op->ledger, coverage->person.uid, coverage->person.login, profile,
			    &op->ctx->fault);
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

