/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_LEDGER_HOME_H
#define EGRESS_LEDGER_HOME_H

/* Where a ledger lies and who may judge by it: what ledger.c stands on. */
#include "ledger.h"

#define PIDNS_NAME "pidns"
#define RANGES_NAME "ranges" /* in a uid's folder */
#define INDEX_NAME "subuids" /* beside them: UID FIRST-LAST, of all who have ranges, or had */

struct owned_range {
	struct uid_range uids;
	uid_t uid; /* whose */
};

struct ledger {
	char *path;  /* STATEDIR/net-<cookie>, for messages */
	int net_fd;  /* the same, open */
	int lock_fd; /* -1: only peeking */
	int uid_fd;  /* of UID's folder; -1: none is open */
	uid_t uid;
	bool sees_processes;
	bool is_lost; /* what pid namespace this is cannot be known; told as soon as there is somebody to tell */
	ledger_report_fn *report;
	void *report_data;
	struct owned_range *owned; /* what the index says, if OWNED_LOADED */
	size_t owned_count, owned_room;
	bool owned_loaded;
};

void ledger_tell(struct ledger *ledger, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Sets the fault to "PATH/..." and returns -ENOMEM where ERROR says so, else -EIO. */
int ledger_fail(const struct ledger *ledger, struct fault *fault, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
