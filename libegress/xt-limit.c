/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xt-limit.h"

#include "util.h"

#include <linux/netfilter/xt_limit.h>

#define BURST 5
#define RATE_MAX 10000

/*
 * The kernel counts credits in 32 bits, at most 32,000 a second (CREDITS_PER_JIFFY times HZ): more
 * than this many seconds of saved up packets overflow, and it refuses the rule with ERANGE.
 */
#define BURST_SECONDS_MAX 134217

static const unsigned int periods[] = { 1, 60, 3600, 86400 };

uint32_t xt_limit_interval(const struct log_rule *log)
{
	return log->rate ? XT_LIMIT_SCALE * log->period / log->rate : 0;
}

uint32_t xt_limit_burst(uint32_t interval)
{
	uint64_t most = interval ? (uint64_t)BURST_SECONDS_MAX * XT_LIMIT_SCALE / interval : BURST;

	return most < 1 ? 1 : most < BURST ? (uint32_t)most : BURST;
}

static bool read_period(uint32_t interval, unsigned int period, bool exact, struct log_rule *ret)
{
	uint32_t scaled = XT_LIMIT_SCALE * period;
	struct log_rule log = { .rate = scaled / interval, .period = period };

	if (log.rate < 1 || log.rate > RATE_MAX || (exact && scaled % interval) ||
	    xt_limit_interval(&log) != interval)
		return false;
	ret->rate = log.rate;
	ret->period = log.period;
	return true;
}

bool xt_limit_read(uint32_t interval, struct log_rule *ret)
{
	for (size_t i = 0; interval && i < ARRAY_SIZE(periods) * 2; i++) {
		if (read_period(interval, periods[i % ARRAY_SIZE(periods)],
				i < ARRAY_SIZE(periods), ret))
			return true;
	}
	return false;
}
