/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "segments.h"
#include "unit.h"

#include <stdlib.h>

#define NOBODY SIZE_MAX

/* What segments_make must give, the slow way. */
static size_t decide(const struct uid_range *ranges, size_t count, uid_t uid)
{
	size_t best = NOBODY;

	for (size_t i = 0; i < count; i++) {
		uid_t width = ranges[i].last - ranges[i].first;

		if (uid < ranges[i].first || uid > ranges[i].last)
			continue;
		if (best == NOBODY || width < ranges[best].last - ranges[best].first ||
		    (width == ranges[best].last - ranges[best].first && ranges[i].first < ranges[best].first))
			best = i;
	}
	return best;
}

static size_t find(const struct segment *segments, size_t count, uid_t uid)
{
	for (size_t i = 0; i < count; i++)
		if (segments[i].uids.first <= uid && uid <= segments[i].uids.last)
			return segments[i].range;
	return NOBODY;
}

static void check_sorted(const struct segment *segments, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_le(segments[i].uids.first, segments[i].uids.last);
		if (i == 0)
			continue;
		ck_assert_uint_gt(segments[i].uids.first, segments[i - 1].uids.last);
		ck_assert(segments[i].range != segments[i - 1].range ||
			  segments[i].uids.first > segments[i - 1].uids.last + 1);
	}
}

/* Of two equal ranges either will do. */
static void check_same(const struct uid_range *ranges, size_t a, size_t b)
{
	if (a == NOBODY || b == NOBODY)
		ck_assert_uint_eq(a, b);
	else
		ck_assert_int_eq(uid_range_compare(ranges[a], ranges[b]), 0);
}

static void check(const struct uid_range *ranges, size_t count)
{
	struct segment *segments;
	size_t made;

	ck_assert_int_eq(segments_make(ranges, count, &segments, &made), 0);
	check_sorted(segments, made);
	for (size_t i = 0; i < count; i++) {
		const uid_t near[] = { ranges[i].first - 1, ranges[i].first, ranges[i].first + 1,
				       ranges[i].last - 1,  ranges[i].last,  ranges[i].last + 1 };

		for (size_t k = 0; k < sizeof(near) / sizeof(near[0]); k++)
			check_same(ranges, find(segments, made, near[k]), decide(ranges, count, near[k]));
	}
	free(segments);
}

START_TEST(nothing)
{
	struct segment *segments;
	size_t count = 9;

	ck_assert_int_eq(segments_make(NULL, 0, &segments, &count), 0);
	ck_assert_uint_eq(count, 0);
	free(segments);
}
END_TEST

START_TEST(nested)
{
	const struct uid_range ranges[] = { { 20000, 29999 }, { 20000, 20009 }, { 25000, 25000 } };
	struct segment *segments;
	size_t count;

	ck_assert_int_eq(segments_make(ranges, 3, &segments, &count), 0);
	ck_assert_uint_eq(count, 4);
	ck_assert_uint_eq(segments[0].uids.last, 20009);
	ck_assert_uint_eq(segments[0].range, 1);
	ck_assert_uint_eq(segments[1].uids.first, 20010);
	ck_assert_uint_eq(segments[1].uids.last, 24999);
	ck_assert_uint_eq(segments[2].range, 2);
	ck_assert_uint_eq(segments[3].uids.last, 29999);
	ck_assert_uint_eq(segments[3].range, 0);
	free(segments);
}
END_TEST

START_TEST(hidden)
{
	const struct uid_range ranges[] = { { 10, 19 }, { 10, 14 }, { 15, 19 } };

	check(ranges, 3);
}
END_TEST

START_TEST(backwards)
{
	const struct uid_range ranges[] = { { 30, 10 }, { 5, 7 } };
	struct segment *segments;
	size_t count;

	ck_assert_int_eq(segments_make(ranges, 2, &segments, &count), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(segments[0].range, 1);
	free(segments);
}
END_TEST

START_TEST(ends)
{
	const struct uid_range ranges[] = { { 1, 1 }, { 4294967294, 4294967295 }, { 4294967295, 4294967295 } };

	check(ranges, 3);
}
END_TEST

START_TEST(like_a_linear_search)
{
	srandom(1);
	for (int round = 0; round < 5000; round++) {
		struct uid_range ranges[12];
		size_t count = (size_t)random() % 12 + 1;

		for (size_t i = 0; i < count; i++) {
			ranges[i].first = 1 + (uid_t)random() % 60;
			ranges[i].last = ranges[i].first + (uid_t)random() % 20;
		}
		check(ranges, count);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("segments");
	TCase *tcase = tcase_create("segments");

	tcase_add_test(tcase, nothing);
	tcase_add_test(tcase, nested);
	tcase_add_test(tcase, hidden);
	tcase_add_test(tcase, backwards);
	tcase_add_test(tcase, ends);
	tcase_add_test(tcase, like_a_linear_search);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
