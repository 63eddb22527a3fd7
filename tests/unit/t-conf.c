/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one golden file cannot say: several texts, who is covered, hostile sizes. */
#include "conf.h"

#include "unit.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

#define UID_MIN 1000

#define PROFILES "profiles = { default = { proxy = \"127.0.0.1:3128\"; }; };\n"
#define ACCOUNTS "accounts = ( { user = \"agent1\"; } );\n"

static int parse_texts(const char *const *texts, size_t count, struct fault *fault,
		       struct conf **ret)
{
	static const char *const files[] = { "a.conf", "b.conf", "c.conf" };
	struct conf_text sources[ARRAY_SIZE(files)];
	size_t i;

	for (i = 0; i < count; i++)
		sources[i] = (struct conf_text){ files[i], texts[i], strlen(texts[i]) };
	return conf_parse(sources, count, UID_MIN, fault, ret);
}

static struct conf *parse_good(const char *text)
{
	struct fault fault = { 0 };
	struct conf *conf = NULL;
	int r = parse_texts(&text, 1, &fault, &conf);

	ck_assert_msg(r == 0, "%s", fault.line);
	return conf;
}

static void refuse_texts(const char *const *texts, size_t count, const char *line)
{
	struct fault fault = { 0 };
	struct conf *conf = (struct conf *)texts;

	ck_assert_int_eq(parse_texts(texts, count, &fault, &conf), -EBADMSG);
	ck_assert_ptr_eq(conf, texts);
	ck_assert_int_eq(fault.error, -EBADMSG);
	ck_assert_str_eq(fault.line, line);
}

static void refuse(const char *text, const char *line)
{
	refuse_texts(&text, 1, line);
}

START_TEST(texts_are_united_in_order)
{
	static const char *const texts[] = {
		"accounts = ( { user = \"agent2\"; profile = \"late\"; } );",
		PROFILES ACCOUNTS "# no end of line",
		"backend = \"iptables\"\nprofiles = {\n late = { proxy = \"[::1]:1\"; }; };",
	};
	struct fault fault = { 0 };
	struct conf *conf = NULL;

	ck_assert_msg(parse_texts(texts, 3, &fault, &conf) == 0, "%s", fault.line);
	ck_assert_int_eq(conf->backend, BACKEND_IPTABLES);
	ck_assert_uint_eq(conf->profile_count, 2);
	ck_assert_str_eq(conf->profiles[0]->name, "default");
	ck_assert_str_eq(conf->profiles[1]->name, "late");
	ck_assert_str_eq(conf->profiles[1]->origin.file, "c.conf");
	ck_assert_uint_eq(conf->profiles[1]->origin.line, 3);
	ck_assert_uint_eq(conf->account_count, 2);
	ck_assert_str_eq(conf->accounts[0].name, "agent2");
	ck_assert_ptr_eq(conf->accounts[0].profile, conf->profiles[1]);
	ck_assert_str_eq(conf->accounts[1].name, "agent1");
	ck_assert_ptr_eq(conf->accounts[1].profile, conf->profiles[0]);
	ck_assert_str_eq(conf->accounts[1].origin.file, "b.conf");
	ck_assert_uint_eq(conf->accounts[1].origin.line, 2);
	conf_free(conf);
}
END_TEST

START_TEST(both_parts_are_needed_over_all_texts)
{
	static const char *const no_accounts[] = { PROFILES, "backend = \"auto\";" };
	static const char *const no_profiles[] = { "accounts = ( );", "" };
	struct fault fault = { 0 };
	struct conf *conf = NULL;

	refuse_texts(no_accounts, 2, "a.conf:1: the text ends without \"accounts\"");
	refuse_texts(no_profiles, 2, "a.conf:1: the text ends without \"profiles\"");
	ck_assert_int_eq(conf_parse(NULL, 0, UID_MIN, &fault, &conf), -EBADMSG);
	ck_assert_ptr_null(conf);
	ck_assert_str_eq(fault.line, "configuration: there is no text");
}
END_TEST

START_TEST(nothing_is_defined_in_two_texts)
{
	static const char *const backends[] = { "backend = \"auto\";" PROFILES ACCOUNTS,
						"\nbackend = \"auto\";" };
	static const char *const profiles[] = { PROFILES ACCOUNTS,
						"profiles = { a = { proxy = \"[::1]:1\"; }; };",
						"profiles = {\n default = { proxy = \"[::1]:1\"; "
						"}; z = { proxy = \"[::1]:1\"; }; };" };
	static const char *const accounts[] = { PROFILES ACCOUNTS, "accounts = ();",
						"\n\n" ACCOUNTS };
	static const char *const uids[] = {
		PROFILES "accounts = ( { uid = \"3000-3999\"; } );",
		"accounts = ( { uid = \"5000\"; }, { uid = \"2000-3000\"; } );"
	};
	static const char *const proxies[] = {
		"accounts = ( { user = \"squid\"; } );",
		"profiles = { default = { proxy = \"[::1]:1\"; proxy_user = \"squid\"; }; };"
	};

	refuse_texts(backends, 2, "b.conf:2: backend: is set in a.conf:1 already");
	refuse_texts(profiles, 3,
		     "c.conf:2: profiles.default: profile \"default\" stands in a.conf:1 already");
	refuse_texts(
		accounts, 3,
		"c.conf:3: accounts.user: \"agent1\" is covered already by \"agent1\" in a.conf:2");
	refuse_texts(uids, 2,
		     "b.conf:1: accounts.uid: \"2000-3000\" is covered already by \"3000-3999\" "
		     "in a.conf:2");
	refuse_texts(proxies, 2,
		     "a.conf:1: accounts.user: \"squid\" is the proxy_user of profile \"default\" "
		     "in b.conf:1");
}
END_TEST

START_TEST(the_first_bad_text_is_named)
{
	static const char *const texts[] = { PROFILES ACCOUNTS, "colour = 1;", "x = ;" };
	static const char *const syntax[] = { "profile = 1;", "\n=", "x = ;" };

	/* What cannot be read at all comes before what it says. */
	refuse_texts(texts, 2, "b.conf:1: colour: unknown key \"colour\"");
	refuse_texts(texts, 3, "c.conf:1: syntax error in \"x = ;\"");
	refuse_texts(syntax, 3, "b.conf:2: syntax error in \"=\"");
}
END_TEST

START_TEST(a_nul_is_refused)
{
	static const char text[] = PROFILES "# a\0b\n" ACCOUNTS;
	struct conf_text source = { "a.conf", text, sizeof(text) - 1 };
	struct fault fault = { 0 };
	struct conf *conf = NULL;

	ck_assert_int_eq(conf_parse(&source, 1, UID_MIN, &fault, &conf), -EBADMSG);
	ck_assert_ptr_null(conf);
	ck_assert_str_eq(fault.line, "a.conf:2: a NUL byte stands in the text");
}
END_TEST

START_TEST(uid_min_is_the_callers)
{
	static const char text[] = PROFILES "accounts = ( { uid = \"500-2001\"; } );";
	struct conf_text source = { "a.conf", text, sizeof(text) - 1 };
	struct conf *conf = NULL;

	ck_assert_int_eq(conf_parse(&source, 1, 501, NULL, &conf), -EBADMSG);
	ck_assert_ptr_null(conf);
	ck_assert_int_eq(conf_parse(&source, 1, 500, NULL, &conf), 0);
	conf_free(conf);
	conf_free(NULL);
}
END_TEST

START_TEST(defaults_are_those_of_the_manual)
{
	struct conf *conf = parse_good(PROFILES ACCOUNTS);
	const struct profile *profile = conf->profiles[0];

	ck_assert_int_eq(conf->backend, BACKEND_AUTO);
	ck_assert_int_eq(profile->reject, REJECT_RESET);
	ck_assert_int_eq(profile->hold, HOLD_SESSION);
	ck_assert(profile->log.enabled);
	ck_assert_int_eq(profile->log.group, 9);
	ck_assert_uint_eq(profile->log.rate, 10);
	ck_assert_uint_eq(profile->log.period, 60);
	ck_assert_ptr_null(profile->proxy_user);
	ck_assert_uint_eq(profile->allow_count, 0);
	ck_assert(!conf->accounts[0].system);
	conf_free(conf);
}
END_TEST

/* A file that is being written, or a full disk: whoever was covered stays so, or it is an error. */
START_TEST(a_text_cut_short_covers_everybody_or_nobody)
{
	static const char text[] = "backend = \"auto\"; /* a comment */\n"
				   "profiles = { default = { proxy = [ \"127.0.0.1:3128\" ];\n"
				   "  log = { group = 9; }; }; // another\n"
				   "}; accounts = ( { user = \"agent1\"; },\n"
				   " { uid = \"20000-29999\"; }, # a third\n"
				   " { group = \"agents\"; } ) ; # the end\n /* of it */\n";
	size_t length, good = 0;

	for (length = 0; length < sizeof(text); length++) {
		struct conf_text source = { "a.conf", NULL, length };
		char *cut = strndup(text, length);
		struct conf *conf = NULL;

		source.text = cut;
		if (conf_parse(&source, 1, UID_MIN, NULL, &conf) == 0) {
			ck_assert_uint_eq(conf->account_count, 3);
			good++;
		}
		conf_free(conf);
		free(cut);
	}
	ck_assert_uint_ge(good, 10);
}
END_TEST

/* HEAD, then COUNT times PART, then TAIL. */
static char *repeat(const char *head, const char *part, size_t count, const char *tail)
{
	char *text = malloc(strlen(head) + strlen(part) * count + strlen(tail) + 1);
	char *end;

	ck_assert_ptr_nonnull(text);
	end = stpcpy(text, head);
	while (count-- > 0)
		end = stpcpy(end, part);
	stpcpy(end, tail);
	return text;
}

static const struct {
	const char *head, *part;
	size_t count;
	const char *tail, *line;
} hostile[] = {
	{ "x = ", "(", 100000, "", "a.conf:1: brackets are nested too deeply" },
	{ "x = ", "{ a = ", 100000, "", "a.conf:1: brackets are nested too deeply" },
	{ "", "[", 1000000, "", "a.conf:1: brackets are nested too deeply" },
	{ "", ")", 1000000, "", NULL },
	{ "", "a", 1000000, " = 1;", NULL },
	{ "", "a=1;", 250000, "", "a.conf:1: there are too many keys in one group" },
	{ "x = (", "{},", 30000, "{});", "a.conf:1: x: unknown key \"x\"" },
	{ "x = ", "\"\" ", 300000, ";", "a.conf:1: x: unknown key \"x\"" },
	{ "x = \"", "a", 1000000, "\";", "a.conf:1: x: unknown key \"x\"" },
	{ "x = \"", "\\x41", 250000, "\";", "a.conf:1: x: unknown key \"x\"" },
	{ "", "/**/", 250000, "", "a.conf:1: the text ends without \"profiles\"" },
	{ "", "/*", 500000, "", "a.conf:1: the comment that starts here has no end" },
	{ "", "\n", 1000000, "@include",
	  "a.conf:1000001: \"@include\" is refused: "
	  "nothing is included from other files" },
	{ "x = ", "9", 1000000, ";", NULL },
	{ PROFILES "accounts = (", "{ user = \"a\"; },", 60000, "{ user = \"a\"; } );", NULL },
};

START_TEST(hostile_texts_end_in_an_error_in_time)
{
	char *text =
		repeat(hostile[_i].head, hostile[_i].part, hostile[_i].count, hostile[_i].tail);
	const char *const texts[] = { text };
	struct fault fault = { 0 };
	struct conf *conf = NULL;

	ck_assert_int_eq(parse_texts(texts, 1, &fault, &conf), -EBADMSG);
	ck_assert_ptr_null(conf);
	ck_assert_uint_lt(strlen(fault.line), FAULT_LINE_MAX - 1);
	if (hostile[_i].line)
		ck_assert_str_eq(fault.line, hostile[_i].line);
	free(text);
}
END_TEST

START_TEST(nesting_has_a_depth_that_is_enough)
{
	struct conf *conf = parse_good(PROFILES ACCOUNTS "# ((((((((((((((((((((\n"
							 "/* {{{{{{{{{{{{{{{{{{{{ */");

	conf_free(conf);
	refuse(PROFILES "accounts = ( { user = \"((((((((((((((((((((\"; profile = \"\"; } );",
	       "a.conf:2: accounts.profile: \"\" is empty");
}
END_TEST

#define MANY 10000

START_TEST(ten_thousand_accounts_are_read_in_time)
{
	size_t size, i;
	char *text = NULL;
	struct conf *conf;
	FILE *stream = open_memstream(&text, &size);

	fputs(PROFILES "accounts = ( { user = \"last\"; }", stream);
	for (i = 0; i < MANY; i++)
		fprintf(stream, ",\n{ user = \"agent%zu\"; }, { uid = \"%zu\"; system = true; }", i,
			100000 + 2 * i);
	fputs(" );", stream);
	fclose(stream);
	conf = parse_good(text);
	ck_assert_uint_eq(conf->account_count, 2 * MANY + 1);
	conf_free(conf);
	free(text);
}
END_TEST

#define MATCHING                                                                                   \
	PROFILES "accounts = ( { uid = \"2000-2999\"; }, { group = \"broken\"; },"                 \
		 " { group = \"agents\"; }, { user = \"agent1\"; }, { user = \"alias\"; },"        \
		 " { uid = \"3000\"; } );"

/* DATA is the one group that somebody is in. */
static int in_one_group(const char *group, void *data)
{
	if (strcmp(group, "broken") == 0 && strcmp(data, "nobody can tell") == 0)
		return -EIO;
	return strcmp(group, data) == 0;
}

static const struct {
	uid_t uid;
	const char *names[3];
	const char *group;
	int answer, account; /* the place in MATCHING */
} people[] = {
	{ 2001, { "agent1" }, "agents", 1, 3 },
	{ 2001, { "other", "agent1" }, "agents", 1, 3 },
	{ 2001, { "alias", "agent1" }, "agents", 1, 3 },
	{ 2001, { "agent1" }, "nobody can tell", 1, 3 },
	{ 2001, { "other", "another", "agent1" }, "none", 1, 3 },
	{ 2001, { "other" }, "agents", 1, 2 },
	{ 2001, { "other" }, "none", 1, 0 },
	{ 2001, { "other" }, "nobody can tell", -EIO, -1 },
	{ 2000, { "other" }, "none", 1, 0 },
	{ 2999, { "other" }, "none", 1, 0 },
	{ 1999, { "other" }, "none", 0, -1 },
	{ 3000, { "other" }, "none", 1, 5 },
	{ 3001, { "other" }, "none", 0, -1 },
	{ 3001, { NULL }, "none", 0, -1 },
	{ 3001, { "AGENT1", "agent11" }, "none", 0, -1 },
	{ 0, { "agent1" }, "agents", 0, -1 },
	{ 0, { "agent1" }, "nobody can tell", 0, -1 },
};

START_TEST(the_first_match_is_user_then_group_then_uid)
{
	struct conf *conf = parse_good(MATCHING);
	struct identity who = {
		.uid = people[_i].uid,
		.names = (const char *const *)people[_i].names,
		.name_count = !!people[_i].names[0] + !!people[_i].names[1] + !!people[_i].names[2],
		.in_group = in_one_group,
		.in_group_data = (char *)people[_i].group,
	};
	const struct account *account = NULL;

	ck_assert_int_eq(conf_match(conf, &who, &account), people[_i].answer);
	if (people[_i].account < 0)
		ck_assert_ptr_null(account);
	else
		ck_assert_ptr_eq(account, &conf->accounts[people[_i].account]);
	conf_free(conf);
}
END_TEST

static const struct {
	const char *text, *user;
	bool named;
} mentions[] = {
	{ "accounts = ( { user = \"agent1\"", "agent1", true },
	{ "\"agent1\"", "agent1", true },
	{ "}}} \"\" \"agent1\" ((", "agent1", true },
	{ "# \"agent1\"", "agent1", true },
	{ "user = \"agent1", "agent1", false },
	{ "user = agent1\"", "agent1", false },
	{ "user = \"agent10\"", "agent1", false },
	{ "user = \"xagent1\"", "agent1", false },
	{ "user = \"agent1 \"", "agent1", false },
	{ "user = \"EXAMPLE\\\\agent1\"", "EXAMPLE\\agent1", true },
	{ "user = \"EXAMPLE\\agent1\"", "EXAMPLE\\agent1", true },
	{ "user = \"\\x61gent1\"", "agent1", true },
	{ "user = \"a\\x4\"", "a\\x4", true },
	{ "user = \"a\\\"b\"", "a\"b", true },
	{ "user = \"a\\\"b\"", "a\\", false },
	{ "", "agent1", false },
	{ "\"", "agent1", false },
	{ "\"a\\", "a\\", false },
};

START_TEST(a_broken_text_still_names_people)
{
	ck_assert_int_eq(conf_text_names(mentions[_i].text, mentions[_i].user), mentions[_i].named);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conf");
	TCase *tcase = tcase_create("conf");

	tcase_add_test(tcase, texts_are_united_in_order);
	tcase_add_test(tcase, both_parts_are_needed_over_all_texts);
	tcase_add_test(tcase, nothing_is_defined_in_two_texts);
	tcase_add_test(tcase, the_first_bad_text_is_named);
	tcase_add_test(tcase, a_nul_is_refused);
	tcase_add_test(tcase, uid_min_is_the_callers);
	tcase_add_test(tcase, defaults_are_those_of_the_manual);
	tcase_add_test(tcase, a_text_cut_short_covers_everybody_or_nobody);
	tcase_add_loop_test(tcase, hostile_texts_end_in_an_error_in_time, 0, ARRAY_SIZE(hostile));
	tcase_add_test(tcase, nesting_has_a_depth_that_is_enough);
	tcase_add_test(tcase, ten_thousand_accounts_are_read_in_time);
	tcase_add_loop_test(tcase, the_first_match_is_user_then_group_then_uid, 0,
			    ARRAY_SIZE(people));
	tcase_add_loop_test(tcase, a_broken_text_still_names_people, 0, ARRAY_SIZE(mentions));
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
