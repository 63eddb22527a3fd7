/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_XT_TABLE_H
#define EGRESS_XT_TABLE_H

/*
 * The filter table of one family: read, edited in memory, committed at once. What was edited stands
 * in a journal, so that a later reading of the same table can have it undone. The host's lock is
 * the caller's.
 */
#include "fault.h"
#include "xt-family.h"

struct xt_edit {
	enum xt_edit_kind {
		XT_RULE_INSERTED,
		XT_RULE_DELETED,
		XT_CHAIN_CREATED,
		XT_CHAIN_DELETED,
	} kind;
	xt_chainlabel chain;
	unsigned int position;
	void *entry; /* of a rule; names its target; owned */
};

struct xt_journal {
	struct xt_edit *edits;
	size_t count, room;
};

struct xt_table {
	const struct xt_family *family;
	struct xtc_handle *handle; /* NULL: nothing was read */
	struct xt_journal journal;
};

/* One rule as read. Valid until it is deleted or the table is cleared. */
struct xt_item {
	const void *entry;
	const char *target; /* "RETURN", "REJECT", a chain */
};

struct xt_items {
	struct xt_item *items; /* owned */
	size_t count;
};

/*
 * Reads the table, and makes it if this network namespace has none yet. *table must be zero or
 * cleared; clear it in any case. Errors: -EPERM, -EOPNOTSUPP, -ENOMEM, -EIO.
 */
int xt_table_read(struct xt_table *table, const struct xt_family *family, struct fault *fault);
void xt_table_clear(struct xt_table *table);
void xt_journal_clear(struct xt_journal *journal);

bool xt_table_has_chain(const struct xt_table *table, const char *chain);
/* The rules of CHAIN; none if there is no such chain. Free ret->items. Errors: -ENOMEM. */
int xt_table_rules(const struct xt_table *table, const char *chain, struct xt_items *ret);

/*
 * Edits. Positions start at 0. Errors: -ENOMEM, -EBUSY a chain to delete that rules still lead to,
 * -EINVAL; the table is then good for nothing but clearing.
 */
int xt_table_insert(struct xt_table *table, const char *chain, size_t position, const void *entry);
int xt_table_delete(struct xt_table *table, const char *chain, size_t position,
		    const struct xt_item *item);
int xt_table_create_chain(struct xt_table *table, const char *chain);
int xt_table_delete_chain(struct xt_table *table, const char *chain);

/*
 * Edits a fresh reading back to what stood before JOURNAL. -EIO if the table is not as the journal
 * left it.
 */
int xt_table_revert(struct xt_table *table, const struct xt_journal *journal);

/*
 * Writes what was edited to the kernel; nothing if nothing was. An error does not say that the
 * kernel is as before: libiptc also fails after the rules are live. Read again and see. After
 * success or failure the table can only be cleared, its journal is good. Errors: -EAGAIN somebody
 * else wrote meanwhile, -EPERM, -ENOMEM, -EOPNOTSUPP the kernel lacks a match or target, -EINVAL.
 */
int xt_table_commit(struct xt_table *table, struct fault *fault);

#endif
