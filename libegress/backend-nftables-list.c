/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend-nftables.h"

#include "nft-edit.h"
#include "nft-view.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

#define LIST_TRIES 8

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

static int start_standing(const struct nft_view *view, const struct nft_group_view *group, struct uid_range uids,
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
static int read_sets(const struct nft_group_view *group, struct uid_range uids, struct traffic *all,
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

static int note_elsewhere(const struct nft_view *view, const struct nft_group_view *home, struct uid_range uids,
			  struct standing *standing)
{
	char name[NFT_NAME_MAX];
	int error = 0;

	for (size_t i = 0; i < view->table.group_count && !error; i++) {
		const struct nft_group_view *group = &view->groups[i];

		for (int role = 0; role < NFT_ROLES && !error; role++)
			if (group != home && !nft_key_is_ranges(group->group->key) &&
			    nft_set_find(&group->group->sets[role], uids))
				error = standing_add_drift(standing, "nftables: is in set %s too",
							   nft_set_name(group->group->key, role, name));
	}
	return error;
}

static int read_uid(const struct nft_view *view, const struct nft_group_view *group, uid_t uid,
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

static const struct nft_group_view *find_group(const struct nft_view *view, const char *key)
{
	for (size_t i = 0; i < view->table.group_count; i++)
		if (strcmp(view->table.groups[i].key, key) == 0)
			return &view->groups[i];
	return NULL;
}

static int read_range(const struct nft_view *view, const struct nft_range *range, struct standing *standing)
{
	const struct nft_group_view *group = find_group(view, range->key);
	const struct nft_group_view nowhere = { 0 };
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
	const struct nft_group_view *group; /* of a uid */
	const struct nft_range *range;  /* of a range */
	bool held;                      /* the set that decides has it */
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = uid_range_compare(x->uids, y->uids);

	return order ? order : (int)y->held - (int)x->held;
}

static size_t count_places(const struct nft_view *view)
{
	size_t places = view->table.range_count;

	for (size_t i = 0; i < view->table.group_count; i++)
		for (int role = 0; role < NFT_ROLES; role++)
			places += view->table.groups[i].sets[role].count;
	return places;
}

static size_t put_places(const struct nft_view *view, const struct uid_range *only, struct place *places)
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
static int find_places(const struct nft_view *view, const struct uid_range *only, struct place **ret,
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

static int read_all(const struct nft_view *view, const struct uid_range *only, struct standing **ret,
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
	struct nft_view view = { 0 };
	int r = nftables_link(backend, false, fault);

	if (r < 0)
		return r;
	if (r > 0)
		r = nft_view_read(&backend->link, only, &view);
	/* Flushed while it was read: then it is not there, or there anew. */
	for (int try = 1; r == -ESTALE && try < LIST_TRIES; try++) {
		nft_view_clear(&view);
		r = nft_view_read(&backend->link, only, &view);
	}
	if (!r)
		r = read_all(&view, only, ret, ret_count);
	nft_view_clear(&view);
	return r ? nftables_fault(fault, r == -ESTALE ? -EAGAIN : r, "cannot list") : 0;
}
