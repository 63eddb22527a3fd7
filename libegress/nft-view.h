/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_NFT_VIEW_H
#define EGRESS_NFT_VIEW_H

/* The table "inet egress" as it stands, and what of it is not as we make it: what there is to tell of accounts. */
#include "backend.h"
#include "nft-layout.h"

/* What its chain says for every account of the group. */
struct nft_group_view {
	struct nft_group *group;
	struct plan plan;       /* without uids */
	struct standing common; /* only the drift */
};

struct nft_view {
	struct nft_table table;
	struct nft_group_view *groups;
	struct nft_layout layout;
	struct standing common; /* only the drift */
};

/* ONLY: what decides about that subject; NULL: all. *view must be zero or cleared; clear it in any case. Errors: those of
 * nft_table_read, -ENOMEM. */
int nft_view_read(struct nft_link *link, const struct uid_range *only, struct nft_view *view);
void nft_view_clear(struct nft_view *view);

#endif
