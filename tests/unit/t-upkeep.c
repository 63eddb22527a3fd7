/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pins, "always", configurations that change or break, and what stands in the state folder that should not. */
#include "engine-lab.h"

#include "util.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#define PROXY(port) "profiles = { default = { proxy = \"127.0.0.1:" port "\"; }; };\n"
#define WITHOUT_AGENT1 LAB_PROFILES "accounts = ( { user = \"agent2\"; } );\n"
#define ALWAYS                                                                                     \
	"profiles = { default = { proxy = \"127.0.0.1:3128\"; hold = \"always\"; }; };\n"          \
	"accounts = ( { user = \"agent1\"; }, { uid = \"2890000050-2890000059\"; } );\n"

static struct egress_changes sync_now(void)
{
	struct egress_changes changes = { 99, 99, 99 };
	int r = egress_sync(lab.ctx, &changes);

	ck_assert_msg(r == 0, "sync: %s", egress_ctx_error(lab.ctx));
	ck_assert_uint_eq(lab.kernel.handles, 0);
	return changes;
}

static struct egress_changes reap_now(void)
{
	struct egress_changes changes = { 99, 99, 99 };
	int r = egress_reap(lab.ctx, &changes);

	ck_assert_msg(r == 0, "reap: %s", egress_ctx_error(lab.ctx));
	ck_assert_uint_eq(lab.kernel.handles, 0);
	return changes;
}

static void state_is(const char *user, enum egress_state state)
{
	struct egress_account *account = NULL;
	int r = egress_show(lab.ctx, user, &account);

	ck_assert_msg(r == 0, "show: %s", egress_ctx_error(lab.ctx));
	ck_assert_msg(account->state == state, "%s is %s", user, egress_state_name(account->state));
	egress_account_free(account);
}

/* The number of lines; *ret_first (or NULL) is the first one, malloced. */
static size_t differences(char **ret_first)
{
	char **lines = NULL;
	size_t count = 0;
	int r = egress_verify(lab.ctx, NULL, &lines);

	ck_assert_msg(r == 0, "verify: %s", egress_ctx_error(lab.ctx));
	while (lines[count])
		count++;
	if (ret_first && count)
		*ret_first = strdup(lines[0]);
	egress_lines_free(lines);
	return count;
}

static uint16_t proxy_port(uid_t uid)
{
	const struct plan *plan = mem_find(&lab.kernel, (struct uid_range){ uid, uid });

	ck_assert_ptr_nonnull(plan);
	for (size_t i = 0; i < plan->rule_count; i++)
		if (plan->rules[i].verdict == VERDICT_ALLOW)
			return plan->rules[i].ports.first;
	return 0;
}

/* ---- pins and "always" ------------------------------------------------------------------------- */

START_TEST(a_pin_holds_without_a_session)
{
	ck_assert_int_eq(egress_release(lab.ctx, "agent1"), -ENOENT);
	ck_assert_int_eq(egress_hold(lab.ctx, "agent1"), 0);
	state_is("agent1", EGRESS_PINNED);
	ck_assert(lab_close(lab_open("agent1")));
	ck_assert_uint_eq(reap_now().released, 0);
	ck_assert_uint_eq(sync_now().held, 0); /* nothing had to be mended */
	ck_assert(lab_stands(AGENT1));
	ck_assert_int_eq(egress_release(lab.ctx, "agent1"), 0);
	lab_nothing_left();
}
END_TEST

START_TEST(a_pin_taken_away_leaves_the_session_held)
{
	struct egress_session *session = lab_open("agent1");

	ck_assert_int_eq(egress_hold(lab.ctx, "agent1"), 0);
	ck_assert_int_eq(egress_release(lab.ctx, "agent1"), 0);
	state_is("agent1", EGRESS_ACTIVE);
	ck_assert(!lab_close(session));
	lab_nothing_left();
}
END_TEST

START_TEST(a_pin_that_fails_leaves_nothing)
{
	static const enum mem_op ops[] = { MEM_OPEN, MEM_REPLACE, MEM_LIST };

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		mem_fail(&lab.kernel, ops[i], 1, -EPERM);
		ck_assert_int_eq(egress_hold(lab.ctx, "agent1"), -EPERM);
		lab_nothing_left();
	}
	lab.kernel.lies = 1;
	ck_assert_int_eq(egress_hold(lab.ctx, "agent1"), -EIO);
	lab_nothing_left();
	ck_assert_int_eq(egress_hold(lab.ctx, "alice"), -ENOENT);
	ck_assert_int_eq(egress_hold(lab.ctx, "root"), -ENOENT);
	ck_assert_int_eq(egress_hold(lab.ctx, "nobody-of-this-name"), -ENOENT);
	lab_nothing_left();
}
END_TEST

START_TEST(always_is_held_by_sync_and_never_let_go)
{
	lab_conf(ALWAYS);
	ck_assert_uint_eq(sync_now().held, 2);
	ck_assert_ptr_nonnull(mem_find(&lab.kernel, (struct uid_range){ 2890000050, 2890000059 }));
	ck_assert(lab_close(lab_open("agent1")));
	ck_assert_uint_eq(reap_now().released, 0);
	state_is("agent1", EGRESS_PINNED);
	ck_assert_uint_eq(differences(NULL), 0);
	lab_conf(LAB_CONF);
	ck_assert_uint_eq(sync_now().released, 2);
	lab_nothing_left();
}
END_TEST

/* ---- the configuration changes ----------------------------------------------------------------- */

START_TEST(a_changed_profile_reaches_the_held_at_sync_and_at_open)
{
	struct egress_session *one = lab_open("agent1"), *two = lab_open("agent2");

	lab_conf(PROXY("3129") LAB_ACCOUNTS);
	ck_assert_uint_gt(differences(NULL), 0);
	ck_assert_uint_eq(proxy_port(AGENT1), 3128);
	ck_assert_uint_eq(sync_now().held, 2);
	ck_assert_uint_eq(proxy_port(AGENT1), 3129);
	ck_assert_uint_eq(proxy_port(AGENT2), 3129);
	lab_conf(PROXY("3130") LAB_ACCOUNTS);
	ck_assert(lab_close(lab_open("agent1")));
	ck_assert_uint_eq(proxy_port(AGENT1), 3130);
	ck_assert_uint_eq(proxy_port(AGENT2), 3129);
	ck_assert(!lab_close(one));
	ck_assert(!lab_close(two));
}
END_TEST

START_TEST(who_leaves_the_configuration_stays_held_until_the_end)
{
	struct egress_session *first = lab_open("agent1"), *second;

	lab_conf(WITHOUT_AGENT1);
	ck_assert_uint_eq(sync_now().released, 0);
	second = lab_open("agent1");
	ck_assert_str_eq(second->profile, "default");
	ck_assert_uint_eq(second->sessions, 2);
	ck_assert_uint_eq(proxy_port(AGENT1), 3128);
	ck_assert_uint_eq(reap_now().released, 0);
	state_is("agent1", EGRESS_ACTIVE);
	ck_assert(lab_close(first));
	ck_assert(!lab_close(second));
	lab_nothing_left();
	ck_assert_ptr_null(lab_open("agent1"));
}
END_TEST

START_TEST(who_left_the_configuration_is_free_when_only_dead_sessions_are_left)
{
	struct egress_session *session = lab_open("agent1");

	lab_open_and_die("agent1");
	ck_assert_int_eq(unlink(folder_path(lab_uid_path(AGENT1, session->token))), 0);
	egress_session_free(session);
	lab_conf(WITHOUT_AGENT1);
	ck_assert_ptr_null(lab_open("agent1"));
	lab_nothing_left();
}
END_TEST

START_TEST(who_left_the_configuration_and_whose_profile_is_lost_is_denied)
{
	struct egress_session *session = lab_open("agent1");

	lab_conf(WITHOUT_AGENT1);
	folder_write(lab_uid_path(AGENT1, "profile"), "nonsense");
	lab_deny("agent1", -EIO);
	ck_assert(lab_stands(AGENT1));
	ck_assert_uint_eq(sync_now().released, 0);
	ck_assert(lab_log_has("its profile is not known"));
	ck_assert(!lab_close(session));
	lab_nothing_left();
}
END_TEST

/* ---- the configuration breaks ------------------------------------------------------------------ */

START_TEST(a_broken_configuration_falls_back_on_the_last_good_one)
{
	struct egress_session *session = lab_open("agent1"), *second;

	lab_conf(LAB_BROKEN);
	second = lab_open("agent1");
	ck_assert(lab_log_has("the last good configuration stays in force"));
	ck_assert_uint_eq(second->sessions, 2);
	ck_assert_ptr_null(lab_open("alice"));
	ck_assert_uint_eq(sync_now().released, 0);
	ck_assert_int_eq(unlink(folder_path("egress.conf")), 0);
	ck_assert_uint_eq(reap_now().released, 0);
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
	ck_assert_uint_eq(reap_now().released, 1);
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

/* ---- the kernel, or the ledger, is not as it was ----------------------------------------------- */

START_TEST(sync_puts_back_what_a_flush_took)
{
	struct egress_session *session = lab_open("agent1");
	char *first = NULL;

	ck_assert_uint_eq(differences(NULL), 0);
	backend_mem.remove((struct backend *)&(struct mem_kernel *){ &lab.kernel },
			   &(struct uid_range){ AGENT1, AGENT1 }, 1, NULL);
	ck_assert(!lab_stands(AGENT1));
	ck_assert_uint_eq(differences(&first), 1);
	ck_assert_str_eq(first, "agent1: no rules stand");
	ck_assert_uint_eq(reap_now().released, 0);
	ck_assert_uint_eq(sync_now().held, 1);
	ck_assert_uint_eq(differences(NULL), 0);
	ck_assert(!lab_close(session));
	free(first);
}
END_TEST

START_TEST(verify_tells_drift_and_changes_nothing)
{
	struct egress_session *session = lab_open("agent1");
	unsigned int changes = lab.kernel.changes;
	char *first = NULL;

	lab.kernel.drift = "ipv6: OUTPUT: rule 1 is not ours";
	ck_assert_uint_eq(differences(&first), 1);
	ck_assert_str_eq(first, "agent1: ipv6: OUTPUT: rule 1 is not ours");
	ck_assert_uint_eq(lab.kernel.changes, changes);
	lab.kernel.drift = NULL;
	lab_close(session);
	free(first);
}
END_TEST

START_TEST(rules_that_nobody_accounts_for_are_listed_and_reaped)
{
	struct egress_account **accounts = NULL;
	struct egress_session *session = lab_open("agent1");

	egress_session_free(session);
	ck_assert_int_eq(rename(folder_path("state"), folder_path("lost")), 0);
	ck_assert_int_eq(egress_list(lab.ctx, &accounts), 0);
	ck_assert_ptr_nonnull(accounts[0]);
	ck_assert_uint_eq(accounts[0]->uid_first, AGENT1);
	ck_assert_ptr_null(accounts[1]);
	egress_accounts_free(accounts);
	ck_assert_uint_eq(reap_now().released, 1);
	lab_nothing_left();
}
END_TEST

START_TEST(list_is_ascending_and_complete)
{
	struct egress_session *two = lab_open("agent2"), *one = lab_open("agent1");
	struct egress_account **accounts = NULL;

	lab.kernel.denied = (struct traffic){ 3, 180 };
	ck_assert_int_eq(egress_list(lab.ctx, &accounts), 0);
	ck_assert_str_eq(accounts[0]->name, "agent1");
	ck_assert_str_eq(accounts[1]->name, "agent2");
	ck_assert_ptr_null(accounts[2]);
	ck_assert_str_eq(accounts[0]->proxies[0], "127.0.0.1:3128");
	ck_assert_str_eq(accounts[0]->sessions[0]->token, one->token);
	ck_assert_str_eq(accounts[0]->sessions[0]->tty, "tty1");
	ck_assert_int_eq(accounts[0]->sessions[0]->pid, getpid());
	ck_assert_uint_eq(accounts[0]->denied.bytes, 180);
	ck_assert_ptr_null(accounts[0]->drift[0]);
	egress_accounts_free(accounts);
	lab_close(one);
	lab_close(two);
	ck_assert_int_eq(egress_list(lab.ctx, &accounts), 0);
	ck_assert_ptr_null(accounts[0]);
	egress_accounts_free(accounts);
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
	ck_assert_uint_eq(reap_now().released, 0);
	ck_assert(lab_log_has("damaged record, moved to damaged/"));
	ck_assert(lab_stands(AGENT1));
	state_is("agent1", EGRESS_LINGERING);
	lab_end_process(pid);
	ck_assert_uint_eq(reap_now().released, 1);
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
	sync_now();
	ck_assert(lab_log_has("4242: stays as it is"));
	ck_assert_uint_ge(differences(NULL), 1);
	ck_assert_uint_eq(lab_records(AGENT1), 1);
	ck_assert(lab_stands(AGENT1) && lab_stands(AGENT2));
	ck_assert(folder_has(broken));
	lab_close(other);
	lab_close(session);
	free(net);
}
END_TEST

static TCase *make_case(void)
{
	TCase *tcase = tcase_create("upkeep");

	tcase_add_checked_fixture(tcase, lab_begin, lab_end);
	tcase_set_timeout(tcase, 60);
	return tcase;
}

static void add_state_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_state_folder_that_is_a_link_or_a_file_denies);
	tcase_add_test(tcase, a_state_folder_that_is_not_ours_denies);
	tcase_add_test(tcase, without_a_ledger_the_kernel_says_who_left_the_configuration_while_held);
	tcase_add_test(tcase, a_damaged_record_is_told_and_nobody_is_let_out);
	tcase_add_test(tcase, foreign_files_are_left_alone_and_rules_go);
	tcase_add_test(tcase, one_broken_uid_does_not_stop_the_others);
}

int main(void)
{
	Suite *suite = suite_create("upkeep");
	TCase *tcase = make_case();

	tcase_add_test(tcase, a_pin_holds_without_a_session);
	tcase_add_test(tcase, a_pin_taken_away_leaves_the_session_held);
	tcase_add_test(tcase, a_pin_that_fails_leaves_nothing);
	tcase_add_test(tcase, always_is_held_by_sync_and_never_let_go);
	tcase_add_test(tcase, a_changed_profile_reaches_the_held_at_sync_and_at_open);
	tcase_add_test(tcase, who_leaves_the_configuration_stays_held_until_the_end);
	tcase_add_test(tcase, who_left_the_configuration_is_free_when_only_dead_sessions_are_left);
	tcase_add_test(tcase, who_left_the_configuration_and_whose_profile_is_lost_is_denied);
	tcase_add_test(tcase, a_broken_configuration_falls_back_on_the_last_good_one);
	tcase_add_test(tcase, whom_a_broken_text_names_is_denied);
	tcase_add_test(tcase, a_name_that_is_not_quoted_whole_names_nobody);
	tcase_add_test(tcase, who_is_held_is_denied_though_the_broken_text_does_not_name_him);
	tcase_add_test(tcase, a_trial_is_never_kept);
	tcase_add_test(tcase, sync_puts_back_what_a_flush_took);
	tcase_add_test(tcase, verify_tells_drift_and_changes_nothing);
	tcase_add_test(tcase, rules_that_nobody_accounts_for_are_listed_and_reaped);
	tcase_add_test(tcase, list_is_ascending_and_complete);
	add_state_tests(tcase);
	suite_add_tcase(suite, tcase);
	return folder_run_as_root("t-upkeep", suite);
}
