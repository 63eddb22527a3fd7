/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The exported functions, all of them: check arguments, call, keep errors to the documented set. */
#include "egress.h"

#include "choice.h"
#include "conf-check.h"
#include "coverage.h"
#include "explain.h"
#include "inventory.h"
#include "planned.h"
#include "session.h"
#include "upkeep.h"
#include "util.h"

#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* Codes are part of the contract: what is not in egress.h's set is "state unknown". */
static int documented(int r)
{
	static const int set[] = { 0,	    -EINVAL,	 -ENOENT,  -EPERM,  -EBUSY,    -EAGAIN,
				   -EOPNOTSUPP, -EBADMSG, -ENOMEM, -ETIMEDOUT, -EIO };

	for (size_t i = 0; i < ARRAY_SIZE(set); i++)
		if (r == set[i])
			return r;
	return -EIO;
}

static int finish(struct egress_ctx *ctx, int r)
{
	r = documented(r);
	if (r)
		fault_set(&ctx->fault, r, "egress: %s", strerror(-r)); /* only where nobody said why */
	return r;
}

static int start(struct egress_ctx *ctx, bool arguments_are_right)
{
	if (!ctx)
		return -EINVAL;
	fault_clear(&ctx->fault);
	return arguments_are_right ? 0 : fault_set(&ctx->fault, -EINVAL, "egress: invalid argument");
}

EXPORT int egress_ctx_new(struct egress_ctx **ret)
{
	struct egress_ctx *ctx;

	if (!ret)
		return -EINVAL;
	ctx = calloc(1, sizeof(*ctx));
	if (!ctx)
		return -ENOMEM;
	ctx->statedir = EGRESS_STATEDIR;
	ctx->libdir = EGRESS_LIBDIR;
	ctx->subuid = (struct subuid_paths){ .subuid = SUBUID_PATH, .libdir = EGRESS_LIBDIR, .passwd = PASSWD_PATH };
	ctx->backends = backends;
	ctx->guard = &guard_routes;
	ctx->config_path = strdup(EGRESS_CONFIG);
	if (!ctx->config_path) {
		free(ctx);
		return -ENOMEM;
	}
	*ret = ctx;
	return 0;
}

EXPORT void egress_ctx_free(struct egress_ctx *ctx)
{
	if (ctx)
		free(ctx->config_path);
	free(ctx);
}

EXPORT int egress_ctx_set_config(struct egress_ctx *ctx, const char *path, unsigned int flags)
{
	char *copy;
	int r = start(ctx, path && path[0] == '/' && !(flags & ~EGRESS_CONFIG_TRIAL));

	if (r)
		return r;
	copy = strdup(path);
	if (!copy)
		return finish(ctx, -ENOMEM);
	free(ctx->config_path);
	ctx->config_path = copy;
	ctx->trial = flags & EGRESS_CONFIG_TRIAL;
	return 0;
}

EXPORT const char *egress_ctx_config(const struct egress_ctx *ctx)
{
	return ctx ? ctx->config_path : "";
}

EXPORT void egress_ctx_set_log(struct egress_ctx *ctx, egress_log_fn *log, void *data)
{
	if (!ctx)
		return;
	ctx->log = log;
	ctx->log_data = data;
}

EXPORT void egress_ctx_set_subids(struct egress_ctx *ctx, egress_subids_fn *subids, void *data)
{
	if (!ctx)
		return;
	ctx->subids = subids;
	ctx->subids_data = data;
}

EXPORT const char *egress_ctx_error(const struct egress_ctx *ctx)
{
	return ctx ? ctx->fault.line : "";
}

EXPORT int egress_covers(struct egress_ctx *ctx, const char *user, bool *ret_covered)
{
	AUTO_COVERAGE struct coverage coverage = { 0 };
	int r = start(ctx, user && ret_covered);

	if (r)
		return r;
	r = coverage_find(ctx, user, &coverage);
	if (!r)
		*ret_covered = coverage.cover != COVER_NONE;
	return finish(ctx, r);
}

EXPORT int egress_open(struct egress_ctx *ctx, const struct egress_request *request,
		       struct egress_session **ret)
{
	int r = start(ctx, request && request->user && ret && !(request->flags & ~EGRESS_HARDEN));

	return r ? r : finish(ctx, session_open(ctx, request, ret));
}

EXPORT void egress_session_free(struct egress_session *session)
{
	if (!session)
		return;
	free(session->account);
	free(session->profile);
	free(session->backend);
	free(session->token);
	free(session->notice);
	egress_lines_free(session->environment);
	free(session);
}

EXPORT int egress_close(struct egress_ctx *ctx, uid_t uid, const char *token,
			unsigned int *ret_sessions, bool *ret_held)
{
	int r = start(ctx, token && ret_sessions && ret_held);

	return r ? r : finish(ctx, session_close(ctx, uid, token, ret_sessions, ret_held));
}

EXPORT int egress_hold(struct egress_ctx *ctx, const char *user)
{
	int r = start(ctx, user);

	return r ? r : finish(ctx, upkeep_hold(ctx, user));
}

EXPORT int egress_release(struct egress_ctx *ctx, const char *user)
{
	int r = start(ctx, user);

	return r ? r : finish(ctx, upkeep_release(ctx, user));
}

EXPORT int egress_sync(struct egress_ctx *ctx, struct egress_changes *ret)
{
	int r = start(ctx, ret);

	return r ? r : finish(ctx, upkeep_sync(ctx, ret));
}

EXPORT int egress_reap(struct egress_ctx *ctx, struct egress_changes *ret)
{
	int r = start(ctx, ret);

	return r ? r : finish(ctx, upkeep_reap(ctx, ret));
}

EXPORT int egress_verify(struct egress_ctx *ctx, const char *user, char ***ret_differences)
{
	int r = start(ctx, ret_differences);

	return r ? r : finish(ctx, inventory_verify(ctx, user, ret_differences));
}

EXPORT void egress_lines_free(char **lines)
{
	for (char **line = lines; line && *line; line++)
		free(*line);
	free(lines);
}

EXPORT const char *egress_state_name(enum egress_state state)
{
	static const char *const names[] = {
		[EGRESS_NOT_HELD] = "not held",
		[EGRESS_ACTIVE] = "active",
		[EGRESS_LINGERING] = "lingering",
		[EGRESS_PINNED] = "pinned",
	};

	return (size_t)state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

EXPORT int egress_list(struct egress_ctx *ctx, struct egress_account ***ret)
{
	int r = start(ctx, ret);

	return r ? r : finish(ctx, inventory_list(ctx, ret));
}

EXPORT int egress_show(struct egress_ctx *ctx, const char *user, struct egress_account **ret)
{
	int r = start(ctx, user && ret);

	return r ? r : finish(ctx, inventory_show(ctx, user, ret));
}

static void record_free(struct egress_record *record)
{
	free(record->token);
	free(record->service);
	free(record->tty);
	free(record->rhost);
	egress_lines_free(record->hardening);
	free(record);
}

EXPORT void egress_account_free(struct egress_account *account)
{
	if (!account)
		return;
	for (struct egress_record **record = account->sessions; record && *record; record++)
		record_free(*record);
	free(account->sessions);
	free(account->name);
	free(account->profile);
	free(account->backend);
	free(account->backend_reason);
	free(account->route_guard);
	free(account->plan);
	egress_lines_free(account->proxies);
	egress_lines_free(account->drift);
	egress_lines_free(account->lacking);
	free(account->ranges);
	free(account);
}

EXPORT void egress_accounts_free(struct egress_account **accounts)
{
	for (struct egress_account **account = accounts; account && *account; account++)
		egress_account_free(*account);
	free(accounts);
}

EXPORT int egress_explain(struct egress_ctx *ctx, const char *user, const char *destination,
			  struct egress_explanation **ret)
{
	int r = start(ctx, user && destination && ret);

	return r ? r : finish(ctx, explain(ctx, user, destination, ret));
}

EXPORT void egress_explanation_free(struct egress_explanation *explanation)
{
	if (!explanation)
		return;
	free(explanation->account);
	free(explanation->destination);
	free(explanation->profile);
	free(explanation->covered_by.file);
	free(explanation->rule);
	free(explanation->decided_by.file);
	free(explanation->reason);
	free(explanation->instead);
	free(explanation->add);
	free(explanation->add_after.file);
	free(explanation);
}

/* A configuration for another libegress. */
static int refuse_backend(struct egress_ctx *ctx, enum backend_choice wanted)
{
	struct fault why = { 0 };

	choice_not_built(wanted, -EBADMSG, &why);
	return fault_set(&ctx->fault, why.error, "%s: %s", ctx->config_path, why.line);
}

EXPORT int egress_plan(struct egress_ctx *ctx, const char *user, struct egress_plan **ret)
{
	int r = start(ctx, user && ret);

	return r ? r : finish(ctx, planned_find(ctx, user, ret));
}

EXPORT void egress_plan_free(struct egress_plan *plan)
{
	if (!plan)
		return;
	for (struct egress_rule **rule = plan->rules; rule && *rule; rule++) {
		free((*rule)->to);
		free(*rule);
	}
	free(plan->rules);
	free(plan->ranges);
	free(plan->account);
	free(plan->profile);
	free(plan);
}

EXPORT int egress_names(struct egress_ctx *ctx, enum egress_names_of of, char ***ret)
{
	int r = start(ctx, ret && (of == EGRESS_NAMES_ACCOUNTS || of == EGRESS_NAMES_PROFILES));

	return r ? r : finish(ctx, planned_names(ctx, of, ret));
}

EXPORT int egress_check_config(struct egress_ctx *ctx, char **ret_text)
{
	struct conf_view view = { 0 };
	int r = start(ctx, ret_text);

	if (r)
		return r;
	r = conf_view_load(ctx->config_path, NULL, &ctx->fault, &view);
	if (!r && view.from != CONF_FROM_FILE)
		r = fault_set(&ctx->fault, view.broken.error == -EINVAL ? -EINVAL : -EBADMSG, "%s",
			      view.broken.line);
	if (!r) {
		conf_warn_of_nobody(ctx, view.conf);
		r = conf_check_covered_proxies(view.conf, &ctx->fault);
	}
	if (!r && !choice_is_built(ctx, view.conf->backend))
		r = refuse_backend(ctx, view.conf->backend);
	if (!r)
		r = conf_print(view.conf, ret_text);
	conf_view_clear(&view);
	return finish(ctx, r);
}

static int by_number(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* Room for one more than there are, so that none is no NULL. */
static int copy_log_groups(const struct conf *conf, uint16_t **ret_groups, size_t *ret_count)
{
	uint16_t *groups = calloc(conf->profile_count + 1, sizeof(*groups));
	size_t count = 0, kept = 0;

	if (!groups)
		return -ENOMEM;
	for (size_t i = 0; i < conf->profile_count; i++) {
		if (conf->profiles[i]->log.enabled)
			groups[count++] = conf->profiles[i]->log.group;
	}
	qsort(groups, count, sizeof(*groups), by_number);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || groups[kept - 1] != groups[i])
			groups[kept++] = groups[i];
	}
	*ret_groups = groups;
	*ret_count = kept;
	return 0;
}

EXPORT int egress_log_groups(struct egress_ctx *ctx, uint16_t **ret_groups, size_t *ret_count)
{
	struct conf_view view = { 0 };
	int r = start(ctx, ret_groups && ret_count);

	if (r)
		return r;
	r = coverage_load(ctx, &view);
	if (!r)
		r = copy_log_groups(view.conf, ret_groups, ret_count);
	conf_view_clear(&view);
	return finish(ctx, r);
}

static int copy_choice(const struct choice *choice, char **ret_name, char **ret_reason)
{
	AUTO_FREE char *name = strdup(choice->ops->name);
	AUTO_FREE char *reason = strdup(choice->reason);

	if (!name || !reason)
		return -ENOMEM;
	*ret_name = util_steal(name);
	*ret_reason = util_steal(reason);
	return 0;
}

EXPORT int egress_backend(struct egress_ctx *ctx, char **ret_name, char **ret_reason)
{
	struct conf_view view = { 0 };
	struct ledger *ledger = NULL;
	struct choice choice;
	int r = start(ctx, ret_name && ret_reason);

	if (r)
		return r;
	r = coverage_load(ctx, &view);
	if (!r && geteuid() == 0)
		r = ledger_peek(ctx->statedir, &ctx->fault, &ledger);
	if (!r)
		r = choice_make(ctx, view.conf->backend, ledger, &choice);
	if (!r)
		r = copy_choice(&choice, ret_name, ret_reason);
	ledger_close(ledger);
	conf_view_clear(&view);
	return finish(ctx, r);
}
