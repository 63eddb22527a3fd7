/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nft-view.h"

#include "nft-edit.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

/* Lines about what concerns everybody, or all of a group; more would not tell more. */
#define COMMON_DRIFT_MAX 8

static void drift_clear(struct standing *standing)
{
	for (char **line = standing->drift; line && *line; line++)
		free(*line);
	free(standing->drift);
}

void nft_view_clear(struct nft_view *view)
{
	for (size_t i = 0; view->groups && i < view->table.group_count; i++) {
		plan_clear(&view->groups[i].plan);
		drift_clear(&view->groups[i].common);
	}
	free(view->groups);
	nft_layout_clear(&view->layout);
	drift_clear(&view->common);
	nft_table_clear(&view->table);
	*view = (struct nft_view){ 0 };
}

/* --- What concerns everybody --- */

static int check_base_rules(struct nft_view *view)
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

static int check_base(struct nft_view *view)
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

static int check_sets(struct nft_group_view *view)
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

static int check_branches(const struct nft_table *table, struct nft_group_view *view)
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

static int check_foreign_lines(struct nft_group_view *view, bool *ret_any)
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
static int check_lines(struct nft_group_view *view)
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

static int decode_plan(struct nft_group_view *view)
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

/* Of all, or of those that decide about ONLY: with WHOLE every segment, else its own. */
static int read_elements(struct nft_link *link, const struct uid_range *only, bool whole, struct nft_table *table)
{
	int error = 0;

	for (size_t i = 0; i < table->group_count && !error; i++)
		if (!only || nft_key_is_ranges(table->groups[i].key) == (only->first != only->last))
			error = nft_group_read_elements(link, &table->groups[i], whole ? NULL : only, 1);
	return error;
}

/*
 * What was read of one range says all of it: it is recorded for one group, and stands there uncut by others; or
 * it is not recorded, and its first uid is in no segment.
 */
static bool is_plain(const struct nft_table *table)
{
	const struct nft_range *range = table->range_count ? table->ranges : NULL;

	for (size_t i = 0; i < table->group_count; i++) {
		const struct nft_group *group = &table->groups[i];
		bool is_home = range && strcmp(group->key, range->key) == 0;

		for (int role = 0; role < NFT_ROLES; role++)
			if (group->sets[role].count != (is_home && group->sets[role].exists))
				return false;
		if (range && !nft_group_has_only(group, &range->uids, 1))
			return false;
	}
	return true;
}

/* The ranges, and all elements. What can be told of one range without all others is. */
static int read_subjects(struct nft_link *link, const struct uid_range *only, struct nft_table *table)
{
	bool is_range = only && only->first != only->last;
	int error = 0;

	if (!only || is_range)
		error = nft_table_read_ranges(link, only, table);
	if (!error)
		error = read_elements(link, only, !only, table);
	if (error || !is_range || is_plain(table))
		return error;
	error = nft_table_read_ranges(link, NULL, table);
	return error ? error : read_elements(link, only, true, table);
}

static int read_group(struct nft_link *link, const struct nft_view *view, struct nft_group_view *group)
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

int nft_view_read(struct nft_link *link, const struct uid_range *only, struct nft_view *view)
{
	int error = nft_table_read(link, &view->table);

	if (error || !view->table.exists || !view->table.ours)
		return error;
	view->groups = calloc(view->table.group_count + 1, sizeof(*view->groups));
	if (!view->groups)
		return -ENOMEM;
	error = check_base(view);
	for (size_t i = 0; i < view->table.group_count; i++)
		view->groups[i].group = &view->table.groups[i];
	if (!error)
		error = read_subjects(link, only, &view->table);
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
