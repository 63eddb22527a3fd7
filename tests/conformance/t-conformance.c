/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the seam promises (backend.h), asked of every backend by the same code.
 *
 *	[LAB_BACKEND=BACKEND] t-conformance [BACKEND...]
 *
 * Each test has a network of its own. A promise that a host cannot be asked for is a skip, with its reason.
 */
#include "promises.h"

#include "util.h"

#include <stdio.h>
#include <string.h>

const struct host *host;
const struct backend_ops *ops;

bool passes(uid_t uid, unsigned int port)
{
	int v4 = packet_send(uid, "127.0.0.1", port), v6 = packet_send(uid, "::1", port);

	ck_assert_msg(!v4 == !v6, "uid %u, port %u: IPv4 %d, IPv6 %d", uid, port, v4, v6);
	return v4 == 0;
}

void unchanged(const char *before, const char *after)
{
	ck_assert_msg(strcmp(before, after) == 0, "it was\n%s\nand is\n%s", before, after);
}

void hold_others(void)
{
	struct plan others[] = { plan_of("20000-29999", OTHER_DOOR), plan_of("2002", DOOR) };

	hold_plans(others, ARRAY_SIZE(others));
}

void others_are_held(void)
{
	ck_held("2002", DOOR);
	ck_held("20000-29999", OTHER_DOOR);
}

static void enter(void)
{
	host->enter();
}

bool promise_can_be_asked(unsigned int needs, const char *name)
{
	if ((host->can & needs) == needs)
		return true;
	printf("skip - %s %s: %s\n", host->name, name, host->lacks);
	return false;
}

static int run_host(const struct host *tested)
{
	TCase *tcase;
	Suite *suite;

	host = tested;
	ops = host_ops(tested);
	if (!ops) {
		printf("skip - %s: not built\n", host->name);
		return EXIT_SUCCESS;
	}
	suite = suite_create(host->name);
	tcase = tcase_create(host->name);
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, enter, NULL);
	promises_change(tcase);
	promises_packets(tcase);
	promises_loopback(tcase);
	promises_others(tcase);
	fflush(stdout);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

static bool is_wanted(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], name) == 0)
			return true;
	}
	if (argc > 1)
		return false;
	/* As tests/run says it: t-conformance@BACKEND. */
	return !getenv("LAB_BACKEND") || strcmp(getenv("LAB_BACKEND"), name) == 0;
}

int main(int argc, char **argv)
{
	static const struct host *const hosts[] = { &host_iptables, &host_nftables, &host_mem };
	int status = EXIT_SUCCESS;

	if (geteuid() != 0) {
		puts("not ok - t-conformance: must be run as root");
		return EXIT_FAILURE;
	}
	host_prepare(argv);
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		if (is_wanted(argc, argv, hosts[i]->name) && run_host(hosts[i]))
			status = EXIT_FAILURE;
	}
	return status;
}
