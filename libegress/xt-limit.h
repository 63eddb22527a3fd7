/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_XT_LIMIT_H
#define EGRESS_XT_LIMIT_H

/*
 * Rates as x_tables' limit match keeps them: the time between two packets, in ten-thousandths of a
 * second. Several rates are the same to the kernel: 10 a minute and 600 an hour, but also 10000 a
 * minute and 166 a second.
 */
#include "profile.h"

uint32_t xt_limit_interval(const struct log_rule *log);
/*
 * How many packets at once: iptables' default of 5, or what the kernel can still count at slow
 * rates.
 */
uint32_t xt_limit_burst(uint32_t interval);
/*
 * Sets rate and period: exact if possible, else the shortest period. False if no rate of ours means
 * it.
 */
bool xt_limit_read(uint32_t interval, struct log_rule *ret);

#endif
