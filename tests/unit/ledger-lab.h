/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_LEDGER_LAB_H
#define EGRESS_LEDGER_LAB_H

/* A ledger in a folder of the test's own: what t-ledger and t-ledger-home drive. */
#include "folder.h"
#include "ledger.h"
#include "unit.h"

#define UID 2890000001U
#define TOKEN "0123456789abcdef0123456789abcdef"

extern char home_told[4096]; /* what the ledger reported, a line each */

void home_make(void); /* checked fixture */

int home_try(struct ledger **ret, struct fault *fault); /* as ledger_open, with a short deadline */
struct ledger *home_open(void);
struct ledger *home_peek(void); /* NULL: there is none */

struct session home_session(void);
struct session home_add_session(struct ledger *ledger); /* of UID, which is entered */
void home_one_session(void);                            /* the same, in a ledger that is closed again */
size_t home_count_sessions(struct ledger *ledger);

/* Relative to the folder: NAME in the network namespace's folder, and in UID's. */
const char *home_net_path(const char *name);
const char *home_uid_path(const char *name);

#endif
