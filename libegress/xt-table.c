/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xt-table.h"

#include "util.h"
#include "xt-rule.h"

#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#define TARGET_UNKNOWN "?"

int xt_table_read(struct xt_table *table, const struct xt_family *family, struct fault *fault)
{
	int error;

	table->family = family;
	errno = 0;
	table->handle = family->ops->init(XT_TABLE_FILTER);
	/* Without memory for an entry libiptc stops there, and calls what it has the table. */
	if (table->handle && abs(errno) != ENOMEM)
		return 0;
	errno = abs(errno);
	error = xt_map_errno(errno, -EIO);
	return fault_set(fault, error, "%s: cannot read the filter table: %m", family->name);
}

static void xt_edit_clear(struct xt_edit *edit)
{
	free(edit->entry);
	edit->entry = NULL;
}

void xt_journal_clear(struct xt_journal *journal)
{
	for (size_t i = 0; i < journal->count; i++)
		xt_edit_clear(&journal->edits[i]);
	free(journal->edits);
	*journal = (struct xt_journal){ 0 };
}

void xt_table_clear(struct xt_table *table)
{
	if (table->handle)
		table->family->ops->free(table->handle);
	table->handle = NULL;
	xt_journal_clear(&table->journal);
}

bool xt_table_has_chain(const struct xt_table *table, const char *chain)
{
	return table->family->ops->is_chain(chain, table->handle);
}

/* libiptc aborts the process over a verdict that it does not know. */
static bool is_known_verdict(int verdict)
{
	return verdict >= 0 || verdict == XT_RETURN || verdict == -NF_ACCEPT - 1 ||
	       verdict == -NF_DROP - 1 || verdict == -NF_QUEUE - 1;
}

static const char *target_name(const struct xt_table *table, const void *entry)
{
	const struct xt_entry_target *target = xt_entry_target_of(table->family, entry);
	int verdict;

	if (target->u.user.name[0] == '\0') {
		memcpy(&verdict, target->data, sizeof(verdict));
		if (!is_known_verdict(verdict))
			return TARGET_UNKNOWN;
	}
	return table->family->get_target(entry, table->handle);
}

/* One look-up of the chain: that is what it costs in a table of 10,000 chains. */
int xt_table_rules(const struct xt_table *table, const char *chain, struct xt_items *ret)
{
	size_t room = 8, count = 0;
	AUTO_FREE struct xt_item *items = calloc(room, sizeof(*items));
	const void *entry = items ? table->family->first_rule(chain, table->handle) : NULL;

	if (!items)
		return -ENOMEM;
	for (; entry; entry = table->family->next_rule(entry, table->handle)) {
		if (count == room) {
			struct xt_item *grown = reallocarray(items, room * 2, sizeof(*items));

			if (!grown)
				return -ENOMEM;
			items = grown;
			room *= 2;
		}
		items[count++] = (struct xt_item){ entry, target_name(table, entry) };
	}
	*ret = (struct xt_items){ .items = util_steal(items), .count = count };
	return 0;
}

/* --- Edits --- */

static int edit_failed(void)
{
	if (errno == EMLINK)
		return -EBUSY;
	return errno == ENOMEM ? -ENOMEM : -EINVAL;
}

/* Takes ENTRY, also on failure. */
static int journal_add(struct xt_journal *journal, enum xt_edit_kind kind, const char *chain,
		       size_t position, void *entry)
{
	AUTO_FREE void *owned = entry;
	struct xt_edit *edit;

	if (util_grow(&journal->edits, journal->count, &journal->room, sizeof(*edit)))
		return -ENOMEM;
	edit = &journal->edits[journal->count++];
	*edit = (struct xt_edit){ .kind = kind, .position = (unsigned int)position };
	snprintf(edit->chain, sizeof(edit->chain), "%s", chain);
	edit->entry = util_steal(owned);
	return 0;
}

static void *copy_entry(const struct xt_family *family, const void *entry)
{
	size_t size = xt_entry_size(family, entry);
	void *copy = malloc(size);

	return copy ? memcpy(copy, entry, size) : NULL;
}

int xt_table_insert(struct xt_table *table, const char *chain, size_t position, const void *entry)
{
	void *copy = copy_entry(table->family, entry);
	xt_chainlabel label;

	if (!copy || journal_add(&table->journal, XT_RULE_INSERTED, chain, position, copy) < 0)
		return -ENOMEM;
	snprintf(label, sizeof(label), "%s", chain);
	if (!table->family->insert_entry(label, entry, (unsigned int)position, table->handle))
		return edit_failed();
	return 0;
}

int xt_table_delete(struct xt_table *table, const char *chain, size_t position,
		    const struct xt_item *item)
{
	void *copy = copy_entry(table->family, item->entry);
	struct xt_entry_target *target;
	xt_chainlabel label;

	if (!copy)
		return -ENOMEM;
	/* As read, a verdict is a number: it would be inserted again as "fall through". */
	target = xt_entry_target_of(table->family, copy);
	if (target->u.user.name[0] == '\0')
		snprintf(target->u.user.name, sizeof(target->u.user.name), "%s", item->target);
	if (journal_add(&table->journal, XT_RULE_DELETED, chain, position, copy) < 0)
		return -ENOMEM;
	snprintf(label, sizeof(label), "%s", chain);
	if (!table->family->delete_num_entry(label, (unsigned int)position, table->handle))
		return edit_failed();
	return 0;
}

int xt_table_create_chain(struct xt_table *table, const char *chain)
{
	xt_chainlabel label;

	if (journal_add(&table->journal, XT_CHAIN_CREATED, chain, 0, NULL) < 0)
		return -ENOMEM;
	snprintf(label, sizeof(label), "%s", chain);
	return table->family->ops->create_chain(label, table->handle) ? 0 : edit_failed();
}

int xt_table_delete_chain(struct xt_table *table, const char *chain)
{
	xt_chainlabel label;

	if (journal_add(&table->journal, XT_CHAIN_DELETED, chain, 0, NULL) < 0)
		return -ENOMEM;
	snprintf(label, sizeof(label), "%s", chain);
	return table->family->delete_chain(label, table->handle) ? 0 : edit_failed();
}

/* --- Undo --- */

static bool find_rule(const struct xt_table *table, const char *chain, size_t position,
		      struct xt_item *ret)
{
	const void *entry = table->family->first_rule(chain, table->handle);

	for (; entry && position > 0; position--)
		entry = table->family->next_rule(entry, table->handle);
	if (entry)
		*ret = (struct xt_item){ entry, target_name(table, entry) };
	return entry;
}

/*
 * Somebody without the lock may have moved our rule: whatever stands there now is not ours to
 * delete.
 */
static int revert_insert(struct xt_table *table, const struct xt_edit *edit)
{
	struct xt_item item;

	if (!find_rule(table, edit->chain, edit->position, &item) ||
	    !xt_entry_same(table->family, edit->entry, item.entry, item.target))
		return -EIO;
	return xt_table_delete(table, edit->chain, edit->position, &item);
}

static int revert_edit(struct xt_table *table, const struct xt_edit *edit)
{
	switch (edit->kind) {
	case XT_RULE_INSERTED:
		return revert_insert(table, edit);
	case XT_RULE_DELETED:
		return xt_table_insert(table, edit->chain, edit->position, edit->entry);
	case XT_CHAIN_CREATED:
		return xt_table_delete_chain(table, edit->chain);
	case XT_CHAIN_DELETED:
		return xt_table_create_chain(table, edit->chain);
	}
	return -EINVAL;
}

int xt_table_revert(struct xt_table *table, const struct xt_journal *journal)
{
	for (size_t i = journal->count; i > 0; i--) {
		int error = revert_edit(table, &journal->edits[i - 1]);

		if (error)
			return error == -ENOMEM ? -ENOMEM : -EIO;
	}
	return 0;
}

/* --- Commit --- */

/*
 * libiptc maps the counters of rules, and sets those of the policies back to zero (as iptables
 * does). We put back what was read; what was counted since is lost, some microseconds' worth.
 * Built-in chains come first.
 */
static void keep_policy_counters(const struct xt_table *table)
{
	const struct xtc_ops *ops = table->family->ops;
	struct xt_counters counters;
	xt_chainlabel chain, policy;

	for (const char *name = ops->first_chain(table->handle);
	     name && ops->builtin(name, table->handle); name = ops->next_chain(table->handle)) {
		snprintf(chain, sizeof(chain), "%s", name);
		snprintf(policy, sizeof(policy), "%s",
			 ops->get_policy(chain, &counters, table->handle));
		ops->set_policy(chain, policy, &counters, table->handle);
	}
}

int xt_table_commit(struct xt_table *table, struct fault *fault)
{
	int error, saved;

	if (table->journal.count == 0)
		return 0;
	keep_policy_counters(table);
	if (table->family->ops->commit(table->handle))
		return 0;
	saved = errno = abs(errno);
	error = xt_map_errno(saved, -EINVAL);
	if (error == -EOPNOTSUPP)
		return fault_set(fault, error,
				 "%s: the kernel lacks owner, limit, tcp, udp, NFLOG or REJECT: %m",
				 table->family->name);
	return fault_set(fault, error, "%s: cannot write the filter table: %m",
			 table->family->name);
}
