/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_SUBUID_H
#define EGRESS_SUBUID_H

/*
 * Files like /etc/subuid: whose subordinate uids are whose. newuidmap(1) lets an account become any of its own, so an
 * account is held by them as well, and a line of its that we cannot read is no reason to let it go without.
 */
#include "fault.h"
#include "uid-ranges.h"

#define SUBUID_PATH "/etc/subuid"
#define SUBUID_SIZE_MAX 16777216UL /* uids in one range: 256 times what useradd(8) gives */

struct subuid_text {
	const char *file; /* for messages */
	const char *text;
	size_t length;
};

struct subuid; /* the lines of some files; points into their texts */

/* Pure. Lines that are no ranges are kept for whom they name. -ENOMEM. */
int subuid_parse(const struct subuid_text *texts, size_t count, struct subuid **ret);
bool subuid_is_empty(const struct subuid *subuid);
void subuid_free(struct subuid *subuid); /* takes NULL; frees the texts if subuid_load read them */

/*
 * /etc/subuid, or another file, and SUBUID_KEPT in the folder LIBDIR (or NULL), in the same format, see subids.h; either
 * may be missing. Only what root alone may have written is read. PASSWD: whose uids nobody may have as subordinate
 * ones, see subuid_find. -EPERM, -EIO, -EFBIG, -EAGAIN, -ENOMEM.
 */
#define SUBUID_KEPT "subuid"
struct subuid_paths {
	const char *subuid, *libdir, *passwd;
	const char *asked; /* lines that a name service gave just now; NULL: none */
};
int subuid_load(const struct subuid_paths *paths, struct fault *fault, struct subuid **ret);

/* All names of the uid: a line may bear any of them, or the uid. */
struct subuid_owner {
	uid_t uid;
	const char *const *names;
	size_t name_count;
};

/*
 * Its ranges, without the uid itself; none if no line names it. -EBADMSG with FILE:LINE: a line of its is no range, has
 * uid 0 or 65534, a uid that stands in the passwd file, too many uids, or uids of somebody else's line. -ENOMEM; -EIO:
 * the passwd file cannot be read.
 */
int subuid_find(struct subuid *subuid, const struct subuid_owner *owner, struct fault *fault, struct uid_ranges *ret);

/* Does a line name the owner, good or not? *ret, of SIZE bytes: the first one as "FILE:LINE". */
bool subuid_names(const struct subuid *subuid, const struct subuid_owner *owner, char *ret, size_t size);

#endif
