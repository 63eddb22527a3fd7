/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All names of a uid, out of a file in which a line may be anything. */
#include "passwd.h"

#include "folder.h"
#include "unit.h"
#include "util.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static const struct {
	const char *text;
	const char *names; /* of 2001, each with a blank */
} files[] = {
	{ "", "" },
	{ "root:x:0:0::/root:/bin/sh\n", "" },
	{ "agent1:x:2001:2001::/:/bin/sh\nbob:x:2002:2002::/:/bin/sh\nagent2:x:2001:2002::/:/bin/sh\n",
	  "agent1/2001 agent2/2002 " },
	{ "agent1:x:2001:2001::/:/bin/sh", "agent1/2001 " }, /* no newline */
	{ "  agent1:x: 2001:02001::/:\nagent2:*:02001:7:\n", "agent1/2001 agent2/7 " },
	{ "agent1:x:2001\nagent2:x:2001:\nagent3:x:2001:x:\n", "agent1/-1 agent2/-1 agent3/-1 " },
	{ "a:x:20011:1:\nb:x:200:1:\nc:x:2001x:1:\nd:2001:1:\ne:x::2001:\n:x:2001:1:\n2001\n\n:\n::\n", "" },
	{ "#agent1:x:2001:2001:\n+agent2:x:2001:2001:\n-agent3:x:2001:2001:\n+\n+:::::\n", "" },
	{ "a:x:4294969297:1:\nb:x:18446744073709553617:1:\nc:x:-1:1:\n", "" }, /* wrapped */
};

static void print(const struct passwd_names *names, char text[256])
{
	text[0] = '\0';
	for (size_t i = 0; i < names->count; i++)
		snprintf(text + strlen(text), 256 - strlen(text), "%s/%d ", names->items[i].name,
			 (int)names->items[i].gid);
}

START_TEST(names_are_those_of_the_uid)
{
	struct passwd_names names = { 0 };
	char text[256];

	folder_write("passwd", files[_i].text);
	ck_assert_int_eq(passwd_names_read(folder_path("passwd"), 2001, &names), 0);
	print(&names, text);
	ck_assert_str_eq(text, files[_i].names);
	passwd_names_clear(&names);
}
END_TEST

START_TEST(a_long_line_hides_nobody)
{
	static char text[200000];
	struct passwd_names names = { 0 };

	memset(text, 'x', sizeof(text) - 100);
	memcpy(text, "a:x:1:1:", 8);
	strcat(text, "\nagent1:x:2001:2001::/:\n");
	folder_write("passwd", text);
	ck_assert_int_eq(passwd_names_read(folder_path("passwd"), 2001, &names), 0);
	ck_assert_uint_eq(names.count, 1);
	passwd_names_clear(&names);
}
END_TEST

START_TEST(no_file_has_no_names_and_one_that_cannot_be_read_is_an_error)
{
	struct passwd_names names = { 0 };
	struct rlimit limit, fewer;

	ck_assert_int_eq(passwd_names_read(folder_path("nowhere"), 2001, &names), 0);
	ck_assert_uint_eq(names.count, 0);
	ck_assert_int_eq(passwd_names_read(folder_path("."), 2001, &names), -EISDIR);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	fewer = (struct rlimit){ 0, limit.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &fewer), 0);
	ck_assert_int_eq(passwd_names_read(folder_path("nowhere"), 2001, &names), -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("passwd");
	TCase *tcase = tcase_create("passwd");

	tcase_add_checked_fixture(tcase, folder_make, NULL);
	tcase_add_loop_test(tcase, names_are_those_of_the_uid, 0, ARRAY_SIZE(files));
	tcase_add_test(tcase, a_long_line_hides_nobody);
	tcase_add_test(tcase, no_file_has_no_names_and_one_that_cannot_be_read_is_an_error);
	suite_add_tcase(suite, tcase);
	return folder_run("t-passwd", suite);
}
