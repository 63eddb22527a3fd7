/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration on disk: read with care, and the last good one kept for when it breaks. */
#include "conf-file.h"

#include "folder.h"
#include "unit.h"
#include "util.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define PROFILES "profiles = { default = { proxy = \"127.0.0.1:3128\"; }; };\n"
#define GOOD PROFILES "accounts = ( { user = \"agent1\"; } );\n"
#define MORE "accounts = ( { user = \"agent2\"; } );\n"

static struct conf_view load(void)
{
	struct conf_view view;
	struct fault fault = { 0 };

	ck_assert_msg(conf_view_load(folder_path("egress.conf"), folder_path("lib"), &fault, &view) == 0, "%s",
		      fault.line);
	ck_assert_int_eq(view.conf == NULL, view.from == CONF_FROM_NOWHERE);
	ck_assert_int_eq(view.raw != NULL, view.from == CONF_FROM_NOWHERE);
	return view;
}

static void loads_from(enum conf_from from, size_t accounts, const char *broken)
{
	struct conf_view view = load();

	ck_assert_msg(view.from == from, "from %d: %s", view.from, view.broken.line);
	if (view.conf)
		ck_assert_uint_eq(view.conf->account_count, accounts);
	ck_assert_msg(strstr(view.broken.line, broken), "\"%s\" is not in: %s", broken, view.broken.line);
	conf_view_clear(&view);
}

static void keep(void)
{
	struct conf_view view = load();
	struct fault fault = { 0 };

	ck_assert_msg(conf_keep(folder_path("lib"), folder_path("egress.conf"), view.conf, &fault) == 0, "%s",
		      fault.line);
	conf_view_clear(&view);
}

START_TEST(a_good_file_is_what_it_says)
{
	folder_write("egress.conf", GOOD);
	loads_from(CONF_FROM_FILE, 1, "");
}
END_TEST

START_TEST(conf_d_is_read_in_order_of_names)
{
	struct conf_view view;

	folder_write("egress.conf", GOOD);
	folder_mkdir("conf.d", 0755);
	folder_write("conf.d/20.conf", "accounts = ( { user = \"later\"; } );");
	folder_write("conf.d/10.conf", MORE);
	folder_write("conf.d/.hidden.conf", "nonsense");
	folder_write("conf.d/30.conf~", "nonsense");
	folder_write("conf.d/README", "nonsense");
	view = load();
	ck_assert_msg(view.from == CONF_FROM_FILE, "%s", view.broken.line);
	ck_assert_uint_eq(view.conf->account_count, 3);
	ck_assert_str_eq(view.conf->accounts[1].name, "agent2");
	ck_assert_str_eq(view.conf->accounts[2].name, "later");
	conf_view_clear(&view);
}
END_TEST

START_TEST(one_bad_file_in_conf_d_breaks_all)
{
	struct conf_view view;

	folder_write("egress.conf", GOOD);
	folder_mkdir("conf.d", 0755);
	folder_write("conf.d/10.conf", MORE);
	ck_assert_int_eq(chmod(folder_path("conf.d/10.conf"), 0666), 0);
	view = load();
	ck_assert_int_eq(view.from, CONF_FROM_NOWHERE);
	ck_assert_ptr_nonnull(strstr(view.broken.line, "conf.d/10.conf: others may write to it"));
	/* Whom any of the texts names may have been covered. */
	ck_assert(conf_text_names(view.raw, "agent1"));
	ck_assert(conf_text_names(view.raw, "agent2"));
	conf_view_clear(&view);
	ck_assert_int_eq(chmod(folder_path("conf.d"), 0777), 0);
	loads_from(CONF_FROM_NOWHERE, 0, "conf.d: others may write to it");
}
END_TEST

START_TEST(the_last_good_one_is_kept_and_used)
{
	struct stat st;

	folder_write("egress.conf", GOOD);
	keep();
	ck_assert_int_eq(stat(folder_path("lib"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	folder_write("egress.conf", "profiles = {{");
	loads_from(CONF_FROM_LAST_GOOD, 1, "egress.conf:1");
	ck_assert_int_eq(unlink(folder_path("egress.conf")), 0);
	loads_from(CONF_FROM_LAST_GOOD, 1, "No such file");
	ck_assert_int_eq(mkfifo(folder_path("egress.conf"), 0600), 0);
	loads_from(CONF_FROM_LAST_GOOD, 1, "not a regular file");
}
END_TEST

START_TEST(what_is_kept_is_not_written_twice)
{
	struct stat before, after;
	char *name = NULL;

	folder_write("egress.conf", GOOD);
	keep();
	ck_assert_uint_eq(folder_glob("lib/*", &name), 1);
	ck_assert_int_eq(stat(folder_path(name), &before), 0);
	keep();
	ck_assert_int_eq(stat(folder_path(name), &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	folder_write("egress.conf", GOOD "\n# only a comment\n");
	keep();
	ck_assert_int_eq(stat(folder_path(name), &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	free(name);
}
END_TEST

START_TEST(each_path_has_its_own)
{
	struct conf_view view = { 0 };

	folder_write("egress.conf", GOOD);
	keep();
	ck_assert_int_eq(conf_view_load(folder_path("other.conf"), folder_path("lib"), NULL, &view), 0);
	ck_assert_int_eq(view.from, CONF_FROM_NOWHERE);
	conf_view_clear(&view);
	/* A path that could be mistaken for the escaped form of another. */
	ck_assert_int_eq(conf_view_load("/%2Fegress.conf", folder_path("lib"), NULL, &view), 0);
	ck_assert_int_eq(view.from, CONF_FROM_NOWHERE);
	conf_view_clear(&view);
}
END_TEST

START_TEST(what_was_kept_by_others_is_not_used)
{
	char *name = NULL;

	folder_write("egress.conf", GOOD);
	keep();
	ck_assert_uint_eq(folder_glob("lib/*", &name), 1);
	folder_write("egress.conf", "broken");
	ck_assert_int_eq(chmod(folder_path(name), 0666), 0);
	loads_from(CONF_FROM_NOWHERE, 0, "");
	ck_assert_int_eq(chmod(folder_path(name), 0600), 0);
	ck_assert_int_eq(chmod(folder_path("lib"), 0777), 0);
	loads_from(CONF_FROM_NOWHERE, 0, "");
	ck_assert_int_eq(chmod(folder_path("lib"), 0700), 0);
	loads_from(CONF_FROM_LAST_GOOD, 1, "");
	folder_write(name, "nonsense");
	loads_from(CONF_FROM_NOWHERE, 0, "");
	free(name);
}
END_TEST

START_TEST(with_nothing_kept_the_text_is_all_there_is)
{
	struct conf_view view;

	folder_write("egress.conf", "profiles = {{ \"agent1\"");
	view = load();
	ck_assert_int_eq(view.from, CONF_FROM_NOWHERE);
	ck_assert(conf_text_names(view.raw, "agent1"));
	ck_assert(!conf_text_names(view.raw, "agent"));
	conf_view_clear(&view);
	ck_assert_int_eq(unlink(folder_path("egress.conf")), 0);
	view = load();
	ck_assert_int_eq(view.from, CONF_FROM_NOWHERE);
	ck_assert(!conf_text_names(view.raw, "agent1"));
	conf_view_clear(&view);
}
END_TEST

START_TEST(a_path_that_is_no_path_is_refused)
{
	static const char *const paths[] = { "egress.conf", "/etc/", "/", "" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct conf_view view = { 0 };

		ck_assert_int_eq(conf_view_load(paths[i], NULL, NULL, &view), 0);
		ck_assert_int_eq(view.from, CONF_FROM_NOWHERE);
		ck_assert_int_eq(view.broken.error, -EINVAL);
		conf_view_clear(&view);
	}
}
END_TEST

/* The caller of su chooses the limit: a configuration that cannot be read for that is not missing. */
START_TEST(too_few_descriptors_are_an_error)
{
	struct rlimit limit, fewer;
	struct conf_view view = { 0 };
	int fd = dup(0), r = 0;

	close(fd);
	folder_write("egress.conf", GOOD);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int more = 0; more < 8; more++) {
		fewer = (struct rlimit){ (rlim_t)(fd + more), limit.rlim_max };
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &fewer), 0);
		r = conf_view_load(folder_path("egress.conf"), folder_path("lib"), NULL, &view);
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
		if (r == 0)
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_int_lt(more, 4);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(view.from, CONF_FROM_FILE);
	conf_view_clear(&view);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conf-file");
	TCase *tcase = tcase_create("conf-file");

	tcase_add_checked_fixture(tcase, folder_make, NULL);
	tcase_add_test(tcase, a_good_file_is_what_it_says);
	tcase_add_test(tcase, conf_d_is_read_in_order_of_names);
	tcase_add_test(tcase, one_bad_file_in_conf_d_breaks_all);
	tcase_add_test(tcase, the_last_good_one_is_kept_and_used);
	tcase_add_test(tcase, what_is_kept_is_not_written_twice);
	tcase_add_test(tcase, each_path_has_its_own);
	tcase_add_test(tcase, what_was_kept_by_others_is_not_used);
	tcase_add_test(tcase, with_nothing_kept_the_text_is_all_there_is);
	tcase_add_test(tcase, a_path_that_is_no_path_is_refused);
	tcase_add_test(tcase, too_few_descriptors_are_an_error);
	suite_add_tcase(suite, tcase);
	return folder_run("t-conf-file", suite);
}
