/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_COVERAGE_H
#define EGRESS_COVERAGE_H

/* Who a login is, and what the configuration says of it. Nothing here takes a lock. */
#include "engine.h"
#include "subject.h"

enum cover {
	COVER_NONE,    /* not our business */
	COVER_PROFILE, /* an entry covers it */
	COVER_DROPPED, /* no entry covers it any more, but it is still held */
};

struct coverage {
	enum cover cover;
	struct person person;
	struct conf_view view;         /* zero for uid 0, whom no configuration concerns */
	const struct account *account; /* of VIEW; with COVER_DROPPED of REMEMBERED, NULL if that is lost */
	struct conf *remembered;
	char *formerly;                /* as of a subject; with COVER_DROPPED */
	struct uid_ranges ranges;      /* its subordinate ones, see hold_check */
	struct fault unfit;            /* why it cannot have them; with COVER_DROPPED, who may be free by now */
	bool keep; /* held always: not to be released with its last session */
};

/* -EBADMSG: the configuration is broken and the login is, or may be, one that it covers; -EIO: the look-up
 * failed; -ENOMEM. Logs a configuration that is not as it should be. Clear *ret with coverage_clear. */
int coverage_find(struct egress_ctx *ctx, const char *user, struct coverage *ret);
void coverage_clear(struct coverage *coverage);
#define AUTO_COVERAGE __attribute__((cleanup(coverage_clear)))

/* The configuration alone, for verbs about everybody. -EBADMSG: there is none; -ENOMEM. Logs as above. */
int coverage_load(struct egress_ctx *ctx, struct conf_view *ret);

#endif
