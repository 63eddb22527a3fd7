/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_DISPATCH_H
#define EGRESS_DISPATCH_H

/*
 * How a packet finds its account's chain: the rules of the chain EGRESS and of the chains that it
 * spreads over, computed from the subjects that stand. Pure. Of several subjects with the same uid
 * the narrowest decides.
 *
 * The subjects are first flattened to segments: uids in a row that the same subject decides. A
 * chain covers a block, the segments whose first uids share their first bits. If there are more
 * than DISPATCH_BUCKET of them, the block is cut where the first uids first differ: the chain
 * branches off to a chain for the lower half and goes on with the upper half, until what is left
 * is few enough to branch off to the accounts. The layout is a function of the set of subjects
 * alone, and one that comes or goes changes nothing but the chains on its way.
 */
#include "plan.h"

#define DISPATCH_BUCKET 4
#define DISPATCH_RULES_MAX (1 + 32 + DISPATCH_BUCKET) /* of one chain: a block is halved 32 times at most */

struct dispatch_rule {
	enum dispatch_kind {
		DISPATCH_GUARD,   /* all but UIDS leave; the first rule of the first chain */
		DISPATCH_CHAIN,   /* UIDS go on in the chain of the block TO */
		DISPATCH_SUBJECT, /* UIDS go to the chain of the subject TO */
	} kind;
	struct uid_range uids, to;
};

struct dispatch_chain {
	struct uid_range block; /* every uid: the chain EGRESS */
	size_t first, count;    /* of its rules */
	size_t foreign;         /* rules of others in between, as the kernel has it; never made by us */
};

struct dispatch {
	struct dispatch_rule *rules; /* owned */
	size_t rule_count;
	struct dispatch_chain *chains; /* owned; by dispatch_chain_order, the chain EGRESS first */
	size_t chain_count;
};

#define DISPATCH_ROOT ((struct uid_range){ 0, UINT32_MAX })

/* <0 if A decides before B where both have a uid, 0 if they are the same. */
int dispatch_order(struct uid_range a, struct uid_range b);
bool dispatch_overlap(struct uid_range a, struct uid_range b);
bool dispatch_contains(struct uid_range wide, struct uid_range narrow);

/* Subjects may come in any order, and twice; nothing is made of none. Clear *ret. -ENOMEM. */
int dispatch_make(const struct uid_range *subjects, size_t count, struct dispatch *ret);
void dispatch_clear(struct dispatch *dispatch); /* takes a zeroed one */

int dispatch_chain_order(const void *a, const void *b); /* of two struct dispatch_chain, for qsort */
/* NULL if there is none. */
const struct dispatch_chain *dispatch_find_chain(const struct dispatch *dispatch,
						 struct uid_range block);
/* The same rules, and nothing beside them? */
bool dispatch_same_chain(const struct dispatch *a, const struct dispatch_chain *chain_of_a,
			 const struct dispatch *b, const struct dispatch_chain *chain_of_b);

/*
 * Where packets of UIDS go: VISIT is told of each stretch in turn, ascending, and the subject whose
 * chain it comes to, or NULL. Stops at what VISIT returns other than 0, and returns it.
 */
int dispatch_walk(const struct dispatch *dispatch, struct uid_range uids,
		  int (*visit)(void *context, struct uid_range uids, const struct uid_range *subject),
		  void *context);

/* "EGRESS", or "EGRESS.20480/20": the block's first uid, and how many bits of it are common to all. */
char *dispatch_chain_name(struct uid_range block, char name[PLAN_CHAIN_MAX]);
/* 0, or -EINVAL if it is not the name of a chain below EGRESS. */
int dispatch_parse_chain_name(const char *name, struct uid_range *ret);

#endif
