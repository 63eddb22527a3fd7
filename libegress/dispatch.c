/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dispatch.h"

#include "segments.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

#define CHAIN_ROOT "EGRESS"
#define CHAIN_PREFIX CHAIN_ROOT "."
#define UID_BITS 32

_Static_assert(DISPATCH_BUCKET >= 2, "a block that is cut has four uids, its halves two: not one bit less");

int dispatch_order(struct uid_range a, struct uid_range b)
{
	uid_t width_a = a.last - a.first, width_b = b.last - b.first;

	if (width_a != width_b)
		return width_a < width_b ? -1 : 1;
	return a.first < b.first ? -1 : a.first > b.first;
}

bool dispatch_overlap(struct uid_range a, struct uid_range b)
{
	return a.first <= b.last && b.first <= a.last;
}

bool dispatch_contains(struct uid_range wide, struct uid_range narrow)
{
	return wide.first <= narrow.first && narrow.last <= wide.last;
}

/* --- Segments: where each uid has one subject at most --- */

struct segments {
	struct dispatch_rule *items;
	size_t count;
};

static bool same_range(struct uid_range a, struct uid_range b)
{
	return a.first == b.first && a.last == b.last;
}

static int make_segments(const struct uid_range *subjects, size_t count, struct segments *ret)
{
	AUTO_FREE struct segment *found = NULL;
	size_t found_count = 0;
	int error = segments_make(subjects, count, &found, &found_count);

	if (error)
		return error;
	ret->items = calloc(found_count + 1, sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;
	ret->count = found_count;
	for (size_t i = 0; i < found_count; i++)
		ret->items[i] = (struct dispatch_rule){ DISPATCH_SUBJECT, found[i].uids, subjects[found[i].range] };
	return 0;
}

/* --- Chains --- */

static void add_rule(struct dispatch *dispatch, struct dispatch_chain *chain, struct dispatch_rule rule)
{
	dispatch->rules[dispatch->rule_count++] = rule;
	chain->count++;
}

/* The lower half of the smallest block that has both A and B, which differ. */
static struct uid_range lower_half(uid_t a, uid_t b)
{
	uid_t rest = (uid_t)((UINT64_C(1) << (UID_BITS - 1 - __builtin_clz(a ^ b))) - 1);
	uid_t first = (b & ~rest) - rest - 1;

	return (struct uid_range){ first, first + rest };
}

static size_t count_begun(const struct dispatch_rule *segments, size_t count, struct uid_range block)
{
	size_t begun = 0;

	while (begun < count && segments[begun].uids.first <= block.last)
		begun++;
	return begun;
}

/* The chain of BLOCK, in which SEGMENTS begin. */
static void add_chain(struct dispatch *dispatch, struct uid_range block,
		      const struct dispatch_rule *segments, size_t count)
{
	struct dispatch_chain *chain = &dispatch->chains[dispatch->chain_count++];

	*chain = (struct dispatch_chain){ .block = block, .first = dispatch->rule_count };
	if (same_range(block, DISPATCH_ROOT))
		add_rule(dispatch, chain,
			 (struct dispatch_rule){
				 .kind = DISPATCH_GUARD,
				 .uids = { segments[0].uids.first, segments[count - 1].uids.last } });
	while (count > DISPATCH_BUCKET) {
		struct uid_range half =
			lower_half(segments[0].uids.first, segments[count - 1].uids.first);
		size_t begun = count_begun(segments, count, half);
		struct uid_range uids = { segments[0].uids.first, segments[begun - 1].uids.last };

		add_rule(dispatch, chain, (struct dispatch_rule){ DISPATCH_CHAIN, uids, half });
		segments += begun;
		count -= begun;
	}
	for (size_t i = 0; i < count; i++)
		add_rule(dispatch, chain, segments[i]);
}

/* Those that a chain branches off to have half of its block at most: no deeper than a uid has bits. */
static void add_chains(struct dispatch *dispatch, struct uid_range block,
		       const struct dispatch_rule *segments, size_t count)
{
	const struct dispatch_chain *chain = &dispatch->chains[dispatch->chain_count];

	add_chain(dispatch, block, segments, count);
	for (size_t i = 0; i < chain->count; i++) {
		const struct dispatch_rule *rule = &dispatch->rules[chain->first + i];
		size_t begun = count_begun(segments, count, rule->to);

		if (rule->kind != DISPATCH_CHAIN)
			continue;
		add_chains(dispatch, rule->to, segments, begun);
		segments += begun;
		count -= begun;
	}
}

int dispatch_chain_order(const void *a, const void *b)
{
	struct uid_range x = ((const struct dispatch_chain *)a)->block;
	struct uid_range y = ((const struct dispatch_chain *)b)->block;

	if (x.first != y.first)
		return x.first < y.first ? -1 : 1;
	return x.last > y.last ? -1 : x.last < y.last;
}

/* A chain needs a segment, and a segment no more than its own rule and one that branches off. */
static int make_chains(const struct segments *segments, struct dispatch *dispatch)
{
	dispatch->rules = calloc(2 * segments->count + 1, sizeof(*dispatch->rules));
	dispatch->chains = calloc(segments->count + 1, sizeof(*dispatch->chains));
	if (!dispatch->rules || !dispatch->chains)
		return -ENOMEM;
	if (segments->count > 0)
		add_chains(dispatch, DISPATCH_ROOT, segments->items, segments->count);
	qsort(dispatch->chains, dispatch->chain_count, sizeof(*dispatch->chains), dispatch_chain_order);
	return 0;
}

int dispatch_make(const struct uid_range *subjects, size_t count, struct dispatch *ret)
{
	AUTO_FREE struct dispatch_rule *owned = NULL;
	struct dispatch dispatch = { 0 };
	struct segments segments = { 0 };
	int error = make_segments(subjects, count, &segments);

	owned = segments.items;
	if (!error)
		error = make_chains(&segments, &dispatch);
	if (error)
		dispatch_clear(&dispatch);
	else
		*ret = dispatch;
	return error;
}

void dispatch_clear(struct dispatch *dispatch)
{
	free(dispatch->rules);
	free(dispatch->chains);
	*dispatch = (struct dispatch){ 0 };
}

const struct dispatch_chain *dispatch_find_chain(const struct dispatch *dispatch,
						 struct uid_range block)
{
	const struct dispatch_chain wanted = { .block = block };

	if (dispatch->chain_count == 0)
		return NULL;
	return bsearch(&wanted, dispatch->chains, dispatch->chain_count, sizeof(wanted),
		       dispatch_chain_order);
}

static bool same_rule(const struct dispatch_rule *a, const struct dispatch_rule *b)
{
	return a->kind == b->kind && same_range(a->uids, b->uids) && same_range(a->to, b->to);
}

bool dispatch_same_chain(const struct dispatch *a, const struct dispatch_chain *chain_of_a,
			 const struct dispatch *b, const struct dispatch_chain *chain_of_b)
{
	if (chain_of_a->count != chain_of_b->count || chain_of_a->foreign != chain_of_b->foreign)
		return false;
	for (size_t i = 0; i < chain_of_a->count; i++)
		if (!same_rule(&a->rules[chain_of_a->first + i], &b->rules[chain_of_b->first + i]))
			return false;
	return true;
}

/* --- What it does --- */

struct walk {
	const struct dispatch *dispatch;
	int (*visit)(void *context, struct uid_range uids, const struct uid_range *subject);
	void *context;
};

static int walk_chain(const struct walk *walk, struct uid_range block, struct uid_range uids);

static int walk_target(const struct walk *walk, const struct dispatch_rule *rule, struct uid_range uids)
{
	if (rule->kind == DISPATCH_CHAIN)
		return walk_chain(walk, rule->to, uids);
	return walk->visit(walk->context, uids, rule->kind == DISPATCH_SUBJECT ? &rule->to : NULL);
}

/*
 * UIDS through COUNT rules. Those below the ones that a rule takes go through the rest by
 * themselves, before it, those above after it.
 */
static int walk_rules(const struct walk *walk, const struct dispatch_rule *rule, size_t count,
		      struct uid_range uids)
{
	for (; count > 0; rule++, count--) {
		struct uid_range below = uids, taken = uids;
		int r = 0;

		if (!dispatch_overlap(rule->uids, uids))
			continue;
		if (uids.first < rule->uids.first) {
			taken.first = rule->uids.first;
			below.last = rule->uids.first - 1;
			r = walk_rules(walk, rule + 1, count - 1, below);
		}
		if (uids.last > rule->uids.last)
			taken.last = rule->uids.last;
		if (!r)
			r = walk_target(walk, rule, taken);
		if (r || taken.last == uids.last)
			return r;
		uids.first = taken.last + 1;
	}
	return walk->visit(walk->context, uids, NULL);
}

static int walk_chain(const struct walk *walk, struct uid_range block, struct uid_range uids)
{
	const struct dispatch_chain *chain = dispatch_find_chain(walk->dispatch, block);

	if (!chain)
		return walk->visit(walk->context, uids, NULL);
	return walk_rules(walk, &walk->dispatch->rules[chain->first], chain->count, uids);
}

int dispatch_walk(const struct dispatch *dispatch, struct uid_range uids,
		  int (*visit)(void *context, struct uid_range uids, const struct uid_range *subject),
		  void *context)
{
	const struct walk walk = { dispatch, visit, context };
	const struct dispatch_chain *root = dispatch_find_chain(dispatch, DISPATCH_ROOT);
	const struct dispatch_rule *guard = root && root->count ? &dispatch->rules[root->first] : NULL;
	struct uid_range let_on = uids;
	int r = 0;

	if (!guard || guard->kind != DISPATCH_GUARD)
		return walk_chain(&walk, DISPATCH_ROOT, uids);
	if (!dispatch_overlap(guard->uids, uids))
		return visit(context, uids, NULL);
	if (uids.first < guard->uids.first) {
		r = visit(context, (struct uid_range){ uids.first, guard->uids.first - 1 }, NULL);
		let_on.first = guard->uids.first;
	}
	if (uids.last > guard->uids.last)
		let_on.last = guard->uids.last;
	if (!r)
		r = walk_rules(&walk, guard + 1, root->count - 1, let_on);
	if (r || let_on.last == uids.last)
		return r;
	return visit(context, (struct uid_range){ guard->uids.last + 1, uids.last }, NULL);
}

/* --- Names --- */

char *dispatch_chain_name(struct uid_range block, char name[PLAN_CHAIN_MAX])
{
	if (same_range(block, DISPATCH_ROOT))
		snprintf(name, PLAN_CHAIN_MAX, CHAIN_ROOT);
	else
		snprintf(name, PLAN_CHAIN_MAX, CHAIN_PREFIX "%u/%d", block.first,
			 __builtin_clz(block.first ^ block.last));
	return name;
}

int dispatch_parse_chain_name(const char *name, struct uid_range *ret)
{
	char text[PLAN_CHAIN_MAX], *rest_of_text = text;
	unsigned long first, length;
	uid_t rest;

	if (strncmp(name, CHAIN_PREFIX, strlen(CHAIN_PREFIX)) != 0 || strlen(name) >= sizeof(text))
		return -EINVAL;
	snprintf(text, sizeof(text), "%s", name + strlen(CHAIN_PREFIX));
	strsep(&rest_of_text, "/");
	if (!rest_of_text || addr_parse_number(text, UINT32_MAX, &first) < 0 ||
	    addr_parse_number(rest_of_text, UID_BITS - 1, &length) < 0 || length == 0)
		return -EINVAL;
	rest = (uid_t)((UINT64_C(1) << (UID_BITS - length)) - 1);
	if (first & rest)
		return -EINVAL;
	*ret = (struct uid_range){ (uid_t)first, (uid_t)first | rest };
	return 0;
}
