/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what one look found to the structs of egress.h. */
#include "view.h"

#include "drift.h"
#include "harden.h"
#include "render.h"
#include "util.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

#define RANGE_PREFIX_MAX 40

static int copy_text(const char *text, char **ret)
{
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

/* The words of the bits that are set. */
static int copy_words(const struct word *words, unsigned int bits, char ***ret)
{
	int r = 0;

	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	for (; !r && words->text; words++)
		if (bits & (unsigned int)words->value)
			r = lines_add(ret, "%s", words->text);
	return r;
}

static int describe_session(const struct session *session, struct egress_record **ret)
{
	struct egress_record *record = calloc(1, sizeof(*record));
	int r;

	if (!record)
		return -ENOMEM;
	record->pid = session->pid;
	record->opened = session->opened;
	*ret = record; /* owned by the list from here on, whole or not */
	r = copy_text(session->token, &record->token);
	if (!r)
		r = copy_text(session->service, &record->service);
	if (!r)
		r = copy_text(session->tty, &record->tty);
	if (!r)
		r = copy_words(words_hardening, session->hardening, &record->hardening);
	return r ? r : copy_text(session->rhost, &record->rhost);
}

static int describe_sessions(const struct view *view, uid_t uid, struct egress_account *account)
{
	AUTO_FREE struct session *sessions = NULL;
	struct fault why = { 0 };
	size_t count = 0, live = 0;
	int r = 0;

	if (view->ledger && account->uid_first == account->uid_last)
		r = ledger_sessions(view->ledger, uid, &why, &sessions, &count);
	if (r == -EIO) /* the others must still be told of */
		r = lines_add(&account->drift, "%s", why.line);
	if (r)
		return r;
	account->sessions = calloc(count + 1, sizeof(struct egress_record *));
	if (!account->sessions)
		return -ENOMEM;
	for (size_t i = 0; !r && i < count; i++)
		if (!ledger_sees_processes(view->ledger) || session_is_live(&sessions[i]) != 0)
			r = describe_session(&sessions[i], &account->sessions[live++]);
	return r;
}

static int describe_proxies(const struct profile *profile, struct egress_account *account)
{
	size_t count = profile ? profile->proxy_count : 0;
	int r = 0;

	account->proxies = calloc(count + 1, sizeof(char *));
	if (!account->proxies)
		return -ENOMEM;
	for (size_t i = 0; !r && i < count; i++) {
		char text[ENDPOINT_TEXT_MAX];

		r = copy_text(addr_print_endpoint(&profile->proxies[i].endpoint, text),
			      &account->proxies[i]);
	}
	return r;
}

static int describe_reason(const struct choice *choice, const struct backend_ops *held_by,
			   struct egress_account *account)
{
	char reason[2 * CHOICE_REASON_MAX];

	if (choice->ops && held_by && held_by != choice->ops)
		snprintf(reason, sizeof(reason), "must be %s: %s", choice->ops->name, choice->reason);
	else
		snprintf(reason, sizeof(reason), "%s", choice->reason);
	return copy_text(reason, &account->backend_reason);
}

static char *range_prefix(const struct egress_uid_range *range, char text[RANGE_PREFIX_MAX])
{
	char uids[UID_RANGE_TEXT_MAX];

	snprintf(text, RANGE_PREFIX_MAX, "uid %s: ",
		 addr_print_uid_range((struct uid_range){ range->first, range->last }, uids));
	return text;
}

/* Held by another backend than it must be, or by two: see takeover.h. */
static int describe_place(const struct view *view, struct uid_range uids, const char *prefix,
			  struct egress_account *account)
{
	const struct choice *choice = &view->choice;
	const struct backend_ops *held_by, *other;

	view_standing(view, uids, &held_by);
	if (!held_by)
		return 0;
	if (!choice->ops)
		return lines_add(&account->drift, "%sheld by %s: %s", prefix, held_by->name, choice->reason);
	if (held_by != choice->ops)
		return lines_add(&account->drift, "%sheld by %s, must be %s: run egressctl sync", prefix,
				 held_by->name, choice->ops->name);
	if (holdings_find_beside(&view->holdings, held_by, uids, &other))
		return lines_add(&account->drift, "%sheld by %s as well as by %s: run egressctl sync", prefix,
				 other->name, held_by->name);
	return 0;
}

static int describe_backend(const struct view *view, const struct subject *subject,
			    struct egress_account *account)
{
	const struct choice *choice = &view->choice;
	const struct backend_ops *held_by;
	char prefix[RANGE_PREFIX_MAX];
	int r;

	view_standing(view, subject->uids, &held_by);
	r = describe_reason(choice, held_by, account);
	if (!r)
		r = copy_text(held_by ? held_by->name : choice->ops ? choice->ops->name : "",
			      &account->backend);
	for (size_t i = 0; !r && i < account->range_count; i++)
		r = describe_place(view, (struct uid_range){ account->ranges[i].first, account->ranges[i].last },
				   i ? range_prefix(&account->ranges[i], prefix) : "", account);
	return r;
}

/* The plan is the profile's; of one whose profile nobody knows, what stands. */
static int describe_plan(const struct subject *subject, const struct standing *standing,
			 struct egress_account *account)
{
	struct plan plan = { 0 };
	int r;

	if (!subject->account) {
		r = standing ? render_plan(&standing->plan, &account->plan) : copy_text("", &account->plan);
		if (!r)
			r = lines_add(&account->drift, standing ? "nothing accounts for these rules"
								: "no rules stand, and the profile is lost");
		return r;
	}
	r = subject_plan(subject, subject->uids, &plan);
	if (!r)
		r = render_plan(&plan, &account->plan);
	if (!r)
		r = drift_compare(&plan, standing, &account->drift);
	plan_clear(&plan);
	return r;
}

static void add_traffic(struct egress_traffic *sum, const struct traffic *traffic)
{
	sum->packets += traffic->packets;
	sum->bytes += traffic->bytes;
}

/* One of its ranges: what it counted, and how it differs from its plan. The account's first one has told of its plan. */
static int describe_range(const struct view *view, const struct subject *subject, size_t i,
			  struct egress_account *account)
{
	const struct uid_range uids = { account->ranges[i].first, account->ranges[i].last };
	const struct standing *standing = view_standing(view, uids, NULL);
	char prefix[RANGE_PREFIX_MAX], **lines = NULL;
	struct plan plan = { 0 };
	int r = 0;

	if (standing) {
		add_traffic(&account->allowed, &standing->allowed);
		add_traffic(&account->denied, &standing->denied);
	}
	if (i == 0 || !subject->account)
		return 0;
	r = subject_plan(subject, uids, &plan);
	if (!r)
		r = drift_compare(&plan, standing, &lines);
	for (char **line = lines; !r && *line; line++)
		r = lines_add(&account->drift, "%s%s", range_prefix(&account->ranges[i], prefix), *line);
	egress_lines_free(lines);
	plan_clear(&plan);
	return r;
}

static int describe_ranges(const struct view *view, const struct subject *subject, struct egress_account *account)
{
	AUTO_RANGES struct uid_ranges uids = { 0 };
	int r = uid_ranges_add_all(&uids, &subject->ranges);

	if (!r)
		r = uid_ranges_put_first(&uids, subject->uids);
	if (!r && !(account->ranges = calloc(uids.count, sizeof(*account->ranges))))
		r = -ENOMEM;
	if (r)
		return r;
	for (size_t i = 0; i < uids.count; i++)
		account->ranges[account->range_count++] =
			(struct egress_uid_range){ uids.items[i].first, uids.items[i].last };
	account->processes = procscan_count_all(view->scan, &uids);
	account->sockets = sockets_count_all(view->sockets, &uids);
	return 0;
}

/* What is wrong for all is told once, with the uid itself. */
static int describe_guard_drift(const struct view *view, struct egress_account *account)
{
	int r = 0;

	for (size_t i = 0; !r && i < account->range_count; i++)
		r = guard_look_tell(&view->guard,
				    (struct uid_range){ account->ranges[i].first, account->ranges[i].last }, i > 0,
				    &account->drift);
	return r;
}

static int describe_guard(const struct view *view, const struct subject *subject, struct egress_account *account)
{
	static const char required[] = "route guard: required, but absent";
	const struct profile *profile = subject->account ? subject->account->profile : NULL;
	char text[FAULT_LINE_MAX];

	if (!profile || !profile->route_guard)
		snprintf(text, sizeof(text), "off");
	else if (view->no_guard.error)
		snprintf(text, sizeof(text), "absent: %.400s", view->no_guard.line);
	else
		snprintf(text, sizeof(text), "on");
	if (copy_text(text, &account->route_guard))
		return -ENOMEM;
	if (view->no_guard.error)
		return profile && profile->route_guard && (profile->required & LAYER_ROUTE_GUARD)
			       ? lines_add(&account->drift, "%s", required) : 0;
	return describe_guard_drift(view, account);
}

static enum egress_state state_of(const struct view *view, const struct subject *subject,
				  const struct standing *standing, const struct egress_account *account)
{
	bool single = subject->uids.first == subject->uids.last;

	if (account->sessions[0])
		return EGRESS_ACTIVE;
	if ((subject->covered && subject->keep) ||
	    (view->ledger && single && ledger_is_pinned(view->ledger, subject->uids.first)))
		return EGRESS_PINNED;
	if (standing || (single && view->ledger && ledger_has(view->ledger, subject->uids.first)))
		return EGRESS_LINGERING;
	return EGRESS_NOT_HELD;
}

static int describe_lacking(const struct view *view, const struct profile *profile, struct egress_account *account)
{
	int r = 0;

	account->lacking = calloc(1, sizeof(char *));
	if (!account->lacking)
		return -ENOMEM;
	if (profile && profile->existing_sockets == EXISTING_DESTROY && view->no_existing[0])
		r = lines_add(&account->lacking, "existing_sockets: %s", view->no_existing);
	if (!r && profile && harden_lacks(profile))
		r = lines_add(&account->lacking, "seccomp: no filters");
	return r;
}

static int fill(const struct view *view, const struct subject *subject, const struct standing *standing,
		struct egress_account *account)
{
	const struct profile *profile = subject->account ? subject->account->profile : NULL;
	int r = copy_text(subject->login, &account->name);

	account->uid_first = subject->uids.first;
	account->uid_last = subject->uids.last;
	if (!r)
		r = describe_ranges(view, subject, account);
	if (!r)
		r = copy_text(subject->covered ? profile->name : "", &account->profile);
	if (!r)
		r = describe_proxies(profile, account);
	if (!r)
		r = describe_plan(subject, standing, account);
	for (size_t i = 0; !r && i < account->range_count; i++)
		r = describe_range(view, subject, i, account);
	if (!r)
		r = describe_lacking(view, profile, account);
	if (!r)
		r = describe_guard(view, subject, account);
	if (!r)
		r = describe_backend(view, subject, account);
	return r ? r : describe_sessions(view, subject->uids.first, account);
}

int view_describe(const struct view *view, const struct subject *subject, struct egress_account **ret)
{
	const struct standing *standing = view_standing(view, subject->uids, NULL);
	struct egress_account *account = calloc(1, sizeof(*account));
	int r = account ? fill(view, subject, standing, account) : -ENOMEM;

	if (!r) {
		account->state = state_of(view, subject, standing, account);
		*ret = account;
		return 0;
	}
	egress_account_free(account);
	return fault_set(&view->ctx->fault, r, "%s: describe: %s", subject->login, strerror(-r));
}
