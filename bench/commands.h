/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_BENCH_COMMANDS_H
#define EGRESS_BENCH_COMMANDS_H

/* The way that scripts go: the same rules for one more account, by the commands of the firewall. */
#include "bare.h"

struct commands; /* prepared for one uid */

/* BARE is what was learned in the same network namespace. */
struct commands *commands_make(const struct bare_ops *ops, const struct bare *bare, uid_t uid);
void commands_free(struct commands *commands);

struct command_way {
	const char *backend, *name;
	double (*hold)(const struct commands *commands); /* microseconds */
};

extern const struct command_way command_ways[]; /* ends with a name of NULL */

void commands_release(const struct commands *commands); /* undoes any of them */

#endif
