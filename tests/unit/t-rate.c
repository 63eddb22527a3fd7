/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rates of logging as x_tables counts them, and back. */
#include "xt-limit.h"

#include "unit.h"
#include "util.h"

static const struct {
	unsigned int rate, period;
	uint32_t interval, burst;
	unsigned int plain_rate, plain_period; /* what comes back */
} rates[] = {
	{ 10, 60, 60000, 5, 10, 60 },
	{ 600, 3600, 60000, 5, 10, 60 },
	{ 1, 1, 10000, 5, 1, 1 },
	{ 3, 1, 3333, 5, 3, 1 },
	{ 7, 60, 85714, 5, 7, 60 },
	{ 10000, 1, 1, 5, 10000, 1 },
	{ 10000, 60, 60, 5, 10000, 60 },
	{ 7000, 1, 1, 5, 10000, 1 }, /* as near as the kernel can count */
	{ 1, 3600, 36000000, 5, 1, 3600 },
	{ 24, 86400, 36000000, 5, 1, 3600 },
	{ 1, 86400, 864000000, 1, 1, 86400 },
	{ 3, 86400, 288000000, 4, 3, 86400 },
	{ 10000, 86400, 86400, 5, 10000, 86400 },
};

START_TEST(rates_survive_as_the_kernel_counts_them)
{
	struct log_rule log = { .rate = rates[_i].rate, .period = rates[_i].period }, back;

	ck_assert_uint_eq(xt_limit_interval(&log), rates[_i].interval);
	ck_assert_uint_eq(xt_limit_burst(rates[_i].interval), rates[_i].burst);
	ck_assert(xt_limit_read(rates[_i].interval, &back));
	ck_assert_uint_eq(back.rate, rates[_i].plain_rate);
	ck_assert_uint_eq(back.period, rates[_i].plain_period);
	ck_assert_uint_eq(xt_limit_interval(&back), rates[_i].interval);
}
END_TEST

START_TEST(every_rate_has_a_way_back)
{
	static const unsigned int periods[] = { 1, 60, 3600, 86400 };
	struct log_rule log = { .period = periods[_i] }, back;

	for (log.rate = 1; log.rate <= 10000; log.rate++) {
		uint32_t interval = xt_limit_interval(&log);

		ck_assert(xt_limit_read(interval, &back));
		ck_assert_uint_eq(xt_limit_interval(&back), interval);
		/* What the kernel refuses with ERANGE: 32 bits of credits, 32,000 a second. */
		ck_assert_uint_lt((uint64_t)interval * xt_limit_burst(interval) / 10000 * 32000,
				  UINT32_MAX);
	}
}
END_TEST

START_TEST(rates_of_others_are_not_ours)
{
	struct log_rule log = { .rate = 77 };

	ck_assert(!xt_limit_read(0, &log));
	ck_assert(!xt_limit_read(UINT32_MAX, &log));
	ck_assert(!xt_limit_read(9999999, &log));
	ck_assert_uint_eq(log.rate, 77);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rate");
	TCase *tests = tcase_create("rate");

	tcase_add_loop_test(tests, rates_survive_as_the_kernel_counts_them, 0, ARRAY_SIZE(rates));
	tcase_add_loop_test(tests, every_rate_has_a_way_back, 0, 4);
	tcase_add_test(tests, rates_of_others_are_not_ours);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
