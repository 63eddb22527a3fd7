/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_NFT_TABLE_H
#define EGRESS_NFT_TABLE_H

/* The table "inet egress" as it stands in the kernel, read part by part: as much as somebody wants to know. */
#include "nft-batch.h"

struct nft_set {
	bool exists;
	bool is_readable;    /* its elements are uids, or segments, as ours are */
	bool as_written;     /* and it is of the type, and with the counter or limit, that we give it */
	struct log_rule log; /* of the sets of NFT_LOGGED: how often */
	uint32_t size;       /* elements at most; of sets of uids */
	struct nft_element *elements; /* ascending; owned */
	size_t count, room;
};

/* What accounts with the same rules share; uids or, by its key, segments of ranges. */
struct nft_group {
	char key[NFT_KEY_MAX];
	struct nft_set sets[NFT_ROLES];
	bool has_chain;
	struct nft_line *lines; /* of its chain; owned */
	size_t line_count, line_room;
};

struct nft_range {
	struct uid_range uids;
	char key[NFT_KEY_MAX]; /* of its plan; "" if somebody else wrote it */
	bool is_recorded;      /* in the set of ranges; else only its segment stands */
};

struct nft_table {
	bool exists;
	bool ours;    /* it carries our comment */
	bool dormant; /* its chains see no packet */
	bool has_base, base_is_hooked; /* the chain, and where it must be */
	struct nft_line *base;         /* its rules; owned */
	size_t base_count, base_room;
	bool has_ranges_set;
	uint32_t ranges_size; /* elements at most */
	struct nft_range *ranges; /* ascending; owned */
	size_t range_count, range_room;
	struct nft_group *groups; /* owned */
	size_t group_count, group_room;
};

/* Does our table stand, ours or not? Errors: those of nft_link_ask. */
int nft_table_look(struct nft_link *link, struct nft_table *table);
/* All but the ranges, and the rules and elements of groups. *table must be zero or cleared; clear it in any case. Errors:
 * those of nft_link_ask, and -ESTALE it went meanwhile; a table that is not there is none. */
int nft_table_read(struct nft_link *link, struct nft_table *table);
/* ONLY: that one, if it is recorded; NULL: all. */
int nft_table_read_ranges(struct nft_link *link, const struct uid_range *only, struct nft_table *table);
void nft_table_clear(struct nft_table *table);

int nft_group_read_lines(struct nft_link *link, struct nft_group *group);
/* The elements of all roles. ONLY, if not NULL: those of these subjects, as far as they are what the group is of; in the
 * place of a range stands the segment that has its first uid. */
int nft_group_read_elements(struct nft_link *link, struct nft_group *group, const struct uid_range *only, size_t count);
/* Is each element that was read one of these? */
bool nft_group_has_only(const struct nft_group *group, const struct uid_range *subjects, size_t count);
/* Segments that were read and that no range accounts for are ranges: somebody took away the record. -ENOMEM. */
int nft_table_adopt_segments(struct nft_table *table);
/* Of a group: is there a uid, or a segment, that GONE (uids, ascending) does not name? Looks no further than the first. */
int nft_group_has_others(struct nft_link *link, const struct nft_group *group, const struct nft_element *gone,
			 size_t gone_count, bool *ret);

/* NULL: no such group. */
struct nft_group *nft_table_group(const struct nft_table *table, const char *key);
/* Makes one if there is none; others may move. NULL: no memory. */
struct nft_group *nft_table_need_group(struct nft_table *table, const char *key);
/* NULL: not in the set. */
const struct nft_element *nft_set_find(const struct nft_set *set, struct uid_range uids);
/* No other range that was read has a uid of it: what stands for it is one segment, its own. */
bool nft_table_is_apart(const struct nft_table *table, struct uid_range uids);

/* For qsort: by uids. */
int nft_element_compare(const void *a, const void *b);
int nft_range_compare(const void *a, const void *b);
bool nft_ranges_have_key(const struct nft_range *ranges, size_t count, const char *key);

#endif
