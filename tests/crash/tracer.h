/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CRASH_TRACER_H
#define CRASH_TRACER_H

/* Runs a function in a process of its own, system call by system call, and lets one of them go wrong. */
#include <stdbool.h>
#include <sys/types.h>

enum harm {
	HARM_NONE,
	HARM_KILL, /* SIGKILL where the call would begin */
	HARM_FAIL, /* the call is not made, and says ERROR */
};

/* What to do where. */
struct blow {
	enum harm harm;
	unsigned int point; /* 1: the first call */
	int error;          /* 0: the errno that is likely for the call */
};

struct run {
	pid_t pid;           /* still there, stopped, if ENDED */
	unsigned int points; /* calls seen, the last one included */
	long number;         /* of the call that was hit; -1: none was */
	int error;           /* what it said */
	char path[64];       /* that the call named, or "" */
	unsigned long long first; /* its first argument */
	bool spared;         /* the call cannot fail so: nothing was done */
	bool ended;          /* the function came to its end */
	bool endless;        /* it had to be killed, since it would not end */
	int status;          /* of waitpid, if it did not */
};

struct victim {
	void (*prepare)(void *data); /* not counted; may be NULL */
	void (*act)(void *data);     /* every call of it counts */
	void *data;
};

/* Waits where the machine has no process to spare just now. */
pid_t tracer_fork(void);

/* Is HARM_FAIL possible on this machine? */
bool tracer_can_fail(void);

struct run tracer_run(const struct victim *victim, const struct blow *blow);
void tracer_finish(const struct run *run); /* kills what still stands there */

/* "openat", or its number. */
const char *tracer_call_name(long number);

#endif
