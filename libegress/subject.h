/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_SUBJECT_H
#define EGRESS_SUBJECT_H

/* One uid, or one range that is held as one, seen from configuration and ledger together. */
#include "engine.h"
#include "person.h"

struct subject {
	struct uid_range uids;
	struct uid_ranges ranges;      /* the subordinate ones that it is held by as well, as the ledger has them */
	struct uid_ranges found;       /* by upkeep: those that it must be held by */
	char *login;                   /* "uid 2001" or "uid 20000-29999" where there is no name */
	const struct account *account; /* what it is, or was, held by; NULL if that is not known */
	bool covered;                  /* by the configuration as it is */
	bool keep;                     /* hold = "always", or nobody can tell: not to be released */
	char *formerly; /* who had the uid when it was entered, if it is another's now whom nothing covers */
	struct conf *remembered;       /* owns ACCOUNT if not COVERED */
};

/*
 * Who had the uid when it was entered, if OWNER is somebody else: then a pin is not OWNER's. *ret is malloced, or NULL
 * where it is the same account, or where that cannot be told: a uid without a name keeps what it has. -ENOMEM, -EIO.
 */
int subject_formerly(struct ledger *ledger, const struct person *owner, struct fault *fault, char **ret);
/* Drops the pin of FORMERLY (or NULL), if that is still who is on record. */
int subject_drop_pin(struct operation *op, uid_t uid, const char *formerly);

void subject_clear(struct subject *subject);
void subjects_free(struct subject *subjects, size_t count); /* takes NULL */

/* CONF may be NULL: then nothing is known and the subject is kept. LEDGER may be NULL. -ENOMEM. */
int subject_of_uid(struct egress_ctx *ctx, const struct conf *conf, struct ledger *ledger, uid_t uid,
		   struct subject *ret);

/* A login name, or what egress_list shows where there is none: "uid 2001", "uid 20000-29999". -ENOENT. */
int subject_parse(struct egress_ctx *ctx, const char *user, struct uid_range *ret);
/* Who is meant by a login name, or by a uid, which may have none. -ENOENT, also for a range. Clear with person_clear. */
int subject_person(struct egress_ctx *ctx, const char *user, struct person *ret);

/* Which backend is asked for, and must the uid be kept? Without a configuration nobody is let go. */
int subject_fate(struct egress_ctx *ctx, uid_t uid, enum backend_choice *ret_wanted, enum ending *ret_ending);
/* By its profile: the one that covers it, else the one that is remembered. */
enum ending subject_ending(const struct subject *subject);

/* All that the ledger knows and all that the configuration holds always, ascending, each once. May ask
 * NSS: call it before an operation begins. -ENOMEM, -EIO. */
int subjects_find(struct egress_ctx *ctx, const struct conf *conf, struct ledger *ledger,
		  struct subject **ret, size_t *ret_count);

/* In what subjects_find gave; NULL if it is not there. */
const struct subject *subjects_find_uids(const struct subject *subjects, size_t count, struct uid_range uids);

/* The ledger's memory of the uid's profile, as a configuration of one account. -ENOENT, -EBADMSG, -ENOMEM.
 * May exit(3) as conf_parse may: never call it while a lock is held. */
int subject_remembered(struct ledger *ledger, uid_t uid, struct conf **ret);
/* The text for ledger_enter. *ret is malloced. -ENOMEM. */
int subject_remember(const struct account *account, char **ret);

/* What must stand for one of its ranges. -ENOMEM. Clear with plan_clear. */
int subject_plan(const struct subject *subject, struct uid_range uids, struct plan *ret);

#endif
