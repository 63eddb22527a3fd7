/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coverage.h"

#include "holdings.h"
#include "util.h"

#include <string.h>
#include <syslog.h>

void coverage_clear(struct coverage *coverage)
{
	person_clear(&coverage->person);
	conf_view_clear(&coverage->view);
	conf_free(coverage->remembered);
	free(coverage->formerly);
	uid_ranges_clear(&coverage->ranges);
}

static bool backend_holds(const struct backend_ops *ops, uid_t uid)
{
	struct holding holding = { 0 };
	bool held = false;
	int r = holding_look(ops, NULL, NULL, &holding);

	for (size_t i = 0; i < holding.count; i++) {
		const struct uid_range uids = holding.standing[i].plan.uids;

		held = held || (uids.first <= uid && uid <= uids.last);
	}
	holding_clear(&holding);
	/* Too few descriptors, which the login's caller may have seen to, must not let anybody pass. */
	return r ? r == -ENOMEM : held;
}

/* Without the host's lock: a login that nothing covers must not wait for it. */
static bool kernel_holds(struct egress_ctx *ctx, uid_t uid)
{
	bool held = false;

	if (geteuid() != 0)
		return false;
	for (size_t i = 0; !held && ctx->backends[i]; i++)
		held = backend_holds(ctx->backends[i], uid);
	return held;
}

/* A ledger that cannot be read must not lock out everybody: then the kernel says who is held. */
static bool ledger_knows(struct egress_ctx *ctx, uid_t uid)
{
	struct ledger *ledger = NULL;
	struct fault why = { 0 };
	bool known;
	int r;

	/* Without privilege nothing was ever written, and nothing can be read. */
	if (geteuid() != 0)
		return false;
	r = ledger_peek(ctx->statedir, &why, &ledger);
	if (r) {
		ctx_log(ctx, LOG_ALERT, "%s", why.line);
		return r == -ENOMEM || kernel_holds(ctx, uid);
	}
	known = ledger_has(ledger, uid);
	ledger_close(ledger);
	return known;
}

/* 1, 0, -EIO, -ENOMEM. */
static int is_named(struct egress_ctx *ctx, const struct coverage *coverage)
{
	AUTO_PERSON_NAMES struct person_names names = { 0 };
	int r = person_names_find(&coverage->person, &ctx->fault, &names);

	for (size_t i = 0; !r && i < names.count; i++)
		r = conf_text_names(coverage->view.raw, names.names[i]);
	return r;
}

/* No configuration to go by: deny those whom it may have covered, let all others pass. */
static int judge_without_conf(struct egress_ctx *ctx, struct coverage *coverage)
{
	const struct person *person = &coverage->person;
	const char *broken = coverage->view.broken.line;
	int r = is_named(ctx, coverage);

	if (r < 0)
		return r;
	if (r)
		return fault_set(&ctx->fault, -EBADMSG, "%s (no last good configuration; it names \"%s\")",
				 broken, person->login);
	if (person->exists && (ledger_knows(ctx, person->uid) || kernel_holds(ctx, person->uid)))
		return fault_set(&ctx->fault, -EBADMSG, "%s (no last good configuration; \"%s\" is held)",
				 broken, person->login);
	fault_clear(&ctx->fault);
	ctx_log(ctx, LOG_ALERT, "%s (no last good configuration: nobody new is held)", broken);
	coverage->cover = COVER_NONE;
	return 0;
}

/* It left the configuration while it was held: the ledger still has its profile. */
static int remember(struct egress_ctx *ctx, struct coverage *coverage)
{
	struct ledger *ledger = NULL;
	int r = ledger_peek(ctx->statedir, &ctx->fault, &ledger);

	if (r)
		return r;
	coverage->cover = COVER_DROPPED;
	r = subject_remembered(ledger, coverage->person.uid, &coverage->remembered);
	if (!r)
		coverage->account = &coverage->remembered->accounts[0];
	if (r == -ENOMEM)
		r = fault_set(&ctx->fault, r, "ledger: no memory");
	else
		r = subject_formerly(ledger, &coverage->person, &ctx->fault, &coverage->formerly);
	ledger_close(ledger);
	return r;
}

static int judge(struct egress_ctx *ctx, struct coverage *coverage)
{
	const struct conf_view *view = &coverage->view;
	int r;

	if (view->from == CONF_FROM_NOWHERE)
		return judge_without_conf(ctx, coverage);
	if (view->from == CONF_FROM_LAST_GOOD)
		ctx_log(ctx, LOG_WARNING, "%s (the last good configuration stays in force)",
			view->broken.line);
	r = person_match(&coverage->person, view->conf, &ctx->fault, &coverage->account);
	if (r < 0)
		return r;
	if (r > 0) {
		const struct account *always;

		coverage->cover = COVER_PROFILE;
		r = person_always(coverage->person.uid, view->conf, &ctx->fault, &always);
		coverage->keep = r > 0;
		return r < 0 ? r : 0;
	}
	if (coverage->person.exists && ledger_knows(ctx, coverage->person.uid))
		return remember(ctx, coverage);
	return 0;
}

int coverage_find(struct egress_ctx *ctx, const char *user, struct coverage *ret)
{
	AUTO_COVERAGE struct coverage coverage = { .cover = COVER_NONE };
	int r = person_by_name(user, &ctx->fault, &coverage.person);

	if (r)
		return r;
	if (coverage.person.uid != 0) {
		r = conf_view_load(ctx->config_path, ctx->trial ? NULL : ctx->libdir, &ctx->fault,
				   &coverage.view);
		if (!r)
			r = judge(ctx, &coverage);
	}
	if (r)
		return r;
	*ret = coverage;
	memset(&coverage, 0, sizeof(coverage));
	return 0;
}

int coverage_load(struct egress_ctx *ctx, struct conf_view *ret)
{
	struct conf_view view;
	int r = conf_view_load(ctx->config_path, ctx->trial ? NULL : ctx->libdir, &ctx->fault, &view);

	if (r)
		return r;
	if (view.from == CONF_FROM_NOWHERE) {
		r = fault_set(&ctx->fault, -EBADMSG, "%s", view.broken.line);
		conf_view_clear(&view);
		return r;
	}
	if (view.from == CONF_FROM_LAST_GOOD)
		ctx_log(ctx, LOG_WARNING, "%s (the last good configuration stays in force)",
			view.broken.line);
	*ret = view;
	return 0;
}
