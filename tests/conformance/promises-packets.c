/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What packets meet, and who counts them. */
#include "promises.h"

#include "util.h"

/* ---- which plan decides ------------------------------------------------------------------------ */

START_TEST(several_profiles_stand_at_once)
{
	struct plan plans[] = { plan_of("2001", DOOR), plan_of("2002", OTHER_DOOR), plan_of("2003", DOOR),
				plan_of("2004", ""), plan_of("3000-3999", OTHER_DOOR),
				plan_of("5000-5999", DOOR) };

	hold_plans(plans, ARRAY_SIZE(plans));
	ck_assert(passes(2001, 9) && !passes(2001, 7));
	ck_assert(passes(2002, 7) && !passes(2002, 9));
	ck_assert(passes(2003, 9) && !passes(2003, 7));
	ck_assert(!passes(2004, 7) && !passes(2004, 9));
	ck_assert(passes(3000, 7) && passes(3999, 7) && !passes(3000, 9) && !passes(3999, 9));
	ck_assert(passes(5500, 9) && !passes(5500, 7));
	ck_assert(passes(4000, 7) && passes(4000, 9) && passes(2999, 9) && passes(2000, 7));
}
END_TEST

START_TEST(the_narrowest_decides)
{
	struct plan plans[] = { plan_of("2000-2999", ""), plan_of("2001", DOOR),
				plan_of("2000-2010", OTHER_DOOR) };

	hold_plans(plans, ARRAY_SIZE(plans));
	ck_assert(passes(2001, 9) && !passes(2001, 7));
	ck_assert(passes(2000, 7) && passes(2010, 7) && !passes(2002, 9));
	ck_assert(!passes(2011, 9) && !passes(2011, 7) && !passes(2999, 7));
	release("2000-2010");
	ck_assert(passes(2001, 9) && !passes(2001, 7) && !passes(2002, 7));
	hold("2000-2010", DOOR);
	ck_assert(passes(2002, 9) && !passes(2002, 7));
	release("2001");
	ck_assert(passes(2001, 9));
	release("2000-2010");
	ck_assert(!passes(2001, 9) && !passes(2001, 7));
	ck_held("2000-2999", "");
}
END_TEST

START_TEST(a_uid_moves_into_a_range_and_out_again)
{
	struct ear ears[] = { ear_open("127.0.0.1", 10), ear_open("::1", 10) };
	struct sender sender;

	hold("2001", DOOR);
	sender = sender_start(2001, ears, ARRAY_SIZE(ears));
	for (unsigned long i = 1; i <= 20; i++) {
		hold("2000-2999", OTHER_DOOR);
		release("2001");
		ck_absent("2001");
		sender_wait(&sender, 100 * i);
		hold("2001", DOOR);
		ck_held("2000-2999", OTHER_DOOR);
		release("2000-2999");
		ck_held("2001", DOOR);
	}
	ck_assert_uint_eq(sender_end(&sender), 0);
	ck_assert_uint_eq(ear_heard(&ears[0]) + ear_heard(&ears[1]), 0);
	ck_assert(passes(2001, 9) && !passes(2001, 7));
}
END_TEST

/* ---- no moment of openness --------------------------------------------------------------------- */

START_TEST(a_change_of_plan_has_no_moment_of_openness)
{
	static const char *const plans[] = { DOOR, OTHER_DOOR, "nolog", "192.0.2.1,tcp" };
	struct ear ears[] = { ear_open("127.0.0.1", 10), ear_open("::1", 10) };
	struct sender sender;
	unsigned int i;

	hold("2001", DOOR);
	sender = sender_start(2001, ears, ARRAY_SIZE(ears));
	for (i = 0; i < 200 || sender.tells->tries < 5000; i++) {
		hold("2001", plans[i % ARRAY_SIZE(plans)]);
		if (i % 2)
			hold_others();
		else
			release("2002 20000-29999");
	}
	ck_assert_uint_eq(ear_heard(&ears[0]) + ear_heard(&ears[1]), 0);
	ck_assert_uint_eq(sender.tells->sent, 0);
	/* The same sender is heard as soon as nothing holds it. */
	release("2001");
	sender_wait(&sender, sender.tells->tries + 100);
	ck_assert_uint_gt(sender_end(&sender), 0);
	ck_assert(ear_heard(&ears[0]) > 0 && ear_heard(&ears[1]) > 0);
}
END_TEST

/*
 * To a set that is looked at earlier, and back: a packet may be between the two. Neighbours of either plan keep both
 * alive. The narrower range takes uids out of the wider one, and gives them back.
 */
START_TEST(a_change_of_sets_has_no_moment_of_openness)
{
	static const char *const plans[] = { DOOR, OTHER_DOOR };
	struct ear ears[] = { ear_open("127.0.0.1", 10) };
	struct sender inside, outside, alone;

	hold("3001", DOOR);
	hold("3002", OTHER_DOOR);
	hold("3100-3101", DOOR);
	hold("3102-3103", OTHER_DOOR);
	hold("20000-29999", DOOR);
	hold("2001", DOOR);
	inside = sender_start(25000, ears, ARRAY_SIZE(ears));
	outside = sender_start(29000, ears, ARRAY_SIZE(ears));
	alone = sender_start(2001, ears, ARRAY_SIZE(ears));
	for (unsigned int i = 0; i < 300; i++) {
		hold("2001", plans[i % 2]);
		hold("20000-29999", plans[i % 2]);
		if (i % 6 == 0)
			hold("24000-25999", plans[i % 4 / 2]);
		else if (i % 6 == 3)
			release("24000-25999");
	}
	ck_assert_uint_eq(ear_heard(&ears[0]), 0);
	ck_assert_uint_eq(sender_end(&inside) + sender_end(&outside) + sender_end(&alone), 0);
}
END_TEST

/* ---- counters ---------------------------------------------------------------------------------- */

static void ck_counts(const char *uids, struct traffic allowed, struct traffic denied)
{
	struct listing one = list(uids);
	const struct standing *standing = one.standing;

	ck_assert_uint_eq(one.count, 1);
	ck_assert_msg(standing->allowed.packets == allowed.packets && standing->allowed.bytes == allowed.bytes &&
			      standing->denied.packets == denied.packets &&
			      standing->denied.bytes == denied.bytes,
		      "%s: allowed %ju packets %ju bytes, denied %ju packets %ju bytes", uids,
		      (uintmax_t)standing->allowed.packets, (uintmax_t)standing->allowed.bytes,
		      (uintmax_t)standing->denied.packets, (uintmax_t)standing->denied.bytes);
	listing_free(&one);
}

#define V4 29 /* bytes of a packet with one byte in it */
#define V6 49

/* 2001: 3 allowed, 2 denied; 2002: 2 denied; 20000-29999, by two of it: 2 allowed, 2 denied. */
static void hold_and_count(void)
{
	hold_others();
	hold("2001", DOOR);
	hold("2003", DOOR);
	ck_assert(passes(2001, 9) && !passes(2001, 10));
	ck_assert_int_eq(packet_send(2001, "::1", 9), 0);
	ck_assert(!passes(2002, 10));
	ck_assert(passes(20000, 7) && !passes(29999, 9));
}

static void others_are_counted(void)
{
	ck_counts("2002", (struct traffic){ 0, 0 }, (struct traffic){ 2, V4 + V6 });
	ck_counts("20000-29999", (struct traffic){ 2, V4 + V6 }, (struct traffic){ 2, V4 + V6 });
}

START_TEST(packets_count_for_their_account)
{
	hold_and_count();
	ck_counts("2001", (struct traffic){ 3, V4 + 2 * V6 }, (struct traffic){ 2, V4 + V6 });
	ck_counts("2003", (struct traffic){ 0, 0 }, (struct traffic){ 0, 0 });
	others_are_counted();
	/* Nobody else's count. */
	ck_assert(passes(0, 9) && passes(2004, 10));
	ck_counts("2001", (struct traffic){ 3, V4 + 2 * V6 }, (struct traffic){ 2, V4 + V6 });
	others_are_counted();
}
END_TEST

START_TEST(counters_survive_any_change_of_another_account)
{
	hold_and_count();
	hold("2001", OTHER_DOOR);
	others_are_counted();
	hold("2001", DOOR);
	hold("2003", "drop");
	hold("2000-2999", DOOR);
	hold("20005", OTHER_DOOR);
	/* In the midst of the range, of the same profile and of another. */
	hold("20100-20199", OTHER_DOOR);
	hold("20150-20160", DOOR);
	others_are_counted();
	release("2001 20005 20100-20199");
	others_are_counted();
	release("20150-20160");
	release("2000-2999 2003");
	others_are_counted();
	/* A plan that nobody else has comes, and goes. */
	hold("2001", "192.0.2.7,tcp,443");
	release("2001");
	others_are_counted();
}
END_TEST

START_TEST(own_counters_survive_the_same_plan)
{
	hold_and_count();
	hold("2001", DOOR);
	hold_others();
	ck_counts("2001", (struct traffic){ 3, V4 + 2 * V6 }, (struct traffic){ 2, V4 + V6 });
	others_are_counted();
}
END_TEST

void promises_packets(TCase *tcase)
{
	PROMISE(packets_count_for_their_account, CAN_SEND);
	PROMISE(counters_survive_any_change_of_another_account, CAN_SEND);
	PROMISE(own_counters_survive_the_same_plan, CAN_SEND);
	PROMISE(several_profiles_stand_at_once, CAN_SEND);
	PROMISE(the_narrowest_decides, CAN_SEND);
	PROMISE(a_uid_moves_into_a_range_and_out_again, CAN_SEND);
	PROMISE(a_change_of_plan_has_no_moment_of_openness, CAN_SEND);
	PROMISE(a_change_of_sets_has_no_moment_of_openness, CAN_SEND);
}
