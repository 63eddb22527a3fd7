/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CRASH_ACTS_H
#define CRASH_ACTS_H

/* The operations of libegress, each called in a process that may not live to tell. */
#include <stdbool.h>
#include <sys/types.h>

#define AGENT1 "agent1" /* covered, and what it is all about */
#define AGENT1_UID 2001
#define AGENT2 "agent2" /* covered; has a session all the time */
#define AGENT2_UID 2002
#define ALICE_UID 2003 /* nothing covers her */

/* What a process said last, in memory that outlives it. */
struct report {
	bool came_back;
	int result; /* of the operation; what follows is as after the last one */
	char error[512];
	unsigned int logged; /* lines */
	char last[512];      /* of them */
	char token[64];      /* of the session that was opened; "" */
	unsigned int differences; /* lines of verify */
	char difference[512];
};

extern struct report *report;

enum act { ACT_OPEN, ACT_CLOSE, ACT_HOLD, ACT_RELEASE, ACT_SYNC, ACT_REAP, ACT_VERIFY };

/* Before all else: shared memory, and where configuration and state are. */
void acts_begin(const char *backend, const char *config, const char *libdir);

/* Whether time passes faster while somebody sleeps. Not where another process is waited for. */
void acts_hurry(bool hurry);

/* In the calling process. */
void act(enum act act, const char *user);
/* A context for acts that are to be counted: made before, so that only the operation counts. */
void acts_ready(void);

/* In a process that is made for it and has ended when this returns; result as reported, or -ECHILD: it crashed. */
int act_in_child(enum act act, const char *user);
/* Opens in a process that is killed afterwards. */
int act_open_and_die(const char *user);
/* Opens in a process that stays. Its pid, or -1. */
pid_t act_open_and_stay(const char *user);

/* All rules of everybody go, as by a flush. 0 or -1. */
int acts_flush(void);
/* Those that can be used here, says their probe; a line each. */
void acts_print_usable(void);

#endif
