/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_CONFORMANCE_HOST_H
#define EGRESS_CONFORMANCE_HOST_H

/*
 * One backend and what stands around it, as the promises of the seam need it. A host is data: what can be
 * asked of it, how it breaks, how somebody edits its rules. A promise that needs what a host does not have is
 * skipped there, and said to be.
 */
#include "backend.h"

enum host_can {
	CAN_SEND = 1,   /* packets meet the rules */
	CAN_SHARE = 2,  /* others have rules, tables and counters beside ours */
	CAN_EDIT = 4,   /* somebody can edit ours behind our back */
	CAN_JUDGE = 8,  /* refuses what may never be held: the fake believes its caller */
	CAN_PEEK = 16,  /* opens without a deadline */
	CAN_BREAK = 32, /* its kernel can be made to fail */
};

/* What stands after a replace or remove that met an outage. */
enum outcome {
	AS_BEFORE,  /* it fails, and nothing changed */
	OLD_OR_NEW, /* it may have come to pass or not, as it says: never in part */
	AS_LISTED,  /* the kernel lied to it; but list says what stands, which is as before */
};

struct outage {
	const char *name;
	const char *script; /* the host's own */
	enum outcome outcome;
};

struct edit {
	const char *name;
	const char *command; /* of the shell */
	bool leaves;         /* a rule of somebody else's stays when all of ours is gone */
};

struct host {
	const char *name;
	const struct backend_ops *ops; /* NULL: that of this name, if it is built */
	unsigned int can;
	const char *lacks; /* why it cannot do the rest */

	void (*enter)(void);
	const char *dump; /* a shell command: all rules, with counters and handles; NULL: use text */
	char *(*text)(void); /* malloced */
	/* Grows with each write to the kernel, our own ones at least. */
	unsigned long (*writes)(void);
	/* From now on, as the outage's script says; NULL: all is well again. */
	void (*break_down)(const char *script);
	/* A shell command: fails if there is so much as a table. */
	const char *is_untouched;

	/* EDIT meets 2001, which is held with "127.0.0.1,udp,9 ::1,udp,9" beside 2002 and 20000-29999. */
	const struct edit *edits;
	size_t edit_count;
	const struct outage *outages;
	size_t outage_count;
};

extern const struct host host_iptables, host_nftables, host_mem;
/* What is tested now. */
extern const struct host *host;
extern const struct backend_ops *ops;

/* For the main program, before anything else: a /run of its own, the shims loaded. */
void host_prepare(char **argv);
const struct backend_ops *host_ops(const struct host *tested); /* NULL: not built */
/* A network of its own for this process. */
void host_enter_network(void);

/* Everything below ends the test if it fails. What they return is freed with the process. */
void host_run(const char *command);
int host_status(const char *command);
const char *host_output(const char *command);
const char *host_dump(void);
const char *host_rules(void); /* the same without what packets count */

/* Somebody else's firewall, in legacy tables and in nftables, and all of it as text with counters. */
void foreign_add(void);
const char *foreign_dump(void);

#endif
