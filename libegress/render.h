/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_RENDER_H
#define EGRESS_RENDER_H

#include "plan.h"

/*
 * The plan as text, one rule a line, for people, golden files and differences:
 *
 *	hold 2001
 *	ipv4 reject any options with prohibited
 *	ipv6 reject any routing-header with prohibited
 *	ipv4 allow tcp 127.0.0.1/32 port 3128
 *	ipv6 allow tcp ::1/128 port 3128
 *	both log group 9 rate 10/minute
 *	both reject tcp with reset
 *	both reject any with prohibited
 *
 * *ret is malloced. Errors: -ENOMEM.
 */
int render_plan(const struct plan *plan, char **ret);

#define RULE_TEXT_MAX 160
char *render_rule(const struct rule *rule, const struct log_rule *log, char text[RULE_TEXT_MAX]);

#endif
