/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only looks as if it went where it may go, and listeners of an account's own. */
#include "promises.h"

#include "util.h"

#include <errno.h>

static const char *const homes[] = { "127.0.0.1", "::1" };

#define OWN_PORT "127.0.0.1,tcp,8080 ::1,tcp,8080 nolog"
#define OWN 8080
#define OTHER 8081

static void ck_traffic(const char *uids, uintmax_t allowed, uintmax_t denied)
{
	struct listing listing = list(uids);

	ck_assert_uint_eq(listing.count, 1);
	ck_assert_uint_eq(listing.standing->allowed.packets, allowed);
	ck_assert_uint_eq(listing.standing->denied.packets, denied);
	listing_free(&listing);
}

START_TEST(what_could_be_forged_is_refused_and_counted)
{
	struct plan plans[] = { plan_of("2001", DOOR), plan_of("3000-3999", OTHER_DOOR) };

	for (size_t i = 0; i < ARRAY_SIZE(homes); i++)
		ck_assert_int_eq(packet_forge(2001, homes[i], 9), 0);
	hold_plans(plans, ARRAY_SIZE(plans));
	for (size_t i = 0; i < ARRAY_SIZE(homes); i++) {
		ck_assert_int_eq(packet_forge(2001, homes[i], 9), EPERM);
		ck_assert_int_eq(packet_forge(3500, homes[i], 7), EPERM);
		ck_assert_int_eq(packet_forge(2002, homes[i], 9), 0);
		ck_assert_int_eq(packet_forge(0, homes[i], 9), 0);
	}
	ck_traffic("2001", 0, 2);
	ck_assert(passes(2001, 9) && !passes(2001, 7));
	ck_traffic("2001", 2, 4);
	ck_traffic("3000-3999", 0, 2);
	/* The rule that counted what passed goes, what was refused stays refused. */
	hold("2001", OTHER_DOOR);
	ck_assert_int_eq(packet_forge(2001, "127.0.0.1", 7), EPERM);
	release("2001");
	ck_assert_int_eq(packet_forge(2001, "127.0.0.1", 9), 0);
	ck_assert_int_eq(packet_forge(3000, "::1", 7), EPERM);
}
END_TEST

START_TEST(a_listed_listener_answers)
{
	hold("2001", OWN_PORT);
	for (size_t i = 0; i < ARRAY_SIZE(homes); i++) {
		pid_t own = listener_start(2001, homes[i], OWN), other = listener_start(2001, homes[i], OTHER);

		ck_assert_int_eq(tcp_ask(2002, 0, homes[i], OWN), 0);
		ck_assert_int_eq(tcp_ask(0, 0, homes[i], OWN), 0);
		ck_assert_int_eq(tcp_ask(2001, 0, homes[i], OWN), 0);
		ck_assert_int_ne(tcp_ask(2002, 0, homes[i], OTHER), 0); /* is not listed, and mute */
		listener_end(own);
		listener_end(other);
	}
}
END_TEST

START_TEST(a_listed_port_opens_nothing)
{
	for (size_t i = 0; i < ARRAY_SIZE(homes); i++) {
		pid_t service = listener_start(2002, homes[i], OTHER);

		ck_assert_int_eq(tcp_ask(2001, OWN, homes[i], OTHER), 0);
		hold("2001", OWN_PORT);
		ck_assert_int_eq(tcp_ask(2001, OWN, homes[i], OTHER), ECONNREFUSED);
		ck_assert_int_eq(tcp_ask(2001, 0, homes[i], OTHER), ECONNREFUSED);
		ck_assert_int_eq(tcp_ask(2002, OWN, homes[i], OTHER), 0);
		release("2001");
		listener_end(service);
	}
}
END_TEST

void promises_loopback(TCase *tcase)
{
	PROMISE(what_could_be_forged_is_refused_and_counted, CAN_SEND);
	PROMISE(a_listed_listener_answers, CAN_SEND);
	PROMISE(a_listed_port_opens_nothing, CAN_SEND);
}
