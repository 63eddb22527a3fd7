/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configurations that break, and state folders that are not as they must be. */
#include "engine-lab.h"

#include "util.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define WITHOUT_AGENT1 LAB_PROFILES "accounts = ( { user = \"agent2\"; } );\n"

/* ---- the configuration breaks ------------------------------------------------------------------ */

START_TEST(a_broken_configuration_falls_back_on_the_last_good_one)
{
	struct egress_session *session = lab_open("agent1"), *second;

	lab_conf(LAB_BROKEN);
	second = lab_open("agent1");
	ck_assert(lab_log_has("the last good configuration stays in force"));
	ck_assert_uint_eq(second->sessions, 2);
	ck_assert_ptr_null(lab_open("alice"));
	ck_assert_uint_eq(lab_sync().released, 0);
	ck_assert_int_eq(unlink(folder_path("egress.conf")), 0);
	ck_assert_uint_eq(lab_reap().released, 0);
	ck_assert(lab_close(second));
	ck_assert(!lab_close(session));
	second = lab_open("agent2");
	ck_assert_ptr_nonnull(second);
	ck_assert(!lab_close(second));
	lab_nothing_left();
}
END_TEST

/* Broken, with NAME in it, and nothing to fall back on. */
static void break_conf(const char *text)
{
	char *kept = NULL;

	lab_conf(text);
	while (folder_glob("lib/*", &kept)) {
		ck_assert_int_eq(unlink(folder_path(kept)), 0);
		free(kept);
		kept = NULL;
	}
}

START_TEST(whom_a_broken_text_names_is_denied)
{
	static const char *const texts[] = {
		LAB_BROKEN LAB_ACCOUNTS,
		LAB_PROFILES "accounts = ( { user = \"agent1\"; }",
		"accounts = ( { user = \"agent1\"; } );",
		"agents = [ \"agent1\", \"agent2\" ];\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		break_conf(texts[i]);
		lab_deny("agent1", -EBADMSG);
		lab_deny("twin", -EBADMSG);
		lab_log_clear();
		ck_assert_ptr_null(lab_open("alice"));
		ck_assert(lab_log_has("<1>")); /* LOG_ALERT */
		ck_assert_ptr_null(lab_open("root"));
		lab_nothing_left();
	}
}
END_TEST

START_TEST(a_name_that_is_not_quoted_whole_names_nobody)
{
	break_conf(LAB_BROKEN "accounts = ( { user = \"agent11\"; }, { user = agent1; } );");
	ck_assert_ptr_null(lab_open("agent1"));
	ck_assert(lab_log_has("no last good configuration"));
}
END_TEST

START_TEST(who_is_held_is_denied_though_the_broken_text_does_not_name_him)
{
	struct egress_session *session = lab_open("agent1");
	struct egress_changes changes;

	break_conf(LAB_BROKEN);
	lab_deny("agent1", -EBADMSG);
	ck_assert_ptr_null(lab_open("agent2"));
	/* Nobody's hold changes. */
	ck_assert_int_eq(egress_sync(lab.ctx, &changes), -EBADMSG);
	ck_assert_int_eq(egress_reap(lab.ctx, &changes), -EBADMSG);
	ck_assert(lab_stands(AGENT1));
	/* The ledger is lost as well: the kernel still knows. */
	ck_assert_int_eq(rename(folder_path("state"), folder_path("gone")), 0);
	lab_deny("agent1", -EBADMSG);
	ck_assert_int_eq(rename(folder_path("gone"), folder_path("state")), 0);
	ck_assert(lab_close(session));
	ck_assert_uint_eq(lab_records(AGENT1), 0);
	lab_conf(LAB_CONF);
	ck_assert_uint_eq(lab_reap().released, 1);
	lab_nothing_left();
}
END_TEST

START_TEST(a_trial_is_never_kept)
{
	egress_ctx_set_config(lab.ctx, folder_path("egress.conf"), EGRESS_CONFIG_TRIAL);
	lab_close(lab_open("agent1"));
	ck_assert(!folder_has("lib"));
	lab_conf(LAB_BROKEN LAB_ACCOUNTS);
	lab_deny("agent1", -EBADMSG);
}
END_TEST

/* ---- the state folder -------------------------------------------------------------------------- */

static void open_is_refused_and_others_pass(const char *why)
{
	lab_deny("agent1", -EPERM);
	ck_assert_msg(strstr(egress_ctx_error(lab.ctx), why), "%s", egress_ctx_error(lab.ctx));
	ck_assert_uint_eq(lab.kernel.count, 0);
	ck_assert_ptr_null(lab_open("alice"));
	ck_assert_ptr_null(lab_open("root"));
}

START_TEST(a_state_folder_that_is_a_link_or_a_file_denies)
{
	folder_mkdir("elsewhere", 0700);
	ck_assert_int_eq(symlink(folder_path("elsewhere"), folder_path("state")), 0);
	open_is_refused_and_others_pass("a link or not a folder");
	ck_assert_uint_eq(folder_glob("elsewhere/*", NULL), 0);
	ck_assert_int_eq(unlink(folder_path("state")), 0);
	folder_write("state", "");
	open_is_refused_and_others_pass("a link or not a folder");
}
END_TEST

START_TEST(a_state_folder_that_is_not_ours_denies)
{
	folder_mkdir("state", 0777);
	open_is_refused_and_others_pass("not ours alone");
	ck_assert_int_eq(chmod(folder_path("state"), 0700), 0);
	ck_assert_int_eq(chown(folder_path("state"), AGENT1, 0), 0);
	open_is_refused_and_others_pass("not ours alone");
}
END_TEST

/* Whom the kernel holds stays held, whether or not anybody can read why. */
START_TEST(without_a_ledger_the_kernel_says_who_left_the_configuration_while_held)
{
	struct egress_session *session = lab_open("agent1");

	egress_session_free(session);
	ck_assert_int_eq(rename(folder_path("state"), folder_path("lost")), 0);
	folder_write("state", "");
	lab_conf(WITHOUT_AGENT1);
	lab_deny("agent1", -EPERM);
	ck_assert_ptr_null(lab_open("alice"));
	ck_assert(lab_stands(AGENT1));
}
END_TEST

START_TEST(a_damaged_record_is_told_and_nobody_is_let_out)
{
	struct egress_session *session = lab_open("agent1");
	pid_t pid = lab_process(AGENT1);

	folder_write(lab_uid_path(AGENT1, session->token), "egress-session 1\npid=");
	ck_assert_uint_eq(lab_reap().released, 0);
	ck_assert(lab_log_has("damaged record, moved to damaged/"));
	ck_assert(lab_stands(AGENT1));
	lab_state_is("agent1", EGRESS_LINGERING);
	lab_end_process(pid);
	ck_assert_uint_eq(lab_reap().released, 1);
	lab_nothing_left();
	egress_session_free(session);
}
END_TEST

START_TEST(foreign_files_are_left_alone_and_rules_go)
{
	struct egress_session *session = lab_open("agent1");
	char *foreign = strdup(lab_uid_path(AGENT1, "notes"));

	folder_write(foreign, "mine");
	ck_assert_int_eq(egress_close(lab.ctx, AGENT1, session->token, &(unsigned int){ 0 },
				      &(bool){ false }), 0);
	ck_assert(!lab_stands(AGENT1));
	ck_assert(folder_has(foreign));
	ck_assert(lab_log_has("not ours"));
	egress_session_free(session);
	free(foreign);
}
END_TEST

/* One uid whose folder is no folder must not stop the others' sync. */
START_TEST(one_broken_uid_does_not_stop_the_others)
{
	struct egress_session *session = lab_open("agent1"), *other = lab_open("agent2");
	char *net = NULL, broken[256];

	lab_open_and_die("agent1");
	ck_assert_uint_eq(folder_glob("state/net-*", &net), 1);
	snprintf(broken, sizeof(broken), "%s/4242", net);
	folder_write(broken, "not a folder");
	lab_sync();
	ck_assert(lab_log_has("4242: stays as it is"));
	ck_assert_uint_ge(lab_differences(NULL), 1);
	ck_assert_uint_eq(lab_records(AGENT1), 1);
	ck_assert(lab_stands(AGENT1) && lab_stands(AGENT2));
	ck_assert(folder_has(broken));
	lab_close(other);
	lab_close(session);
	free(net);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("broken");
	TCase *tcase = tcase_create("broken");

	tcase_add_checked_fixture(tcase, lab_begin, lab_end);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_broken_configuration_falls_back_on_the_last_good_one);
	tcase_add_test(tcase, whom_a_broken_text_names_is_denied);
	tcase_add_test(tcase, a_name_that_is_not_quoted_whole_names_nobody);
	tcase_add_test(tcase, who_is_held_is_denied_though_the_broken_text_does_not_name_him);
	tcase_add_test(tcase, a_trial_is_never_kept);
	tcase_add_test(tcase, a_state_folder_that_is_a_link_or_a_file_denies);
	tcase_add_test(tcase, a_state_folder_that_is_not_ours_denies);
	tcase_add_test(tcase, without_a_ledger_the_kernel_says_who_left_the_configuration_while_held);
	tcase_add_test(tcase, a_damaged_record_is_told_and_nobody_is_let_out);
	tcase_add_test(tcase, foreign_files_are_left_alone_and_rules_go);
	tcase_add_test(tcase, one_broken_uid_does_not_stop_the_others);
	suite_add_tcase(suite, tcase);
	return folder_run_as_root("t-broken", suite);
}
