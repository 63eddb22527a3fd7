/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_DEADLINE_H
#define EGRESS_DEADLINE_H

#include <stdbool.h>
#include <time.h>

/* A point on CLOCK_MONOTONIC: one is made for a whole operation and passed to every wait in it. */
struct deadline {
	struct timespec at;
};

struct deadline deadline_in_ms(long ms);
struct deadline deadline_sooner(struct deadline a, struct deadline b);
long deadline_left_ms(const struct deadline *deadline); /* 0 once it has passed */
/* Sleeps STEP_MS, or what is left if that is less; false if the deadline had already passed. */
bool deadline_pause(const struct deadline *deadline, long step_ms);

#endif
