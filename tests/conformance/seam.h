/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_CONFORMANCE_SEAM_H
#define EGRESS_CONFORMANCE_SEAM_H

/*
 * The seam, as the promises use it: each call opens a handle, does one thing and closes it, as a login does.
 * Those without "try" end the test if it fails.
 */
#include "host.h"

#define SEAM_PLANS_MAX 2000

/*
 * UIDS is "2001" or "20000-29999"; WORDS are what is allowed, "127.0.0.1,udp,9 ::1,udp", and "drop" and
 * "nolog". Kept until the process ends.
 */
struct plan plan_of(const char *uids, const char *words);
struct uid_range uids_of(const char *text);

int try_hold(const struct plan *plans, size_t count);
int try_release(const struct uid_range *subjects, size_t count);
extern long seam_deadline_ms; /* of the handles that are opened from now on */
/* What the last try that failed said. */
extern struct fault said;

void hold(const char *uids, const char *words);
void hold_plans(const struct plan *plans, size_t count);
void release(const char *uids); /* "2001 20000-29999" */

struct listing {
	struct standing *standing;
	size_t count;
};

struct listing list(const char *only); /* NULL: all */
void listing_free(struct listing *listing);

/* Does it stand as its plan says, without drift? */
bool is_held(const struct plan *plan);
#define ck_held(uids, words)                                             \
	do {                                                             \
		struct plan plan_ = plan_of(uids, words);                \
                                                                         \
		ck_assert_msg(is_held(&plan_), "%s is not held", uids);  \
	} while (0)
#define ck_absent(uids)                                                       \
	do {                                                                  \
		struct listing listing_ = list(uids);                         \
                                                                              \
		ck_assert_msg(listing_.count == 0, "%s stands", uids);        \
		listing_free(&listing_);                                      \
	} while (0)

#endif
