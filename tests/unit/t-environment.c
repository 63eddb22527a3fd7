/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session is told, variable by variable. */
#include "environment.h"

#include "conf.h"
#include "egress.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#define PROXY "proxy = [ \"[::1]:3128\", \"127.0.0.1:3128\" ]; "
#define REACHES "this account reaches only the proxy [::1]:3128, 127.0.0.1:3128"
#define WHY "; why: " EGRESS_SBINDIR "/egressctl explain agent1 DESTINATION"

static struct conf *read_profile(const char *keys)
{
	char text[4096];
	struct conf_text source = { .file = "t.conf", .text = text };
	struct fault fault = { 0 };
	struct conf *conf;

	snprintf(text, sizeof(text), "profiles = { default = { %s }; }; accounts = ( { user = \"agent1\"; } );\n",
		 keys);
	source.length = strlen(text);
	ck_assert_msg(conf_parse(&source, 1, 1000, &fault, &conf) == 0, "%s", fault.line);
	return conf;
}

/* One a line. */
static char *environment_of(const char *keys, const char *user)
{
	struct conf *conf = read_profile(keys);
	char **lines, *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	ck_assert_int_eq(environment_make(conf->profiles[0], user, &lines), 0);
	for (char **line = lines; *line; line++)
		fprintf(stream, "%s\n", *line);
	fclose(stream);
	egress_lines_free(lines);
	conf_free(conf);
	return text;
}

static void environment_is(const char *keys, const char *expected)
{
	char *text = environment_of(keys, "agent1");

	ck_assert_str_eq(text, expected);
	free(text);
}

static char *notice_of(const char *keys, const char *user)
{
	struct conf *conf = read_profile(keys);
	char *notice = NULL;

	ck_assert_int_eq(environment_notice(conf->profiles[0], user, &notice), 0);
	conf_free(conf);
	return notice;
}

#define PROXY_LINES(url)                                                                            \
	"HTTP_PROXY=" url "\nhttp_proxy=" url "\nHTTPS_PROXY=" url "\nhttps_proxy=" url             \
	"\nALL_PROXY=" url "\nall_proxy=" url "\nNO_PROXY=\nno_proxy=\nNODE_USE_ENV_PROXY=1\n"

START_TEST(the_first_proxy_is_everybodys)
{
	environment_is(PROXY, PROXY_LINES("http://[::1]:3128") "EGRESS_POLICY=" REACHES WHY "\n");
}
END_TEST

START_TEST(a_url_and_a_ca_are_taken_as_they_are)
{
	environment_is(PROXY "proxy_url = \"https://proxy.example:3128/\"; ca_file = \"/etc/ssl/a b.pem\";",
		       PROXY_LINES("https://proxy.example:3128/")
		       "SSL_CERT_FILE=/etc/ssl/a b.pem\nCURL_CA_BUNDLE=/etc/ssl/a b.pem\n"
		       "REQUESTS_CA_BUNDLE=/etc/ssl/a b.pem\nPIP_CERT=/etc/ssl/a b.pem\n"
		       "NODE_EXTRA_CA_CERTS=/etc/ssl/a b.pem\nGIT_SSL_CAINFO=/etc/ssl/a b.pem\n"
		       "CARGO_HTTP_CAINFO=/etc/ssl/a b.pem\nAWS_CA_BUNDLE=/etc/ssl/a b.pem\n"
		       "DENO_CERT=/etc/ssl/a b.pem\nEGRESS_POLICY=" REACHES WHY "\n");
}
END_TEST

START_TEST(without_env_there_is_nothing)
{
	environment_is(PROXY "env = false; ca_file = \"/ca.pem\";", "");
}
END_TEST

START_TEST(the_notice_names_what_else_is_reachable)
{
	char *notice = notice_of(PROXY "allow = ( { to = \"192.0.2.10\"; ports = \"443,8000-8010\"; }, "
				       "{ to = \"2001:db8::/32\"; proto = \"any\"; } );", "agent1");

	ck_assert_str_eq(notice, "egress: " REACHES ", 192.0.2.10/32 tcp 443,8000-8010, 2001:db8::/32 any" WHY);
	free(notice);
}
END_TEST

START_TEST(without_notice_there_is_none)
{
	ck_assert_ptr_null(notice_of(PROXY "notice = false;", "agent1"));
}
END_TEST

START_TEST(many_destinations_are_counted)
{
	char keys[3000] = PROXY "allow = ( ", *notice;

	for (int i = 1; i <= 20; i++)
		sprintf(keys + strlen(keys), "%s{ to = \"192.0.2.%d\"; }", i > 1 ? ", " : "", i);
	strcat(keys, " );");
	notice = notice_of(keys, "agent1");
	ck_assert_ptr_nonnull(strstr(notice, "192.0.2.6/32 tcp and 14 more; why: "));
	ck_assert_ptr_null(strstr(notice, "192.0.2.7/32"));
	free(notice);
}
END_TEST

/* Nobody writes a second line, or to somebody's terminal, by his name; the longest fits. */
START_TEST(it_is_one_line_whatever_the_name)
{
	char longest[257], *text;

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	text = notice_of(PROXY, "a\nLD_PRELOAD=/x\033[2J");
	ck_assert_ptr_nonnull(strstr(text, "explain a?LD_PRELOAD=/x?[2J DESTINATION"));
	free(text);
	text = environment_of(PROXY, "a\nb");
	ck_assert_ptr_nonnull(strstr(text, "explain a?b DESTINATION\n"));
	free(text);
	text = notice_of(PROXY, longest);
	ck_assert_ptr_nonnull(strstr(text, "x DESTINATION"));
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("environment");
	TCase *tcase = tcase_create("environment");

	tcase_add_test(tcase, the_first_proxy_is_everybodys);
	tcase_add_test(tcase, a_url_and_a_ca_are_taken_as_they_are);
	tcase_add_test(tcase, without_env_there_is_nothing);
	tcase_add_test(tcase, the_notice_names_what_else_is_reachable);
	tcase_add_test(tcase, without_notice_there_is_none);
	tcase_add_test(tcase, many_destinations_are_counted);
	tcase_add_test(tcase, it_is_one_line_whatever_the_name);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
