/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What replace, remove, list and probe do and leave alone. */
#include "packets.h"
#include "promises.h"

#include "util.h"

#include <string.h>

#define SHORT_MS 1000 /* for what can only end at the deadline */

/* ---- replace ----------------------------------------------------------------------------------- */

START_TEST(replace_makes_the_kernel_equal_to_the_plans)
{
	struct plan plans[] = { plan_of("2001", DOOR), plan_of("2002", "192.0.2.0/24,tcp,1-3,5 nolog"),
				plan_of("2003", ""), plan_of("20000-29999", "::/0 0.0.0.0/0,udp drop") };

	hold_plans(plans, ARRAY_SIZE(plans));
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++)
		ck_assert_msg(is_held(&plans[i]), "plan %zu", i);
	hold_plans(plans, 1);
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++)
		ck_assert_msg(is_held(&plans[i]), "plan %zu afterwards", i);
}
END_TEST

START_TEST(replace_of_what_stands_writes_nothing)
{
	unsigned long writes;
	const char *before;

	hold_others();
	hold("2001", DOOR);
	before = host_dump();
	writes = host->writes();
	hold("2001", DOOR);
	hold_others();
	hold_plans(NULL, 0);
	ck_assert_uint_eq(host->writes(), writes);
	unchanged(before, host_dump());
	/* That something is written shows. */
	hold("2001", OTHER_DOOR);
	ck_assert_uint_gt(host->writes(), writes);
}
END_TEST

START_TEST(replace_that_fails_leaves_everything_as_it_was)
{
	struct plan plans[] = { plan_of("2001", OTHER_DOOR), plan_of("2003", DOOR) };
	struct uid_range subjects[] = { uids_of("2001"), uids_of("2002") };
	const struct outage *outage = &host->outages[_i];
	struct deadline late = deadline_in_ms(5L * SHORT_MS);
	const char *before;
	int held, gone;

	hold_others();
	hold("2001", DOOR);
	before = host_dump();
	seam_deadline_ms = SHORT_MS;
	host->break_down(outage->script);
	held = try_hold(plans, ARRAY_SIZE(plans));
	host->break_down(NULL);
	ck_assert_msg(deadline_left_ms(&late) > 0, "%s: past the deadline", outage->name);
	if (outage->outcome == OLD_OR_NEW) {
		bool new = is_held(&plans[0]);

		/* Between two transactions nobody is let out. */
		ck_assert_msg(held == -EIO || new == is_held(&plans[1]), "%s: in part", outage->name);
		ck_assert_msg(packet_send(2001, "127.0.0.1", 10) != 0, "%s: open", outage->name);
		ck_assert_msg(held || new, "%s: said to be done, and is not", outage->name);
		ck_assert_msg(new || held == -EIO || strcmp(before, host_dump()) == 0, "%s: something changed",
			      outage->name);
		others_are_held();
		return;
	}
	ck_assert_msg(held || outage->outcome == AS_LISTED, "%s: no error", outage->name);
	unchanged(before, host_dump());
	host->break_down(outage->script);
	gone = try_release(subjects, ARRAY_SIZE(subjects));
	host->break_down(NULL);
	ck_assert_msg(gone || outage->outcome == AS_LISTED, "%s: no error of remove", outage->name);
	unchanged(before, host_dump());
	ck_held("2001", DOOR);
	ck_absent("2003");
	others_are_held();
}
END_TEST

START_TEST(both_families_or_none_where_nothing_stood)
{
	struct plan plans[] = { plan_of("2001", DOOR), plan_of("2003", DOOR) };
	const struct outage *outage = &host->outages[_i];
	const char *before = host_dump();
	int error;

	seam_deadline_ms = SHORT_MS;
	host->break_down(outage->script);
	error = try_hold(plans, ARRAY_SIZE(plans));
	host->break_down(NULL);
	if (outage->outcome == OLD_OR_NEW && is_held(&plans[0])) {
		ck_assert(is_held(&plans[1]));
		return;
	}
	ck_assert_msg(error || outage->outcome == AS_LISTED, "%s: no error", outage->name);
	unchanged(before, host_dump());
}
END_TEST

START_TEST(an_impossible_plan_takes_the_others_down_with_it)
{
	static const char *const never[] = { "0", "0-5", "0-4294967294" };
	struct plan plans[] = { plan_of("2001", OTHER_DOOR), plan_of("2003", DOOR), plan_of("2004", DOOR) };
	const char *before;

	hold_others();
	hold("2001", DOOR);
	before = host_dump();
	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		struct uid_range subjects[] = { uids_of("2001"), uids_of(never[i]) };

		plans[1].uids = subjects[1];
		ck_assert_int_eq(try_hold(plans, ARRAY_SIZE(plans)), -EINVAL);
		ck_assert_int_eq(try_release(subjects, ARRAY_SIZE(subjects)), -EINVAL);
		unchanged(before, host_dump());
	}
}
END_TEST

START_TEST(uid_0_passes_whatever_is_held)
{
	hold("1-4294967294", "");
	ck_assert(!passes(2001, 9));
	ck_assert(passes(0, 9));
}
END_TEST

/* ---- remove ------------------------------------------------------------------------------------ */

START_TEST(remove_of_the_absent_succeeds_and_changes_nothing)
{
	unsigned long writes;
	const char *before = host_dump();

	release("2001 20000-29999");
	unchanged(before, host_dump());
	hold_others();
	before = host_dump();
	writes = host->writes();
	/* Neither part of a range nor more than it is what stands. */
	release("2001 20000 20000-20009 2000-29999");
	ck_assert_uint_eq(host->writes(), writes);
	unchanged(before, host_dump());
	release("2001 2002");
	ck_absent("2002");
	ck_held("20000-29999", OTHER_DOOR);
}
END_TEST

START_TEST(with_the_last_account_all_that_is_ours_is_gone)
{
	const char *before = host_dump();

	for (int times = 0; times < 2; times++) {
		hold_others();
		hold("2001", DOOR);
		hold("2001", "drop");
		hold("20005", DOOR);
		release("2001");
		release("20000-29999 2002");
		ck_held("20005", DOOR);
		release("20005");
		unchanged(before, host_dump());
	}
}
END_TEST

START_TEST(a_removed_account_is_free)
{
	hold_others();
	hold("2001", "");
	ck_assert(!passes(2001, 9));
	release("2001");
	ck_assert(passes(2001, 9));
	ck_assert(!passes(2002, 10));
}
END_TEST

/* ---- list -------------------------------------------------------------------------------------- */

START_TEST(list_is_ascending_and_complete)
{
	static const char *const order[] = { "2001", "3000", "19999-20000", "20001-29999", "20005", "4294967294" };
	struct plan plans[] = { plan_of(order[3], DOOR), plan_of(order[5], DOOR), plan_of(order[0], DOOR),
				plan_of(order[4], "drop"), plan_of(order[2], "") };
	struct listing all;

	hold_plans(plans, ARRAY_SIZE(plans));
	hold(order[1], "");
	all = list(NULL);
	ck_assert_uint_eq(all.count, ARRAY_SIZE(order));
	for (size_t i = 0; i < all.count; i++) {
		char text[UID_RANGE_TEXT_MAX];

		ck_assert_str_eq(addr_print_uid_range(all.standing[i].plan.uids, text), order[i]);
		ck_assert_ptr_null(all.standing[i].drift);
	}
	listing_free(&all);
}
END_TEST

START_TEST(list_of_one_is_that_one)
{
	hold_others();
	hold("20005", "nolog");
	ck_held("20005", "nolog");
	ck_held("20000-29999", OTHER_DOOR);
	ck_absent("20000");
	ck_absent("20000-20005");
	ck_absent("2001");
}
END_TEST

START_TEST(an_open_handle_sees_what_others_do)
{
	struct backend *backend = NULL;
	struct standing *standing = NULL;
	size_t count = 7;

	ck_assert_int_eq(ops->open(NULL, &said, &backend), 0);
	ck_assert_int_eq(ops->list(backend, NULL, &said, &standing, &count), 0);
	ck_assert_uint_eq(count, 0);
	standing_free(standing, count);
	hold("2001", DOOR);
	ck_assert_int_eq(ops->list(backend, NULL, &said, &standing, &count), 0);
	ck_assert_uint_eq(count, 1);
	standing_free(standing, count);
	release("2001");
	ck_assert_int_eq(ops->list(backend, NULL, &said, &standing, &count), 0);
	ck_assert_uint_eq(count, 0);
	standing_free(standing, count);
	ops->close(backend);
}
END_TEST

START_TEST(looking_loads_nothing_and_makes_no_table)
{
	enum backend_presence presence;
	unsigned long writes = host->writes();
	struct listing all;

	ck_assert_int_eq(ops->probe(&said, &presence), 0);
	all = list(NULL);
	ck_assert_uint_eq(all.count, 0);
	listing_free(&all);
	release("2001 20000-29999");
	ck_assert_msg(host_status(host->is_untouched) == 0, "there is a table now");
	ck_assert_uint_eq(host->writes(), writes);
	hold("2001", DOOR);
	ck_assert_msg(host_status(host->is_untouched) != 0, "a hold cannot be seen");
}
END_TEST

START_TEST(probe_tells_who_is_there)
{
	enum backend_presence presence = BACKEND_LOADABLE;

	ck_assert_int_eq(ops->probe(&said, &presence), 0);
	ck_assert_int_ne(presence, BACKEND_IN_USE);
	hold("2001", DOOR);
	ck_assert_int_eq(ops->probe(&said, &presence), 0);
	ck_assert_int_eq(presence, BACKEND_IN_USE);
}
END_TEST

/* ---- many -------------------------------------------------------------------------------------- */

#define MANY 2000

static uid_t uid_of_many(size_t i)
{
	return (uid_t)(100000 + 3 * i);
}

static void all_are_held(const struct plan *plans)
{
	struct listing all = list(NULL);

	ck_assert_uint_eq(all.count, MANY);
	for (size_t i = 0; i < MANY; i++) {
		ck_assert_uint_eq(all.standing[i].plan.uids.first, uid_of_many(i));
		ck_assert_ptr_null(all.standing[i].drift);
		ck_assert_uint_eq(all.standing[i].plan.rule_count, plans[i].rule_count);
	}
	listing_free(&all);
}

START_TEST(two_thousand_accounts_in_one_replace_and_one_remove)
{
	static struct plan plans[MANY];
	static struct uid_range subjects[MANY];
	const char *before = host_rules();
	char text[UID_RANGE_TEXT_MAX];

	for (size_t i = 0; i < MANY; i++) {
		subjects[i] = (struct uid_range){ uid_of_many(i), uid_of_many(i) };
		plans[i] = plan_of(addr_print_uid_range(subjects[i], text), i % 2 ? OTHER_DOOR : DOOR);
	}
	hold_plans(plans, MANY);
	all_are_held(plans);
	if (host->can & CAN_SEND) {
		ck_assert(passes(uid_of_many(0), 9) && !passes(uid_of_many(0), 7));
		ck_assert(passes(uid_of_many(MANY - 1), 7) && !passes(uid_of_many(MANY - 1), 9));
		ck_assert(passes(uid_of_many(0) - 1, 10) && passes(uid_of_many(1000) + 1, 10));
	}
	ck_assert_msg(try_release(subjects, MANY) == 0, "%s", said.line);
	unchanged(before, host_rules());
}
END_TEST

void promises_change(TCase *tcase)
{
	PROMISE(replace_makes_the_kernel_equal_to_the_plans, 0);
	PROMISE(replace_of_what_stands_writes_nothing, 0);
	PROMISE_EACH(replace_that_fails_leaves_everything_as_it_was, CAN_BREAK, host->outage_count);
	PROMISE_EACH(both_families_or_none_where_nothing_stood, CAN_BREAK, host->outage_count);
	PROMISE(an_impossible_plan_takes_the_others_down_with_it, CAN_JUDGE);
	PROMISE(uid_0_passes_whatever_is_held, CAN_SEND);
	PROMISE(remove_of_the_absent_succeeds_and_changes_nothing, 0);
	PROMISE(with_the_last_account_all_that_is_ours_is_gone, 0);
	PROMISE(a_removed_account_is_free, CAN_SEND);
	PROMISE(list_is_ascending_and_complete, 0);
	PROMISE(list_of_one_is_that_one, 0);
	PROMISE(an_open_handle_sees_what_others_do, CAN_PEEK);
	PROMISE(looking_loads_nothing_and_makes_no_table, CAN_SHARE);
	PROMISE(probe_tells_who_is_there, 0);
	PROMISE(two_thousand_accounts_in_one_replace_and_one_remove, 0);
}
