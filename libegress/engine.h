/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_ENGINE_H
#define EGRESS_ENGINE_H

/* What every verb is made of: a context, an operation under the locks, holding and letting go. */
#include "backend.h"
#include "conf-file.h"
#include "egress.h"
#include "guard.h"
#include "ledger.h"
#include "shield.h"
#include "subuid.h"

#define OPERATION_MS 10000L   /* one deadline for a whole operation */
#define LEFTOVER_WAIT_MS 500L /* close waits so long for the last processes */

#define NOTICES_MAX 32

struct notice {
	int priority;
	char *line;
};

struct egress_ctx {
	char *config_path;
	bool trial; /* what parses is not kept */
	const char *statedir, *libdir;
	struct subuid_paths subuid;
	const struct backend_ops *const *backends;
	egress_subids_fn *subids;
	void *subids_data;
	const struct guard_ops *guard; /* beside whichever of them */
	egress_log_fn *log;
	void *log_data;
	bool locked; /* notices wait: a syslog that hangs must not keep the locks */
	struct notice notices[NOTICES_MAX];
	size_t notice_count, notices_lost;
	struct fault fault;
};

void ctx_log(struct egress_ctx *ctx, int priority, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * One operation: signals blocked, the ledger's lock held, then, from the first use of the kernel on, the
 * host's. Everything that may take long or exit (NSS, the parser) is done before it begins.
 */
struct operation {
	struct egress_ctx *ctx;
	struct deadline deadline;
	struct shield shield;
	struct ledger *ledger;
	const struct backend_ops *ops; /* chosen under the lock; NULL: none, NO_BACKEND says why */
	struct fault no_backend;
	struct backend *backend; /* NULL until the kernel is needed */
	struct procscan *scan;   /* NULL until somebody looks for leftovers */
	struct sockets *sockets; /* the same */
	bool scan_failed, sockets_failed; /* once is enough: it takes time under the lock */
	bool entered;            /* the account came into the ledger by this operation */
	bool same;               /* it was held before, by the same backend, profile and uids */
	bool shared;             /* a live session of the account stands already: its connections were looked at then */
	bool wrote;              /* the kernel may have changed */
	char changed[BACKEND_CHANGED_MAX]; /* where the last replace changed it */
	struct fault unfinished; /* what another backend still has of whom the chosen one holds */
};

/* A ledger_report_fn whose data is the context. */
void report_to_log(const char *line, void *data);

/* Where no backend can be chosen nobody can be held, but accounts can be released. */
int operation_begin(struct egress_ctx *ctx, enum backend_choice wanted, struct operation *ret);
/* Gives back locks, signals and uids. Returns R, or its own error if R is 0. */
int operation_end(struct operation *op, int r);

/* Opens the kernel by the chosen backend if the operation has not yet. -EOPNOTSUPP: there is none. */
int operation_kernel(struct operation *op);
void operation_leave_kernel(struct operation *op); /* releases the host's lock */

/*
 * Who runs; NULL where that cannot be known. One look serves the whole operation: while the lock is held nobody logs
 * in, and a uid that has no process makes none.
 */
const struct procscan *operation_processes(struct operation *op);
void operation_look_again(struct operation *op); /* at the next question */
/* The UID set: the uid, and the subordinate ranges on record, each a subject of its own; *ret has the uid first. */
int operation_uids(struct operation *op, uid_t uid, struct uid_ranges *ret);
/* Is there a process with a uid of the ranges, or a socket of it? Yes where that cannot be known. */
bool operation_has_leftovers(struct operation *op, const struct uid_ranges *uids);
/* Kills all of a UID set. What cannot be ended is told, and is still there for operation_has_leftovers. */
void operation_end_leftovers(struct operation *op, const struct uid_ranges *uids);
/* Tells what this kernel does not let us look for. */
void operation_tell_blind_spots(struct operation *op);

/*
 * Makes the kernel equal to the plans and reads them back: 0 means that they stand. Only then are the same
 * accounts removed from other backends: at no moment is one open. The route guard comes behind the backend's rules;
 * where the kernel has none, plans that require it are an error, -EOPNOTSUPP, and the others a line in the log.
 */
int operation_hold(struct operation *op, const struct plan *plans, size_t count);
/*
 * Ends the connections of whom SUBJECTS say so, once their plans stand, and sorts them; WHO is for the log. What this
 * kernel cannot do is told, or -EOPNOTSUPP where it is required; -EPERM: one that must go would not. Any other error
 * fails too, required or not: who logs in can see to one.
 */
struct existing_subject;
int operation_end_existing(struct operation *op, const char *who, struct existing_subject *subjects, size_t count);
/*
 * From every backend, the route guard before them: what fails on the way leaves the rules, and them held. An error
 * means that they count as not released.
 */
int operation_remove(struct operation *op, const struct uid_range *subjects, size_t count);

/* Why an account must stay held. */
struct need {
	unsigned int sessions; /* live ones */
	unsigned int ended;    /* records dropped because their opener is gone */
	bool pinned;
	bool leftovers; /* processes or sockets of its own, or nobody can tell from here */
};

/* Drops dead sessions and tells what else there is on record; ret->leftovers stays false. */
int operation_sessions(struct operation *op, uid_t uid, struct need *ret);
/* What becomes of a uid that no session and no pin needs any more, if something of it is left. */
enum ending {
	ENDING_KEEP,    /* held always, or nobody can tell: not released even if nothing is left */
	ENDING_HOLD,    /* held until nothing is left */
	ENDING_KILL,    /* what is left is ended first */
	ENDING_RELEASE, /* released all the same */
};

/* The same, and looks for leftovers if nothing on record needs the hold; by ENDING it ends or overlooks them. */
int operation_need(struct operation *op, uid_t uid, enum ending ending, struct need *ret);
static inline bool need_is_nothing(const struct need *need)
{
	return need->sessions == 0 && !need->pinned && !need->leftovers;
}

/* Lets the uid go if nothing needs it and it is not to be kept: rules first, then the record of it. */
int operation_settle(struct operation *op, uid_t uid, enum ending ending, struct need *ret);

#endif
