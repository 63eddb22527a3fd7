/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which uids only the name service can judge, and what covers all the others. */
#include "roster.h"

#include "fake-nss.h"
#include "person.h"
#include "unit.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

#define PROFILES                                                                                   \
	"profiles = { default = { proxy = \"127.0.0.1:3128\"; }; "                                  \
	"kept = { proxy = \"127.0.0.1:3128\"; hold = \"always\"; }; };\n"

static struct conf *conf;
static struct roster *roster;

static void begin(const char *accounts)
{
	char text[1024];
	struct conf_text source = { "unit.conf", text, 0 };
	struct fault fault = { 0 };

	snprintf(text, sizeof(text), PROFILES "accounts = ( %s );\n", accounts);
	source.length = strlen(text);
	ck_assert_msg(conf_parse(&source, 1, 0, &fault, &conf) == 0, "%s", fault.line);
	ck_assert_int_eq(roster_make(conf, &roster), 0);
}

static void end(void)
{
	roster_free(roster);
	conf_free(conf);
}

START_TEST(a_user_entry_concerns_the_uid_that_its_name_leads_to)
{
	begin("{ user = \"twin\"; }, { user = \"nobody-of-this-name\"; }, { user = \"agent2\"; }");
	ck_assert(roster_needs_person(roster, AGENT1));
	ck_assert(roster_needs_person(roster, AGENT2));
	ck_assert(!roster_needs_person(roster, ALICE));
	ck_assert(!roster_needs_person(roster, 0));
	ck_assert(!roster_needs_person(roster, (uid_t)-1));
	end();
}
END_TEST

START_TEST(a_group_entry_concerns_everybody)
{
	begin("{ group = \"agents\"; }");
	ck_assert(roster_needs_person(roster, ALICE));
	end();
}
END_TEST

START_TEST(a_look_up_that_fails_concerns_everybody)
{
	fake_nss_error = EMFILE;
	begin("{ user = \"agent1\"; }");
	ck_assert(roster_needs_person(roster, ALICE));
	end();
}
END_TEST

/* Every uid that needs no name is judged as the name service would have it judged. */
START_TEST(uid_entries_decide_as_a_look_up_would)
{
	char accounts[512];
	unsigned int judged = 0;

	snprintf(accounts, sizeof(accounts),
		 "{ user = \"agent1\"; }, { uid = \"%u-%u\"; profile = \"kept\"; }, { uid = \"%u\"; }, "
		 "{ uid = \"%u\"; profile = \"kept\"; }, { uid = \"%u-%u\"; }",
		 nss_first + 70, nss_first + 79, nss_first + 60, nss_first + 50, nss_first + 51, nss_first + 53);
	begin(accounts);
	for (uid_t uid = nss_first; uid < nss_first + 99; uid++) {
		AUTO_PERSON struct person person = { 0 };
		const struct account *covers = NULL, *always = NULL, *entry = roster_uid_entry(roster, uid);
		int r;

		if (roster_needs_person(roster, uid))
			continue;
		judged++;
		ck_assert_int_eq(person_by_uid(uid, NULL, &person), 0);
		r = person_match(&person, conf, NULL, &covers);
		ck_assert_ptr_eq(entry, r > 0 ? covers : NULL);
		r = person_always(uid, conf, NULL, &always);
		ck_assert_int_eq(r > 0, entry && entry->profile->hold == HOLD_ALWAYS &&
						entry->uids.first == entry->uids.last);
	}
	ck_assert_uint_eq(judged, 98);
	ck_assert_ptr_null(roster_uid_entry(roster, 0));
	end();
}
END_TEST

/* Nor is a uid without a name in a group, whatever the groups are. */
START_TEST(nameless_uids_are_judged_beside_groups)
{
	char accounts[512];
	unsigned int judged = 0;

	snprintf(accounts, sizeof(accounts),
		 "{ user = \"agent1\"; }, { group = \"agents\"; }, { uid = \"%u-%u\"; profile = \"kept\"; }, "
		 "{ uid = \"%u\"; }",
		 nss_first + 70, nss_first + 79, nss_first + 60);
	begin(accounts);
	for (uid_t uid = nss_first; uid < nss_first + 99; uid++) {
		AUTO_PERSON struct person person = { 0 };
		const struct account *covers = NULL;

		ck_assert_int_eq(person_by_uid(uid, NULL, &person), 0);
		ck_assert(roster_needs_person(roster, uid));
		if (person.exists || !roster_decides_nameless(roster, uid))
			continue;
		judged++;
		ck_assert_ptr_eq(roster_uid_entry(roster, uid), person_match(&person, conf, NULL, &covers) > 0 ? covers : NULL);
	}
	ck_assert_uint_gt(judged, 80);
	ck_assert(!roster_decides_nameless(roster, AGENT1));
	end();
}
END_TEST

START_TEST(a_look_up_that_fails_decides_nobody)
{
	fake_nss_error = EMFILE;
	begin("{ user = \"agent1\"; }");
	ck_assert(!roster_decides_nameless(roster, nss_first + 70));
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("roster");
	TCase *tcase = tcase_create("roster");

	tcase_add_test(tcase, a_user_entry_concerns_the_uid_that_its_name_leads_to);
	tcase_add_test(tcase, a_group_entry_concerns_everybody);
	tcase_add_test(tcase, a_look_up_that_fails_concerns_everybody);
	tcase_add_test(tcase, uid_entries_decide_as_a_look_up_would);
	tcase_add_test(tcase, nameless_uids_are_judged_beside_groups);
	tcase_add_test(tcase, a_look_up_that_fails_decides_nobody);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
