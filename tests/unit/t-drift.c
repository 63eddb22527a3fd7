/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The differences between a plan and what stands, in words. */
#include "drift.h"

#include "conf.h"
#include "egress.h"
#include "unit.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

static struct plan plan_of(const char *profile)
{
	const struct uid_range uids = { 2001, 2001 };
	struct fault fault = { 0 };
	struct conf *conf = NULL;
	struct conf_text source = { .file = "t" };
	char text[512];
	struct plan plan = { 0 };

	snprintf(text, sizeof(text),
		 "profiles = { default = { %s }; };\naccounts = ( { user = \"agent1\"; } );\n", profile);
	source.text = text;
	source.length = strlen(text);
	ck_assert_msg(conf_parse(&source, 1, 1000, &fault, &conf) == 0, "%s", fault.line);
	ck_assert_int_eq(plan_compile(conf->accounts[0].profile, uids, &plan), 0);
	conf_free(conf);
	return plan;
}

#define ONE "proxy = [ \"127.0.0.1:3128\", \"[::1]:3128\" ];"
#define OTHER "proxy = [ \"127.0.0.1:3129\", \"[::1]:3128\" ];"

/* Compares with what stands for the profile IS; the lines, joined by newlines, must be LINES. */
static void compare(const char *must, const char *is, char **told, const char *lines)
{
	struct plan plan = plan_of(must);
	struct standing standing = { .drift = told };
	char **differences = NULL, joined[2048] = "";

	if (is)
		standing.plan = plan_of(is);
	ck_assert_int_eq(drift_compare(&plan, is ? &standing : NULL, &differences), 0);
	for (char **line = differences; *line; line++) {
		strcat(joined, *line);
		strcat(joined, "\n");
	}
	ck_assert_str_eq(joined, lines);
	egress_lines_free(differences);
	plan_clear(&plan);
	plan_clear(&standing.plan);
}

START_TEST(equal_is_no_difference)
{
	compare(ONE, ONE, NULL, "");
	compare(ONE " log = false;", ONE " log = false;", NULL, "");
}
END_TEST

START_TEST(nothing_stands)
{
	compare(ONE, NULL, NULL, "no rules stand\n");
}
END_TEST

START_TEST(a_rule_differs_in_one_family)
{
	compare(ONE, OTHER, NULL,
		"ipv4: rule 2: must be \"ipv4 allow tcp 127.0.0.1/32 port 3128\", "
		"is \"ipv4 allow tcp 127.0.0.1/32 port 3129\"\n");
}
END_TEST

static bool has_line(char **lines, const char *start)
{
	for (; *lines; lines++)
		if (strncmp(*lines, start, strlen(start)) == 0)
			return true;
	return false;
}

START_TEST(a_rule_is_missing_and_a_rule_is_too_many)
{
	struct plan plan = plan_of(ONE), shorter = plan_of(ONE " log = false;");
	struct standing standing = { .plan = shorter };
	char **lines = NULL;

	ck_assert_int_eq(drift_compare(&plan, &standing, &lines), 0);
	ck_assert(has_line(lines, "ipv4: rule 3: must be"));
	ck_assert(has_line(lines, "ipv6: rule 3: must be"));
	ck_assert(has_line(lines, "ipv4: rule 5: must be"));
	egress_lines_free(lines);
	standing.plan = plan;
	ck_assert_int_eq(drift_compare(&shorter, &standing, &lines), 0);
	ck_assert(has_line(lines, "ipv6: rule 5: must be \"nothing\""));
	egress_lines_free(lines);
	plan_clear(&plan);
	plan_clear(&shorter);
}
END_TEST

START_TEST(what_the_backend_told_is_a_difference_although_the_rules_are_equal)
{
	char line[] = "ipv6: OUTPUT: rule 1 is not ours", *told[] = { line, NULL };

	compare(ONE, ONE, told, "ipv6: OUTPUT: rule 1 is not ours\n");
}
END_TEST

START_TEST(lines_grow_one_by_one)
{
	char **lines = NULL;

	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(lines_add(&lines, "line %d", i), 0);
	ck_assert_str_eq(lines[0], "line 0");
	ck_assert_str_eq(lines[99], "line 99");
	ck_assert_ptr_null(lines[100]);
	egress_lines_free(lines);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("drift");
	TCase *tcase = tcase_create("drift");

	tcase_add_test(tcase, equal_is_no_difference);
	tcase_add_test(tcase, nothing_stands);
	tcase_add_test(tcase, a_rule_differs_in_one_family);
	tcase_add_test(tcase, a_rule_is_missing_and_a_rule_is_too_many);
	tcase_add_test(tcase, what_the_backend_told_is_a_difference_although_the_rules_are_equal);
	tcase_add_test(tcase, lines_grow_one_by_one);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
