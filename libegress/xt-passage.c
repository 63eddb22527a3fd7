/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xt-passage.h"

void xt_passage_add(struct xt_passage *passage, const struct rule *rule, const struct xt_counters *counters)
{
	struct xt_counters *side = rule && rule_is_forged(rule) ? &passage->in : &passage->out;

	if (rule && rule->verdict == VERDICT_LOG)
		return;
	side->pcnt += counters->pcnt;
	side->bcnt += counters->bcnt;
}

struct xt_counters xt_passage_refused(const struct xt_passage *passage)
{
	if (passage->in.pcnt <= passage->out.pcnt || passage->in.bcnt <= passage->out.bcnt)
		return (struct xt_counters){ 0 };
	return (struct xt_counters){ passage->in.pcnt - passage->out.pcnt, passage->in.bcnt - passage->out.bcnt };
}
