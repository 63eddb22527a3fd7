/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard-model.h"

#include "util.h"

#include <string.h>

#define BUCKET_FILL 100      /* accounts in each part of a bucket that is cut */
#define SECTIONS_RESERVED 24 /* priorities that no bucket takes */

bool guard_is_uids_alone(const struct guard_rule *rule)
{
	return rule->has_uids && !rule->invert && !rule->odd && rule->to.length == 0 && rule->proto == 0 &&
	       rule->ports.first == 0;
}

static const struct guard_rule *rules_at(const struct guard_model *model, uint32_t pref, size_t *ret_count)
{
	*ret_count = model->first[pref + 1] - model->first[pref];
	return model->standing + model->first[pref];
}

/* --- What stands --- */

static void index_rules(struct guard_model *model)
{
	size_t i = 0;

	for (uint32_t pref = 0; pref <= GUARD_LAST; pref++) {
		while (i < model->count && model->standing[i].pref < pref)
			i++;
		model->first[pref] = i;
		model->taken[pref] = i < model->count && model->standing[i].pref == pref;
	}
	while (i < model->count && model->standing[i].pref <= GUARD_LAST)
		i++;
	model->first[GUARD_LAST + 1] = i;
}

static void find_end(struct guard_model *model)
{
	for (uint32_t pref = GUARD_LEAST; pref <= GUARD_LAST; pref++) {
		size_t count;
		const struct guard_rule *rules = rules_at(model, pref, &count);

		for (size_t i = 0; i < count; i++) {
			if (guard_is_end(&rules[i])) {
				model->end = pref;
				return;
			}
		}
	}
}

static struct guard_bucket *insert_bucket(struct guard_model *model, size_t at, struct guard_bucket bucket)
{
	struct guard_bucket *grown =
		reallocarray(model->buckets, model->bucket_count + 1, sizeof(*model->buckets));

	if (!grown)
		return NULL;
	memmove(grown + at + 1, grown + at, (model->bucket_count - at) * sizeof(*grown));
	grown[at] = bucket;
	model->buckets = grown;
	model->bucket_count++;
	for (uint32_t i = 0; i < GUARD_BUCKET_PREFS; i++)
		model->taken[bucket.pref + i] = true;
	if (bucket.pref + GUARD_BUCKET_PREFS > model->buckets_end)
		model->buckets_end = bucket.pref + GUARD_BUCKET_PREFS;
	return &grown[at];
}

static bool is_bucket(const struct guard_model *model, const struct guard_rule *rule)
{
	if (rule->action != GUARD_GOTO || !guard_is_uids_alone(rule) || rule->target < GUARD_BUCKETS ||
	    rule->target + GUARD_BUCKET_PREFS > model->end ||
	    (rule->target - GUARD_BUCKETS) % GUARD_BUCKET_PREFS != 0)
		return false;
	/* Of rules that share uids the first one decides; the others go. */
	for (size_t i = 0; i < model->bucket_count; i++) {
		const struct guard_bucket *bucket = &model->buckets[i];

		if (bucket->pref == rule->target ||
		    (rule->uids.first <= bucket->span.last && bucket->span.first <= rule->uids.last))
			return false;
	}
	return true;
}

static int read_buckets(struct guard_model *model)
{
	size_t count;
	const struct guard_rule *rules = rules_at(model, GUARD_DIRECTORY, &count);

	for (size_t i = 0; i < count; i++) {
		size_t at = 0;

		if (!is_bucket(model, &rules[i]))
			continue;
		while (at < model->bucket_count && model->buckets[at].from < rules[i].uids.first)
			at++;
		if (!insert_bucket(model, at, (struct guard_bucket){ .pref = rules[i].target,
								     .from = rules[i].uids.first,
								     .span = rules[i].uids }))
			return -ENOMEM;
	}
	return 0;
}

int guard_model_read(const struct guard_rule *standing, size_t count, uint32_t end, struct guard_model *ret)
{
	struct guard_model model = { .standing = standing, .count = count, .end = end,
				     .buckets_end = GUARD_BUCKETS };
	int r;

	index_rules(&model);
	find_end(&model);
	r = read_buckets(&model);
	if (r)
		guard_model_clear(&model);
	else
		*ret = model;
	return r;
}

void guard_model_clear(struct guard_model *model)
{
	for (size_t i = 0; i < model->bucket_count; i++)
		free(model->buckets[i].members);
	free(model->buckets);
	*model = (struct guard_model){ 0 };
}

static uid_t last_uid(const struct guard_model *model, size_t at)
{
	return at + 1 < model->bucket_count ? model->buckets[at + 1].from - 1 : UINT32_MAX;
}

static uid_t first_uid(const struct guard_model *model, size_t at)
{
	return at ? model->buckets[at].from : 0;
}

static bool reaches(const struct guard_model *model, size_t at, struct uid_range uids)
{
	return uids.first <= last_uid(model, at) && first_uid(model, at) <= uids.last;
}

static int add_member(struct guard_bucket *bucket, struct guard_member member)
{
	if (util_grow(&bucket->members, bucket->count, &bucket->room, sizeof(member)))
		return -ENOMEM;
	bucket->members[bucket->count++] = member;
	return 0;
}

/* Is it a rule that leads a subject to a section that is there? */
static bool is_member(const struct guard_model *model, const struct guard_rule *rule)
{
	return rule->action == GUARD_GOTO && guard_is_uids_alone(rule) && rule->target >= model->buckets_end &&
	       rule->target < model->end && (model->taken[rule->target] || model->lists[rule->target]);
}

static int load_rules(struct guard_model *model, size_t at, bool ranges)
{
	struct guard_bucket *bucket = &model->buckets[at];
	size_t count;
	const struct guard_rule *rules = rules_at(model, bucket->pref + ranges, &count);
	int r = 0;

	for (size_t i = 0; !r && i < count; i++)
		if (is_member(model, &rules[i]) && ranges == (rules[i].uids.first != rules[i].uids.last) &&
		    reaches(model, at, rules[i].uids))
			r = add_member(bucket, (struct guard_member){ rules[i].uids, rules[i].target,
								      (uint32_t)i + 1 });
	return r;
}

static int load(struct guard_model *model, size_t at)
{
	int r;

	if (model->buckets[at].loaded)
		return 0;
	model->buckets[at].loaded = true;
	r = load_rules(model, at, false);
	return r ? r : load_rules(model, at, true);
}

int guard_model_load_all(struct guard_model *model)
{
	int r = 0;

	for (size_t i = 0; !r && i < model->bucket_count; i++)
		r = load(model, i);
	return r;
}

/* --- Sections --- */

static struct guard_rule section_rule(const struct guard_model *model, const struct guard_list *list, size_t i,
				      uint32_t pref)
{
	struct guard_rule rule = { .pref = pref, .has_uids = true, .invert = true };

	rule.action = i == list->count ? GUARD_SINK : GUARD_PROHIBIT;
	if (i < list->count) {
		rule = list->rules[i];
		rule.pref = pref;
		rule.action = GUARD_GOTO;
		rule.target = model->end;
	}
	return rule;
}

static bool stands_at(const struct guard_model *model, const struct guard_list *list, uint32_t pref)
{
	size_t count;
	const struct guard_rule *rules = rules_at(model, pref, &count);

	if (count != list->count + GUARD_TAIL)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct guard_rule wanted = section_rule(model, list, i, pref);

		if (!guard_rule_equal(&rules[i], &wanted))
			return false;
	}
	return true;
}

static bool same_list(const struct guard_list *a, const struct guard_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!guard_rule_equal(&a->rules[i], &b->rules[i]))
			return false;
	return true;
}

/* The section of that list, made if there is none. */
static int find_section(struct guard_model *model, const struct guard_list *list, uint32_t *ret)
{
	uint32_t made = 0;

	for (uint32_t pref = model->end - 1; pref >= model->buckets_end; pref--) {
		if (model->lists[pref] ? same_list(model->lists[pref], list) : stands_at(model, list, pref)) {
			*ret = pref;
			return 0;
		}
		if (!made && !model->taken[pref])
			made = pref;
	}
	if (!made)
		return -ENOSPC;
	model->lists[made] = list;
	model->taken[made] = true;
	*ret = made;
	return 0;
}

/* --- Wishes --- */

static bool is_section(const struct guard_model *model, uint32_t pref)
{
	size_t count;
	const struct guard_rule *rules = rules_at(model, pref, &count);

	return model->lists[pref] || (count && (rules[count - 1].action == GUARD_PROHIBIT ||
						rules[count - 1].action == GUARD_SINK));
}

static uint32_t lowest_section(const struct guard_model *model)
{
	for (uint32_t pref = model->buckets_end; pref < model->end; pref++)
		if (is_section(model, pref))
			return pref;
	return model->end;
}

/* 0: there is no room. */
static uint32_t find_bucket_pref(const struct guard_model *model, uint32_t limit)
{
	for (uint32_t pref = GUARD_BUCKETS; pref + GUARD_BUCKET_PREFS <= limit; pref += GUARD_BUCKET_PREFS)
		if (!model->taken[pref] && !model->taken[pref + 1] && !model->taken[pref + 2])
			return pref;
	return 0;
}

/* Sections that stand before it are not gone to any more. */
static int first_bucket(struct guard_model *model)
{
	uint32_t pref = find_bucket_pref(model, model->end - 1);

	if (!pref)
		return -ENOSPC;
	return insert_bucket(model, 0, (struct guard_bucket){ .pref = pref, .loaded = true }) ? 0 : -ENOMEM;
}

static size_t bucket_of(const struct guard_model *model, uid_t uid)
{
	size_t low = 0, high = model->bucket_count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (model->buckets[middle].from <= uid)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* One who was killed can leave two sections of one list: whoever goes to either stays there. */
static uint32_t section_to_stay_at(const struct guard_model *model, const struct guard_bucket *bucket,
				   const struct guard_wish *wish)
{
	for (size_t i = 0; wish->list && i < bucket->count; i++) {
		const struct guard_member *member = &bucket->members[i];

		if (member->order && uid_range_compare(member->uids, wish->uids) == 0 &&
		    member->section >= model->buckets_end && member->section < model->end &&
		    stands_at(model, wish->list, member->section))
			return member->section;
	}
	return 0;
}

int guard_model_wish(struct guard_model *model, const struct guard_wish *wish)
{
	struct guard_member member = { .uids = wish->uids };
	int r = 0;

	if (wish->list && !model->bucket_count)
		r = first_bucket(model);
	if (!r && wish->list)
		r = find_section(model, wish->list, &member.section);
	for (size_t at = bucket_of(model, wish->uids.first);
	     !r && at < model->bucket_count && reaches(model, at, wish->uids); at++) {
		struct guard_member here = member;
		uint32_t stay;

		r = load(model, at);
		stay = r ? 0 : section_to_stay_at(model, &model->buckets[at], wish);
		here.section = stay ? stay : member.section;
		if (!r)
			r = add_member(&model->buckets[at], here);
	}
	return r;
}

/* --- Tidying up --- */

static int compare_members(const void *a, const void *b)
{
	const struct guard_member *x = a, *y = b;
	int order = uid_range_compare(x->uids, y->uids);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* A wish stands before what stands, and takes its place among the ranges. */
static void settle_members(struct guard_bucket *bucket)
{
	size_t kept = 0;

	if (bucket->count)
		qsort(bucket->members, bucket->count, sizeof(*bucket->members), compare_members);
	for (size_t i = 0; i < bucket->count;) {
		struct guard_member member = bucket->members[i++];

		if (member.order == 0)
			member.order = GUARD_NEW;
		while (i < bucket->count && uid_range_compare(bucket->members[i].uids, member.uids) == 0) {
			if (bucket->members[i].order && bucket->members[i].order < member.order)
				member.order = bucket->members[i].order;
			i++;
		}
		if (member.section)
			bucket->members[kept++] = member;
	}
	bucket->count = kept;
}

/* Hands on what reaches into the bucket behind. */
static int share_members(struct guard_model *model, size_t at)
{
	struct guard_bucket *from = &model->buckets[at], *to = &model->buckets[at + 1];
	size_t kept = 0;

	for (size_t i = 0; i < from->count; i++) {
		struct guard_member member = from->members[i], moved = member;

		moved.order = GUARD_NEW;
		if (reaches(model, at + 1, member.uids) && add_member(to, moved))
			return -ENOMEM;
		if (reaches(model, at, member.uids))
			from->members[kept++] = member;
	}
	from->count = kept;
	return 0;
}

/* Cuts off what begins with the member and behind it. 1: done; 0: it cannot be. */
static int cut(struct guard_model *model, size_t at, size_t member)
{
	uid_t from = model->buckets[at].members[member].uids.first;
	uint32_t limit = lowest_section(model);
	uint32_t pref = limit > SECTIONS_RESERVED ? find_bucket_pref(model, limit - SECTIONS_RESERVED) : 0;
	int r;

	if (!pref || from <= model->buckets[at].members[0].uids.first || from <= first_uid(model, at))
		return 0;
	if (!insert_bucket(model, at + 1, (struct guard_bucket){ .pref = pref, .from = from, .loaded = true }))
		return -ENOMEM;
	r = share_members(model, at);
	return r ? r : 1;
}

/* How many parts a bucket comes in. */
static size_t parts_of(const struct guard_model *model, const struct guard_bucket *bucket)
{
	uint32_t limit = lowest_section(model), used = model->buckets_end + SECTIONS_RESERVED;
	size_t parts = (bucket->count + BUCKET_FILL - 1) / BUCKET_FILL;
	size_t room = limit > used ? (limit - used) / GUARD_BUCKET_PREFS + 1 : 1;

	if (bucket->count <= GUARD_BUCKET_MAX)
		return 1;
	return parts < room ? parts : room;
}

/* From behind, so that what is still to be cut keeps its place. */
static int cut_bucket(struct guard_model *model, size_t at)
{
	size_t parts = parts_of(model, &model->buckets[at]), count = model->buckets[at].count;
	int r = 1;

	for (size_t part = parts - 1; r >= 0 && part > 0; part--) {
		size_t member = count * part / parts;

		if (member < model->buckets[at].count)
			r = cut(model, at, member);
	}
	return r < 0 ? r : 0;
}

static void set_span(struct guard_model *model, size_t at)
{
	struct guard_bucket *bucket = &model->buckets[at];
	struct uid_range span = { UINT32_MAX, 0 };

	for (size_t i = 0; i < bucket->count; i++) {
		const struct uid_range uids = bucket->members[i].uids;

		span.first = uids.first < span.first ? uids.first : span.first;
		span.last = uids.last > span.last ? uids.last : span.last;
	}
	span.first = span.first < first_uid(model, at) ? first_uid(model, at) : span.first;
	span.last = span.last > last_uid(model, at) ? last_uid(model, at) : span.last;
	bucket->span = span;
}

static void drop_empty(struct guard_model *model)
{
	size_t kept = 0;

	for (size_t i = 0; i < model->bucket_count; i++) {
		if (model->buckets[i].loaded && model->buckets[i].count == 0)
			free(model->buckets[i].members);
		else
			model->buckets[kept++] = model->buckets[i];
	}
	model->bucket_count = kept;
}

static void use_sections(struct guard_model *model, const struct guard_bucket *bucket)
{
	for (size_t i = 0; bucket->loaded && i < bucket->count; i++)
		model->used[bucket->members[i].section] = true;
	for (uint32_t ranges = 0; !bucket->loaded && ranges < 2; ranges++) {
		size_t count;
		const struct guard_rule *rules = rules_at(model, bucket->pref + ranges, &count);

		for (size_t i = 0; i < count; i++)
			if (is_member(model, &rules[i]))
				model->used[rules[i].target] = true;
	}
}

int guard_model_tidy(struct guard_model *model)
{
	int r = 0;

	for (size_t i = 0; i < model->bucket_count; i++)
		if (model->buckets[i].loaded)
			settle_members(&model->buckets[i]);
	drop_empty(model);
	for (size_t i = model->bucket_count; !r && i-- > 0;)
		if (model->buckets[i].loaded)
			r = cut_bucket(model, i);
	for (size_t i = 0; !r && i < model->bucket_count; i++) {
		if (model->buckets[i].loaded) {
			settle_members(&model->buckets[i]);
			set_span(model, i);
		}
		use_sections(model, &model->buckets[i]);
	}
	return r;
}

/* --- What must stand --- */

int guard_model_section(const struct guard_model *model, uint32_t pref, struct guard_rule **ret, size_t *ret_count)
{
	const struct guard_list *list = model->lists[pref];
	size_t count = list ? list->count + GUARD_TAIL : 0;
	const struct guard_rule *stands = list ? NULL : rules_at(model, pref, &count);
	struct guard_rule *rules = calloc(count + 1, sizeof(*rules));

	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		rules[i] = list ? section_rule(model, list, i, pref) : stands[i];
	*ret = rules;
	*ret_count = count;
	return 0;
}
