/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_XT_RULE_H
#define EGRESS_XT_RULE_H

/*
 * Rules of ours as x_tables entries, and back. Pure. A decoder accepts exactly what the encoder
 * writes, leaving out what the kernel keeps in an entry (counters, marks, run time state); all else
 * is foreign.
 *
 * The kernel does not know the names of verdicts and chains, libiptc does: an encoded entry names
 * its target, and a decoder is told the TARGET that libiptc's get_target resolved for the entry.
 */
#include "plan.h"
#include "xt-blob.h"

#define XT_CHAIN_ENTRY "EGRESS"
#define XT_CHAIN_OUTPUT "OUTPUT"
/*
 * What may be under way to somewhere else is judged in one chain for all: the match is larger than all the rest of an
 * account's chain. Packets that it does not refuse come back.
 */
#define XT_CHAIN_FORGED "EGRESS-forged"

/* RULE must apply to FAMILY. PLAN gives the uids and what a log rule means. */
void xt_rule_encode(const struct xt_family *family, const struct plan *plan,
		    const struct rule *rule, struct xt_blob *ret);
/*
 * False if ENTRY is foreign in the chain of UIDS. *ret_log is set for a log rule only; its rate is
 * the plainest of those that mean the same to the kernel.
 */
bool xt_rule_decode(const struct xt_family *family, struct uid_range uids, const void *entry,
		    const char *target, struct rule *ret, struct log_rule *ret_log);
bool xt_rule_applies(const struct xt_family *family, const struct rule *rule);

/*
 * One branch of the dispatch: packets of UIDS go to the chain TARGET. TARGET NULL is the guard: all
 * but packets of UIDS leave, those that nobody owns among them.
 */
void xt_branch_encode(const struct xt_family *family, struct uid_range uids, const char *target,
		      struct xt_blob *ret);
bool xt_branch_decode(const struct xt_family *family, const void *entry, const char *target,
		      struct uid_range *ret);
bool xt_guard_decode(const struct xt_family *family, const void *entry, const char *target,
		     struct uid_range *ret);

/* The rule of XT_CHAIN_FORGED. */
void xt_forged_encode(const struct xt_family *family, struct xt_blob *ret);
bool xt_is_forged(const struct xt_family *family, const void *entry, const char *target);

/* Our entry point: an unconditional jump to XT_CHAIN_ENTRY. */
void xt_jump_encode(const struct xt_family *family, struct xt_blob *ret);
bool xt_is_jump(const struct xt_family *family, const void *entry, const char *target);

#endif
