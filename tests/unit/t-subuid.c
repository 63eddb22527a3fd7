/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranges of uids, and files like /etc/subuid, in which a line may be anything. */
#include "subuid.h"

#include "folder.h"
#include "unit.h"
#include "util.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* "5-7 9 " as ranges. */
static struct uid_ranges read_words(const char *words)
{
	struct uid_ranges ranges = { 0 };
	char copy[256], *rest = copy, *word;

	snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strsep(&rest, " "))) {
		struct uid_range range;

		if (!*word)
			continue;
		ck_assert_int_eq(addr_parse_uid_range(word, &range), 0);
		ck_assert_int_eq(uid_ranges_add(&ranges, range), 0);
	}
	return ranges;
}

static void are(const struct uid_ranges *ranges, const char *words)
{
	char text[1024] = "", range[UID_RANGE_TEXT_MAX];

	for (size_t i = 0; i < ranges->count; i++) {
		strcat(text, i ? " " : "");
		strcat(text, addr_print_uid_range(ranges->items[i], range));
	}
	ck_assert_str_eq(text, words);
}

/* ---- ranges ------------------------------------------------------------------------------------ */

static const struct {
	const char *added, *are;
} sums[] = {
	{ "", "" },
	{ "5", "5" },
	{ "5-7 1-3", "1-3 5-7" },
	{ "1-3 4-6", "1-3 4-6" }, /* neighbours stay apart */
	{ "1-3 1-3 2 3", "1-3" },
	{ "1-3 2-6", "1-3 4-6" },
	{ "4-6 1-5", "1-3 4-6" },
	{ "4-6 1-9", "1-3 4-6 7-9" },
	{ "2 4 6 1-7", "1 2 3 4 5 6 7" },
	{ "0-4294967294 5", "0-4294967294" },
	{ "4294967294 4294967290-4294967294", "4294967290-4294967293 4294967294" },
};

START_TEST(only_what_is_new_is_added)
{
	struct uid_ranges ranges = read_words(sums[_i].added);

	are(&ranges, sums[_i].are);
	uid_ranges_clear(&ranges);
}
END_TEST

static const struct {
	const char *before;
	uid_t uid;
	const char *after;
} differences[] = {
	{ "1-9", 5, "1-4 6-9" }, { "1-9", 1, "2-9" }, { "1-9", 9, "1-8" }, { "3-5 8 20-30", 8, "3-5 20-30" },
	{ "3-5", 9, "3-5" },	 { "7", 7, "" },      { "", 7, "" },
};

START_TEST(one_uid_is_taken_out)
{
	struct uid_ranges ranges = read_words(differences[_i].before);

	ck_assert_int_eq(uid_ranges_without(&ranges, differences[_i].uid), 0);
	are(&ranges, differences[_i].after);
	uid_ranges_clear(&ranges);
}
END_TEST

START_TEST(ranges_come_back_from_text)
{
	static const char *const wrong[] = { "1-3", "1-3\n2\n", "3-1\n", "x\n", "\n", "1-3\n\n",
					     "4294967295\n", "11111111111111111111111111111-2\n" };
	struct uid_ranges ranges = read_words("100000-165535 7 4294967290-4294967294"), read = { 0 };
	char *text = NULL;

	ck_assert_int_eq(uid_ranges_print(&ranges, &text), 0);
	ck_assert_int_eq(uid_ranges_parse(text, &read), 0);
	are(&read, "7 100000-165535 4294967290-4294967294");
	uid_ranges_clear(&ranges);
	uid_ranges_clear(&read);
	free(text);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_int_eq(uid_ranges_parse(wrong[i], &read), -EBADMSG);
	ck_assert_uint_eq(read.count, 0);
}
END_TEST

/* ---- whose are they ---------------------------------------------------------------------------- */

static const char *const both_names[] = { "agent1", "second" };
static const struct subuid_owner agent1 = { 2001, both_names, ARRAY_SIZE(both_names) };

/* What becomes of agent1 (2001), who is "second" as well; beside it root is in passwd, and alice with 2002. */
static const struct {
	const char *text, *ranges, *fault;
} files[] = {
	{ "", "", NULL },
	{ "agent1:100000:65536\n", "100000-165535", NULL },
	{ "agent1:100000:65536", "100000-165535", NULL }, /* no newline */
	{ "alice:100000:65536\nagent1:165536:65536\nbob:231072:65536\n", "165536-231071", NULL },
	{ "2001:100000:10\nsecond:200000:10\nagent1:300000:10\n", "100000-100009 200000-200009 300000-300009", NULL },
	{ "agent1:100000:10\nsecond:100005:10\n", "100000-100009 100010-100014", NULL }, /* one's own */
	{ "agent1:100000:10\nagent1:100000:10\n", "100000-100009", NULL },
	{ "agent1:2001:1\n", "", NULL }, /* held anyway */
	{ "agent1:1999:3\n", "1999-2000", NULL },
	{ "agent1:4294967285:10\n", "4294967285-4294967294", NULL },
	{ "agent1:100000:16777216\n", "100000-16877215", NULL },
	/* Nobody's, or others'. */
	{ "agent:100000:10\nagent11:1:1\n agent1:2:2\n02001:1:1\n+agent1:1:1\n:1:1\n20010:1:1\n", "", NULL },
	{ "# agent1\n\n\nagent1:100000:10\n", "100000-100009", NULL },
	{ "alice:x:y\nalice\nalice:\nalice:100000\nalice:100000:0\nalice:99999999999999999999:1\nalice:100000:9999999999\n"
	  "agent1:100000:10\n", "100000-100009", NULL },
	/* Its own, and no ranges. */
	{ "agent1\n", NULL, "f:1: \"agent1\": is not NAME:FIRST:COUNT" },
	{ "\nagent1:\n", NULL, "f:2: \"agent1:\": is not NAME:FIRST:COUNT" },
	{ "agent1:100000\n", NULL, "f:1: \"agent1:100000\": is not NAME:FIRST:COUNT" },
	{ "agent1:100000:\n", NULL, "f:1: \"agent1:100000:\": is not NAME:FIRST:COUNT" },
	{ "agent1:100000:10:\n", NULL, "f:1: \"agent1:100000:10:\": is not NAME:FIRST:COUNT" },
	{ "agent1:0x100:10\n", NULL, "f:1: \"agent1:0x100:10\": is not NAME:FIRST:COUNT" },
	{ "agent1: 100000:10\n", NULL, "f:1: \"agent1: 100000:10\": is not NAME:FIRST:COUNT" },
	{ "agent1:-1:10\n", NULL, "f:1: \"agent1:-1:10\": is not NAME:FIRST:COUNT" },
	{ "agent1:100000:10\r\n", NULL, "f:1: \"agent1:100000:10?\": is not NAME:FIRST:COUNT" },
	{ "agent1:100000:00000000000000000000000000000000010\n", NULL,
	  "f:1: \"agent1:100000:00000000000000000000000000000000010\": is not NAME:FIRST:COUNT" },
	{ "second:100000:ten\n", NULL, "f:1: \"second:100000:ten\": is not NAME:FIRST:COUNT" },
	{ "agent1:100000:10\n2001:100000:ten\n", NULL, "f:2: \"2001:100000:ten\": is not NAME:FIRST:COUNT" },
	{ "agent1:100000:0\n", NULL, "f:1: \"agent1:100000:0\": has no uid" },
	/* What nobody may have. */
	{ "agent1:0:1\n", NULL, "f:1: \"agent1:0:1\": has uid 0" },
	{ "agent1:0:65536\n", NULL, "f:1: \"agent1:0:65536\": has uid 0" },
	{ "agent1:65534:1\n", NULL, "f:1: \"agent1:65534:1\": has uid 65534, which is nobody's" },
	{ "agent1:2000:3\n", NULL, "f:1: \"agent1:2000:3\": has uid 2002, which is an account's of p" },
	{ "agent1:100000:16777217\n", NULL, "f:1: \"agent1:100000:16777217\": has more than 16777216 uids" },
	{ "agent1:1:4294967294\n", NULL, "f:1: \"agent1:1:4294967294\": has uid 65534, which is nobody's" },
	{ "agent1:4294967286:10\n", NULL, "f:1: \"agent1:4294967286:10\": goes beyond the last uid" },
	{ "agent1:4294967295:4294967295\n", NULL,
	  "f:1: \"agent1:4294967295:4294967295\": goes beyond the last uid" },
	{ "agent1:100000:18446744073709551617\n", NULL,
	  "f:1: \"agent1:100000:18446744073709551617\": is not NAME:FIRST:COUNT" },
	{ "agent1:100000:10\nalice:100009:1\n", NULL,
	  "f:1: \"agent1:100000:10\": overlaps line 2, \"alice:100009:1\"" },
	{ "nobody-of-this-name:1:4000000000\nagent1:100000:10\n", NULL,
	  "f:2: \"agent1:100000:10\": overlaps line 1, \"nobody-of-this-name:1:4000000000\"" },
};

#define PASSWD "root:x:0:0::/:\nagent1:x:2001:2001::/:\nalice:x:2002:2002::/:\nsecond:x:2001:2001::/:\n"

static const struct subuid_paths *paths(void)
{
	static struct subuid_paths relative;

	relative = (struct subuid_paths){ .subuid = folder_path("subuid"), .passwd = folder_path("passwd") };
	return &relative;
}

/* Messages without the folder's path. */
static void shorten(const struct subuid_paths *from, char *line)
{
	const char *const names[] = { from->subuid, from->passwd };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *at = strstr(line, names[i]);

		if (!at)
			continue;
		*at = i ? 'p' : 'f';
		memmove(at + 1, at + strlen(names[i]), strlen(at + strlen(names[i])) + 1);
	}
}

START_TEST(a_line_is_a_range_or_a_refusal)
{
	const struct subuid_paths *from = paths();
	struct uid_ranges ranges = { 0 };
	struct fault why = { 0 };
	struct subuid *subuid;
	int r;

	folder_write("passwd", PASSWD);
	folder_write("subuid", files[_i].text);
	ck_assert_int_eq(subuid_load(from, NULL, &subuid), 0);
	r = subuid_find(subuid, &agent1, &why, &ranges);
	shorten(from, why.line);
	ck_assert_str_eq(why.line, files[_i].fault ? files[_i].fault : "");
	ck_assert_int_eq(r, files[_i].fault ? -EBADMSG : 0);
	are(&ranges, files[_i].ranges ? files[_i].ranges : "");
	uid_ranges_clear(&ranges);
	subuid_free(subuid);
}
END_TEST

START_TEST(a_nul_is_no_end)
{
	static const char text[] = "agent1:100000:1\0000\nalice\0:100000:10\n";
	const struct subuid_text one = { "f", text, sizeof(text) - 1 };
	struct uid_ranges ranges = { 0 };
	struct fault why = { 0 };
	struct subuid *subuid;

	ck_assert_int_eq(subuid_parse(&one, 1, &subuid), 0);
	ck_assert_int_eq(subuid_find(subuid, &agent1, &why, &ranges), -EBADMSG);
	subuid_free(subuid);
}
END_TEST

START_TEST(more_ranges_than_anybody_needs_are_refused)
{
	char text[8192] = "";
	struct uid_ranges ranges = { 0 };
	struct fault why = { 0 };
	struct subuid *subuid;

	for (int i = 0; i <= UID_RANGES_MAX; i++)
		snprintf(text + strlen(text), 64, "agent1:%d:10\n", 100000 + 20 * i);
	folder_write("subuid", text);
	ck_assert_int_eq(subuid_load(paths(), NULL, &subuid), 0);
	ck_assert_int_eq(subuid_find(subuid, &agent1, &why, &ranges), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(why.line, ":65: "));
	subuid_free(subuid);
}
END_TEST

START_TEST(a_second_file_counts_like_the_first)
{
	struct subuid_paths from = *paths();
	struct uid_ranges ranges = { 0 };
	struct fault why = { 0 };
	struct subuid *subuid;

	from.libdir = folder_path("lib");
	folder_write("passwd", PASSWD);
	folder_mkdir("lib", 0700);
	folder_write("lib/subuid", "agent1:200000:10\n");
	ck_assert_int_eq(subuid_load(&from, NULL, &subuid), 0); /* the first is not there */
	ck_assert_int_eq(subuid_find(subuid, &agent1, NULL, &ranges), 0);
	are(&ranges, "200000-200009");
	uid_ranges_clear(&ranges);
	subuid_free(subuid);
	folder_write("subuid", "alice:200009:1\nagent1:100000:10\n");
	ck_assert_int_eq(subuid_load(&from, NULL, &subuid), 0);
	ck_assert_int_eq(subuid_find(subuid, &agent1, &why, &ranges), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(why.line, "name service's subid:1: \"agent1:200000:10\": overlaps "));
	ck_assert_ptr_nonnull(strstr(why.line, "/subuid:1, \"alice:200009:1\""));
	subuid_free(subuid);
}
END_TEST

START_TEST(a_second_file_that_others_may_have_written_is_refused)
{
	struct subuid_paths from = *paths();
	struct fault why = { 0 };
	struct subuid *subuid;

	from.libdir = folder_path("lib");
	folder_mkdir("lib", 0700);
	ck_assert_int_eq(chmod(folder_path("lib"), 0777), 0);
	ck_assert_int_eq(subuid_load(&from, NULL, &subuid), 0); /* it is not there */
	subuid_free(subuid);
	folder_write("lib/subuid", "");
	ck_assert_int_eq(subuid_load(&from, &why, &subuid), -EPERM);
	ck_assert_ptr_nonnull(strstr(why.line, "/lib: not ours alone"));
}
END_TEST

START_TEST(only_what_root_alone_wrote_is_read)
{
	struct fault why = { 0 };
	struct subuid *subuid = NULL;

	ck_assert_int_eq(subuid_load(paths(), NULL, &subuid), 0);
	ck_assert(subuid_is_empty(subuid));
	subuid_free(subuid);
	subuid = NULL;
	folder_write("subuid", "");
	ck_assert_int_eq(chmod(folder_path("subuid"), 0664), 0);
	ck_assert_int_eq(subuid_load(paths(), &why, &subuid), -EPERM);
	ck_assert_ptr_nonnull(strstr(why.line, "/subuid: others may write to it"));
	ck_assert_int_eq(remove(folder_path("subuid")), 0);
	ck_assert_int_eq(mkfifo(folder_path("subuid"), 0600), 0);
	ck_assert_int_eq(subuid_load(paths(), NULL, &subuid), -EPERM);
	ck_assert_int_eq(remove(folder_path("subuid")), 0);
	folder_write("other", "agent1:100000:10\n");
	ck_assert_int_eq(symlink("other", folder_path("subuid")), 0);
	ck_assert_int_eq(subuid_load(paths(), NULL, &subuid), -EPERM);
	ck_assert_ptr_null(subuid);
}
END_TEST

START_TEST(an_unreadable_passwd_file_is_an_error_only_where_it_matters)
{
	struct subuid_paths from = *paths();
	struct uid_ranges ranges = { 0 };
	struct subuid *subuid;

	from.passwd = folder_path(".");
	folder_write("subuid", "alice:100000:10\n");
	ck_assert_int_eq(subuid_load(&from, NULL, &subuid), 0);
	ck_assert_int_eq(subuid_find(subuid, &agent1, NULL, &ranges), 0);
	subuid_free(subuid);
	folder_write("subuid", "agent1:100000:10\n");
	ck_assert_int_eq(subuid_load(&from, NULL, &subuid), 0);
	ck_assert_int_eq(subuid_find(subuid, &agent1, NULL, &ranges), -EIO);
	subuid_free(subuid);
}
END_TEST

static double cpu_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return 1e3 * (double)time.tv_sec + (double)time.tv_nsec / 1e6;
}

/* A login reads all of it. The limit is far above what it takes, and far below what going through it twice over for each line would. */
START_TEST(ten_thousand_lines_take_no_time)
{
	AUTO_FREE char *text = malloc(1U << 20);
	struct uid_ranges ranges = { 0 };
	struct subuid *subuid;
	double begin;
	size_t length = 0;

	for (unsigned int i = 0; i < 10000; i++)
		length += (size_t)snprintf(text + length, 64, "account%u:%u:65536\n", i, 100000 + 65536 * i);
	snprintf(text + length, 64, "agent1:%u:65536\n", 100000 + 65536 * 10000U);
	folder_write("passwd", PASSWD);
	folder_write("subuid", text);
	begin = cpu_ms();
	ck_assert_int_eq(subuid_load(paths(), NULL, &subuid), 0);
	ck_assert_int_eq(subuid_find(subuid, &agent1, NULL, &ranges), 0);
	printf("# 10,000 lines: %.2f ms of CPU time\n", cpu_ms() - begin);
	ck_assert(cpu_ms() - begin < 50);
	are(&ranges, "655460000-655525535");
	uid_ranges_clear(&ranges);
	subuid_free(subuid);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("subuid");
	TCase *tcase = tcase_create("subuid");

	tcase_add_checked_fixture(tcase, folder_make, NULL);
	tcase_add_loop_test(tcase, only_what_is_new_is_added, 0, ARRAY_SIZE(sums));
	tcase_add_loop_test(tcase, one_uid_is_taken_out, 0, ARRAY_SIZE(differences));
	tcase_add_test(tcase, ranges_come_back_from_text);
	tcase_add_loop_test(tcase, a_line_is_a_range_or_a_refusal, 0, ARRAY_SIZE(files));
	tcase_add_test(tcase, a_nul_is_no_end);
	tcase_add_test(tcase, more_ranges_than_anybody_needs_are_refused);
	tcase_add_test(tcase, a_second_file_counts_like_the_first);
	tcase_add_test(tcase, a_second_file_that_others_may_have_written_is_refused);
	tcase_add_test(tcase, only_what_root_alone_wrote_is_read);
	tcase_add_test(tcase, an_unreadable_passwd_file_is_an_error_only_where_it_matters);
	tcase_add_test(tcase, ten_thousand_lines_take_no_time);
	suite_add_tcase(suite, tcase);
	return folder_run("t-subuid", suite);
}
