/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_NFT_EDIT_H
#define EGRESS_NFT_EDIT_H

/*
 * From what stands to what must stand: reads as much of the table as a change concerns, compares, and puts the
 * differences into one batch. What is right already is not touched and keeps its counters.
 */
#include "nft-table.h"

/* An account's uid and some ranges: of more, all elements are read. */
#define NFT_NARROW_MAX 4

struct nft_change {
	const struct plan *plans;     /* to make stand, or NULL */
	const struct uid_range *gone; /* to remove, or NULL */
	size_t count;                 /* of either */
	bool grow;                    /* the sets are full: larger ones in their place */
	bool keep_groups;             /* even those that nobody is left in */
	bool whole;                   /* read all that could have to do with it */
	/*
	 * The first of two transactions, if there must be two. Rules that a packet meets one after the other look at
	 * sets one after the other: who goes from one to another in one transaction is in neither for a packet that
	 * is between the two. So he first comes into the new one, and later leaves the old one.
	 */
	bool grow_only;
};

struct nft_elements {
	struct nft_element *items; /* owned */
	size_t count, room;
};

/* What happens to the group of the same index. */
struct nft_group_edit {
	const struct plan *plan; /* must stand; NULL: nobody asked for it */
	bool loaded;             /* all elements of its sets were read */
	bool remake;             /* its rules, or sets, are not what the plan says */
	bool drop;               /* nobody is left in it */
	struct nft_elements add[NFT_ROLES], del[NFT_ROLES];
};

struct nft_edit {
	struct nft_link *link;
	const struct nft_change *change;
	struct nft_table table;
	struct nft_group_edit *groups; /* as many as the table has; owned */
	size_t group_count;            /* of them */
	char (*keys)[NFT_KEY_MAX];     /* of the plans; owned */
	struct nft_range *ranges;      /* that are held as one after the change; owned */
	size_t range_count;
	bool with_ranges; /* the change concerns ranges: all that are recorded were read */
	/*
	 * It concerns few, of whom each range is apart from all others: then a range is one element in each set, as a
	 * uid is, and only the elements of those few were read.
	 */
	bool narrow;
	struct uid_range subjects[NFT_NARROW_MAX]; /* those few */
	bool remake_base, drop_all;
	uint32_t generation; /* of what was read */
	bool withheld;       /* there must be another transaction */
};

/* Reads and compares. CHANGE must outlive the edit. Clear *edit in any case. Errors: those of nft_link_ask, -ENOMEM. */
int nft_edit_prepare(struct nft_edit *edit, struct nft_link *link, const struct nft_change *change);
/* What must be done, as messages; BATCH begins empty. WHOLE_TABLE: when nobody is left the table goes as well,
 * which the kernel refuses if somebody else put something into it. */
void nft_edit_emit(const struct nft_edit *edit, bool whole_table, struct nft_batch *batch);
void nft_edit_clear(struct nft_edit *edit);

/* What the files of the edit share. */
bool nft_plan_logs(const struct plan *plan);
/* Does the group, as PLAN would have it (NULL: as it stands), have sets of the role? */
bool nft_group_needs(const struct nft_group *group, const struct plan *plan, enum nft_role role);
int nft_elements_add(struct nft_elements *list, const struct nft_element *element);
bool nft_group_is_branched(const struct nft_table *table, const char *key);
/* Is there a set, but another one must come in its place? */
bool nft_edit_remakes_set(const struct nft_edit *edit, size_t i, enum nft_role role);
/* Does anything go that somebody may have begun to use since it was read? */
bool nft_edit_drops(const struct nft_edit *edit);
/* Can, and must, the base chain lead to the group? */
bool nft_edit_can_branch(const struct nft_edit *edit, size_t i);
/* How many elements a set must have room for: what comes, and as much again. */
uint32_t nft_room_for(size_t count, uint32_t size_before);
/* Which elements come and go. -ENOMEM, and those of nft_link_ask. */
int nft_edit_place(struct nft_edit *edit);
int nft_edit_place_segments(struct nft_edit *edit);
int nft_edit_withhold(struct nft_edit *edit); /* after those two */
int nft_edit_move(struct nft_edit *edit);     /* after that */

#endif
