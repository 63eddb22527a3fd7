/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inventory.h"

#include "coverage.h"
#include "drift.h"
#include "util.h"
#include "view.h"

#include <stdio.h>
#include <string.h>

static int add_account(struct egress_account ***accounts, size_t *count, struct egress_account *account)
{
	struct egress_account **grown = reallocarray(*accounts, *count + 2, sizeof(struct egress_account *));

	if (!grown)
		return -ENOMEM;
	grown[(*count)++] = account;
	grown[*count] = NULL;
	*accounts = grown;
	return 0;
}

static int add_subject(const struct view *view, const struct subject *subject,
		       struct egress_account ***accounts, size_t *count)
{
	struct egress_account *account;
	int r = view_describe(view, subject, &account);

	if (r)
		return r;
	r = add_account(accounts, count, account);
	if (r) {
		egress_account_free(account);
		r = fault_set(&view->ctx->fault, r, "accounts: no memory");
	}
	return r;
}

/* Rules that neither configuration nor ledger account for are listed too. */
static int add_orphan(const struct view *view, const struct standing *standing,
		      struct egress_account ***accounts, size_t *count)
{
	struct subject subject = { .uids = standing->plan.uids };
	char range[UID_RANGE_TEXT_MAX];
	int r;

	if (asprintf(&subject.login, "uid %s", addr_print_uid_range(subject.uids, range)) < 0)
		return fault_set(&view->ctx->fault, -ENOMEM, "accounts: no memory");
	r = add_subject(view, &subject, accounts, count);
	free(subject.login);
	return r;
}

/* One that stands in two backends is told of once. */
static int add_orphans(const struct view *view, const struct holding *holding,
		       struct egress_account ***accounts, size_t *count)
{
	const struct backend_ops *first;
	int r = 0;

	for (size_t i = 0; !r && i < holding->count; i++) {
		const struct standing *standing = &holding->standing[i];

		if (view_subject(view, standing->plan.uids) || view_has_range(view, standing->plan.uids))
			continue;
		view_standing(view, standing->plan.uids, &first);
		if (first == holding->ops)
			r = add_orphan(view, standing, accounts, count);
	}
	return r;
}

static int by_uids(const void *a, const void *b)
{
	const struct egress_account *x = *(struct egress_account *const *)a;
	const struct egress_account *y = *(struct egress_account *const *)b;

	return uid_range_compare((struct uid_range){ x->uid_first, x->uid_last },
				 (struct uid_range){ y->uid_first, y->uid_last });
}

int inventory_list(struct egress_ctx *ctx, struct egress_account ***ret)
{
	AUTO_VIEW struct view view = { 0 };
	struct egress_account **accounts = calloc(1, sizeof(struct egress_account *));
	size_t count = 0;
	int r = accounts ? view_take(ctx, &view) : fault_set(&ctx->fault, -ENOMEM, "accounts: no memory");

	for (size_t i = 0; !r && i < view.subject_count; i++)
		r = add_subject(&view, &view.subjects[i], &accounts, &count);
	for (size_t i = 0; !r && i < view.holdings.count; i++)
		r = add_orphans(&view, &view.holdings.items[i], &accounts, &count);
	if (r) {
		egress_accounts_free(accounts);
		return r;
	}
	qsort(accounts, count, sizeof(struct egress_account *), by_uids);
	*ret = accounts;
	return 0;
}

/* One that is held always has the uid in it; the narrowest, as in the kernel. */
static const struct subject *find_range(const struct view *view, struct uid_range uids)
{
	const struct subject *found = NULL;

	for (size_t i = 0; i < view->subject_count; i++) {
		const struct uid_range range = view->subjects[i].uids;

		if (range.first < range.last && range.first <= uids.first && uids.last <= range.last &&
		    (!found || range.last - range.first < found->uids.last - found->uids.first))
			found = &view->subjects[i];
	}
	return found;
}

/* Who is not held by itself, nor by a range, is no subject of the view yet. */
static int show_uids(const struct view *view, const char *user, struct uid_range uids,
		     struct egress_account **ret)
{
	const struct subject *known = view_subject(view, uids);
	struct subject subject = { .uids = uids };
	int r = 0;

	if (!known && uids.first == uids.last)
		known = find_range(view, uids);
	if (known)
		return view_describe(view, known, ret);
	if (uids.first == uids.last)
		r = subject_of_uid(view->ctx, view->conf.conf, view->ledger, uids.first, &subject);
	else
		subject.login = strdup(user);
	if (!r && !subject.login)
		r = fault_set(&view->ctx->fault, -ENOMEM, "%s: no memory", user);
	if (!r && !subject.covered && !view_standing(view, uids, NULL))
		r = fault_set(&view->ctx->fault, -ENOENT, "user \"%s\": nothing covers it, and it is not held",
			      user);
	if (!r)
		r = view_describe(view, &subject, ret);
	subject_clear(&subject);
	return r;
}

int inventory_show(struct egress_ctx *ctx, const char *user, struct egress_account **ret)
{
	AUTO_VIEW struct view view = { 0 };
	struct uid_range uids;
	int r = subject_parse(ctx, user, &uids);

	if (!r)
		r = view_take(ctx, &view);
	return r ? r : show_uids(&view, user, uids, ret);
}

static int verify_account(const struct egress_account *account, char ***lines)
{
	int r = 0;

	if (account->state == EGRESS_NOT_HELD)
		return 0;
	for (char **line = account->drift; !r && line && *line; line++)
		r = lines_add(lines, "%s: %s", account->name, *line);
	return r;
}

static int verify_all(struct egress_ctx *ctx, char ***lines)
{
	struct egress_account **accounts;
	int r = inventory_list(ctx, &accounts);

	if (r)
		return r;
	for (size_t i = 0; !r && accounts[i]; i++)
		r = verify_account(accounts[i], lines);
	egress_accounts_free(accounts);
	return r;
}

static int verify_one(struct egress_ctx *ctx, const char *user, char ***lines)
{
	struct egress_account *account;
	int r = inventory_show(ctx, user, &account);

	if (r)
		return r;
	r = verify_account(account, lines);
	egress_account_free(account);
	return r;
}

int inventory_verify(struct egress_ctx *ctx, const char *user, char ***ret_differences)
{
	char **lines = calloc(1, sizeof(char *));
	int r = lines ? 0 : -ENOMEM;

	if (!r)
		r = user ? verify_one(ctx, user, &lines) : verify_all(ctx, &lines);
	if (r) {
		egress_lines_free(lines);
		return r == -ENOMEM ? fault_set(&ctx->fault, r, "differences: no memory") : r;
	}
	*ret_differences = lines;
	return 0;
}
