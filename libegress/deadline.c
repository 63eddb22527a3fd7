/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "deadline.h"

#define NS_PER_MS 1000000L
#define MS_PER_S 1000L

struct deadline deadline_in_ms(long ms)
{
	struct deadline deadline;

	clock_gettime(CLOCK_MONOTONIC, &deadline.at);
	deadline.at.tv_sec += ms / MS_PER_S;
	deadline.at.tv_nsec += ms % MS_PER_S * NS_PER_MS;
	if (deadline.at.tv_nsec >= MS_PER_S * NS_PER_MS) {
		deadline.at.tv_nsec -= MS_PER_S * NS_PER_MS;
		deadline.at.tv_sec++;
	}
	return deadline;
}

struct deadline deadline_sooner(struct deadline a, struct deadline b)
{
	return deadline_left_ms(&a) < deadline_left_ms(&b) ? a : b;
}

long deadline_left_ms(const struct deadline *deadline)
{
	struct timespec now;
	long left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left = (deadline->at.tv_sec - now.tv_sec) * MS_PER_S +
	       (deadline->at.tv_nsec - now.tv_nsec) / NS_PER_MS;
	return left > 0 ? left : 0;
}

bool deadline_pause(const struct deadline *deadline, long step_ms)
{
	long left = deadline_left_ms(deadline);
	long ms = left < step_ms ? left : step_ms;
	struct timespec step = { .tv_sec = ms / MS_PER_S, .tv_nsec = ms % MS_PER_S * NS_PER_MS };

	if (left == 0)
		return false;
	nanosleep(&step, NULL);
	return true;
}
