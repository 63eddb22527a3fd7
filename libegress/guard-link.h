/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_GUARD_LINK_H
#define EGRESS_GUARD_LINK_H

/* The kernel's policy routing rules, over one rtnetlink socket. Every wait ends at the deadline. */
#include "deadline.h"
#include "guard-layout.h"

#define GUARD_PROTOCOL 101 /* marks ours; of rt_protos(5) nobody has it */

#define GUARD_TABLE 10101U /* of routes; ours alone */

struct mnl_socket;

struct guard_link {
	struct mnl_socket *socket;
	struct deadline deadline;
	uint32_t sequence;
	unsigned char *buffer; /* for what is received */
};

/* Errors here are those of the kernel, as negative errnos; -ETIMEDOUT is the deadline's. */
int guard_link_open(struct guard_link *link, const struct deadline *deadline);
void guard_link_close(struct guard_link *link); /* takes a zeroed or closed one */

struct guard_rules {
	struct guard_rule *items; /* ours, in the kernel's order; owned */
	size_t count, room;
	uint32_t foreign; /* the first priority from GUARD_FIRST on that somebody else has a rule at */
};

struct nlmsghdr;
/* What to do with a message of an answer: 0, or a negative errno. */
typedef int guard_link_reader(const struct nlmsghdr *message, void *data);
/* Asks, and gives READ (may be NULL) what comes until the kernel is done or says no, which is returned. */
int guard_link_ask(struct guard_link *link, struct nlmsghdr *question, guard_link_reader *read, void *data);

int guard_link_list(struct guard_link *link, sa_family_t family, struct guard_rules *ret);
void guard_rules_clear(struct guard_rules *rules);

/* Does the edits, all of one phase. *ret_failed: the first that failed. One that deletes what is gone does not. */
int guard_link_edit(struct guard_link *link, sa_family_t family, const struct guard_edit *edits, size_t count,
		    size_t *ret_failed);

#endif
