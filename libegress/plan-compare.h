/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_PLAN_COMPARE_H
#define EGRESS_PLAN_COMPARE_H

#include "plan.h"

/*
 * Does what STANDS do what was WANTED? A backend that keeps a chain for each family cannot tell in
 * which order the rules of different families stood, nor a rule for both from two rules, nor 60
 * packets a minute from one a second: so the uids and, for each family, the sequence of the rules
 * that apply to it are compared, and log rates to the ten-thousandth of a second between two
 * packets.
 *
 * A family of which STANDS has no rule at all is one that this kernel lacks; where the kernel has
 * it, a backend's list reports that as drift, and a standing hold with drift does not count.
 */
bool plan_same_rules(const struct plan *wanted, const struct plan *stands);

/* The next rule from *INDEX on that packets of FAMILY meet, or NULL; *INDEX is moved behind it. */
const struct rule *plan_next_rule(const struct plan *plan, sa_family_t family, size_t *index);
bool plan_has_family(const struct plan *plan, sa_family_t family);

#endif
