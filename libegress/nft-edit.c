/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nft-edit.h"

#include "util.h"

#include <stdio.h>
#include <string.h>

static size_t count_branches(const struct nft_table *table, const char *key)
{
	size_t count = 0;

	for (size_t i = 0; i < table->base_count; i++) {
		const struct nft_line *line = &table->base[i];

		if (line->kind == NFT_LINE_BRANCH && strcmp(line->key, key) == 0)
			count++;
	}
	return count;
}

bool nft_group_is_branched(const struct nft_table *table, const char *key)
{
	return count_branches(table, key) > 0;
}

bool nft_edit_can_branch(const struct nft_edit *edit, size_t i)
{
	const struct nft_group *group = &edit->table.groups[i];

	if (edit->groups[i].drop)
		return false;
	if (edit->groups[i].plan)
		return true;
	return group->sets[NFT_HELD].exists &&
	       (group->line_count > 0 || nft_group_is_branched(&edit->table, group->key));
}

#define ROOM_MIN 1024 /* 16 KiB of the kernel's a set */

uint32_t nft_room_for(size_t count, uint32_t size_before)
{
	uint32_t room = ROOM_MIN;

	while (room < 2 * count || room <= size_before)
		room *= 4;
	return room;
}

bool nft_plan_logs(const struct plan *plan)
{
	for (size_t i = 0; i < plan->rule_count; i++)
		if (plan->rules[i].verdict == VERDICT_LOG)
			return true;
	return false;
}

bool nft_group_needs(const struct nft_group *group, const struct plan *plan, enum nft_role role)
{
	if (plan)
		return role != NFT_LOGGED || nft_plan_logs(plan);
	return group->sets[role].exists;
}

int nft_elements_add(struct nft_elements *list, const struct nft_element *element)
{
	if (util_grow(&list->items, list->count, &list->room, sizeof(*list->items)))
		return -ENOMEM;
	list->items[list->count++] = *element;
	return 0;
}

static void group_edit_clear(struct nft_group_edit *group)
{
	for (int role = 0; role < NFT_ROLES; role++) {
		free(group->add[role].items);
		free(group->del[role].items);
	}
}

void nft_edit_clear(struct nft_edit *edit)
{
	for (size_t i = 0; i < edit->group_count; i++)
		group_edit_clear(&edit->groups[i]);
	free(edit->groups);
	free(edit->keys);
	free(edit->ranges);
	nft_table_clear(&edit->table);
	*edit = (struct nft_edit){ 0 };
}

/* --- Who is concerned --- */

static struct uid_range subject_of(const struct nft_change *change, size_t i)
{
	return change->plans ? change->plans[i].uids : change->gone[i];
}

static bool concerns_ranges(const struct nft_change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		const struct uid_range uids = subject_of(change, i);

		if (uids.first != uids.last)
			return true;
	}
	return false;
}

static int find_keys(struct nft_edit *edit)
{
	const struct nft_change *change = edit->change;

	if (!change->plans)
		return 0;
	edit->keys = calloc(change->count + 1, sizeof(*edit->keys));
	if (!edit->keys)
		return -ENOMEM;
	for (size_t i = 0; i < change->count; i++) {
		nft_plan_key(&change->plans[i], edit->keys[i]);
		if (!nft_table_need_group(&edit->table, edit->keys[i]))
			return -ENOMEM;
	}
	return 0;
}

static int make_group_edits(struct nft_edit *edit)
{
	edit->groups = calloc(edit->table.group_count + 1, sizeof(*edit->groups));
	if (!edit->groups)
		return -ENOMEM;
	edit->group_count = edit->table.group_count;
	for (size_t i = 0; edit->keys && i < edit->change->count; i++) {
		const struct nft_group *group = nft_table_group(&edit->table, edit->keys[i]);

		edit->groups[group - edit->table.groups].plan = &edit->change->plans[i];
	}
	return 0;
}

/* --- Is a group what its plan says? --- */

static bool has_sound_sets(const struct nft_group *group, const struct plan *plan)
{
	for (int role = 0; role < NFT_ROLES; role++) {
		const struct nft_set *set = &group->sets[role];

		if (nft_group_needs(group, plan, role) && !(set->exists && set->as_written))
			return false;
	}
	return true;
}

static int has_lines_of(const struct nft_group *group, const struct plan *plan)
{
	AUTO_FREE struct nft_line *lines = NULL;
	size_t count;
	int error = nft_plan_lines(plan, group->key, &lines, &count);
	bool same = !error && count == group->line_count;

	for (size_t i = 0; same && i < count; i++)
		same = nft_line_equal(&lines[i], &group->lines[i]);
	return error ? error : same;
}

bool nft_edit_remakes_set(const struct nft_edit *edit, size_t i, enum nft_role role)
{
	const struct nft_set *set = &edit->table.groups[i].sets[role];
	bool grows = edit->change->grow && !nft_key_is_ranges(edit->table.groups[i].key);

	return edit->groups[i].plan && set->exists && (!set->as_written || grows);
}

bool nft_edit_drops(const struct nft_edit *edit)
{
	for (size_t i = 0; i < edit->group_count; i++) {
		if (edit->groups[i].drop)
			return true;
		for (int role = 0; role < NFT_ROLES; role++)
			if (nft_edit_remakes_set(edit, i, role))
				return true;
	}
	return edit->drop_all;
}

static void check_limit(struct nft_group *group, const struct plan *plan)
{
	struct nft_set *set = &group->sets[NFT_LOGGED];

	if (set->log.rate != plan->log.rate || set->log.period != plan->log.period)
		set->as_written = false;
}

static int check_wanted(struct nft_edit *edit, size_t i)
{
	struct nft_group *group = &edit->table.groups[i];
	struct nft_group_edit *change = &edit->groups[i];
	int r = nft_group_read_lines(edit->link, group);

	if (r)
		return r;
	r = has_lines_of(group, change->plan);
	if (r < 0)
		return r;
	check_limit(group, change->plan);
	change->remake = !r || edit->change->grow || !has_sound_sets(group, change->plan);
	return 0;
}

/* --- Reading what is concerned --- */

static bool is_apart(const struct nft_edit *edit, size_t i)
{
	const struct uid_range uids = subject_of(edit->change, i);

	for (size_t k = 0; k < i; k++) {
		const struct uid_range other = subject_of(edit->change, k);

		if (other.first != other.last && other.first <= uids.last && uids.first <= other.last)
			return false;
	}
	/* The end of the last uid's segment is no element. */
	return uids.last != UINT32_MAX && nft_table_is_apart(&edit->table, uids);
}

/* A uid and its ranges. Of several accounts, as for sync, all is looked at. */
static bool is_narrow(const struct nft_edit *edit)
{
	const struct nft_change *change = edit->change;
	size_t uids = 0;

	if (change->whole || change->grow || change->count > NFT_NARROW_MAX)
		return false;
	for (size_t i = 0; i < change->count; i++) {
		const struct uid_range subject = subject_of(change, i);

		if (subject.first == subject.last ? ++uids > 1 : !is_apart(edit, i))
			return false;
	}
	return true;
}

/* Then others of it may have to come back, too. */
static bool remakes_ranges(const struct nft_edit *edit)
{
	for (size_t i = 0; i < edit->group_count; i++) {
		const struct nft_group *group = &edit->table.groups[i];

		if (edit->groups[i].remake && nft_key_is_ranges(group->key) &&
		    (group->sets[NFT_HELD].exists || group->sets[NFT_DENIED].exists || group->sets[NFT_LOGGED].exists ||
		     nft_ranges_have_key(edit->table.ranges, edit->table.range_count, group->key)))
			return true;
	}
	return false;
}

/* What the change says nothing of need not be read. */
static int read_elements(struct nft_edit *edit, size_t i)
{
	struct nft_group *group = &edit->table.groups[i];
	struct nft_group_edit *change = &edit->groups[i];

	if (nft_key_is_ranges(group->key) && !edit->with_ranges)
		return 0;
	change->loaded = !edit->narrow || change->remake;
	return nft_group_read_elements(edit->link, group, change->loaded ? NULL : edit->subjects, edit->change->count);
}

static int read_all_elements(struct nft_edit *edit)
{
	int error = 0;

	edit->narrow = is_narrow(edit) && !remakes_ranges(edit);
	for (size_t i = 0; edit->narrow && i < edit->change->count; i++)
		edit->subjects[i] = subject_of(edit->change, i);
	for (size_t i = 0; i < edit->group_count && !error; i++)
		error = read_elements(edit, i);
	return error;
}

/* Somebody else may have put a segment there that is not one of ours. */
static bool found_others(const struct nft_edit *edit)
{
	for (size_t i = 0; i < edit->group_count; i++)
		if (nft_key_is_ranges(edit->table.groups[i].key) && !edit->groups[i].loaded &&
		    !nft_group_has_only(&edit->table.groups[i], edit->subjects, edit->change->count))
			return true;
	return false;
}

static int read_groups(struct nft_edit *edit)
{
	int error = 0;

	for (size_t i = 0; i < edit->group_count && !error; i++) {
		if (edit->groups[i].plan)
			error = check_wanted(edit, i);
		else if (!nft_group_is_branched(&edit->table, edit->table.groups[i].key))
			error = nft_group_read_lines(edit->link, &edit->table.groups[i]);
	}
	if (!error)
		error = read_all_elements(edit);
	if (!error && edit->narrow && found_others(edit))
		return -ESTALE;
	/* A set may turn out not to be ours by what is in it. */
	for (size_t i = 0; i < edit->group_count && !error; i++)
		if (edit->groups[i].plan && !has_sound_sets(&edit->table.groups[i], edit->groups[i].plan))
			edit->groups[i].remake = true;
	return error || !edit->with_ranges || edit->narrow ? error : nft_table_adopt_segments(&edit->table);
}

/* --- Which ranges are held as one afterwards --- */

static bool is_concerned(const struct nft_change *change, struct uid_range uids)
{
	for (size_t i = 0; i < change->count; i++)
		if (uid_range_compare(subject_of(change, i), uids) == 0)
			return true;
	return false;
}

static int find_ranges(struct nft_edit *edit)
{
	const struct nft_change *change = edit->change;
	size_t wanted = edit->with_ranges && change->plans ? change->count : 0;

	free(edit->ranges);
	edit->range_count = 0;
	edit->ranges = calloc(edit->table.range_count + wanted + 1, sizeof(*edit->ranges));
	if (!edit->ranges)
		return -ENOMEM;
	for (size_t i = 0; i < edit->table.range_count; i++)
		if (!edit->with_ranges || !is_concerned(change, edit->table.ranges[i].uids))
			edit->ranges[edit->range_count++] = edit->table.ranges[i];
	for (size_t i = 0; i < wanted; i++) {
		struct nft_range *range = &edit->ranges[edit->range_count];

		if (change->plans[i].uids.first == change->plans[i].uids.last)
			continue;
		range->uids = change->plans[i].uids;
		snprintf(range->key, sizeof(range->key), "%s", edit->keys[i]);
		edit->range_count++;
	}
	qsort(edit->ranges, edit->range_count, sizeof(*edit->ranges), nft_range_compare);
	return 0;
}

/* --- Groups that nobody is left in --- */

static int find_empty(struct nft_edit *edit, size_t i)
{
	const struct nft_group *group = &edit->table.groups[i];
	struct nft_group_edit *change = &edit->groups[i];
	struct nft_elements *gone = &change->del[NFT_HELD];
	const struct nft_set *held = &group->sets[NFT_HELD];
	bool others = nft_ranges_have_key(edit->ranges, edit->range_count, group->key);
	int error = 0;

	/* Who is in a set that somebody put in the place of ours cannot be told: nobody is let out. */
	if (change->plan || edit->change->keep_groups || edit->withheld || (held->exists && !held->is_readable))
		return 0;
	if (gone->count)
		qsort(gone->items, gone->count, sizeof(*gone->items), nft_element_compare);
	if (!nft_key_is_ranges(group->key) && change->loaded)
		others = held->count > gone->count;
	else if (!others && !change->loaded)
		error = nft_group_has_others(edit->link, group, gone->items, gone->count, &others);
	change->drop = !error && !others;
	return error;
}

/* Those that somebody left; and all the others as well if those are empty, for then the table may go. */
static int find_all_empty(struct nft_edit *edit)
{
	bool all = true;
	int error = 0;

	for (size_t i = 0; i < edit->group_count && !error; i++) {
		if (edit->groups[i].del[NFT_HELD].count == 0)
			continue;
		error = find_empty(edit, i);
		all = all && edit->groups[i].drop;
	}
	if (error || !edit->change->gone || !all)
		return error;
	/* The table may go: now it matters what else it holds. */
	if (!edit->with_ranges)
		error = nft_table_read_ranges(edit->link, NULL, &edit->table);
	if (!error && !edit->with_ranges)
		error = find_ranges(edit);
	for (size_t i = 0; i < edit->group_count && !error; i++) {
		if (!edit->groups[i].drop)
			error = find_empty(edit, i);
		all = all && edit->groups[i].drop;
	}
	edit->drop_all = !error && all;
	return error;
}

/* --- The base chain --- */

/* Uids decide before ranges, so that of several the narrowest does. */
static bool has_order(const struct nft_table *table)
{
	bool ranges = false;

	for (size_t i = 0; i < table->base_count; i++) {
		const struct nft_line *line = &table->base[i];

		if (line->kind != NFT_LINE_BRANCH || (ranges && !nft_key_is_ranges(line->key)))
			return false;
		ranges = nft_key_is_ranges(line->key);
	}
	return true;
}

static bool base_is_right(const struct nft_edit *edit)
{
	if (!edit->table.has_base || !edit->table.base_is_hooked || !has_order(&edit->table))
		return false;
	for (size_t i = 0; i < edit->group_count; i++) {
		if (edit->groups[i].remake ||
		    count_branches(&edit->table, edit->table.groups[i].key) != nft_edit_can_branch(edit, i))
			return false;
	}
	return true;
}

int nft_edit_prepare(struct nft_edit *edit, struct nft_link *link, const struct nft_change *change)
{
	int error;

	edit->link = link;
	edit->change = change;
	edit->with_ranges = concerns_ranges(change);
	error = nft_link_generation(link, &edit->generation);
	if (!error)
		error = nft_table_read(link, &edit->table);
	if (error || (edit->table.exists && !edit->table.ours))
		return error;
	if (edit->with_ranges)
		error = nft_table_read_ranges(link, NULL, &edit->table);
	if (!error)
		error = find_keys(edit);
	if (!error)
		error = make_group_edits(edit);
	if (!error)
		error = read_groups(edit);
	if (!error)
		error = find_ranges(edit);
	if (!error)
		error = nft_edit_place(edit);
	if (!error && edit->with_ranges && !edit->narrow)
		error = nft_edit_place_segments(edit);
	if (!error && change->grow_only)
		error = nft_edit_withhold(edit);
	if (!error)
		error = nft_edit_move(edit);
	if (!error)
		error = find_all_empty(edit);
	edit->remake_base = !error && !edit->drop_all && !base_is_right(edit);
	return error;
}
