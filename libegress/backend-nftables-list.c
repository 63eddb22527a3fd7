/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend-nftables.h"

#include "nft-edit.h"
#include "nft-layout.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

/* Lines about what concerns everybody, or all of a group; more would not tell more. */
#define COMMON_DRIFT_MAX 8

#define LIST_TRIES 8

/* What its chain says for every account of the group. */
struct group_view {
	struct nft_group *group;
	struct plan plan;       /* without uids */
	struct standing common; /* only the drift */
};

struct table_view {
	struct nft_table table;
	struct group_view *groups;
	struct nft_layout layout;
	struct standing common; /* only the drift */
};

static void drift_clear(struct standing *standing)
{
	for (char **line = standing->drift; line && *line; line++)
		free(*line);
	free(standing->drift);
}

/* Good for another reading. */
static void view_clear(struct table_view *view)
{
	for (size_t i = 0; view->groups && i < view->table.group_count; i++) {
		plan_clear(&view->groups[i].plan);
		drift_clear(&view->groups[i].common);
	}
	free(view->groups);
	nft_layout_clear(&view->layout);
	drift_clear(&view->common);
	nft_table_clear(&view->table);
	*view = (struct table_view){ 0 };
}

/* --- What concerns everybody --- */

static int check_base_rules(struct table_view *view)
{
	const struct nft_table *table = &view->table;
	size_t foreign = 0;
	bool ranges = false;
	int error = 0;

	for (size_t i = 0; i < table->base_count && !error; i++) {
		const struct nft_line *line = &table->base[i];

		if (line->kind != NFT_LINE_BRANCH && foreign++ < COMMON_DRIFT_MAX)
			error = standing_add_drift(&view->common, "nftables: " NFT_CHAIN_OUTPUT " rule %zu is not ours",
						   i + 1);
		else if (line->kind == NFT_LINE_BRANCH && ranges && !nft_key_is_ranges(line->key))
			error = standing_add_drift(&view->common,
						   "nftables: " NFT_CHAIN_OUTPUT " rule %zu: ranges decide before uids",
						   i + 1);
		ranges = ranges || (line->kind == NFT_LINE_BRANCH && nft_key_is_ranges(line->key));
	}
	return error;
}

static int check_base(struct table_view *view)
{
	const struct nft_table *table = &view->table;
	int error = 0;

	if (table->dormant)
		error = standing_add_drift(&view->common, "nftables: table inet " NFT_TABLE " is dormant");
	if (!error && !table->has_base)
		error = standing_add_drift(&view->common, "nftables: chain " NFT_CHAIN_OUTPUT " is missing");
	else if (!error && !table->base_is_hooked)
		error = standing_add_drift(&view->common,
					   "nftables: chain " NFT_CHAIN_OUTPUT " is not at hook output, priority %d, "
					   "with policy accept",
					   NFT_HOOK_PRIORITY);
	return error ? error : check_base_rules(view);
}

/* --- What concerns a group --- */

static int check_sets(struct group_view *view)
{
	bool logs = nft_plan_logs(&view->plan);
	char name[NFT_NAME_MAX];
	int error = 0;

	for (int role = 0; role < NFT_ROLES && !error; role++) {
		const struct nft_set *set = &view->group->sets[role];

		if ((role == NFT_LOGGED && !logs) || (set->exists && set->as_written))
			continue;
		error = standing_add_drift(&view->common, "nftables: set %s is %s",
					   nft_set_name(view->group->key, role, name),
					   set->exists ? "not as we make it" : "missing");
	}
	return error;
}

static int check_branches(const struct nft_table *table, struct group_view *view)
{
	char chain[NFT_NAME_MAX];
	size_t found = 0;

	nft_chain_name(view->group->key, chain);
	for (size_t i = 0; i < table->base_count; i++) {
		const struct nft_line *line = &table->base[i];

		if (line->kind == NFT_LINE_BRANCH && strcmp(line->key, view->group->key) == 0)
			found++;
	}
	if (found == 1)
		return 0;
	if (found == 0)
		return standing_add_drift(&view->common, "nftables: no rule of " NFT_CHAIN_OUTPUT " leads to %s", chain);
	return standing_add_drift(&view->common, "nftables: %zu rules of " NFT_CHAIN_OUTPUT " lead to %s", found, chain);
}

static int check_foreign_lines(struct group_view *view, bool *ret_any)
{
	char chain[NFT_NAME_MAX];
	size_t foreign = 0;
	int error = 0;

	nft_chain_name(view->group->key, chain);
	for (size_t i = 0; i < view->group->line_count && !error; i++)
		if (view->group->lines[i].kind == NFT_LINE_FOREIGN && foreign++ < COMMON_DRIFT_MAX)
			error = standing_add_drift(&view->common, "nftables: %s rule %zu is not ours", chain, i + 1);
	*ret_any = foreign > 0;
	return error;
}

/* Do its rules count and log whom they must, and where? */
static int check_lines(struct group_view *view)
{
	const struct nft_group *group = view->group;
	AUTO_FREE struct nft_line *lines = NULL;
	char chain[NFT_NAME_MAX];
	size_t count = 0, i = 0;
	bool foreign;
	int error = check_foreign_lines(view, &foreign);

	nft_chain_name(group->key, chain);
	if (!error && group->line_count == 0)
		return standing_add_drift(&view->common, "nftables: chain %s is %s", chain,
					  group->has_chain ? "empty" : "missing");
	if (!error && !foreign)
		error = nft_plan_lines(&view->plan, group->key, &lines, &count);
	if (error || foreign)
		return error;
	while (i < count && i < group->line_count && nft_line_equal(&lines[i], &group->lines[i]))
		i++;
	if (i == count && i == group->line_count)
		return 0;
	return standing_add_drift(&view->common, "nftables: %s rule %zu is not in its place", chain, i + 1);
}

static int decode_plan(struct group_view *view)
{
	const struct nft_group *group = view->group;
	struct plan plan = { .rules = calloc(group->line_count + 1, sizeof(struct rule)) };

	if (!plan.rules)
		return -ENOMEM;
	plan.log = group->sets[NFT_LOGGED].log;
	for (size_t i = 0; i < group->line_count; i++) {
		const struct nft_line *line = &group->lines[i];
		struct rule *rule = &plan.rules[plan.rule_count];

		if (line->kind == NFT_LINE_RULE) {
			*rule = line->rule;
		} else if (line->kind == NFT_LINE_LOG) {
			*rule = (struct rule){ .ports = { 1, UINT16_MAX }, .verdict = VERDICT_LOG };
			plan.log.enabled = true;
			plan.log.group = line->log_group;
		} else {
			continue;
		}
		plan.rule_count++;
	}
	view->plan = plan;
	return 0;
}

static bool has_elements(const struct nft_group *group)
{
	for (int role = 0; role < NFT_ROLES; role++)
		if (group->sets[role].count)
			return true;
	return false;
}

static int read_elements(struct nft_link *link, const struct uid_range *only, struct nft_group *group)
{
	bool is_ranges = nft_key_is_ranges(group->key), by_uid = only && only->first == only->last;

	if (only && by_uid == is_ranges)
		return 0;
	return nft_group_read_elements(link, group, by_uid ? &only->first : NULL);
}

static int read_group(struct nft_link *link, const struct table_view *view, struct group_view *group)
{
	int error = nft_group_read_lines(link, group->group);

	if (!error)
		error = decode_plan(group);
	if (!error)
		error = check_branches(&view->table, group);
	if (!error)
		error = check_sets(group);
	return error ? error : check_lines(group);
}

static int view_read(struct nft_link *link, const struct uid_range *only, struct table_view *view)
{
	int error = nft_table_read(link, &view->table);

	if (error || !view->table.exists || !view->table.ours)
		return error;
	view->groups = calloc(view->table.group_count + 1, sizeof(*view->groups));
	if (!view->groups)
		return -ENOMEM;
	error = check_base(view);
	for (size_t i = 0; i < view->table.group_count && !error; i++) {
		view->groups[i].group = &view->table.groups[i];
		error = read_elements(link, only, view->groups[i].group);
	}
	if (!error)
		error = nft_table_adopt_segments(&view->table);
	if (!error)
		error = nft_layout_make(view->table.ranges, view->table.range_count, &view->layout);
	/* Where nobody is that was asked for, the rules are not of interest. */
	for (size_t i = 0; i < view->table.group_count && !error; i++) {
		const struct nft_group *group = &view->table.groups[i];

		if (has_elements(group) ||
		    nft_ranges_have_key(view->table.ranges, view->table.range_count, group->key))
			error = read_group(link, view, &view->groups[i]);
	}
	return error;
}

/* --- One account --- */

static int copy_drift(const struct standing *from, struct standing *to)
{
	int error = 0;

	for (char **line = from->drift; line && *line && !error; line++)
		error = standing_add_drift(to, "%s", *line);
	return error;
}

static int copy_plan(const struct plan *plan, struct uid_range uids, struct plan *ret)
{
	struct rule *rules = malloc((plan->rule_count + 1) * sizeof(*rules));

	if (!rules)
		return -ENOMEM;
	memcpy(rules, plan->rules, plan->rule_count * sizeof(*rules));
	*ret = *plan;
	ret->uids = uids;
	ret->rules = rules;
	return 0;
}

static int start_standing(const struct table_view *view, const struct group_view *group, struct uid_range uids,
			  struct standing *standing)
{
	int error = copy_plan(&group->plan, uids, &standing->plan);

	if (!error)
		error = copy_drift(&view->common, standing);
	return error ? error : copy_drift(&group->common, standing);
}

static void add_traffic(struct traffic *traffic, const struct nft_element *element)
{
	traffic->packets += element->packets;
	traffic->bytes += element->bytes;
}

/* What was held and not denied was allowed. The two are not read at the same instant. */
static uint64_t difference(uint64_t all, uint64_t denied)
{
	return all > denied ? all - denied : 0;
}

static void count(struct standing *standing, const struct traffic *all)
{
	standing->allowed.packets = difference(all->packets, standing->denied.packets);
	standing->allowed.bytes = difference(all->bytes, standing->denied.bytes);
}

/* What its sets say of one uid, or of one segment of a range. */
static int read_sets(const struct group_view *group, struct uid_range uids, struct traffic *all,
		     struct standing *standing)
{
	char name[NFT_NAME_MAX], text[UID_RANGE_TEXT_MAX];
	int error = 0;

	for (int role = 0; role < NFT_ROLES && !error; role++) {
		const struct nft_set *set = &group->group->sets[role];
		const struct nft_element *element = nft_set_find(set, uids);

		if (element && role != NFT_LOGGED)
			add_traffic(role == NFT_HELD ? all : &standing->denied, element);
		if (!element && (role != NFT_LOGGED || nft_plan_logs(&group->plan)))
			error = standing_add_drift(standing, "nftables: uid %s is not in set %s",
						   addr_print_uid_range(uids, text),
						   nft_set_name(group->group->key, role, name));
	}
	return error;
}

static int note_elsewhere(const struct table_view *view, const struct group_view *home, struct uid_range uids,
			  struct standing *standing)
{
	char name[NFT_NAME_MAX];
	int error = 0;

	for (size_t i = 0; i < view->table.group_count && !error; i++) {
		const struct group_view *group = &view->groups[i];

		for (int role = 0; role < NFT_ROLES && !error; role++)
			if (group != home && !nft_key_is_ranges(group->group->key) &&
			    nft_set_find(&group->group->sets[role], uids))
				error = standing_add_drift(standing, "nftables: is in set %s too",
							   nft_set_name(group->group->key, role, name));
	}
	return error;
}

static int read_uid(const struct table_view *view, const struct group_view *group, uid_t uid,
		    struct standing *standing)
{
	const struct uid_range uids = { uid, uid };
	struct traffic all = { 0 };
	int error = start_standing(view, group, uids, standing);

	if (!error)
		error = read_sets(group, uids, &all, standing);
	if (!error)
		error = note_elsewhere(view, group, uids, standing);
	count(standing, &all);
	return error;
}

static const struct group_view *find_group(const struct table_view *view, const char *key)
{
	for (size_t i = 0; i < view->table.group_count; i++)
		if (strcmp(view->table.groups[i].key, key) == 0)
			return &view->groups[i];
	return NULL;
}

static int read_range(const struct table_view *view, const struct nft_range *range, struct standing *standing)
{
	const struct group_view *group = find_group(view, range->key);
	const struct group_view nowhere = { 0 };
	size_t index = (size_t)(range - view->table.ranges);
	struct traffic all = { 0 };
	int error = start_standing(view, group ? group : &nowhere, range->uids, standing);

	if (!error && !group)
		error = standing_add_drift(standing, "nftables: the rules of this range are missing");
	if (!error && !range->is_recorded)
		error = standing_add_drift(standing, "nftables: is not in set " NFT_SET_RANGES);
	for (size_t i = 0; i < view->layout.count && !error && group; i++)
		if (view->layout.segments[i].range == index)
			error = read_sets(group, view->layout.segments[i].uids, &all, standing);
	count(standing, &all);
	return error;
}

/* --- All of them --- */

struct place {
	struct uid_range uids;
	const struct group_view *group; /* of a uid */
	const struct nft_range *range;  /* of a range */
	bool held;                      /* the set that decides has it */
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = uid_range_compare(x->uids, y->uids);

	return order ? order : (int)y->held - (int)x->held;
}

static size_t count_places(const struct table_view *view)
{
	size_t places = view->table.range_count;

	for (size_t i = 0; i < view->table.group_count; i++)
		for (int role = 0; role < NFT_ROLES; role++)
			places += view->table.groups[i].sets[role].count;
	return places;
}

static size_t put_places(const struct table_view *view, const struct uid_range *only, struct place *places)
{
	size_t found = 0;

	for (size_t i = 0; i < view->table.group_count; i++) {
		for (int role = 0; role < NFT_ROLES; role++) {
			const struct nft_set *set = &view->table.groups[i].sets[role];

			for (size_t k = 0; k < set->count && !nft_key_is_ranges(view->table.groups[i].key); k++)
				places[found++] = (struct place){ .uids = set->elements[k].uids,
								  .group = &view->groups[i],
								  .held = role == NFT_HELD };
		}
	}
	for (size_t i = 0; i < view->table.range_count; i++)
		if (!only || uid_range_compare(view->table.ranges[i].uids, *only) == 0)
			places[found++] = (struct place){ .uids = view->table.ranges[i].uids,
							  .range = &view->table.ranges[i] };
	return found;
}

/* Each subject once, where it is held. */
static int find_places(const struct table_view *view, const struct uid_range *only, struct place **ret,
		       size_t *ret_count)
{
	struct place *places = calloc(count_places(view) + 1, sizeof(*places));
	size_t found, kept = 0;

	if (!places)
		return -ENOMEM;
	found = put_places(view, only, places);
	qsort(places, found, sizeof(*places), compare_places);
	for (size_t i = 0; i < found; i++)
		if (kept == 0 || uid_range_compare(places[kept - 1].uids, places[i].uids) != 0)
			places[kept++] = places[i];
	*ret = places;
	*ret_count = kept;
	return 0;
}

static int read_all(const struct table_view *view, const struct uid_range *only, struct standing **ret,
		    size_t *ret_count)
{
	AUTO_FREE struct place *places = NULL;
	struct standing *standing;
	size_t found;
	int error = find_places(view, only, &places, &found);

	if (error)
		return error;
	standing = calloc(found + 1, sizeof(*standing));
	if (!standing)
		return -ENOMEM;
	for (size_t i = 0; i < found && !error; i++)
		error = places[i].range ? read_range(view, places[i].range, &standing[i])
					: read_uid(view, places[i].group, places[i].uids.first, &standing[i]);
	if (error) {
		standing_free(standing, found);
		return error;
	}
	*ret = standing;
	*ret_count = found;
	return 0;
}

int nftables_list(struct backend *backend, const struct uid_range *only, struct fault *fault,
		  struct standing **ret, size_t *ret_count)
{
	struct table_view view = { 0 };
	int r = nftables_link(backend, false, fault);

	if (r < 0)
		return r;
	if (r > 0)
		r = view_read(&backend->link, only, &view);
	/* Flushed while it was read: then it is not there, or there anew. */
	for (int try = 1; r == -ESTALE && try < LIST_TRIES; try++) {
		view_clear(&view);
		r = view_read(&backend->link, only, &view);
	}
	if (!r)
		r = read_all(&view, only, ret, ret_count);
	view_clear(&view);
	return r ? nftables_fault(fault, r == -ESTALE ? -EAGAIN : r, "cannot list") : 0;
}
