/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "round.h"

#include "coverage.h"
#include "subids.h"
#include "subordinates.h"
#include "util.h"

#include <syslog.h>

void round_clear(struct round *round)
{
	for (size_t i = 0; i < round->plan_count; i++)
		plan_clear(&round->plans[i]);
	free(round->plans);
	free(round->plan_goes_on);
	free(round->existing);
	free(round->gone);
	free(round->gone_goes_on);
	free(round->profile);
	holdings_clear(&round->found);
	guard_look_clear(&round->guard);
	subjects_free(round->subjects, round->subject_count);
	conf_view_clear(&round->view);
}

/* It is held as it is; the others must not wait for it. */
static int tell_unfit(struct round *round, const struct subject *subject, int error, const char *why)
{
	ctx_log(round->ctx, LOG_ERR, "%s: %.400s", subject->login, why);
	if (!round->unfit.error)
		fault_set(&round->unfit, error, "%s: %.400s", subject->login, why);
	return 0;
}

static int find_ranges_of(struct round *round, struct subuid *subuid, struct subject *subject)
{
	const struct person person = { .login = subject->login, .uid = subject->uids.first, .exists = true };
	const struct subordinates who = { .conf = round->view.conf, .account = subject->account,
					  .person = &person, .subuid = subuid };
	struct fault why = { 0 };
	int r = subordinates_find(&who, &why, &subject->found);

	if (!r || r == -ENOMEM)
		return r ? fault_set(&round->ctx->fault, r, "%s", why.line) : 0;
	return tell_unfit(round, subject, r, why.line);
}

static int find_subordinates(struct round *round)
{
	struct egress_ctx *ctx = round->ctx;
	struct subuid *subuid = NULL;
	int r = subids_refresh(ctx, round->view.conf, round->subjects, round->subject_count, &round->unfit);

	if (r && r != -ENOMEM)
		ctx_log(ctx, LOG_ERR, "%s (those that are known stay in force)", round->unfit.line);
	if (r != -ENOMEM)
		r = subuid_load(&ctx->subuid, &round->unfit, &subuid);
	if (r == -ENOMEM)
		return fault_set(&ctx->fault, r, "%s", round->unfit.line);
	if (r)
		ctx_log(ctx, LOG_ERR, "%s", round->unfit.line);
	for (size_t i = 0; subuid && !r && i < round->subject_count; i++) {
		struct subject *subject = &round->subjects[i];

		if (subject->account && subject->uids.first == subject->uids.last && !subuid_is_empty(subuid))
			r = find_ranges_of(round, subuid, subject);
	}
	subuid_free(subuid);
	return r == -ENOMEM ? r : 0;
}

int round_prepare(struct egress_ctx *ctx, struct round *round)
{
	struct ledger *ledger = NULL;
	int r = coverage_load(ctx, &round->view);

	if (!r)
		r = ledger_peek(ctx->statedir, &ctx->fault, &ledger);
	if (ledger)
		ledger_set_report(ledger, report_to_log, ctx);
	if (!r)
		r = subjects_find(ctx, round->view.conf, ledger, &round->subjects, &round->subject_count);
	ledger_close(ledger);
	if (r)
		return r;
	return round->holds ? find_subordinates(round) : 0;
}

static int make_room_for_gone(struct round *round)
{
	size_t room = round->gone_room ? 2 * round->gone_room : 64;
	struct uid_range *gone = reallocarray(round->gone, room, sizeof(*gone));
	bool *goes_on;

	if (!gone)
		return -ENOMEM;
	round->gone = gone;
	goes_on = reallocarray(round->gone_goes_on, room, sizeof(*goes_on));
	if (!goes_on)
		return -ENOMEM;
	round->gone_goes_on = goes_on;
	round->gone_room = room;
	return 0;
}

int round_add_gone(struct round *round, struct uid_range uids, bool goes_on)
{
	if (round->gone_count == round->gone_room && make_room_for_gone(round))
		return fault_set(&round->op.ctx->fault, -ENOMEM, "plans: no memory");
	round->gone[round->gone_count] = uids;
	round->gone_goes_on[round->gone_count++] = goes_on;
	return 0;
}

bool round_has_record(const struct round *round, struct uid_range uids)
{
	return uids.first == uids.last && ledger_has(round->op.ledger, uids.first);
}

/* A record that cannot be read must not stop the others' round: its account stays held. */
static int need_of(struct round *round, const struct subject *subject, struct need *ret)
{
	struct egress_ctx *ctx = round->op.ctx;
	int r = subject_drop_pin(&round->op, subject->uids.first, subject->formerly);

	if (!r)
		r = operation_need(&round->op, subject->uids.first, subject_ending(subject), ret);
	if (r != -EIO)
		return r;
	ctx_log(ctx, LOG_ERR, "%s: stays as it is: %s", subject->login, ctx->fault.line);
	fault_clear(&ctx->fault);
	*ret = (struct need){ .leftovers = true };
	return 0;
}

static int make_room_for_plan(struct round *round)
{
	size_t room = round->plan_room ? 2 * round->plan_room : 64;
	struct plan *plans = reallocarray(round->plans, room, sizeof(*plans));
	struct existing_subject *existing;
	bool *goes_on;

	if (!plans)
		return -ENOMEM;
	round->plans = plans;
	goes_on = reallocarray(round->plan_goes_on, room, sizeof(*goes_on));
	if (!goes_on)
		return -ENOMEM;
	round->plan_goes_on = goes_on;
	existing = reallocarray(round->existing, room, sizeof(*existing));
	if (!existing)
		return -ENOMEM;
	round->existing = existing;
	round->plan_room = room;
	return 0;
}

static int add_plan(struct round *round, const struct subject *subject, struct uid_range uids, bool goes_on)
{
	int r = round->plan_count == round->plan_room ? make_room_for_plan(round) : 0;

	if (!r)
		r = subject_plan(subject, uids, &round->plans[round->plan_count]);
	if (r)
		return fault_set(&round->ctx->fault, r, "%s: plan: no memory", subject->login);
	/* Where its plan lies is known when all are there. */
	round->existing[round->plan_count] = existing_subject_of(subject->account->profile, NULL);
	round->plan_goes_on[round->plan_count++] = goes_on;
	return 0;
}

/* A range that is held as one has no others. Ranges that cannot be read, which need_of told of, stay as they are. */
static int uids_of(struct round *round, const struct subject *subject, struct uid_ranges *ret)
{
	struct egress_ctx *ctx = round->op.ctx;
	int r = -EIO;

	if (subject->uids.first == subject->uids.last)
		r = operation_uids(&round->op, subject->uids.first, ret);
	if (r != -EIO)
		return r;
	fault_clear(&ctx->fault);
	return uid_ranges_put_first(ret, subject->uids) ? fault_set(&ctx->fault, -ENOMEM, "plans: no memory") : 0;
}

int round_remember(struct round *round, const struct subject *subject)
{
	struct operation *op = &round->op;
	int r = 0;

	if (!subject->covered || subject->uids.first != subject->uids.last)
		return 0;
	if (round->printed != subject->account) {
		free(util_steal(round->profile));
		round->printed = NULL;
		r = subject_remember(subject->account, &round->profile);
	}
	if (r)
		return fault_set(&op->ctx->fault, r, "%s: no memory", subject->login);
	round->printed = subject->account;
	return ledger_enter(op->ledger, subject->uids.first, subject->login, round->profile, &op->ctx->fault);
}

/*
 * On record before they stand. What cannot be written, or what another account still has, is told of, and keeps nobody
 * from being held by what else he has.
 */
static int grow(struct round *round, const struct subject *subject)
{
	struct ledger *ledger = round->op.ledger;
	struct fault *fault = &round->ctx->fault;
	int r = subject->found.count ? round_remember(round, subject) : 0;

	if (!r && subject->found.count && ledger_has(ledger, subject->uids.first))
		r = ledger_grow(ledger, subject->uids.first, &subject->found, fault, NULL);
	if (!r || r == -ENOMEM)
		return r;
	tell_unfit(round, subject, r, fault->line);
	fault_clear(fault);
	return 0;
}

static int add_plans(struct round *round, const struct subject *subject)
{
	AUTO_RANGES struct uid_ranges uids = { 0 };
	int r = round->holds ? grow(round, subject) : 0;

	if (!r && subject->uids.first != subject->uids.last && ledger_has_range(round->op.ledger, subject->uids) > 0)
		return tell_unfit(round, subject, -EBADMSG, "is held as the subordinate ids of an account");
	if (!r)
		r = uids_of(round, subject, &uids);
	for (size_t i = 0; !r && i < uids.count; i++)
		r = add_plan(round, subject, uids.items[i], i > 0);
	return r;
}

static int add_all_gone(struct round *round, const struct subject *subject)
{
	AUTO_RANGES struct uid_ranges uids = { 0 };
	int r = uids_of(round, subject, &uids);

	for (size_t i = 0; !r && i < uids.count; i++) {
		/* An entry that holds the same uids always came into the configuration meanwhile. */
		if (i == 0 || !subjects_find_uids(round->subjects, round->subject_count, uids.items[i]))
			r = round_add_gone(round, uids.items[i], i > 0);
	}
	return r;
}

int round_sort_subject(struct round *round, const struct subject *subject)
{
	struct need need = { 0 };
	int r = 0;

	if (round_has_record(round, subject->uids))
		r = need_of(round, subject, &need);
	if (r)
		return r;
	round->changes.ended += need.ended;
	if (need_is_nothing(&need) && !subject->keep)
		return add_all_gone(round, subject);
	if (subject->account)
		return add_plans(round, subject);
	ctx_log(round->op.ctx, LOG_WARNING, "%s: stays as it is: its profile is not known", subject->login);
	return 0;
}
