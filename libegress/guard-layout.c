/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard-layout.h"

#include "guard-model.h"
#include "util.h"

#include <string.h>

struct guard_rule guard_end_rule(uint32_t pref)
{
	return (struct guard_rule){
		.pref = pref,
		.action = GUARD_NOP,
		.has_uids = true, /* 0-0 */
		.proto = IPPROTO_TCP,
		.ports = { 1, 1 },
	};
}

bool guard_is_end(const struct guard_rule *rule)
{
	const struct guard_rule end = guard_end_rule(rule->pref);

	return guard_rule_equal(rule, &end);
}

/* All that a delete goes by. */
static bool same_key(const struct guard_rule *a, const struct guard_rule *b)
{
	return a->pref == b->pref && a->action == b->action && a->invert == b->invert && a->odd == b->odd &&
	       a->has_uids == b->has_uids && uid_range_compare(a->uids, b->uids) == 0 && a->proto == b->proto &&
	       a->ports.first == b->ports.first && a->ports.last == b->ports.last &&
	       a->to.length == b->to.length && (a->to.length == 0 || prefix_equal(&a->to, &b->to));
}

bool guard_rule_equal(const struct guard_rule *a, const struct guard_rule *b)
{
	return same_key(a, b) && a->target == b->target;
}

bool guard_rule_subject(const struct guard_rule *rule, struct uid_range *ret)
{
	if (rule->pref <= GUARD_LEAVE || rule->action != GUARD_GOTO || !guard_is_uids_alone(rule))
		return false;
	*ret = rule->uids;
	return true;
}

void guard_edits_clear(struct guard_edits *edits)
{
	free(edits->items);
	*edits = (struct guard_edits){ 0 };
}

/* --- What is wanted at one priority, and what stands there --- */

struct difference {
	struct guard_edits adds, deletes;
	uint32_t end;
};

static int push(struct guard_edits *edits, struct guard_edit edit)
{
	struct guard_edit *grown;

	/* A power of two: there is no room left. */
	if ((edits->count & (edits->count - 1)) == 0) {
		grown = reallocarray(edits->items, edits->count ? edits->count * 2 : 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		edits->items = grown;
	}
	edits->items[edits->count++] = edit;
	return 0;
}

#define PHASES 5

/* What is jumped to stands before who jumps, and goes after him. */
static int phase_of(const struct guard_rule *rule, uint32_t end)
{
	struct uid_range uids;

	if (rule->pref == end)
		return 0;
	if (rule->pref == GUARD_LEAVE)
		return 1;
	if (rule->pref == GUARD_DIRECTORY)
		return 4;
	if (rule->pref == GUARD_FIRST)
		return 5;
	return guard_rule_subject(rule, &uids) ? 3 : 2;
}

static int add(struct difference *difference, const struct guard_rule *rule)
{
	return push(&difference->adds,
		    (struct guard_edit){ .rule = *rule, .phase = phase_of(rule, difference->end) });
}

static int delete_rule(struct difference *difference, const struct guard_rule *rule)
{
	return push(&difference->deletes, (struct guard_edit){ .rule = *rule, .is_delete = true,
							       .phase = -phase_of(rule, difference->end) });
}

static int add_all(struct difference *difference, const struct guard_rule *rules, size_t count)
{
	int r = 0;

	for (size_t i = 0; !r && i < count; i++)
		r = add(difference, &rules[i]);
	return r;
}

/* A delete of the one would take the other, which stays. */
static bool takes_another(const struct guard_rule *rule, const struct guard_rule *kept, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (same_key(rule, &kept[i]))
			return true;
	return false;
}

/* Is it enough to delete some of what stands? GONE: which. */
static bool is_left_by_deleting(const struct guard_rule *is, size_t is_count, const struct guard_rule *wanted,
				size_t wanted_count, bool *gone)
{
	size_t kept = 0;

	for (size_t i = 0; i < is_count; i++) {
		gone[i] = kept == wanted_count || !guard_rule_equal(&is[i], &wanted[kept]);
		if (gone[i] && takes_another(&is[i], wanted, kept))
			return false;
		kept += !gone[i];
	}
	return kept == wanted_count;
}

/*
 * Where the order decides. What must be anew is added behind all that stands, which decides until it goes: a delete
 * takes the first rule that is like it.
 */
static int diff_ordered(struct difference *difference, const struct guard_rule *is, size_t is_count,
			const struct guard_rule *wanted, size_t wanted_count)
{
	AUTO_FREE bool *gone = calloc(is_count + 1, sizeof(*gone));
	size_t same = 0;
	int r = gone ? 0 : -ENOMEM;

	while (same < is_count && same < wanted_count && guard_rule_equal(&is[same], &wanted[same]))
		same++;
	if (r || same == is_count)
		return r ? r : add_all(difference, wanted + same, wanted_count - same);
	if (!is_left_by_deleting(is, is_count, wanted, wanted_count, gone)) {
		r = add_all(difference, wanted, wanted_count);
		memset(gone, true, is_count * sizeof(*gone));
	}
	for (size_t i = 0; !r && i < is_count; i++)
		if (gone[i])
			r = delete_rule(difference, &is[i]);
	return r;
}

static int compare_uids(const void *a, const void *b)
{
	const struct guard_rule *x = *(struct guard_rule *const *)a, *y = *(struct guard_rule *const *)b;
	int order = uid_range_compare(x->uids, y->uids);

	return order ? order : (x > y) - (x < y);
}

/* By uids, of the same uids the first one first. */
static const struct guard_rule **sorted(const struct guard_rule *rules, size_t count)
{
	const struct guard_rule **places = calloc(count + 1, sizeof(struct guard_rule *));

	for (size_t i = 0; places && i < count; i++)
		places[i] = &rules[i];
	if (places)
		qsort(places, count, sizeof(*places), compare_uids);
	return places;
}

/* All rules that stand for some uids, and the one that must, if any. */
static int diff_same_uids(struct difference *difference, const struct guard_rule **is, size_t count,
			  const struct guard_rule *wanted)
{
	int r = 0;

	if (wanted && count == 1 && guard_rule_equal(is[0], wanted))
		return 0;
	if (wanted)
		r = add(difference, wanted);
	for (size_t i = 0; !r && i < count; i++)
		r = delete_rule(difference, is[i]);
	return r;
}

static int diff_unordered(struct difference *difference, const struct guard_rule *is, size_t is_count,
			  const struct guard_rule *wanted, size_t wanted_count)
{
	AUTO_FREE const struct guard_rule **old = sorted(is, is_count);
	AUTO_FREE const struct guard_rule **new = sorted(wanted, wanted_count);
	size_t i = 0, k = 0;
	int r = old && new ? 0 : -ENOMEM;

	while (!r && (i < is_count || k < wanted_count)) {
		int order = i == is_count ? 1 : k == wanted_count ? -1 : uid_range_compare(old[i]->uids, new[k]->uids);
		size_t run = 0;

		while (order <= 0 && i + run < is_count &&
		       uid_range_compare(old[i + run]->uids, old[i]->uids) == 0)
			run++;
		r = diff_same_uids(difference, old + i, run, order >= 0 ? new[k] : NULL);
		i += run;
		k += order >= 0;
	}
	return r;
}

/* --- From a model to edits --- */

/* Takes the malloced rules. */
static int diff(struct difference *difference, const struct guard_model *model, uint32_t pref, bool ordered,
		struct guard_rule *wanted, size_t count)
{
	const struct guard_rule *is = model->standing + model->first[pref];
	size_t is_count = model->first[pref + 1] - model->first[pref];
	int r = ordered ? diff_ordered(difference, is, is_count, wanted, count)
			: diff_unordered(difference, is, is_count, wanted, count);

	free(wanted);
	return r;
}

/* One rule, or none. */
static int diff_one(struct difference *difference, const struct guard_model *model, uint32_t pref,
		    const struct guard_rule *wanted)
{
	const struct guard_rule *is = model->standing + model->first[pref];

	return diff_ordered(difference, is, model->first[pref + 1] - model->first[pref], wanted, wanted ? 1 : 0);
}

static struct guard_rule leave_rule(uint32_t pref, uint32_t end)
{
	return (struct guard_rule){ .pref = pref, .action = GUARD_GOTO, .target = end };
}

static int diff_entrance(struct difference *difference, const struct guard_model *model)
{
	const struct guard_bucket *buckets = model->buckets;
	const struct guard_rule end = guard_end_rule(model->end), leave = leave_rule(GUARD_LEAVE, model->end);
	bool any = model->bucket_count > 0;
	struct guard_rule guard = leave_rule(GUARD_FIRST, model->end), *directory = NULL;
	size_t count = 0;
	int r = guard_model_directory(model, &directory, &count);

	if (any)
		guard.uids = (struct uid_range){ buckets[0].span.first, buckets[model->bucket_count - 1].span.last };
	guard.has_uids = guard.invert = true;
	if (!r)
		r = diff(difference, model, GUARD_DIRECTORY, false, directory, count);
	if (!r)
		r = diff_one(difference, model, GUARD_FIRST, any ? &guard : NULL);
	if (!r)
		r = diff_one(difference, model, GUARD_LEAVE, any ? &leave : NULL);
	return r ? r : diff_one(difference, model, model->end, any ? &end : NULL);
}

static int diff_bucket(struct difference *difference, const struct guard_model *model,
		       const struct guard_bucket *bucket)
{
	const struct guard_rule leave = leave_rule(bucket->pref + 2, model->end);
	struct guard_rule *rules = NULL;
	size_t count = 0;
	int r = diff_one(difference, model, bucket->pref + 2, &leave);

	if (r || !bucket->loaded)
		return r;
	r = guard_model_singles(bucket, &rules, &count);
	if (!r)
		r = diff(difference, model, bucket->pref, false, rules, count);
	if (!r)
		r = guard_model_ranges(bucket, &rules, &count);
	return r ? r : diff(difference, model, bucket->pref + 1, true, rules, count);
}

static int diff_section(struct difference *difference, const struct guard_model *model, uint32_t pref)
{
	struct guard_rule *rules = NULL;
	size_t count = 0;
	int r = guard_model_section(model, pref, &rules, &count);

	return r ? r : diff(difference, model, pref, true, rules, count);
}

/* Priorities that nothing of the model is at. */
static int diff_rest(struct difference *difference, const struct guard_model *model)
{
	bool kept[GUARD_LAST + 1] = { false };
	int r = 0;

	kept[GUARD_FIRST] = kept[GUARD_DIRECTORY] = kept[GUARD_LEAVE] = kept[model->end] = true;
	for (size_t i = 0; i < model->bucket_count; i++)
		for (uint32_t k = 0; k < GUARD_BUCKET_PREFS; k++)
			kept[model->buckets[i].pref + k] = true;
	for (size_t i = 0; !r && i < model->count; i++) {
		uint32_t pref = model->standing[i].pref;

		if (pref > GUARD_LAST || !(kept[pref] || model->used[pref]))
			r = delete_rule(difference, &model->standing[i]);
	}
	return r;
}

static int diff_all(struct difference *difference, const struct guard_model *model)
{
	int r = diff_entrance(difference, model);

	for (size_t i = 0; !r && i < model->bucket_count; i++)
		r = diff_bucket(difference, model, &model->buckets[i]);
	for (uint32_t pref = GUARD_BUCKETS; !r && pref < model->end; pref++)
		if (model->used[pref])
			r = diff_section(difference, model, pref);
	return r ? r : diff_rest(difference, model);
}

/* The order within a phase is kept: that of a section is what it means. */
static void take_phases(const struct guard_edits *edits, struct guard_edits *ret)
{
	for (int phase = -PHASES; phase <= PHASES; phase++)
		for (size_t i = 0; i < edits->count; i++)
			if (edits->items[i].phase == phase)
				ret->items[ret->count++] = edits->items[i];
}

static int put_in_order(const struct difference *difference, struct guard_edits *ret)
{
	struct guard_edits edits = { 0 };

	edits.items = calloc(difference->adds.count + difference->deletes.count + 1, sizeof(*edits.items));
	if (!edits.items)
		return -ENOMEM;
	take_phases(&difference->adds, &edits);
	take_phases(&difference->deletes, &edits);
	*ret = edits;
	return 0;
}

static int make_edits(const struct guard_model *model, struct guard_edits *ret)
{
	struct difference difference = { .end = model->end };
	int r = diff_all(&difference, model);

	if (!r)
		r = put_in_order(&difference, ret);
	guard_edits_clear(&difference.adds);
	guard_edits_clear(&difference.deletes);
	return r;
}

int guard_layout(const struct guard_rule *standing, size_t count, uint32_t end, const struct guard_wish *wishes,
		 size_t wish_count, bool thorough, struct guard_edits *ret)
{
	struct guard_model model = { 0 };
	int r = guard_model_read(standing, count, end, &model);

	for (size_t i = 0; !r && i < wish_count; i++)
		r = guard_model_wish(&model, &wishes[i]);
	if (!r && thorough)
		r = guard_model_load_all(&model);
	if (!r)
		r = guard_model_tidy(&model);
	if (!r)
		r = make_edits(&model, ret);
	guard_model_clear(&model);
	return r;
}
