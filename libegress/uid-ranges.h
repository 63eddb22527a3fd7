/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_UID_RANGES_H
#define EGRESS_UID_RANGES_H

/*
 * Several ranges of uids that do not overlap. Neighbours stay apart: each range is a subject of its own in the kernel,
 * and one that was joined to another would be another subject. Pure.
 */
#include "addr.h"

#define UID_RANGES_MAX 64 /* of one account */

struct uid_ranges {
	struct uid_range *items; /* owned */
	size_t count;
};

/* Takes a zeroed one; zeroes it. */
void uid_ranges_clear(struct uid_ranges *ranges);
#define AUTO_RANGES __attribute__((cleanup(uid_ranges_clear)))

/* Adds what of RANGE is not there yet, ascending. -ENOMEM: some of it may have been added. */
int uid_ranges_add(struct uid_ranges *ranges, struct uid_range range);
int uid_ranges_add_all(struct uid_ranges *ranges, const struct uid_ranges *more);
/* Puts RANGE first, whatever else is there. -ENOMEM. */
int uid_ranges_put_first(struct uid_ranges *ranges, struct uid_range range);
/* Takes one uid out. -ENOMEM: RANGES is as it was. */
int uid_ranges_without(struct uid_ranges *ranges, uid_t uid);

bool uid_ranges_overlap(struct uid_range a, struct uid_range b);
/* The first that overlaps RANGE; NULL if none does. */
const struct uid_range *uid_ranges_find(const struct uid_ranges *ranges, struct uid_range range);

/* As text, one range a line; *ret is malloced. -ENOMEM. */
int uid_ranges_print(const struct uid_ranges *ranges, char **ret);
/* What uid_ranges_print writes. -EBADMSG, -ENOMEM. */
int uid_ranges_parse(const char *text, struct uid_ranges *ret);

#endif
