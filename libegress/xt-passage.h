/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_XT_PASSAGE_H
#define EGRESS_XT_PASSAGE_H

/*
 * How many of an account's packets were refused in the chain that all accounts share: what its chain sent there, and
 * what met a rule afterwards. Pure.
 */
#include "plan.h"
#include "xt-family.h"

struct xt_passage {
	struct xt_counters in, out;
};

/* RULE counted that; NULL: it is not ours, and may have decided. */
void xt_passage_add(struct xt_passage *passage, const struct rule *rule, const struct xt_counters *counters);
/* What is counted while we read is late for the first rule: never less than none. */
struct xt_counters xt_passage_refused(const struct xt_passage *passage);

#endif
