/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_IDS_H
#define EGRESSCTL_IDS_H

/* Of an account: what a process of it has, and how ours becomes one. */
#include <stddef.h>
#include <sys/types.h>

struct ids {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* all of them, GID included */
	size_t group_count;
};

/* Asks the name service for the groups of the login NAME, whose primary one is GID. Free with ids_clear. */
void ids_take_groups(struct ids *ids, const char *name);
void ids_clear(struct ids *ids);

/* For good, as root: real, effective and saved ids. 0, or -1 and errno: then the process may be half of both. */
int ids_become(const struct ids *ids);
/* What it makes is the account's, what it may is what the account may; but root's real and saved uid stay, so that the
 * account can neither signal it nor set its limits. As ids_become. */
int ids_act_as(const struct ids *ids);

#endif
