/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_CONFORMANCE_PROMISES_H
#define EGRESS_CONFORMANCE_PROMISES_H

/* The promises, by room, and what their tests have in common. A test's name is the promise. */
#include "packets.h"
#include "seam.h"

#include "unit.h"

void promises_change(TCase *tcase);
void promises_packets(TCase *tcase);
void promises_loopback(TCase *tcase);
void promises_others(TCase *tcase);

/* Does the host have what the promise NEEDS? Says if not. */
bool promise_can_be_asked(unsigned int needs, const char *name);

#define PROMISE(name, needs)                                         \
	do {                                                         \
		if (promise_can_be_asked(needs, #name))              \
			tcase_add_test(tcase, name);                 \
	} while (0)
/* Once for each of COUNT outages or edits, which is _i. */
#define PROMISE_EACH(name, needs, count)                                     \
	do {                                                                 \
		if (promise_can_be_asked(needs, #name))                      \
			tcase_add_loop_test(tcase, name, 0, (int)(count));   \
	} while (0)

/* What is open: only these ports of loopback. */
#define DOOR "127.0.0.1,udp,9 ::1,udp,9"
#define OTHER_DOOR "127.0.0.1,udp,7 ::1,udp,7 drop nolog"

/* A packet over each family, which agree. */
bool passes(uid_t uid, unsigned int port);
void unchanged(const char *before, const char *after);
/* Somebody to lose: 2002 with DOOR, 20000-29999 with OTHER_DOOR. */
void hold_others(void);
void others_are_held(void);

#endif
