/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "dispatch.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS 3000
#define MANY 10000

/* --- As text --- */

static void print_rule(FILE *out, const char *chain, const struct dispatch_rule *rule)
{
	char uids[UID_RANGE_TEXT_MAX], target[PLAN_CHAIN_MAX];

	addr_print_uid_range(rule->uids, uids);
	if (rule->kind == DISPATCH_GUARD)
		fprintf(out, "%s: not %s: leave\n", chain, uids);
	else
		fprintf(out, "%s: %s: %s\n", chain, uids,
			rule->kind == DISPATCH_CHAIN ? dispatch_chain_name(rule->to, target)
						     : plan_chain_name(rule->to, target));
}

static char *print(const struct dispatch *dispatch)
{
	char chain[PLAN_CHAIN_MAX], *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < dispatch->chain_count; i++) {
		dispatch_chain_name(dispatch->chains[i].block, chain);
		for (size_t k = 0; k < dispatch->chains[i].count; k++)
			print_rule(out, chain, &dispatch->rules[dispatch->chains[i].first + k]);
	}
	fclose(out);
	return text;
}

static struct dispatch make(const struct uid_range *subjects, size_t count)
{
	struct dispatch dispatch;

	ck_assert_int_eq(dispatch_make(subjects, count, &dispatch), 0);
	return dispatch;
}

static const struct {
	const char *name;
	struct uid_range subjects[16]; /* up to the first that is zero */
	const char *text;
} golden[] = {
	{ "nobody", { { 0 } }, "" },
	{ "one uid", { { 2001, 2001 } }, "EGRESS: not 2001: leave\n"
					 "EGRESS: 2001: EGRESS-2001\n" },
	{ "the ends of what there is", { { 4294967294, 4294967294 }, { 1, 1 } },
	  "EGRESS: not 1-4294967294: leave\n"
	  "EGRESS: 1: EGRESS-1\n"
	  "EGRESS: 4294967294: EGRESS-4294967294\n" },
	{ "the same one twice", { { 7, 9 }, { 7, 9 } },
	  "EGRESS: not 7-9: leave\n"
	  "EGRESS: 7-9: EGRESS-7-9\n" },
	{ "neighbours have chains of their own", { { 7, 9 }, { 10, 12 } },
	  "EGRESS: not 7-12: leave\n"
	  "EGRESS: 7-9: EGRESS-7-9\n"
	  "EGRESS: 10-12: EGRESS-10-12\n" },
	{ "the narrowest decides", { { 20000, 29999 }, { 20005, 20005 }, { 2001, 2001 } },
	  "EGRESS: not 2001-29999: leave\n"
	  "EGRESS: 2001: EGRESS-2001\n"
	  "EGRESS: 20000-20004: EGRESS-20000-29999\n"
	  "EGRESS: 20005: EGRESS-20005\n"
	  "EGRESS: 20006-29999: EGRESS-20000-29999\n" },
	{ "one that others cover decides nothing", { { 5, 8 }, { 5, 6 }, { 7, 8 } },
	  "EGRESS: not 5-8: leave\n"
	  "EGRESS: 5-6: EGRESS-5-6\n"
	  "EGRESS: 7-8: EGRESS-7-8\n" },
	{ "of two as wide the first decides, and what it leaves is one", { { 3, 6 }, { 5, 8 }, { 5, 5 } },
	  "EGRESS: not 3-8: leave\n"
	  "EGRESS: 3-4: EGRESS-3-6\n"
	  "EGRESS: 5: EGRESS-5\n"
	  "EGRESS: 6: EGRESS-3-6\n"
	  "EGRESS: 7-8: EGRESS-5-8\n" },
	{ "touching stretches of one chain are one", { { 1, 9 }, { 3, 12 } },
	  "EGRESS: not 1-12: leave\n"
	  "EGRESS: 1-9: EGRESS-1-9\n"
	  "EGRESS: 10-12: EGRESS-3-12\n" },
	{ "more than a bucket is cut where first uids first differ",
	  { { 8, 8 }, { 9, 9 }, { 10, 10 }, { 11, 11 }, { 12, 12 } },
	  "EGRESS: not 8-12: leave\n"
	  "EGRESS: 8-11: EGRESS.8/30\n"
	  "EGRESS: 12: EGRESS-12\n"
	  "EGRESS.8/30: 8: EGRESS-8\n"
	  "EGRESS.8/30: 9: EGRESS-9\n"
	  "EGRESS.8/30: 10: EGRESS-10\n"
	  "EGRESS.8/30: 11: EGRESS-11\n" },
	{ "upper halves stay in the chain",
	  { { 1, 1 }, { 16, 16 }, { 24, 24 }, { 28, 28 }, { 29, 29 }, { 30, 30 }, { 31, 31 } },
	  "EGRESS: not 1-31: leave\n"
	  "EGRESS: 1: EGRESS.0/28\n"
	  "EGRESS: 16: EGRESS.16/29\n"
	  "EGRESS: 24: EGRESS.24/30\n"
	  "EGRESS: 28: EGRESS-28\n"
	  "EGRESS: 29: EGRESS-29\n"
	  "EGRESS: 30: EGRESS-30\n"
	  "EGRESS: 31: EGRESS-31\n"
	  "EGRESS.0/28: 1: EGRESS-1\n"
	  "EGRESS.16/29: 16: EGRESS-16\n"
	  "EGRESS.24/30: 24: EGRESS-24\n" },
	{ "a range belongs where it begins, however far it goes",
	  { { 3, 3 }, { 4, 4 }, { 5, 5 }, { 6, 1000 }, { 1001, 1001 } },
	  "EGRESS: not 3-1001: leave\n"
	  "EGRESS: 3-1000: EGRESS.0/23\n"
	  "EGRESS: 1001: EGRESS-1001\n"
	  "EGRESS.0/23: 3: EGRESS-3\n"
	  "EGRESS.0/23: 4: EGRESS-4\n"
	  "EGRESS.0/23: 5: EGRESS-5\n"
	  "EGRESS.0/23: 6-1000: EGRESS-6-1000\n" },
};

START_TEST(the_layout_is_as_written_down)
{
	struct dispatch dispatch;
	size_t count = 0;
	char *text;

	while (golden[_i].subjects[count].last)
		count++;
	dispatch = make(golden[_i].subjects, count);
	text = print(&dispatch);
	ck_assert_msg(strcmp(text, golden[_i].text) == 0, "%s: is\n%s", golden[_i].name, text);
	free(text);
	dispatch_clear(&dispatch);
}
END_TEST

/* --- Against the plainest search --- */

/* What the kernel does: rule by rule, and how many matches it looks at. */
static const struct uid_range *follow(const struct dispatch *dispatch, uid_t uid, size_t *matches)
{
	const struct dispatch_chain *chain = dispatch_find_chain(dispatch, DISPATCH_ROOT);
	size_t k = 0;

	*matches = 0;
	while (chain && k < chain->count) {
		const struct dispatch_rule *rule = &dispatch->rules[chain->first + k++];
		bool in = rule->uids.first <= uid && uid <= rule->uids.last;

		++*matches;
		if (rule->kind == DISPATCH_GUARD) {
			if (!in)
				return NULL;
		} else if (in && rule->kind == DISPATCH_SUBJECT) {
			return &rule->to;
		} else if (in) {
			chain = dispatch_find_chain(dispatch, rule->to);
			ck_assert_ptr_nonnull(chain);
			k = 0;
		}
	}
	return NULL;
}

static const struct uid_range *search(const struct uid_range *subjects, size_t count, uid_t uid)
{
	const struct uid_range *best = NULL;

	for (size_t i = 0; i < count; i++) {
		if (uid < subjects[i].first || uid > subjects[i].last)
			continue;
		if (!best || dispatch_order(subjects[i], *best) < 0)
			best = &subjects[i];
	}
	return best;
}

static bool same(const struct uid_range *a, const struct uid_range *b)
{
	return a && b ? uid_range_compare(*a, *b) == 0 : a == b;
}

static void check_uid(const struct dispatch *dispatch, const struct uid_range *subjects, size_t count,
		      uid_t uid)
{
	size_t matches;
	const struct uid_range *is = follow(dispatch, uid, &matches), *wanted = search(subjects, count, uid);

	ck_assert_msg(same(is, wanted), "uid %u: %u-%u, not %u-%u", uid, is ? is->first : 0,
		      is ? is->last : 0, wanted ? wanted->first : 0, wanted ? wanted->last : 0);
}

/* A generator of our own: the same sets everywhere. */
static uint64_t state;

static uint32_t random_below(uint32_t bound)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 32) % bound;
}

/* Some sets crowd, some spread; some are uids, some wide ranges, some both. */
static size_t random_subjects(struct uid_range *subjects, size_t most)
{
	uint32_t span = 2u << random_below(31), width = 1u << random_below(12);
	uid_t base = 1 + random_below(UINT32_MAX - span - 1);
	size_t count = random_below((uint32_t)most + 1);

	for (size_t i = 0; i < count; i++) {
		uid_t first = base + random_below(span);
		uint32_t wide = random_below(2) ? 0 : random_below(width);

		subjects[i].first = first;
		subjects[i].last = wide > UINT32_MAX - 1 - first ? UINT32_MAX - 1 : first + wide;
	}
	return count;
}

START_TEST(every_uid_goes_where_a_search_says)
{
	struct uid_range subjects[80];

	state = 1;
	for (int round = 0; round < ROUNDS; round++) {
		size_t count = random_subjects(subjects, ARRAY_SIZE(subjects));
		struct dispatch dispatch = make(subjects, count);

		for (size_t i = 0; i < count; i++) {
			check_uid(&dispatch, subjects, count, subjects[i].first - 1);
			check_uid(&dispatch, subjects, count, subjects[i].first);
			check_uid(&dispatch, subjects, count, subjects[i].last);
			check_uid(&dispatch, subjects, count, subjects[i].last + 1);
			check_uid(&dispatch, subjects, count, random_below(UINT32_MAX));
		}
		check_uid(&dispatch, subjects, count, 0);
		check_uid(&dispatch, subjects, count, UINT32_MAX);
		dispatch_clear(&dispatch);
	}
}
END_TEST

/* The kernel refuses a rule with a uid that its user namespace lacks: only what is held is there for sure. */
START_TEST(rules_begin_and_end_with_held_uids)
{
	struct uid_range subjects[80];

	state = 6;
	for (int round = 0; round < ROUNDS / 10; round++) {
		size_t count = random_subjects(subjects, ARRAY_SIZE(subjects));
		struct dispatch dispatch = make(subjects, count);

		for (size_t i = 0; i < dispatch.rule_count; i++) {
			ck_assert_ptr_nonnull(search(subjects, count, dispatch.rules[i].uids.first));
			ck_assert_ptr_nonnull(search(subjects, count, dispatch.rules[i].uids.last));
		}
		dispatch_clear(&dispatch);
	}
}
END_TEST

struct walked {
	const struct dispatch *dispatch;
	uint64_t next;
};

static int see_stretch(void *context, struct uid_range uids, const struct uid_range *subject)
{
	struct walked *walked = context;
	size_t matches;

	ck_assert_uint_eq(uids.first, walked->next);
	ck_assert_uint_le(uids.first, uids.last);
	ck_assert(same(follow(walked->dispatch, uids.first, &matches), subject));
	ck_assert(same(follow(walked->dispatch, uids.last, &matches), subject));
	walked->next = (uint64_t)uids.last + 1;
	return 0;
}

START_TEST(a_walk_sees_every_uid_once_and_in_order)
{
	struct uid_range subjects[80];

	state = 2;
	for (int round = 0; round < ROUNDS; round++) {
		size_t count = random_subjects(subjects, ARRAY_SIZE(subjects));
		uid_t a = random_below(UINT32_MAX), b = random_below(UINT32_MAX);
		struct uid_range uids = { a < b ? a : b, a < b ? b : a };
		struct dispatch dispatch = make(subjects, count);
		struct walked walked = { .dispatch = &dispatch };

		if (round % 2 && count > 0)
			uids = subjects[0];
		if (round % 3 == 0)
			uids = DISPATCH_ROOT;
		walked.next = uids.first;
		ck_assert_int_eq(dispatch_walk(&dispatch, uids, see_stretch, &walked), 0);
		ck_assert_uint_eq(walked.next, (uint64_t)uids.last + 1);
		dispatch_clear(&dispatch);
	}
}
END_TEST

static int stop(void *context, struct uid_range uids, const struct uid_range *subject)
{
	(void)uids;
	(void)subject;
	++*(int *)context;
	return 7;
}

START_TEST(a_walk_stops_when_it_is_told_to)
{
	static const struct uid_range subjects[] = { { 5, 6 }, { 8, 9 }, { 11, 11 } };
	struct dispatch dispatch = make(subjects, ARRAY_SIZE(subjects));
	int calls = 0;

	ck_assert_int_eq(dispatch_walk(&dispatch, DISPATCH_ROOT, stop, &calls), 7);
	ck_assert_int_eq(dispatch_walk(&dispatch, (struct uid_range){ 7, 10 }, stop, &calls), 7);
	ck_assert_int_eq(calls, 2);
	dispatch_clear(&dispatch);
}
END_TEST

/* --- What it costs --- */

static uid_t in_a_row(size_t i) { return 20000 + (uid_t)i; }
static uid_t by_the_hundred(size_t i) { return 20000 + 100 * (uid_t)i; }
static uid_t anywhere(size_t i) { (void)i; return 1000 + random_below(1u << 30); }

static const struct {
	uid_t (*uid)(size_t i);
	uint32_t width;
	size_t worst; /* log2(MANY) is 13.3 */
} crowds[] = {
	{ in_a_row, 1, 18 }, { by_the_hundred, 1, 18 }, { by_the_hundred, 100, 18 }, { anywhere, 1, 24 },
};

static void check_matches(const struct dispatch *dispatch, uid_t uid, size_t worst)
{
	size_t matches;

	follow(dispatch, uid, &matches);
	ck_assert_msg(matches <= worst, "uid %u: %zu matches", uid, matches);
}

START_TEST(matches_grow_with_the_logarithm)
{
	struct uid_range *subjects = calloc(MANY, sizeof(*subjects));
	struct dispatch dispatch;

	state = 3;
	for (size_t i = 0; i < MANY; i++) {
		subjects[i].first = crowds[_i].uid(i);
		subjects[i].last = subjects[i].first + crowds[_i].width - 1;
	}
	dispatch = make(subjects, MANY);
	for (size_t i = 0; i < MANY; i++) {
		check_matches(&dispatch, subjects[i].first, crowds[_i].worst);
		check_matches(&dispatch, subjects[i].last + 1, crowds[_i].worst);
	}
	check_matches(&dispatch, 999, 1);
	check_matches(&dispatch, UINT32_MAX - 1, 1);
	for (size_t i = 0; i < dispatch.chain_count; i++)
		ck_assert_uint_le(dispatch.chains[i].count, DISPATCH_RULES_MAX);
	dispatch_clear(&dispatch);
	free(subjects);
}
END_TEST

START_TEST(the_worst_set_is_as_deep_as_a_uid_is_long)
{
	struct uid_range subjects[128];
	size_t count = 0;
	struct dispatch dispatch;

	for (int bit = 0; bit < 31; bit++)
		for (uid_t k = 0; k < 4; k++)
			subjects[count++] = (struct uid_range){ (1u << bit) + k, (1u << bit) + k };
	dispatch = make(subjects, count);
	for (size_t i = 0; i < count; i++)
		check_matches(&dispatch, subjects[i].first, DISPATCH_RULES_MAX);
	dispatch_clear(&dispatch);
}
END_TEST

/* --- A function of the set, that changes little with it --- */

START_TEST(the_order_of_subjects_does_not_matter)
{
	struct uid_range subjects[80];

	state = 4;
	for (int round = 0; round < ROUNDS / 10; round++) {
		size_t count = random_subjects(subjects, ARRAY_SIZE(subjects));
		struct dispatch a = make(subjects, count), b;
		char *text_a = print(&a), *text_b;

		for (size_t i = 0; i < count; i++) {
			size_t k = random_below((uint32_t)count);
			struct uid_range moved = subjects[i];

			subjects[i] = subjects[k];
			subjects[k] = moved;
		}
		b = make(subjects, count);
		text_b = print(&b);
		ck_assert_str_eq(text_a, text_b);
		free(text_a);
		free(text_b);
		dispatch_clear(&a);
		dispatch_clear(&b);
	}
}
END_TEST

static size_t count_unlike(const struct dispatch *a, const struct dispatch *b)
{
	size_t unlike = 0;

	for (size_t i = 0; i < a->chain_count; i++) {
		const struct dispatch_chain *other = dispatch_find_chain(b, a->chains[i].block);

		unlike += !other || !dispatch_same_chain(a, &a->chains[i], b, other);
	}
	return unlike;
}

START_TEST(one_more_changes_little)
{
	struct uid_range *subjects = calloc(MANY, sizeof(*subjects));
	size_t all = 0, rounds = MANY - MANY / 2;

	state = 5;
	for (size_t i = 0; i < MANY; i++) {
		uid_t uid = 1000 + random_below(1u << 20);

		subjects[i] = (struct uid_range){ uid, uid };
	}
	for (size_t count = MANY / 2; count < MANY; count += 100) {
		struct dispatch before = make(subjects, count), after = make(subjects, count + 1);
		size_t unlike = count_unlike(&after, &before) + count_unlike(&before, &after);

		/* A new lowest uid widens every branch on its way. */
		ck_assert_uint_le(unlike, 2 * 32);
		all += unlike;
		dispatch_clear(&before);
		dispatch_clear(&after);
	}
	ck_assert_uint_le(all, rounds / 100 * 6);
	free(subjects);
}
END_TEST

START_TEST(a_rule_of_others_makes_a_chain_another)
{
	static const struct uid_range subjects[] = { { 5, 6 } };
	struct dispatch a = make(subjects, 1), b = make(subjects, 1);

	ck_assert(dispatch_same_chain(&a, &a.chains[0], &b, &b.chains[0]));
	b.chains[0].foreign = 1;
	ck_assert(!dispatch_same_chain(&a, &a.chains[0], &b, &b.chains[0]));
	dispatch_clear(&a);
	dispatch_clear(&b);
}
END_TEST

/* --- Names and ranges --- */

static const struct {
	struct uid_range block;
	const char *name;
} names[] = {
	{ { 0, 2147483647 }, "EGRESS.0/1" },
	{ { 20480, 24575 }, "EGRESS.20480/20" },
	{ { 4294967292, 4294967295 }, "EGRESS.4294967292/30" },
};

START_TEST(chain_names_go_both_ways)
{
	char name[PLAN_CHAIN_MAX];
	struct uid_range block;

	ck_assert_str_eq(dispatch_chain_name(names[_i].block, name), names[_i].name);
	ck_assert_uint_le(strlen(name), 28);
	ck_assert_int_eq(dispatch_parse_chain_name(name, &block), 0);
	ck_assert_int_eq(uid_range_compare(block, names[_i].block), 0);
	ck_assert_int_eq(plan_parse_chain_name(name, &block), -EINVAL);
}
END_TEST

static const char *const foreign_names[] = {
	"EGRESS", "EGRESS.", "EGRESS.8", "EGRESS.8/", "EGRESS./30", "EGRESS.8/0", "EGRESS.8/32", "EGRESS.9/30",
	"EGRESS.08/30", "EGRESS.8/030", "EGRESS.8/30/", "EGRESS.8/30 ", "EGRESS.4294967296/20", "EGRESS-8/30",
	"egress.8/30", "EGRESS-2001", "EGRESS.8-11", "E", "", "EGRESS.88888888888888888888888888888888888/30",
};

START_TEST(other_names_are_not_ours)
{
	struct uid_range block = { 7, 7 };

	ck_assert_int_eq(dispatch_parse_chain_name(foreign_names[_i], &block), -EINVAL);
	ck_assert_uint_eq(block.first, 7);
}
END_TEST

START_TEST(the_first_chain_has_the_plain_name)
{
	char name[PLAN_CHAIN_MAX];

	ck_assert_str_eq(dispatch_chain_name(DISPATCH_ROOT, name), "EGRESS");
}
END_TEST

START_TEST(ranges_overlap_at_their_ends)
{
	const struct uid_range a = { 10, 20 };

	ck_assert(dispatch_overlap(a, (struct uid_range){ 20, 30 }));
	ck_assert(dispatch_overlap(a, (struct uid_range){ 1, 10 }));
	ck_assert(dispatch_overlap(a, (struct uid_range){ 12, 13 }));
	ck_assert(!dispatch_overlap(a, (struct uid_range){ 21, 30 }));
	ck_assert(!dispatch_overlap(a, (struct uid_range){ 1, 9 }));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dispatch");
	TCase *tests = tcase_create("dispatch");

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, the_layout_is_as_written_down, 0, ARRAY_SIZE(golden));
	tcase_add_test(tests, every_uid_goes_where_a_search_says);
	tcase_add_test(tests, rules_begin_and_end_with_held_uids);
	tcase_add_test(tests, a_walk_sees_every_uid_once_and_in_order);
	tcase_add_test(tests, a_walk_stops_when_it_is_told_to);
	tcase_add_loop_test(tests, matches_grow_with_the_logarithm, 0, ARRAY_SIZE(crowds));
	tcase_add_test(tests, the_worst_set_is_as_deep_as_a_uid_is_long);
	tcase_add_test(tests, the_order_of_subjects_does_not_matter);
	tcase_add_test(tests, one_more_changes_little);
	tcase_add_test(tests, a_rule_of_others_makes_a_chain_another);
	tcase_add_loop_test(tests, chain_names_go_both_ways, 0, ARRAY_SIZE(names));
	tcase_add_loop_test(tests, other_names_are_not_ours, 0, ARRAY_SIZE(foreign_names));
	tcase_add_test(tests, the_first_chain_has_the_plain_name);
	tcase_add_test(tests, ranges_overlap_at_their_ends);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
