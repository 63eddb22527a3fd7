/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Golden files, in tests/golden: NAME.conf beside NAME.plan, the plans of its accounts in file
 * order, or NAME.error, the one line that it gets. Adding a case is adding files. Every NAME.conf
 * with a plan is also printed and read back.
 */
#include "conf.h"

#include "render.h"
#include "unit.h"
#include "util.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

#define UID_MIN 1000
#define SOME_UID 2001 /* stands in for users and members of groups */

static const char *folder; /* of the sources */
static glob_t cases;

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	/* No golden file holds a NUL. */
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(file);
	return text;
}

static char *read_beside(const char *conf, const char *extension)
{
	char path[4096];

	snprintf(path, sizeof(path), "%.*s%s", (int)(strlen(conf) - strlen(".conf")), conf,
		 extension);
	return read_file(path);
}

static int parse_text(const char *file, const char *text, struct fault *fault, struct conf **ret)
{
	struct conf_text source = { .file = file, .text = text, .length = strlen(text) };

	return conf_parse(&source, 1, UID_MIN, fault, ret);
}

static void put_account(FILE *stream, const struct account *account)
{
	struct uid_range uids = { SOME_UID, SOME_UID };
	struct plan plan;
	char *text;

	if (account->by == ACCOUNT_BY_UID)
		uids = account->uids;
	else
		fprintf(stream, "%s %s\n", account->by == ACCOUNT_BY_USER ? "user" : "group",
			account->name);
	ck_assert_int_eq(plan_compile(account->profile, uids, &plan), 0);
	ck_assert_int_eq(render_plan(&plan, &text), 0);
	fputs(text, stream);
	plan_clear(&plan);
	free(text);
}

static char *render_conf(const struct conf *conf)
{
	char *text = NULL;
	size_t size, i;
	FILE *stream = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(stream);
	for (i = 0; i < conf->account_count; i++)
		put_account(stream, &conf->accounts[i]);
	fclose(stream);
	return text;
}

static void same_string(const char *a, const char *b)
{
	ck_assert_str_eq(a ? a : "(none)", b ? b : "(none)");
}

static void same_allow(const struct allow *a, const struct allow *b)
{
	size_t i;

	ck_assert(prefix_equal(&a->to, &b->to));
	ck_assert_int_eq(a->proto, b->proto);
	ck_assert_uint_eq(a->port_count, b->port_count);
	for (i = 0; i < a->port_count; i++) {
		ck_assert_int_eq(a->ports[i].first, b->ports[i].first);
		ck_assert_int_eq(a->ports[i].last, b->ports[i].last);
	}
	same_string(a->reason, b->reason);
}

static void same_profile(const struct profile *a, const struct profile *b)
{
	size_t i;

	ck_assert_str_eq(a->name, b->name);
	ck_assert_uint_eq(a->proxy_count, b->proxy_count);
	for (i = 0; i < a->proxy_count; i++) {
		ck_assert(addr_equal(&a->proxies[i].endpoint.addr, &b->proxies[i].endpoint.addr));
		ck_assert_int_eq(a->proxies[i].endpoint.port, b->proxies[i].endpoint.port);
	}
	same_string(a->proxy_user, b->proxy_user);
	ck_assert_uint_eq(a->allow_count, b->allow_count);
	for (i = 0; i < a->allow_count; i++)
		same_allow(&a->allows[i], &b->allows[i]);
	ck_assert_int_eq(a->reject, b->reject);
	ck_assert_int_eq(a->hold, b->hold);
	ck_assert_int_eq(a->log.enabled, b->log.enabled);
	ck_assert_int_eq(a->log.group, b->log.group);
	ck_assert_uint_eq(a->log.rate, b->log.rate);
	ck_assert_uint_eq(a->log.period, b->log.period);
}

static void same_account(const struct account *a, const struct account *b)
{
	ck_assert_int_eq(a->by, b->by);
	same_string(a->name, b->name);
	ck_assert_uint_eq(a->uids.first, b->uids.first);
	ck_assert_uint_eq(a->uids.last, b->uids.last);
	ck_assert_int_eq(a->system, b->system);
	ck_assert_str_eq(a->profile->name, b->profile->name);
}

static void same_conf(const struct conf *a, const struct conf *b)
{
	size_t i;

	ck_assert_int_eq(a->backend, b->backend);
	ck_assert_uint_eq(a->profile_count, b->profile_count);
	for (i = 0; i < a->profile_count; i++)
		same_profile(a->profiles[i], b->profiles[i]);
	ck_assert_uint_eq(a->account_count, b->account_count);
	for (i = 0; i < a->account_count; i++)
		same_account(&a->accounts[i], &b->accounts[i]);
}

static void check_round_trip(const struct conf *conf)
{
	struct fault fault = { 0 };
	struct conf *again = NULL;
	char *once, *twice;

	ck_assert_int_eq(conf_print(conf, &once), 0);
	ck_assert_msg(parse_text("printed", once, &fault, &again) == 0, "%s\n%s", fault.line, once);
	same_conf(conf, again);
	ck_assert_int_eq(conf_print(again, &twice), 0);
	ck_assert_str_eq(twice, once);
	conf_free(again);
	free(once);
	free(twice);
}

static void check_plans(const struct conf *conf, const char *path)
{
	char *wanted = read_beside(path, ".plan"), *plans = render_conf(conf);

	ck_assert_msg(wanted, "%s: parsed, and there is no .plan", path);
	ck_assert_msg(strcmp(plans, wanted) == 0, "%s: plans are\n%s", path, plans);
	check_round_trip(conf);
	free(plans);
	free(wanted);
}

static void check_error(const struct fault *fault, const char *path)
{
	char *wanted = read_beside(path, ".error");

	ck_assert_msg(wanted, "%s: there is no .error: %s", path, fault->line);
	ck_assert_msg(strcspn(wanted, "\n") == strlen(fault->line) &&
			      strncmp(fault->line, wanted, strlen(fault->line)) == 0,
		      "%s: error is\n%s\n", path, fault->line);
	free(wanted);
}

START_TEST(golden)
{
	const char *path = cases.gl_pathv[_i];
	const char *slash = strrchr(path, '/');
	struct fault fault = { 0 };
	char *text = read_file(path);
	struct conf *conf = NULL;
	int r;

	ck_assert_msg(text, "%s cannot be read", path);
	r = parse_text(slash + 1, text, &fault, &conf);
	if (r == 0) {
		check_plans(conf, path);
	} else {
		ck_assert_int_eq(r, -EBADMSG);
		ck_assert_ptr_null(conf);
		check_error(&fault, path);
	}
	conf_free(conf);
	free(text);
}
END_TEST

/* Takes away the # of the lines that begin with #<tab>. */
static void take_examples(char *text)
{
	char *to = text;
	bool at_start = true;

	for (; *text; text++) {
		if (!at_start || text[0] != '#' || text[1] != '\t')
			*to++ = *text;
		at_start = *text == '\n';
	}
	*to = '\0';
}

static size_t count_accounts(const char *text)
{
	struct fault fault = { 0 };
	struct conf *conf = NULL;
	size_t count;

	ck_assert_msg(parse_text("etc/egress.conf", text, &fault, &conf) == 0, "%s", fault.line);
	count = conf->account_count;
	ck_assert_uint_eq(conf->profile_count, 1);
	conf_free(conf);
	return count;
}

START_TEST(the_example_covers_nobody_and_its_examples_are_correct)
{
	char path[4096], *text;

	snprintf(path, sizeof(path), "%s/etc/egress.conf", folder);
	text = read_file(path);
	ck_assert_msg(text, "%s cannot be read", path);
	ck_assert_uint_eq(count_accounts(text), 0);
	take_examples(text);
	ck_assert_uint_eq(count_accounts(text), 3);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("golden");
	TCase *tcase = tcase_create("golden");
	char pattern[4096];
	int status;

	folder = getenv("srcdir") ? getenv("srcdir") : ".";
	snprintf(pattern, sizeof(pattern), "%s/tests/golden/*.conf", folder);
	if (glob(pattern, 0, NULL, &cases) != 0) {
		fprintf(stderr, "%s: no golden files\n", pattern);
		return EXIT_FAILURE;
	}
	tcase_add_loop_test(tcase, golden, 0, (int)cases.gl_pathc);
	tcase_add_test(tcase, the_example_covers_nobody_and_its_examples_are_correct);
	suite_add_tcase(suite, tcase);
	status = unit_run(suite);
	globfree(&cases);
	return status;
}
