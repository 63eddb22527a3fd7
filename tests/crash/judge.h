/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CRASH_JUDGE_H
#define CRASH_JUDGE_H

/* What must be true after an operation was killed, or one of its calls failed. */
#include "scene.h"
#include "tracer.h"

/* How things stand where nobody was harmed. */
struct norm {
	char before[PLACE_LIST_MAX]; /* files before the operation */
	char after[PLACE_LIST_MAX];  /* files after it */
};

/* The operation was harmed and has just ended, one way or the other. */
bool judge_now(const struct scene *scene, const struct run *run, const struct norm *norm, char why[WHY_MAX]);
/* The next operations mend the rest. Ends what is left of the run. */
bool judge_next(const struct scene *scene, const struct run *run, const struct norm *norm, char why[WHY_MAX]);

/* The tables, read by the backend's own tools, and packets say the same about agent1. */
bool judge_tables(const char *backend, char why[WHY_MAX]);

#endif
