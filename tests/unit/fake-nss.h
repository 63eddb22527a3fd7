/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_FAKE_NSS_H
#define EGRESS_FAKE_NSS_H

/*
 * The C library's user look-ups, replaced in the program that links this: users whose uids no
 * machine has, and one group. A host's own users do not exist.
 */
#include <sys/types.h>

extern uid_t nss_first;        /* the program's own: others may run at the same time */
#define AGENT1 (nss_first + 0) /* "agent1", and "twin" is another name of it */
#define AGENT2 (nss_first + 1) /* "agent2", the one member of the group "agents" */
#define ALICE (nss_first + 2)  /* "alice"; "alice2" and "alice3" stand in /etc/passwd only, the latter in "agents" */
#define NSS_RANGE 50           /* uids from here to 59 have no name */

extern int fake_nss_error;    /* what every look-up fails with; 0: none */
extern int fake_passwd_error; /* what reading /etc/passwd fails with, negative; 0: nothing */

#endif
