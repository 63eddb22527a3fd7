/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_ROSTER_H
#define EGRESS_ROSTER_H

/*
 * A configuration made ready for questions about very many uids: the name service is asked once an entry,
 * not once an account. Points into CONF.
 */
#include "conf.h"

struct roster;

/* May ask NSS: call it before an operation begins. -ENOMEM. */
int roster_make(const struct conf *conf, struct roster **ret);
void roster_free(struct roster *roster); /* takes NULL */

/*
 * Can an entry for a user or a group cover the uid? Then only person.h can tell what covers it. A user entry
 * covers the uids that its name leads to, and no others.
 */
bool roster_needs_person(const struct roster *roster, uid_t uid);
/* Do the uid entries alone judge the uid if it turns out to have no name? Then it is in no group. */
bool roster_decides_nameless(const struct roster *roster, uid_t uid);
/* The uid entry that has it; NULL if there is none. */
const struct account *roster_uid_entry(const struct roster *roster, uid_t uid);

#endif
