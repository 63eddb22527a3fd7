/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The differences as messages. What is referred to is made first and goes last: sets and chains before the rules
 * that name them, rules before the sets and chains that they named.
 */
#include "nft-edit.h"

#include <stdlib.h>
#include <string.h>

/* --- Elements --- */

static void emit_elements(const struct nft_edit *edit, size_t i, struct nft_batch *batch)
{
	const struct nft_group_edit *change = &edit->groups[i];
	const char *key = edit->table.groups[i].key;

	for (int role = 0; role < NFT_ROLES; role++) {
		const struct nft_elements *del = &change->del[role], *add = &change->add[role];

		nft_batch_delete_elements(batch, key, role, del->items, del->count);
		nft_batch_add_elements(batch, key, role, add->items, add->count);
	}
}

static void emit_ranges(const struct nft_edit *edit, struct nft_batch *batch)
{
	const struct nft_table *table = &edit->table;
	bool is_full = edit->range_count > table->ranges_size;
	size_t was_count = table->range_count, i = 0, k = 0;

	if (table->has_ranges_set && is_full) {
		nft_batch_delete_set(batch, NFT_SET_RANGES);
		was_count = 0;
	}
	if (is_full)
		nft_batch_add_ranges_set(batch, nft_room_for(edit->range_count, table->ranges_size));
	while (i < was_count || k < edit->range_count) {
		const struct nft_range *was = i < was_count ? &table->ranges[i] : NULL;
		const struct nft_range *is = k < edit->range_count ? &edit->ranges[k] : NULL;
		int order = !was ? 1 : !is ? -1 : uid_range_compare(was->uids, is->uids);
		bool same = order == 0 && strcmp(was->key, is->key) == 0;

		if (order <= 0 && !same && was->is_recorded)
			nft_batch_delete_range(batch, was->uids);
		if (order >= 0 && !(same && was->is_recorded))
			nft_batch_add_range(batch, is->uids, is->key);
		i += order <= 0;
		k += order >= 0;
	}
}

/* --- Groups --- */

static void emit_sets(const struct nft_edit *edit, size_t i, struct nft_batch *batch)
{
	const struct nft_group *group = &edit->table.groups[i];
	const struct plan *plan = edit->groups[i].plan;
	char name[NFT_NAME_MAX];

	for (int role = 0; role < NFT_ROLES; role++) {
		const struct nft_set *set = &group->sets[role];
		bool remade = nft_edit_remakes_set(edit, i, role);

		if (!nft_group_needs(group, plan, role) || (set->exists && !remade))
			continue;
		if (remade)
			nft_batch_delete_set(batch, nft_set_name(group->key, role, name));
		nft_batch_add_set(batch, group->key, role, &plan->log,
				  nft_room_for(edit->groups[i].add[role].count, edit->change->grow ? set->size : 0));
	}
}

static void emit_lines(const struct nft_group *group, const struct plan *plan, struct nft_batch *batch)
{
	char name[NFT_NAME_MAX];
	struct nft_line *lines;
	size_t count;

	if (nft_plan_lines(plan, group->key, &lines, &count)) {
		batch->failed = true;
		return;
	}
	nft_chain_name(group->key, name);
	for (size_t i = 0; i < count; i++)
		nft_batch_add_line(batch, name, &lines[i]);
	free(lines);
}

static void emit_group(const struct nft_edit *edit, size_t i, struct nft_batch *batch)
{
	const struct nft_group *group = &edit->table.groups[i];
	char name[NFT_NAME_MAX];

	if (!edit->groups[i].remake)
		return;
	nft_chain_name(group->key, name);
	if (group->has_chain)
		nft_batch_flush_chain(batch, name);
	else
		nft_batch_add_chain(batch, name);
	emit_sets(edit, i, batch);
	emit_lines(group, edit->groups[i].plan, batch);
}

static void emit_drop(const struct nft_edit *edit, size_t i, struct nft_batch *batch)
{
	const struct nft_group *group = &edit->table.groups[i];
	bool has_chain = group->has_chain || nft_group_is_branched(&edit->table, group->key);
	char name[NFT_NAME_MAX];

	if (has_chain)
		nft_batch_delete_chain(batch, nft_chain_name(group->key, name));
	for (int role = 0; role < NFT_ROLES; role++)
		if (group->sets[role].exists)
			nft_batch_delete_set(batch, nft_set_name(group->key, role, name));
}

/* --- All of it --- */

static void emit_branches(const struct nft_edit *edit, bool ranges, struct nft_batch *batch)
{
	for (size_t i = 0; i < edit->group_count; i++) {
		struct nft_line line = { .kind = NFT_LINE_BRANCH };

		if (nft_key_is_ranges(edit->table.groups[i].key) != ranges || !nft_edit_can_branch(edit, i))
			continue;
		memcpy(line.key, edit->table.groups[i].key, sizeof(line.key));
		nft_batch_add_line(batch, NFT_CHAIN_OUTPUT, &line);
	}
}

/* With an empty base chain, so that no rule refers to what is made anew or goes. */
static void emit_frame(const struct nft_edit *edit, struct nft_batch *batch)
{
	const struct nft_table *table = &edit->table;

	if (!edit->drop_all && (!table->exists || table->dormant))
		nft_batch_add_table(batch);
	if (table->has_base && (edit->drop_all || !table->base_is_hooked))
		nft_batch_delete_chain(batch, NFT_CHAIN_OUTPUT);
	else if (table->has_base && edit->remake_base)
		nft_batch_flush_chain(batch, NFT_CHAIN_OUTPUT);
	if (!edit->drop_all && !(table->has_base && table->base_is_hooked))
		nft_batch_add_base(batch);
}

static void emit_end(const struct nft_edit *edit, bool whole_table, struct nft_batch *batch)
{
	if (edit->table.has_ranges_set)
		nft_batch_delete_set(batch, NFT_SET_RANGES);
	if (whole_table)
		nft_batch_delete_table(batch);
}

void nft_edit_emit(const struct nft_edit *edit, bool whole_table, struct nft_batch *batch)
{
	if (!edit->table.exists && edit->drop_all)
		return;
	emit_frame(edit, batch);
	for (size_t i = 0; i < edit->group_count; i++) {
		if (edit->groups[i].drop)
			emit_drop(edit, i, batch);
		else
			emit_group(edit, i, batch);
	}
	for (size_t i = 0; i < edit->group_count; i++)
		if (!edit->groups[i].drop)
			emit_elements(edit, i, batch);
	if (edit->drop_all) {
		emit_end(edit, whole_table, batch);
		return;
	}
	if (edit->with_ranges)
		emit_ranges(edit, batch);
	if (edit->remake_base) {
		emit_branches(edit, false, batch);
		emit_branches(edit, true, batch);
	}
}
