/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "segments.h"

#include "util.h"

#include <string.h>

/* A uid at which the deciding range may change; 64 bits, for the one after the last uid. */
struct edge {
	uint64_t at;
	size_t range;
	bool starts;
};

static int compare_edges(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static bool is_narrower(const struct uid_range *a, const struct uid_range *b)
{
	uid_t width_a = a->last - a->first, width_b = b->last - b->first;

	return width_a != width_b ? width_a < width_b : a->first < b->first;
}

/* Those that are open at a uid, the narrowest last. Few: ranges are seldom nested deeply. */
struct open_ranges {
	const struct uid_range *ranges;
	size_t *indices;
	size_t count;
};

static void enter_range(struct open_ranges *open, size_t range)
{
	size_t at = open->count++;

	for (; at > 0 && is_narrower(&open->ranges[open->indices[at - 1]], &open->ranges[range]); at--)
		open->indices[at] = open->indices[at - 1];
	open->indices[at] = range;
}

static void leave_range(struct open_ranges *open, size_t range)
{
	size_t at = open->count;

	while (open->indices[at - 1] != range)
		at--;
	memmove(&open->indices[at - 1], &open->indices[at], (open->count - at) * sizeof(open->indices[0]));
	open->count--;
}

static void add_segment(struct segment *segments, size_t *count, size_t range, uint64_t first, uint64_t end)
{
	struct segment *last = *count ? &segments[*count - 1] : NULL;

	if (last && last->range == range && (uint64_t)last->uids.last + 1 == first)
		last->uids.last = (uid_t)(end - 1);
	else
		segments[(*count)++] = (struct segment){ { (uid_t)first, (uid_t)(end - 1) }, range };
}

static size_t sweep(const struct edge *edges, size_t edge_count, struct open_ranges *open,
		    struct segment *segments)
{
	size_t count = 0;

	for (size_t i = 0; i < edge_count; i++) {
		if (i > 0 && open->count > 0 && edges[i].at > edges[i - 1].at)
			add_segment(segments, &count, open->indices[open->count - 1], edges[i - 1].at,
				    edges[i].at);
		if (edges[i].starts)
			enter_range(open, edges[i].range);
		else
			leave_range(open, edges[i].range);
	}
	return count;
}

int segments_make(const struct uid_range *ranges, size_t count, struct segment **ret, size_t *ret_count)
{
	AUTO_FREE struct edge *edges = calloc(2 * count + 1, sizeof(*edges));
	AUTO_FREE size_t *indices = calloc(count + 1, sizeof(*indices));
	struct segment *segments = calloc(2 * count + 1, sizeof(*segments));
	struct open_ranges open = { .ranges = ranges, .indices = indices };
	size_t edge_count = 0;

	if (!edges || !indices || !segments) {
		free(segments);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		if (ranges[i].first > ranges[i].last)
			continue;
		edges[edge_count++] = (struct edge){ ranges[i].first, i, true };
		edges[edge_count++] = (struct edge){ (uint64_t)ranges[i].last + 1, i, false };
	}
	qsort(edges, edge_count, sizeof(*edges), compare_edges);
	*ret_count = sweep(edges, edge_count, &open, segments);
	*ret = segments;
	return 0;
}
