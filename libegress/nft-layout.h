/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_NFT_LAYOUT_H
#define EGRESS_NFT_LAYOUT_H

/* Which segments the sets must have for the ranges that are held as one. Pure. */
#include "nft-table.h"
#include "segments.h"

struct nft_layout {
	const struct nft_range *ranges; /* the caller's */
	struct segment *segments;       /* ascending; owned */
	size_t count;
};

/* -ENOMEM. Clear *ret in any case. */
int nft_layout_make(const struct nft_range *ranges, size_t count, struct nft_layout *ret);
void nft_layout_clear(struct nft_layout *layout);
/* NULL: there is no such segment. */
const struct segment *nft_layout_find(const struct nft_layout *layout, struct uid_range uids);
/* Is SEGMENT (may be NULL) of a range whose plan has the key? */
bool nft_layout_is_of_key(const struct nft_layout *layout, const struct segment *segment, const char *key);

#endif
