/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_GUARD_MODEL_H
#define EGRESS_GUARD_MODEL_H

/* What guard-layout makes of the rules that stand: buckets and sections. Pure. */
#include "guard-layout.h"

#define GUARD_DIRECTORY (GUARD_FIRST + 1)
#define GUARD_LEAVE (GUARD_FIRST + 2)
#define GUARD_BUCKETS (GUARD_FIRST + 3)
#define GUARD_BUCKET_PREFS 3 /* singles, ranges, the way out */

struct guard_member {
	struct uid_range uids;
	uint32_t section; /* its priority; 0: goes */
	uint32_t order;   /* where it stands among the rules; 0: it is wished; GUARD_NEW: it does not stand */
};

#define GUARD_NEW UINT32_MAX

struct guard_bucket {
	uint32_t pref;
	uid_t from; /* it has the uids from here to the next bucket's; the first one has all below it too */
	struct uid_range span; /* of the directory's rule */
	bool loaded;
	struct guard_member *members; /* ascending once they are tidy; ranges are members wherever they reach */
	size_t count, room;
};

struct guard_model {
	const struct guard_rule *standing;
	size_t count;
	size_t first[GUARD_LAST + 2]; /* of the rules of each priority */
	uint32_t end;
	uint32_t buckets_end; /* the first priority behind all buckets */
	struct guard_bucket *buckets;
	size_t bucket_count;
	const struct guard_list *lists[GUARD_LAST + 1]; /* of sections that are new */
	bool taken[GUARD_LAST + 1];
	bool used[GUARD_LAST + 1]; /* sections that somebody goes to */
};

int guard_model_read(const struct guard_rule *standing, size_t count, uint32_t end, struct guard_model *ret);
void guard_model_clear(struct guard_model *model);

int guard_model_wish(struct guard_model *model, const struct guard_wish *wish);
/* Looks through the buckets that no wish has touched. */
int guard_model_load_all(struct guard_model *model);
/* After all wishes: members in order, buckets cut, empty ones dropped, used sections known. */
int guard_model_tidy(struct guard_model *model);

/* What must stand at one priority, appended to nothing: *ret is malloced. */
int guard_model_section(const struct guard_model *model, uint32_t pref, struct guard_rule **ret, size_t *ret_count);
int guard_model_directory(const struct guard_model *model, struct guard_rule **ret, size_t *ret_count);
int guard_model_singles(const struct guard_bucket *bucket, struct guard_rule **ret, size_t *ret_count);
int guard_model_ranges(const struct guard_bucket *bucket, struct guard_rule **ret, size_t *ret_count);

/* Nothing but uids is looked at, and they are not inverted. */
bool guard_is_uids_alone(const struct guard_rule *rule);

#endif
