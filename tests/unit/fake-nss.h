/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_FAKE_NSS_H
#define EGRESS_FAKE_NSS_H

/*
 * The C library's user look-ups, replaced in the program that links this: four users whose uids no
 * machine has, and one group. A host's own users do not exist.
 */
#include <sys/types.h>

#define NSS_FIRST 2890000001U
#define AGENT1 (NSS_FIRST + 0) /* "agent1", and "twin" is another name of it */
#define AGENT2 (NSS_FIRST + 1) /* "agent2", the one member of the group "agents" */
#define ALICE (NSS_FIRST + 2)  /* "alice" */

extern int fake_nss_error; /* what every look-up fails with; 0: none */

#endif
