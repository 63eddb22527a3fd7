/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view.h"

#include "util.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

static int read_kernel(struct view *view)
{
	struct egress_ctx *ctx = view->ctx;
	int r = choice_make(ctx, conf_backend(view->conf.conf), view->ledger, &view->choice);

	if (r == -EOPNOTSUPP) {
		/* What stands must be told all the same. */
		ctx_log(ctx, LOG_ERR, "%s", ctx->fault.line);
		snprintf(view->choice.reason, sizeof(view->choice.reason), "%s", ctx->fault.line);
		fault_clear(&ctx->fault);
		r = 0;
	}
	return r ? r : holdings_look(ctx->backends, view->choice.ops, &ctx->fault, &view->holdings);
}

static int by_uids(const void *a, const void *b)
{
	return uid_range_compare(*(const struct uid_range *)a, *(const struct uid_range *)b);
}

static int collect_ranges(struct view *view)
{
	size_t count = 0;

	for (size_t i = 0; i < view->subject_count; i++)
		count += view->subjects[i].ranges.count;
	view->ranges = calloc(count + 1, sizeof(*view->ranges));
	if (!view->ranges)
		return fault_set(&view->ctx->fault, -ENOMEM, "accounts: no memory");
	for (size_t i = 0; i < view->subject_count; i++)
		for (size_t k = 0; k < view->subjects[i].ranges.count; k++)
			view->ranges[view->range_count++] = view->subjects[i].ranges.items[k];
	qsort(view->ranges, view->range_count, sizeof(*view->ranges), by_uids);
	return 0;
}

bool view_has_range(const struct view *view, struct uid_range uids)
{
	return bsearch(&uids, view->ranges, view->range_count, sizeof(uids), by_uids) != NULL;
}

/* Of its uid or range, and of all that is held with it. */
static int plans_of(const struct subject *subject, struct plan *plans, size_t *count)
{
	int r = subject->account ? subject_plan(subject, subject->uids, &plans[*count]) : 0;

	*count += subject->account && !r;
	for (size_t i = 0; !r && subject->account && i < subject->ranges.count; i++) {
		if (uid_range_compare(subject->ranges.items[i], subject->uids) == 0)
			continue;
		r = subject_plan(subject, subject->ranges.items[i], &plans[*count]);
		*count += !r;
	}
	return r;
}

/* All at one look, as a sync would. */
static int look_at_guard(struct view *view, const struct deadline *deadline)
{
	AUTO_FREE struct plan *plans = calloc(view->range_count + view->subject_count + 1, sizeof(*plans));
	struct fault why = { 0 };
	size_t count = 0;
	int r = plans ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < view->subject_count; i++)
		r = plans_of(&view->subjects[i], plans, &count);
	if (r)
		fault_set(&why, r, "accounts: no memory");
	else
		r = view->ctx->guard->look(plans, count, deadline, &why, &view->guard);
	for (size_t i = 0; i < count; i++)
		plan_clear(&plans[i]);
	if (r == -EOPNOTSUPP) {
		view->no_guard = why;
		return 0;
	}
	return r ? fault_set(&view->ctx->fault, r, "%s", why.line) : 0;
}

/* What it lacks is a remark; that it cannot be told keeps nobody from being shown. */
static void look_at_existing(struct view *view, const struct deadline *deadline)
{
	struct fault why = { 0 };

	if (existing_absence(deadline, &why, view->no_existing))
		snprintf(view->no_existing, sizeof(view->no_existing), "cannot be told: %.130s", why.line);
}

int view_take(struct egress_ctx *ctx, struct view *ret)
{
	const struct deadline deadline = deadline_in_ms(OPERATION_MS);
	struct view view = { .ctx = ctx };
	int r = 0;

	if (geteuid() != 0)
		return fault_set(&ctx->fault, -EPERM, "privilege: effective uid 0 is needed");
	r = conf_view_load(ctx->config_path, ctx->trial ? NULL : ctx->libdir, &ctx->fault, &view.conf);
	if (!r && view.conf.from != CONF_FROM_FILE)
		ctx_log(ctx, LOG_WARNING, "%s (%s)", view.conf.broken.line,
			view.conf.conf ? "the last good configuration stays in force"
				       : "no last good configuration");
	if (!r)
		r = ledger_peek(ctx->statedir, &ctx->fault, &view.ledger);
	if (!r)
		r = subjects_find(ctx, view.conf.conf, view.ledger, &view.subjects, &view.subject_count);
	if (!r)
		r = collect_ranges(&view);
	if (!r)
		r = read_kernel(&view);
	if (!r)
		r = look_at_guard(&view, &deadline);
	if (!r)
		r = procscan_take(&deadline, &ctx->fault, &view.scan);
	if (!r)
		r = sockets_take(&deadline, &ctx->fault, &view.sockets);
	if (!r)
		look_at_existing(&view, &deadline);
	if (r)
		view_clear(&view);
	else
		*ret = view;
	return r;
}

void view_clear(struct view *view)
{
	procscan_free(view->scan);
	sockets_free(view->sockets);
	holdings_clear(&view->holdings);
	free(view->ranges);
	guard_look_clear(&view->guard);
	subjects_free(view->subjects, view->subject_count);
	ledger_close(view->ledger);
	conf_view_clear(&view->conf);
	memset(view, 0, sizeof(*view));
}

const struct standing *view_standing(const struct view *view, struct uid_range uids,
				     const struct backend_ops **ret_ops)
{
	const struct backend_ops *ops = NULL;
	const struct standing *standing = holdings_find(&view->holdings, uids, &ops);

	if (ret_ops)
		*ret_ops = ops;
	return standing;
}

const struct subject *view_subject(const struct view *view, struct uid_range uids)
{
	return subjects_find_uids(view->subjects, view->subject_count, uids);
}
