/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_GUARD_LAYOUT_H
#define EGRESS_GUARD_LAYOUT_H

/*
 * The route guard as rules of one family, and what to add and delete so that accounts come, change and go.
 * Pure. The rules of a priority, in the order in which the kernel looks at them:
 *
 *	GUARD      not uidrange MIN-MAX goto END       everybody outside of all accounts
 *	DIRECTORY  uidrange A-B goto BUCKET            ...
 *	LEAVE      goto END                            who is in no bucket
 *	BUCKET     nop                                 what is jumped to
 *	           uidrange U-U goto SECTION           ...
 *	BUCKET+1   uidrange A-B goto SECTION           ... of ranges that overlap the narrowest first
 *	BUCKET+2   goto END
 *	SECTION    to PREFIX ipproto P dport A-B goto END ...
 *	           not uidrange 0-0 lookup TABLE       never root, whatever becomes of the rules before
 *	           not uidrange 0-0 prohibit           where TABLE has nothing, or not for that network card
 *	END        nop
 *
 * A section is a list of destinations, shared by all accounts that have it. Nothing but the rules themselves
 * remembers who is in which bucket. Buckets are made from the lowest priority on, sections from the highest.
 */
#include "addr.h"

#include <stdbool.h>

#define GUARD_FIRST 20U /* before strongSwan's 220; the rule for what is local, 0, stays before it */
#define GUARD_LAST 199U
#define GUARD_LEAST 60U /* the lowest END: less room is none */
#define GUARD_BUCKET_MAX 160 /* accounts; more are cut while priorities last */

/* GUARD_SINK: our own table of routes, where all goes to this host: there the firewall refuses, logs and counts it. */
enum guard_action { GUARD_GOTO, GUARD_NOP, GUARD_SINK, GUARD_PROHIBIT, GUARD_OTHER };
#define GUARD_TAIL 2 /* rules that end a section */

struct guard_rule {
	uint32_t pref, target; /* TARGET of GUARD_GOTO */
	enum guard_action action;
	bool invert, has_uids;
	bool odd; /* it looks at something that ours never look at */
	struct uid_range uids;
	struct prefix to;        /* length 0: anywhere */
	uint8_t proto;           /* PROTO_ANY or an IPPROTO_ number */
	struct port_range ports; /* first 0: every port */
};

/* Destinations, as rules without priority and target. */
struct guard_list {
	struct guard_rule *rules; /* owned */
	size_t count;
};

/* What must stand for a subject: LIST, or NULL for nothing. */
struct guard_wish {
	struct uid_range uids;
	const struct guard_list *list;
};

struct guard_edit {
	struct guard_rule rule;
	bool is_delete; /* of the first rule that is equal but for its target */
	int phase;      /* edits of one phase do not depend on each other */
};

struct guard_edits {
	struct guard_edit *items; /* owned; to be done in this order: all adds come before all deletes */
	size_t count;
};

/*
 * STANDING: our rules, in the kernel's order. Subjects that no wish names stay as they stand. END: the priority of
 * the last rule where none stands yet. Between any two edits, and if only the first ones are done, subjects
 * that stand before and after are held by the one or the other list, and who stands in neither is not touched.
 * THOROUGH: buckets that no wish concerns are looked through as well. -ENOMEM, -ENOSPC: too many different lists.
 */
int guard_layout(const struct guard_rule *standing, size_t count, uint32_t end, const struct guard_wish *wishes,
		 size_t wish_count, bool thorough, struct guard_edits *ret);
void guard_edits_clear(struct guard_edits *edits);

/* Whose rule is it, wherever it stands? False: it belongs to all. */
bool guard_rule_subject(const struct guard_rule *rule, struct uid_range *ret);

/* The END rule: its matches tell a kernel that knows them from one that ignores them. */
struct guard_rule guard_end_rule(uint32_t pref);
bool guard_is_end(const struct guard_rule *rule);
/* Equal, the target included. */
bool guard_rule_equal(const struct guard_rule *a, const struct guard_rule *b);

#endif
