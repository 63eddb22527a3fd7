/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_SEGMENTS_H
#define EGRESS_SEGMENTS_H

/*
 * Ranges that may lie within one another, as segments that do not overlap: of several ranges with the same
 * uid the narrowest decides, of equally narrow ones the one that starts first. Pure.
 */
#include "addr.h"

struct segment {
	struct uid_range uids;
	size_t range; /* whose it is: an index into the ranges */
};

/* Ranges that end before they begin have no segments. *ret: malloced, ascending; neighbours of one range are one segment. -ENOMEM. */
int segments_make(const struct uid_range *ranges, size_t count, struct segment **ret, size_t *ret_count);

#endif
