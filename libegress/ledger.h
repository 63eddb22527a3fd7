/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_LEDGER_H
#define EGRESS_LEDGER_H

/*
 * Who must be held, on disk: STATEDIR/net-<cookie>/<uid>/<token>, one file a session, by network
 * namespace, since rules are. Only this module knows the files.
 *
 * A record is written beside and renamed into place, so one that does not parse was not left by a crash:
 * it is moved to net-<cookie>/damaged and reported, nothing is thrown away. Its session may be live: the uid is
 * marked until it is forgotten.
 */
#include "deadline.h"
#include "fault.h"
#include "uid-ranges.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define TOKEN_LENGTH 32 /* hexadecimal digits: 128 bits */
#define LEDGER_TEXT_MAX 256
#define BOOT_LENGTH 36 /* a uuid */

struct session {
	char token[TOKEN_LENGTH + 1];
	pid_t pid;           /* the opener's */
	uint64_t start_time; /* its, in clock ticks since boot: a pid alone is reused */
	char boot[BOOT_LENGTH + 1]; /* of which these are: /proc/sys/kernel/random/boot_id */
	time_t opened;       /* seconds since the epoch */
	unsigned int hardening; /* enum hardening: what it got */
	char service[LEDGER_TEXT_MAX], tty[LEDGER_TEXT_MAX], rhost[LEDGER_TEXT_MAX];
};

/* A fresh session of the calling process. NULL texts are empty ones; control characters become '?'. -EIO. */
int session_begin(const char *service, const char *tty, const char *rhost, struct fault *fault,
		  struct session *ret);
/* Does the opener still run, since the same boot? 1, 0, or -EIO if that cannot be known. */
int session_is_live(const struct session *session);

struct ledger;
typedef void ledger_report_fn(const char *line, void *data);

/*
 * Opens the ledger of the calling process's network namespace; folders that are missing are made. Takes
 * its lock until ledger_close. REPORT (or NULL) is told of damaged records.
 * -EBUSY at the deadline, -EPERM, -EIO: STATEDIR is not ours, not a folder, or cannot be made.
 */
int ledger_open(const char *statedir, const struct deadline *deadline, struct fault *fault,
		struct ledger **ret);
/* For reading without the lock: *ret is NULL where there is no ledger yet. Changes nothing. */
int ledger_peek(const char *statedir, struct fault *fault, struct ledger **ret);
void ledger_close(struct ledger *ledger); /* takes NULL */
void ledger_set_report(struct ledger *ledger, ledger_report_fn *report, void *data);

/* Why nothing is released, after the path of the pidns file. */
#define LEDGER_ELSEWHERE                                                                           \
	"accounts are, or may be, held from another pid namespace, and who runs cannot be judged from here: "  \
	"run egressctl there, or remove the file if that is gone"

/* STATEDIR/net-<cookie>, for messages. */
const char *ledger_path(const struct ledger *ledger);

/* May sessions and processes be judged from here? No if the ledger was begun in another pid
 * namespace, or if the network is the host's and the pid namespace is not. */
bool ledger_sees_processes(const struct ledger *ledger);

/* Ascending. *ret is malloced. The ledger may be NULL (none yet). */
int ledger_uids(struct ledger *ledger, struct fault *fault, uid_t **ret, size_t *ret_count);
bool ledger_has(struct ledger *ledger, uid_t uid);
/* Is any uid there? Costs the same however many are; yes where it cannot be read. */
bool ledger_has_any(struct ledger *ledger);

/*
 * The backend that held last. Means nothing where the ledger has no uid. -ENOENT: none is on record;
 * -EBADMSG: no name; -EIO.
 */
#define LEDGER_BACKEND_MAX 32
int ledger_backend(struct ledger *ledger, char ret[LEDGER_BACKEND_MAX]);
/* Needs the lock. Does nothing where no uid is there; the record goes with the last one. */
int ledger_set_backend(struct ledger *ledger, const char *name, struct fault *fault);
/* Without accounts the name of the backend and the index of ranges are of no meaning, and go; and what a crash left of writing them. Lock needed. */
void ledger_tidy(struct ledger *ledger);

/*
 * Makes the uid's folder and remembers its login name and its profile, a configuration text of one profile
 * and one account: an account that leaves the configuration while held can still be held by it. Lock
 * needed, as for all that follow.
 */
int ledger_enter(struct ledger *ledger, uid_t uid, const char *login, const char *profile,
		 struct fault *fault);
/* *ret: malloced; "" where none was remembered, or where the ledger is NULL. Needs no lock. */
int ledger_login(struct ledger *ledger, uid_t uid, struct fault *fault, char **ret);
/* *ret: malloced. -ENOENT: none was remembered. Needs no lock. */
int ledger_profile(struct ledger *ledger, uid_t uid, struct fault *fault, char **ret,
		   size_t *ret_length);

/* The subordinate ranges that the uid is held by as well; none where the ledger is NULL. -EIO, -ENOMEM. Needs no lock. */
int ledger_ranges(struct ledger *ledger, uid_t uid, struct fault *fault, struct uid_ranges *ret);
/* Is it one of somebody's? 1, 0, or a negative errno where that cannot be read. Needs the lock. */
int ledger_has_range(struct ledger *ledger, struct uid_range range);
/*
 * Adds to them what is new in MORE; the uid has its folder. They become fewer by ledger_forget alone. -EPERM: MORE
 * overlaps what another uid has, or there are too many. *ret_grew, unless NULL: something of it is new.
 */
int ledger_grow(struct ledger *ledger, uid_t uid, const struct uid_ranges *more, struct fault *fault, bool *ret_grew);

int ledger_add(struct ledger *ledger, uid_t uid, const struct session *session, struct fault *fault);
/* -ENOENT: no such session. */
int ledger_drop(struct ledger *ledger, uid_t uid, const char *token, struct fault *fault);
/* In order of opening. *ret is malloced. Needs no lock; with it damaged records are moved away. */
int ledger_sessions(struct ledger *ledger, uid_t uid, struct fault *fault, struct session **ret,
		    size_t *ret_count);

/* Was a record of the uid damaged since it was entered? Then nobody knows who ends its last session. Needs no lock. */
bool ledger_is_damaged(struct ledger *ledger, uid_t uid);

int ledger_pin(struct ledger *ledger, uid_t uid, struct fault *fault);
int ledger_unpin(struct ledger *ledger, uid_t uid, struct fault *fault); /* -ENOENT: was not pinned */
bool ledger_is_pinned(struct ledger *ledger, uid_t uid);                 /* needs no lock */

/* Removes the uid's folder. */
int ledger_forget(struct ledger *ledger, uid_t uid, struct fault *fault);

#endif
