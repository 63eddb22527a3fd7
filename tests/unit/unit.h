/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_UNIT_H
#define EGRESS_UNIT_H

#include <check.h>
#include <stdlib.h>

/* For main. Each test has a process of its own; with CK_FORK=no a debugger can follow. */
static inline int unit_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
