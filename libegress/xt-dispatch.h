/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_XT_DISPATCH_H
#define EGRESS_XT_DISPATCH_H

/* The dispatch as one family's table has it. */
#include "dispatch.h"
#include "xt-rule.h"
#include "xt-table.h"

/*
 * A rule of the dispatch that does not belong there: NUMBER counts from 1. Packets of no other uids
 * than REACH come to its chain.
 */
struct xt_flaw {
	struct uid_range block, reach;
	size_t number;
	enum { XT_FLAW_FOREIGN, XT_FLAW_LATE, XT_FLAW_NO_GUARD } what;
};

struct xt_dispatch {
	struct dispatch dispatch; /* what of it is ours and has an effect */
	struct xt_flaw *flaws;    /* owned; a few of each chain */
	size_t flaw_count;
	size_t room, rule_room, flaw_room;
};

/*
 * Reads the chains that packets of UIDS come to: from EGRESS on, as far as each chain covers what the
 * one above says it does. Clear *ret. -ENOMEM.
 */
int xt_dispatch_read(const struct xt_table *table, struct uid_range uids, struct xt_dispatch *ret);
void xt_dispatch_clear(struct xt_dispatch *read); /* takes a zeroed one */

/* As an entry; all chains have names. */
void xt_dispatch_encode(const struct xt_family *family, const struct dispatch_rule *rule,
			struct xt_blob *ret);
/* False if ENTRY is foreign in the chain of BLOCK, whatever stands beside it. */
bool xt_dispatch_decode(const struct xt_family *family, struct uid_range block, const struct xt_item *item,
			struct dispatch_rule *ret);

#endif
