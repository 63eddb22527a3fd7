/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which elements come into which sets, and which go. */
#include "nft-edit.h"

#include "nft-layout.h"
#include "util.h"

#include <string.h>

/* --- Those that are one element: uids, and ranges that are apart from others --- */

/* Takes it out of the sets of the group; what was counted there goes along. */
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
static int place_element(struct nft_edit *edit, struct uid_range uids, const char *key)
{
	bool is_range = uids.first != uids.last;
	const struct nft_group *home = key ? nft_table_group(&edit->table, key) : NULL;
	struct nft_element counted[NFT_ROLES];
	int error = 0;

	for (int role = 0; role < NFT_ROLES; role++)
		counted[role] = (struct nft_element){ .uids = uids };
	for (size_t i = 0; i < edit->group_count && !error; i++)
		if (&edit->table.groups[i] != home && nft_key_is_ranges(edit->table.groups[i].key) == is_range)
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

		if (uids.first == uids.last || edit->narrow)
			error = place_element(edit, uids, edit->keys ? edit->keys[i] : NULL);
	}
	for (size_t i = 0; i < edit->group_count && !error; i++)
		if (edit->groups[i].remake && !nft_key_is_ranges(edit->table.groups[i].key))
			error = restore_members(edit, i);
	return error;
}

/* --- Segments of ranges --- */

/* The narrowest range of the group that has all of the segment, which may be one of before; an index, or none. */
static size_t owner_of(const struct nft_edit *edit, const struct nft_group *group, struct uid_range uids)
{
	size_t owner = SIZE_MAX;

	for (size_t i = 0; i < edit->range_count; i++) {
		const struct nft_range *range = &edit->ranges[i];

		if (strcmp(range->key, group->key) == 0 && range->uids.first <= uids.first &&
		    uids.last <= range->uids.last &&
		    (owner == SIZE_MAX || range->uids.last - range->uids.first <
						  edit->ranges[owner].uids.last - edit->ranges[owner].uids.first))
			owner = i;
	}
	return owner;
}

/* What was counted in the segments that go, for the first new segment of the same range. */
static void carry(const struct nft_edit *edit, const struct nft_group *group, const struct nft_layout *after,
		  const struct nft_elements *gone, struct nft_elements *added)
{
	for (size_t i = 0; i < gone->count; i++) {
		size_t owner = owner_of(edit, group, gone->items[i].uids);

		for (size_t k = 0; k < added->count && owner != SIZE_MAX; k++) {
			if (nft_layout_find(after, added->items[k].uids)->range != owner)
				continue;
			added->items[k].packets += gone->items[i].packets;
			added->items[k].bytes += gone->items[i].bytes;
			break;
		}
	}
}

static int place_segments_of(struct nft_edit *edit, size_t i, enum nft_role role, const struct nft_layout *after)
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
		carry(edit, group, after, del, add);
	return error;
}

int nft_edit_place_segments(struct nft_edit *edit)
{
	struct nft_layout after;
	int error = nft_layout_make(edit->ranges, edit->range_count, &after);

	for (size_t i = 0; i < edit->group_count && !error; i++)
		for (int role = 0; role < NFT_ROLES && !error && nft_key_is_ranges(edit->table.groups[i].key); role++)
			error = place_segments_of(edit, i, role, &after);
	nft_layout_clear(&after);
	return error;
}

/* --- The first of two transactions --- */

static bool any(const struct nft_edit *edit, bool added)
{
	for (size_t i = 0; i < edit->group_count; i++)
		if (added ? edit->groups[i].add[NFT_HELD].count : edit->groups[i].del[NFT_HELD].count)
			return true;
	return false;
}

/* What of ELEMENT is not in SET yet, which ascends. */
static int add_missing(const struct nft_set *set, const struct nft_element *element, struct nft_elements *list)
{
	struct nft_element rest = *element;
	int error = 0;

	for (size_t i = 0; i < set->count && !error; i++) {
		const struct uid_range *there = &set->elements[i].uids;
		struct nft_element piece = rest;

		if (there->last < rest.uids.first || there->first > rest.uids.last)
			continue;
		piece.uids.last = there->first - 1;
		if (there->first > rest.uids.first)
			error = nft_elements_add(list, &piece);
		if (there->last >= rest.uids.last)
			return error;
		rest.uids.first = there->last + 1;
		rest.packets = rest.bytes = 0;
	}
	return error ? error : nft_elements_add(list, &rest);
}

static int withhold(struct nft_edit *edit, size_t i, enum nft_role role)
{
	struct nft_elements *add = &edit->groups[i].add[role], pieces = { 0 };
	int error = 0;

	edit->groups[i].del[role].count = 0;
	for (size_t k = 0; k < add->count && nft_key_is_ranges(edit->table.groups[i].key); k++)
		add->items[k].packets = add->items[k].bytes = 0; /* it still counts where it was */
	for (size_t k = 0; k < add->count && !error; k++)
		error = add_missing(&edit->table.groups[i].sets[role], &add->items[k], &pieces);
	free(add->items);
	*add = pieces;
	return error;
}

/* Of whom segments still stand, the record does too: the second would take them for ranges of somebody else. */
static int keep_records(struct nft_edit *edit)
{
	const struct nft_table *table = &edit->table;
	size_t count = edit->range_count;
	struct nft_range *kept;

	kept = reallocarray(edit->ranges, count + table->range_count + 1, sizeof(*kept));
	if (!kept)
		return -ENOMEM;
	edit->ranges = kept;
	for (size_t i = 0; i < table->range_count; i++)
		if (!bsearch(&table->ranges[i], kept, count, sizeof(*kept), nft_range_compare))
			edit->ranges[edit->range_count++] = table->ranges[i];
	qsort(edit->ranges, edit->range_count, sizeof(*edit->ranges), nft_range_compare);
	return 0;
}

int nft_edit_withhold(struct nft_edit *edit)
{
	int error = 0;

	edit->withheld = any(edit, true) && any(edit, false);
	if (edit->withheld && edit->with_ranges && edit->change->gone)
		error = keep_records(edit);
	for (size_t i = 0; i < edit->group_count && edit->withheld; i++)
		for (int role = 0; role < NFT_ROLES && !error; role++)
			error = withhold(edit, i, role);
	return error;
}
