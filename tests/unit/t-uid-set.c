/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An account and its subordinate ranges are one: the engine over a fake kernel, with real processes. */
#include "engine-lab.h"

#include "util.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROFILE(keys) "profiles = { default = { proxy = \"127.0.0.1:3128\"; " keys " }; };\n" LAB_ACCOUNTS

/* Of the uids that are this program's. */
#define FIRST (nss_first + 60)
#define SECOND (nss_first + 70)
#define COUNT 10U

/* "@60" in TEXT is uid 60 of them; one of four buffers that take turns. */
static const char *uids_in(const char *text)
{
	static char buffers[4][1024];
	static unsigned int turn;
	char *buffer = buffers[turn++ % ARRAY_SIZE(buffers)], *end = buffer;

	while (*text)
		if (*text == '@')
			end += sprintf(end, "%lu", nss_first + strtoul(text + 1, (char **)&text, 10));
		else
			*end++ = *text++;
	*end = '\0';
	return buffer;
}

static bool stands_range(uid_t first, uid_t last)
{
	return mem_find(&lab.kernel, (struct uid_range){ first, last }) != NULL;
}

static bool stands(uid_t first)
{
	return stands_range(first, first + COUNT - 1);
}

/* Behind a line of somebody else's. */
static void subuid(const char *lines)
{
	char text[1024];

	snprintf(text, sizeof(text), "# /etc/subuid\nalice:@90:5\n%s", lines);
	folder_write("subuid", uids_in(text));
}

static void default_ranges(void)
{
	subuid("agent1:@60:10\n");
}

static bool told_why(const char *part)
{
	return strstr(egress_ctx_error(lab.ctx), part) != NULL;
}

START_TEST(all_of_it_is_held_and_released)
{
	struct egress_session *session, *other;

	default_ranges();
	session = lab_open("agent1");
	ck_assert(lab_stands(AGENT1) && stands(FIRST));
	ck_assert_uint_eq(lab.kernel.count, 2);
	ck_assert(folder_holds(lab_uid_path(AGENT1, "ranges"), uids_in("@60-@69\n")));
	other = lab_open("agent2");
	ck_assert_uint_eq(lab.kernel.count, 3);
	ck_assert(!lab_close(session));
	ck_assert_uint_eq(lab.kernel.count, 1);
	ck_assert(!lab_close(other));
	lab_nothing_left();
}
END_TEST

static bool record_was_there;

static void look_for_record(const struct plan *plans, size_t count)
{
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(plans[0].uids.first, AGENT1);
	ck_assert_uint_eq(plans[1].uids.first, FIRST);
	record_was_there = folder_holds(lab_uid_path(AGENT1, "ranges"), uids_in("@60-@69\n"));
}

START_TEST(the_record_is_written_before_the_rules)
{
	default_ranges();
	lab.before_replace = look_for_record;
	egress_session_free(lab_open("agent1"));
	ck_assert(record_was_there);
	record_was_there = false;
	subuid("");
	ck_assert_int_eq(egress_sync(lab.ctx, &(struct egress_changes){ 0 }), 0);
	ck_assert(record_was_there);
	lab.before_replace = NULL;
}
END_TEST

START_TEST(an_open_that_fails_leaves_nothing_of_it)
{
	static const enum mem_op ops[] = { MEM_OPEN, MEM_REPLACE, MEM_LIST };

	default_ranges();
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		mem_fail(&lab.kernel, ops[i], 1, -EPERM);
		lab_deny("agent1", -EPERM);
		lab_nothing_left();
	}
	mem_fail(&lab.kernel, MEM_LIST, 2, -EIO); /* the second range cannot be read back */
	lab_deny("agent1", -EIO);
	lab_nothing_left();
	lab.kernel.lies = 1;
	lab_deny("agent1", -EIO);
	lab_nothing_left();
}
END_TEST

START_TEST(the_set_of_a_standing_hold_only_grows)
{
	struct egress_session *session;

	default_ranges();
	session = lab_open("agent1");
	subuid("");
	ck_assert(lab_close(lab_open("agent1")));
	ck_assert(stands(FIRST));
	subuid("agent1:@70:10\n");
	ck_assert(lab_close(lab_open("agent1")));
	ck_assert(stands(FIRST) && stands(SECOND));
	ck_assert(!lab_log_has("mended")); /* more uids are no drift */
	backend_mem.remove((struct backend *)&(struct mem_kernel *){ &lab.kernel },
			   &(struct uid_range){ SECOND, SECOND + COUNT - 1 }, 1, NULL);
	ck_assert(lab_close(lab_open("agent1")));
	ck_assert(lab_log_has("mended"));
	subuid("agent1:@70:11\n"); /* sync takes what is new of it */
	ck_assert_uint_eq(lab_sync().held, 1);
	ck_assert(stands(FIRST) && stands(SECOND) && stands_range(SECOND + COUNT, SECOND + COUNT));
	ck_assert_uint_eq(lab_sync().held, 0);
	ck_assert_uint_eq(lab_differences(NULL), 0);
	ck_assert(!lab_close(session));
	lab_nothing_left();
}
END_TEST

START_TEST(a_process_under_a_subordinate_uid_keeps_it_held)
{
	struct egress_session *session;
	struct egress_account *account = NULL;
	pid_t pid;

	default_ranges();
	session = lab_open("agent1");
	pid = lab_process(FIRST + 7);
	ck_assert(lab_close(session));
	ck_assert_uint_eq(lab_reap().released, 0);
	ck_assert(lab_stands(AGENT1) && stands(FIRST));
	lab_state_is("agent1", EGRESS_LINGERING);
	ck_assert_int_eq(egress_show(lab.ctx, "agent1", &account), 0);
	ck_assert_uint_eq(account->processes, 1);
	ck_assert_uint_eq(account->range_count, 2);
	ck_assert_uint_eq(account->ranges[0].last, AGENT1);
	ck_assert_uint_eq(account->ranges[1].first, FIRST);
	ck_assert_uint_eq(account->ranges[1].last, FIRST + COUNT - 1);
	egress_account_free(account);
	lab_end_process(pid);
	ck_assert_uint_eq(lab_reap().released, 1);
	lab_nothing_left();
}
END_TEST

START_TEST(kill_ends_those_under_subordinate_uids)
{
	struct egress_session *session;
	pid_t low, high, other;

	lab_conf(PROFILE("on_last_close = \"kill\";"));
	default_ranges();
	session = lab_open("agent1");
	low = lab_process(FIRST);
	high = lab_process(FIRST + COUNT - 1);
	other = lab_process(FIRST + COUNT);
	ck_assert(!lab_close(session));
	lab_nothing_left();
	ck_assert_int_eq(kill(other, 0), 0);
	lab_end_process(other);
	lab_end_process(low); /* reaped, either way */
	lab_end_process(high);
}
END_TEST

START_TEST(one_account_is_one_line)
{
	struct egress_account **accounts;

	lab.kernel.allowed = (struct traffic){ 3, 30 };
	lab.kernel.denied = (struct traffic){ 5, 50 };
	subuid("agent1:@60:10\nagent1:@70:10\n");
	egress_session_free(lab_open("agent1"));
	ck_assert_int_eq(egress_list(lab.ctx, &accounts), 0);
	ck_assert_ptr_nonnull(accounts[0]);
	ck_assert_ptr_null(accounts[1]);
	ck_assert_uint_eq(accounts[0]->range_count, 3);
	ck_assert_uint_eq(accounts[0]->allowed.packets, 9);
	ck_assert_uint_eq(accounts[0]->denied.bytes, 150);
	egress_accounts_free(accounts);
}
END_TEST

START_TEST(verify_and_sync_know_each_range)
{
	const struct uid_range range = { FIRST, FIRST + COUNT - 1 };
	struct fault why = { 0 };
	const struct deadline soon = deadline_in_ms(1000);
	struct backend *backend = NULL;
	char *first = NULL;

	default_ranges();
	egress_session_free(lab_open("agent1"));
	ck_assert_int_eq(lab.ctx->backends[0]->open(&soon, &why, &backend), 0);
	ck_assert_int_eq(lab.ctx->backends[0]->remove(backend, &range, 1, &why), 0);
	lab.ctx->backends[0]->close(backend);
	ck_assert_uint_eq(lab_differences(&first), 1);
	ck_assert_str_eq(first, uids_in("agent1: uid @60-@69: no rules stand"));
	free(first);
	ck_assert_uint_eq(lab_sync().held, 1);
	ck_assert(stands(FIRST));
	ck_assert_uint_eq(lab_differences(NULL), 0);
}
END_TEST

START_TEST(a_range_without_a_record_goes_with_its_last_process)
{
	pid_t pid;

	default_ranges();
	egress_session_free(lab_open("agent1"));
	ck_assert_int_eq(remove(folder_path(lab_uid_path(AGENT1, "ranges"))), 0);
	subuid("");
	pid = lab_process(FIRST);
	ck_assert_uint_eq(lab_reap().released, 0);
	ck_assert(stands(FIRST));
	lab_end_process(pid);
	ck_assert_uint_eq(lab_reap().released, 1);
	ck_assert(!stands(FIRST) && lab_stands(AGENT1));
}
END_TEST

START_TEST(a_record_that_cannot_be_read_keeps_all_that_stands)
{
	struct egress_session *session;

	default_ranges();
	session = lab_open("agent1");
	folder_write(lab_uid_path(AGENT1, "ranges"), "garbage\n");
	lab_deny("agent1", -EIO);
	ck_assert_uint_eq(lab_reap().released, 0);
	ck_assert_int_eq(egress_sync(lab.ctx, &(struct egress_changes){ 0 }), -EIO);
	ck_assert(lab_stands(AGENT1) && stands(FIRST));
	ck_assert(lab_log_has("/ranges: read: "));
	folder_write(lab_uid_path(AGENT1, "ranges"), uids_in("@60-@69\n"));
	ck_assert(!lab_close(session));
	lab_nothing_left();
}
END_TEST

START_TEST(what_another_is_still_held_by_is_refused)
{
	struct egress_session *session, *second;

	default_ranges();
	session = lab_open("agent1");
	second = lab_open("agent2");
	subuid("agent2:@69:6\n");
	lab_deny("agent2", -EPERM);
	ck_assert(told_why(uids_in("overlap @60-@69, by which uid @0 is still held")));
	ck_assert_int_eq(egress_sync(lab.ctx, &(struct egress_changes){ 0 }), -EPERM);
	ck_assert(lab_stands(AGENT1) && stands(FIRST) && lab_stands(AGENT2));
	ck_assert_uint_eq(lab.kernel.count, 3);
	ck_assert(!lab_close(session));
	ck_assert(lab_close(lab_open("agent2")));
	ck_assert(stands_range(FIRST + 9, FIRST + 14));
	ck_assert(!lab_close(second));
	lab_nothing_left();
}
END_TEST

/* The index says who may have a range; records say who has. */
START_TEST(without_the_index_records_are_asked)
{
	char *path = NULL;

	default_ranges();
	egress_session_free(lab_open("agent1"));
	ck_assert_uint_eq(folder_glob("state/net-*/subuids", &path), 1);
	ck_assert(folder_holds(path, uids_in("@0 @60-@69\n")));
	folder_write(path, uids_in("@0 @60-@69\n@0 @7")); /* torn */
	subuid("agent2:@69:6\n");
	lab_deny("agent2", -EPERM);
	ck_assert(told_why("by which uid "));
	ck_assert(lab_log_has("subuids: not believed"));
	folder_write(path, uids_in("@0 @60-@69\n@3 @70-@79\n")); /* of somebody who is gone */
	subuid("agent2:@70:6\n");
	egress_session_free(lab_open("agent2"));
	ck_assert(folder_holds(path, uids_in("@0 @60-@69\n@3 @70-@79\n@1 @70-@75\n")));
	free(path);
}
END_TEST

START_TEST(a_profile_refuses_or_ignores_them)
{
	struct egress_session *session;

	default_ranges();
	lab_conf(PROFILE("subordinate_ids = \"refuse\";"));
	lab_deny("agent1", -EPERM);
	ck_assert(told_why("/subuid:3: uid "));
	lab_nothing_left();
	ck_assert_int_eq(egress_hold(lab.ctx, "agent1"), -EPERM);
	ck_assert(!lab_close(lab_open("agent2")));
	lab_conf(PROFILE("subordinate_ids = \"ignore\";"));
	session = lab_open("agent1");
	ck_assert_uint_eq(lab.kernel.count, 1);
	lab_conf(LAB_CONF);
	lab_sync(); /* the profile changed */
	ck_assert_uint_eq(lab.kernel.count, 2);
	lab_conf(PROFILE("subordinate_ids = \"ignore\";"));
	lab_sync(); /* it only grows */
	ck_assert_uint_eq(lab.kernel.count, 2);
	ck_assert(!lab_close(session));
	lab_nothing_left();
}
END_TEST

START_TEST(a_line_that_is_wrong_denies_its_account_alone)
{
	struct egress_session *session = lab_open("agent2");

	subuid("agent1:@60:many\n");
	lab_deny("agent1", -EBADMSG);
	ck_assert(told_why(uids_in("/subuid:3: \"agent1:@60:many\": is not NAME:FIRST:COUNT")));
	ck_assert(lab_close(lab_open("agent2")));
	ck_assert(!lab_close(session));
	lab_nothing_left();
}
END_TEST

START_TEST(sync_holds_the_others_and_tells)
{
	struct egress_changes changes = { 0 };

	lab_conf(PROFILE("hold = \"always\";"));
	subuid("agent1:@60:many\nagent2:@70:10\n");
	ck_assert_int_eq(egress_sync(lab.ctx, &changes), -EBADMSG);
	ck_assert(told_why("agent1: "));
	ck_assert(lab_stands(AGENT1) && lab_stands(AGENT2) && stands(SECOND));
	subuid("agent1:@60:10\nagent2:@70:10\n");
	lab_sync();
	ck_assert(stands(FIRST));
}
END_TEST

START_TEST(what_is_held_always_is_nobodys_subordinate)
{
	lab_conf(uids_in("profiles = { default = { proxy = \"127.0.0.1:3128\"; };\n"
		 "always = { proxy = \"127.0.0.1:3128\"; hold = \"always\"; }; };\n"
		 "accounts = ( { user = \"agent1\"; }, { uid = \"@69-@75\"; profile = \"always\"; } );\n"));
	default_ranges();
	lab_deny("agent1", -EBADMSG);
	ck_assert(told_why("overlap the uids that "));
	lab_nothing_left();
}
END_TEST

START_TEST(an_always_entry_takes_what_an_account_has_when_it_is_done)
{
	struct egress_session *session;

	default_ranges();
	session = lab_open("agent1");
	lab_conf(uids_in("profiles = { default = { proxy = \"127.0.0.1:3128\"; };\n"
		 "always = { proxy = \"127.0.0.1:4128\"; hold = \"always\"; }; };\n"
		 "accounts = ( { user = \"agent1\"; }, { uid = \"@60-@69\"; profile = \"always\"; } );\n"));
	ck_assert_int_eq(egress_sync(lab.ctx, &(struct egress_changes){ 0 }), -EBADMSG);
	ck_assert(stands(FIRST));
	ck_assert(!lab_close(session));
	lab_sync();
	ck_assert(stands(FIRST));
}
END_TEST

START_TEST(one_who_left_the_configuration_keeps_them)
{
	struct egress_session *session;
	pid_t pid;

	default_ranges();
	session = lab_open("agent1");
	pid = lab_process(FIRST);
	lab_conf(LAB_PROFILES "accounts = ( { user = \"agent2\"; } );\n");
	ck_assert(lab_close(session));
	lab_sync();
	ck_assert(lab_stands(AGENT1) && stands(FIRST));
	ck_assert_uint_eq(lab_differences(NULL), 0);
	lab_end_process(pid);
	ck_assert_uint_eq(lab_sync().released, 1);
	lab_nothing_left();
}
END_TEST

/* ---- the name service's ------------------------------------------------------------------------ */

static int asked_error;

static int ask_fake(const char *user, void *data, struct egress_uid_range **ret, size_t *ret_count)
{
	++*(int *)data;
	if (asked_error || strcmp(user, "agent1") != 0)
		return asked_error;
	*ret = calloc(1, sizeof(**ret));
	**ret = (struct egress_uid_range){ SECOND, SECOND + COUNT - 1 };
	*ret_count = 1;
	return 0;
}

START_TEST(sync_asks_and_logins_read)
{
	struct egress_session *session;
	int calls = 0;

	egress_ctx_set_subids(lab.ctx, ask_fake, &calls);
	session = lab_open("agent1");
	ck_assert_int_eq(calls, 0); /* never by a login */
	ck_assert_uint_eq(lab.kernel.count, 1);
	ck_assert_uint_eq(lab_sync().held, 1);
	ck_assert_int_eq(calls, 2); /* those that entries name, each once */
	ck_assert(stands(SECOND));
	ck_assert(!lab_close(session));
	egress_ctx_set_subids(lab.ctx, NULL, NULL);
	lab_sync();
	session = lab_open("agent1");
	ck_assert(stands(SECOND));
	ck_assert(!lab_close(session));
	lab_nothing_left();
}
END_TEST

START_TEST(a_name_service_that_fails_takes_nothing_away)
{
	int calls = 0;

	egress_ctx_set_subids(lab.ctx, ask_fake, &calls);
	lab_sync();
	asked_error = -EIO;
	ck_assert_int_eq(egress_sync(lab.ctx, &(struct egress_changes){ 0 }), -EIO);
	ck_assert(told_why("user \"agent1\": subordinate ids: look-up: "));
	egress_session_free(lab_open("agent1"));
	ck_assert(stands(SECOND));
	asked_error = 0;
}
END_TEST

START_TEST(members_of_groups_are_asked_for)
{
	int calls = 0;

	lab_conf(LAB_PROFILES "accounts = ( { group = \"agents\"; } );\n");
	egress_ctx_set_subids(lab.ctx, ask_fake, &calls);
	lab_sync();
	ck_assert_int_eq(calls, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("uid-set");
	TCase *tcase = tcase_create("uid-set");

	tcase_add_checked_fixture(tcase, lab_begin, lab_end);
	tcase_add_test(tcase, all_of_it_is_held_and_released);
	tcase_add_test(tcase, the_record_is_written_before_the_rules);
	tcase_add_test(tcase, an_open_that_fails_leaves_nothing_of_it);
	tcase_add_test(tcase, the_set_of_a_standing_hold_only_grows);
	tcase_add_test(tcase, a_process_under_a_subordinate_uid_keeps_it_held);
	tcase_add_test(tcase, kill_ends_those_under_subordinate_uids);
	tcase_add_test(tcase, one_account_is_one_line);
	tcase_add_test(tcase, verify_and_sync_know_each_range);
	tcase_add_test(tcase, a_range_without_a_record_goes_with_its_last_process);
	tcase_add_test(tcase, a_record_that_cannot_be_read_keeps_all_that_stands);
	tcase_add_test(tcase, what_another_is_still_held_by_is_refused);
	tcase_add_test(tcase, without_the_index_records_are_asked);
	tcase_add_test(tcase, a_profile_refuses_or_ignores_them);
	tcase_add_test(tcase, a_line_that_is_wrong_denies_its_account_alone);
	tcase_add_test(tcase, sync_holds_the_others_and_tells);
	tcase_add_test(tcase, what_is_held_always_is_nobodys_subordinate);
	tcase_add_test(tcase, an_always_entry_takes_what_an_account_has_when_it_is_done);
	tcase_add_test(tcase, one_who_left_the_configuration_keeps_them);
	tcase_add_test(tcase, sync_asks_and_logins_read);
	tcase_add_test(tcase, a_name_service_that_fails_takes_nothing_away);
	tcase_add_test(tcase, members_of_groups_are_asked_for);
	suite_add_tcase(suite, tcase);
	return folder_run_as_root("t-uid-set", suite);
}
