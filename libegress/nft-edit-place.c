/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which elements come into which sets, and which go. */
#include "nft-edit.h"

#include "nft-layout.h"
#include "util.h"

#include <string.h>

/* --- Uids --- */

/* Takes the uid out of the sets of the group; what was counted there goes along. */
static int take_out(struct nft_edit *edit, size_t i, struct uid_range uids, struct nft_element counted[NFT_ROLES])
{
	const struct nft_group *group = &edit->table.groups[i];
	int error = 0;

	for (int role = 0; role < NFT_ROLES && !error; role++) {
		const struct nft_element *found = nft_set_find(&group->sets[role], uids);

		if (!found)
			continue;
		counted[role].packets += found->packets;
		counted[role].bytes += found->bytes;
		error = nft_elements_add(&edit->groups[i].del[role], found);
	}
	return error;
}

static int put_in(struct nft_edit *edit, size_t i, const struct nft_element counted[NFT_ROLES])
{
	const struct nft_group *group = &edit->table.groups[i];
	struct nft_group_edit *change = &edit->groups[i];
	int error = 0;

	for (int role = 0; role < NFT_ROLES && !error; role++)
		if (nft_group_needs(group, change->plan, role) &&
		    !nft_set_find(&group->sets[role], counted[role].uids))
			error = nft_elements_add(&change->add[role], &counted[role]);
	return error;
}

/* KEY: where it must stand, NULL: nowhere. */
static int place_uid(struct nft_edit *edit, struct uid_range uids, const char *key)
{
	const struct nft_group *home = key ? nft_table_group(&edit->table, key) : NULL;
	struct nft_element counted[NFT_ROLES];
	int error = 0;

	for (int role = 0; role < NFT_ROLES; role++)
		counted[role] = (struct nft_element){ .uids = uids };
	for (size_t i = 0; i < edit->group_count && !error; i++)
		if (&edit->table.groups[i] != home && !nft_key_is_ranges(edit->table.groups[i].key))
			error = take_out(edit, i, uids, counted);
	if (!error && home)
		error = put_in(edit, (size_t)(home - edit->table.groups), counted);
	return error;
}

static bool is_listed(const struct nft_elements *list, struct uid_range uids)
{
	for (size_t i = 0; i < list->count; i++)
		if (uid_range_compare(list->items[i].uids, uids) == 0)
			return true;
	return false;
}

/* Somebody deleted a set, or put another in its place: who stands in one of the group's sets stands in all. */
static int restore_member(struct nft_edit *edit, size_t i, const struct nft_element *member)
{
	const struct nft_group *group = &edit->table.groups[i];
	struct nft_group_edit *change = &edit->groups[i];
	const struct nft_element uncounted = { .uids = member->uids };
	int error = 0;

	for (int role = 0; role < NFT_ROLES && !error; role++)
		if (nft_group_needs(group, change->plan, role) &&
		    !nft_set_find(&group->sets[role], member->uids) &&
		    !is_listed(&change->add[role], member->uids))
			error = nft_elements_add(&change->add[role], &uncounted);
	return error;
}

static int restore_members(struct nft_edit *edit, size_t i)
{
	int error = 0;

	for (int role = 0; role < NFT_ROLES && !error; role++) {
		const struct nft_set *set = &edit->table.groups[i].sets[role];

		for (size_t k = 0; k < set->count && !error; k++)
			error = restore_member(edit, i, &set->elements[k]);
	}
	return error;
}

/* A set that is full, or is not as we make it, is made anew with all that is in it and stays there. */
static int move_all(struct nft_edit *edit, size_t i, enum nft_role role)
{
	const struct nft_set *set = &edit->table.groups[i].sets[role];
	struct nft_group_edit *change = &edit->groups[i];
	int error = 0;

	for (size_t k = 0; k < set->count && !error; k++)
		if (!is_listed(&change->del[role], set->elements[k].uids))
			error = nft_elements_add(&change->add[role], &set->elements[k]);
	change->del[role].count = 0;
	return error;
}

int nft_edit_move(struct nft_edit *edit)
{
	int error = 0;

	for (size_t i = 0; i < edit->group_count; i++)
		for (int role = 0; role < NFT_ROLES && !error; role++)
			if (nft_edit_remakes_set(edit, i, role))
				error = move_all(edit, i, role);
	return error;
}

int nft_edit_place(struct nft_edit *edit)
{
	const struct nft_change *change = edit->change;
	int error = 0;

	for (size_t i = 0; i < change->count && !error; i++) {
		const struct uid_range uids = change->plans ? change->plans[i].uids : change->gone[i];

		if (uids.first == uids.last)
			error = place_uid(edit, uids, edit->keys ? edit->keys[i] : NULL);
	}
	for (size_t i = 0; i < edit->group_count && !error; i++)
		if (edit->groups[i].remake && !nft_key_is_ranges(edit->table.groups[i].key))
			error = restore_members(edit, i);
	return error;
}

/* --- Segments of ranges --- */

static bool is_of_range(const struct nft_layout *layout, const struct segment *segment, struct uid_range range)
{
	return segment && uid_range_compare(layout->ranges[segment->range].uids, range) == 0;
}

/* What was counted in the segments that go, for the first new segment of the same range. */
static void carry(const struct nft_layout *before, const struct nft_layout *after, const struct nft_elements *gone,
		  struct nft_elements *added)
{
	for (size_t i = 0; i < gone->count; i++) {
		const struct segment *was = nft_layout_find(before, gone->items[i].uids);
		size_t k = 0;

		while (was && k < added->count &&
		       !is_of_range(after, nft_layout_find(after, added->items[k].uids),
				    before->ranges[was->range].uids))
			k++;
		if (!was || k == added->count)
			continue;
		added->items[k].packets += gone->items[i].packets;
		added->items[k].bytes += gone->items[i].bytes;
	}
}

static int place_segments_of(struct nft_edit *edit, size_t i, enum nft_role role, const struct nft_layout *before,
			     const struct nft_layout *after)
{
	const struct nft_group *group = &edit->table.groups[i];
	const struct nft_set *set = &group->sets[role];
	struct nft_elements *add = &edit->groups[i].add[role];
	struct nft_elements *del = &edit->groups[i].del[role];
	int error = 0;

	for (size_t k = 0; k < set->count && !error; k++)
		if (!nft_layout_is_of_key(after, nft_layout_find(after, set->elements[k].uids), group->key))
			error = nft_elements_add(del, &set->elements[k]);
	if (!nft_group_needs(group, edit->groups[i].plan, role))
		return error;
	for (size_t k = 0; k < after->count && !error; k++) {
		const struct nft_element element = { .uids = after->segments[k].uids };

		if (nft_layout_is_of_key(after, &after->segments[k], group->key) && !nft_set_find(set, element.uids))
			error = nft_elements_add(add, &element);
	}
	if (!error)
		carry(before, after, del, add);
	return error;
}

int nft_edit_place_segments(struct nft_edit *edit)
{
	struct nft_layout before, after = { 0 };
	int error = nft_layout_make(edit->table.ranges, edit->table.range_count, &before);

	if (!error)
		error = nft_layout_make(edit->ranges, edit->range_count, &after);
	for (size_t i = 0; i < edit->group_count && !error; i++)
		for (int role = 0; role < NFT_ROLES && !error && nft_key_is_ranges(edit->table.groups[i].key); role++)
			error = place_segments_of(edit, i, role, &before, &after);
	nft_layout_clear(&before);
	nft_layout_clear(&after);
	return error;
}
