/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view.h"

#include "util.h"

#include <string.h>
#include <syslog.h>

static int read_kernel(struct view *view)
{
	struct fault *fault = &view->ctx->fault;
	struct backend *backend = NULL;
	int r = ctx_backend(view->ctx, view->conf.conf, &view->ops);

	if (!r)
		r = view->ops->open(NULL, fault, &backend);
	if (r)
		return r;
	r = view->ops->list(backend, NULL, fault, &view->standing, &view->standing_count);
	view->ops->close(backend);
	return r;
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
		r = read_kernel(&view);
	if (!r)
		r = procscan_take(&deadline, &ctx->fault, &view.scan);
	if (r)
		view_clear(&view);
	else
		*ret = view;
	return r;
}

void view_clear(struct view *view)
{
	procscan_free(view->scan);
	standing_free(view->standing, view->standing_count);
	subjects_free(view->subjects, view->subject_count);
	ledger_close(view->ledger);
	conf_view_clear(&view->conf);
	memset(view, 0, sizeof(*view));
}

const struct standing *view_standing(const struct view *view, struct uid_range uids)
{
	return standing_find(view->standing, view->standing_count, uids);
}

const struct subject *view_subject(const struct view *view, struct uid_range uids)
{
	for (size_t i = 0; i < view->subject_count; i++)
		if (uid_range_compare(view->subjects[i].uids, uids) == 0)
			return &view->subjects[i];
	return NULL;
}
