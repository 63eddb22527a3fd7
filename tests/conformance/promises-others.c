/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Beside others, and after others have been at our rules. */
#include "packets.h"
#include "promises.h"

#include <string.h>

/* ---- others ------------------------------------------------------------------------------------ */

START_TEST(foreign_rules_tables_sets_and_counters_are_untouched)
{
	const char *before, *all;

	foreign_add();
	all = host_dump();
	ck_assert(passes(1234, 9) && passes(20005, 7));
	before = foreign_dump();
	ck_assert_msg(strcmp(all, host_dump()) != 0, "nothing counts");
	all = host_dump();
	hold_others();
	unchanged(before, foreign_dump());
	hold("2001", DOOR);
	hold("2001", OTHER_DOOR);
	hold("20005", DOOR);
	unchanged(before, foreign_dump());
	release("2001 2002");
	unchanged(before, foreign_dump());
	release("20000-29999 20005");
	unchanged(all, host_dump());
}
END_TEST

START_TEST(what_the_host_refuses_stays_refused)
{
	foreign_add();
	host_run("iptables-legacy -A OUTPUT -p udp --dport 9 -m owner --uid-owner 2001 -j REJECT;"
		 "ip6tables-legacy -A OUTPUT -p udp --dport 9 -m owner --uid-owner 2001 -j REJECT;"
		 "nft insert rule inet theirs output meta skuid 2001 udp dport 7 drop");
	hold("2001", "");
	hold("2001", DOOR);
	ck_assert(!passes(2001, 9));
	hold("2001", OTHER_DOOR);
	ck_assert(!passes(2001, 7));
	release("2001");
	ck_assert(!passes(2001, 9) && !passes(2001, 7) && passes(2001, 10));
}
END_TEST

/* ---- drift ------------------------------------------------------------------------------------- */

/* Who of the others is held in spite of the edit. Nothing that is done for one account lets them out. */
struct still_held {
	bool uid, range;
};

static struct still_held look_at_others(void)
{
	/* An edit may concern one family alone. */
	return (struct still_held){ packet_send(2002, "127.0.0.1", 10) && packet_send(2002, "::1", 10),
				    packet_send(20001, "127.0.0.1", 9) && packet_send(20001, "::1", 9) };
}

static void check_others(struct still_held before, const char *edit)
{
	const struct still_held now = look_at_others();

	ck_assert_msg(now.uid || !before.uid, "%s: the other uid was let out", edit);
	ck_assert_msg(now.range || !before.range, "%s: the range was let out", edit);
}

START_TEST(an_edit_behind_our_back_is_noticed_and_mended)
{
	const struct edit *edit = &host->edits[_i];
	struct plan plan = plan_of("2001", DOOR);
	struct still_held others;

	hold_others();
	hold_plans(&plan, 1);
	ck_assert(is_held(&plan) && passes(2001, 9) && !passes(2001, 10));
	host_run(edit->command);
	others = look_at_others();
	ck_assert_msg(!is_held(&plan), "%s: not noticed", edit->name);
	ck_assert_msg(try_hold(&plan, 1) == 0, "%s: %s", edit->name, said.line);
	ck_assert_msg(is_held(&plan), "%s: not mended", edit->name);
	ck_assert_msg(passes(2001, 9), "%s: shut", edit->name);
	ck_assert_msg(!passes(2001, 10), "%s: open", edit->name);
	check_others(others, edit->name);
	/* And the others, when their turn comes. */
	hold_others();
	others_are_held();
	ck_assert_msg(is_held(&plan), "%s: not held beside the others", edit->name);
	ck_assert_msg(!passes(2002, 10) && !passes(20001, 9) && passes(2003, 10), "%s: others", edit->name);
}
END_TEST

START_TEST(what_was_edited_can_be_removed)
{
	const struct edit *edit = &host->edits[_i];
	const char *before = host_rules();
	struct still_held others;

	hold_others();
	hold("2001", DOOR);
	host_run(edit->command);
	others = look_at_others();
	release("2001");
	check_others(others, edit->name);
	ck_absent("2001");
	ck_assert_msg(passes(2001, 10), "%s: still held", edit->name);
	hold_others();
	others_are_held();
	release("2002 20000-29999");
	if (!edit->leaves)
		unchanged(before, host_rules());
}
END_TEST

void promises_others(TCase *tcase)
{
	PROMISE(foreign_rules_tables_sets_and_counters_are_untouched, CAN_SHARE | CAN_SEND);
	PROMISE(what_the_host_refuses_stays_refused, CAN_SHARE | CAN_SEND);
	PROMISE_EACH(an_edit_behind_our_back_is_noticed_and_mended, CAN_EDIT | CAN_SEND, host->edit_count);
	PROMISE_EACH(what_was_edited_can_be_removed, CAN_EDIT | CAN_SEND, host->edit_count);
}
