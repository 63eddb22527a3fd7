/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record is whole or it is not a record. */
#include "record.h"

#include "harden.h"
#include "unit.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

#define BOOT "01234567-89ab-cdef-0123-456789abcdef"

static struct session sample(void)
{
	struct session session = { .pid = 812, .start_time = UINT64_MAX, .opened = 1795000000,
				   .hardening = HARDENING_NO_NEW_PRIVS | HARDENING_SECCOMP };

	strcpy(session.boot, BOOT);
	record_set_text(session.service, "sshd");
	record_set_text(session.tty, "pts/0");
	record_set_text(session.rhost, "2001:db8::7");
	return session;
}

START_TEST(what_is_printed_is_parsed)
{
	struct session session = sample(), parsed = { 0 };
	char text[RECORD_TEXT_MAX];

	ck_assert_uint_eq(record_print(&session, text), strlen(text));
	ck_assert_int_eq(record_parse(text, &parsed), 0);
	ck_assert_mem_eq(&parsed, &session, sizeof(session));
}
END_TEST

START_TEST(the_longest_record_fits)
{
	struct session session = sample(), parsed = { 0 };
	char text[RECORD_TEXT_MAX], longest[LEDGER_TEXT_MAX + 100];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	session.pid = INT32_MAX;
	session.opened = INT64_MAX;
	record_set_text(session.service, longest);
	record_set_text(session.tty, longest);
	record_set_text(session.rhost, longest);
	ck_assert_uint_eq(strlen(session.rhost), LEDGER_TEXT_MAX - 1);
	ck_assert_uint_lt(record_print(&session, text), RECORD_TEXT_MAX);
	ck_assert_int_eq(record_parse(text, &parsed), 0);
	ck_assert_mem_eq(&parsed, &session, sizeof(session));
}
END_TEST

/* Written beside and renamed, a record is never cut short by a crash: one that is was damaged. */
START_TEST(a_record_cut_anywhere_is_refused)
{
	struct session session = sample();
	char whole[RECORD_TEXT_MAX], text[RECORD_TEXT_MAX];
	size_t length = record_print(&session, whole);

	for (size_t cut = 0; cut < length; cut++) {
		struct session parsed = { .pid = 4711 };

		memcpy(text, whole, cut);
		text[cut] = '\0';
		ck_assert_msg(record_parse(text, &parsed) == -EBADMSG, "cut at %zu", cut);
		ck_assert_int_eq(parsed.pid, 4711);
	}
}
END_TEST

#define REST "\nboot=" BOOT "\nopened=1\nhardening=\nservice=\ntty=\nrhost=\nend\n"

START_TEST(what_is_no_record_is_refused)
{
	static const char *const texts[] = {
		"egress-session 2\npid=1\nstart=1" REST,
		"egress-session 1 \npid=1\nstart=1" REST,
		"egress-session 1\npid=-1\nstart=1" REST,
		"egress-session 1\npid=\nstart=1" REST,
		"egress-session 1\npid= 1\nstart=1" REST,
		"egress-session 1\npid=1x\nstart=1" REST,
		"egress-session 1\npid=2147483648\nstart=1" REST,
		"egress-session 1\npid=99999999999999999999999\nstart=1" REST,
		"egress-session 1\npid=1\nstart=18446744073709551616" REST,
		"egress-session 1\nstart=1\npid=1" REST,
		"egress-session 1\npid=1\nstart=1\nopened=1\nhardening=\nservice=\ntty=\nrhost=\nend\n",
		"egress-session 1\npid=1\nstart=1\nboot=\nopened=1\nhardening=\nservice=\ntty=\nrhost=\nend\n",
		"egress-session 1\npid=1\nstart=1\nboot=" BOOT "0\nopened=1\nhardening=\nservice=\ntty=\nrhost=\nend\n",
		"egress-session 1\npid=1\npid=1\nstart=1" REST,
		"egress-session 1\r\npid=1\nstart=1" REST,
		"egress-session 1\npid=1\nstart=1" REST "\n",
		"egress-session 1\npid=1\nstart=1" REST "end\n",
		" egress-session 1\npid=1\nstart=1" REST,
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct session parsed;
		char text[RECORD_TEXT_MAX];

		strcpy(text, texts[i]);
		ck_assert_msg(record_parse(text, &parsed) == -EBADMSG, "text %zu", i);
	}
}
END_TEST

static const struct {
	const char *text;
	int hardening; /* -1: refused */
} hardenings[] = {
	{ "", 0 },
	{ "no_new_privs", HARDENING_NO_NEW_PRIVS },
	{ "seccomp", HARDENING_SECCOMP },
	{ "no_new_privs,seccomp", HARDENING_NO_NEW_PRIVS | HARDENING_SECCOMP },
	{ "seccomp,no_new_privs", -1 },
	{ "seccomp,seccomp", -1 },
	{ "seccomp,", -1 },
	{ ",", -1 },
	{ "selinux", -1 },
};

START_TEST(the_hardening_of_a_session_is_on_record)
{
	struct session session = { 0 };
	char text[RECORD_TEXT_MAX], again[RECORD_TEXT_MAX];
	bool right = hardenings[_i].hardening >= 0;

	snprintf(text, sizeof(text), "egress-session 1\npid=1\nstart=1\nboot=" BOOT "\nopened=1\nhardening=%s\n"
				     "service=\ntty=\nrhost=\nend\n", hardenings[_i].text);
	strcpy(again, text);
	ck_assert_int_eq(record_parse(text, &session), right ? 0 : -EBADMSG);
	if (!right)
		return;
	ck_assert_int_eq((int)session.hardening, hardenings[_i].hardening);
	record_print(&session, text);
	ck_assert_str_eq(text, again);
}
END_TEST

START_TEST(control_characters_make_no_second_line)
{
	struct session session = sample(), parsed = { 0 };
	char text[RECORD_TEXT_MAX];

	record_set_text(session.tty, "a\nend\n\x1b[2J\x7f");
	ck_assert_str_eq(session.tty, "a?end??[2J?");
	record_set_text(session.rhost, NULL);
	ck_assert_str_eq(session.rhost, "");
	record_print(&session, text);
	ck_assert_int_eq(record_parse(text, &parsed), 0);
	ck_assert_str_eq(parsed.tty, session.tty);
}
END_TEST

START_TEST(a_token_is_32_lower_case_digits)
{
	ck_assert(record_is_token("0123456789abcdef0123456789abcdef"));
	ck_assert(!record_is_token("0123456789abcdef0123456789abcde"));
	ck_assert(!record_is_token("0123456789abcdef0123456789abcdef0"));
	ck_assert(!record_is_token("0123456789ABCDEF0123456789abcdef"));
	ck_assert(!record_is_token("../23456789abcdef0123456789abcdef"));
	ck_assert(!record_is_token("0123456789abcdef/123456789abcdef"));
	ck_assert(!record_is_token(""));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *tcase = tcase_create("record");

	tcase_add_test(tcase, what_is_printed_is_parsed);
	tcase_add_test(tcase, the_longest_record_fits);
	tcase_add_test(tcase, a_record_cut_anywhere_is_refused);
	tcase_add_test(tcase, what_is_no_record_is_refused);
	tcase_add_loop_test(tcase, the_hardening_of_a_session_is_on_record, 0, ARRAY_SIZE(hardenings));
	tcase_add_test(tcase, control_characters_make_no_second_line);
	tcase_add_test(tcase, a_token_is_32_lower_case_digits);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
