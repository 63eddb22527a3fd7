/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nft-layout.h"

#include "util.h"

#include <string.h>

int nft_layout_make(const struct nft_range *ranges, size_t count, struct nft_layout *ret)
{
	AUTO_FREE struct uid_range *uids = calloc(count + 1, sizeof(*uids));

	*ret = (struct nft_layout){ .ranges = ranges };
	if (!uids)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		uids[i] = ranges[i].uids;
	return segments_make(uids, count, &ret->segments, &ret->count);
}

void nft_layout_clear(struct nft_layout *layout)
{
	free(layout->segments);
	*layout = (struct nft_layout){ 0 };
}

static int compare_segment(const void *key, const void *segment)
{
	return uid_range_compare(*(const struct uid_range *)key, ((const struct segment *)segment)->uids);
}

const struct segment *nft_layout_find(const struct nft_layout *layout, struct uid_range uids)
{
	return layout->count ? bsearch(&uids, layout->segments, layout->count, sizeof(*layout->segments),
				       compare_segment)
			     : NULL;
}

bool nft_layout_is_of_key(const struct nft_layout *layout, const struct segment *segment, const char *key)
{
	return segment && strcmp(layout->ranges[segment->range].key, key) == 0;
}
