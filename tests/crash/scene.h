/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CRASH_SCENE_H
#define CRASH_SCENE_H

/* How things stand before an operation, and must stand after it. */
#include "acts.h"
#include "place.h"

#define STATEDIR "/run/egress"
#define LIBDIR "/run/crash/lib"
#define WHY_MAX 600

struct scene {
	const char *name;
	enum act act;
	bool first;    /* the first operation ever: no files, no rules of anybody */
	bool by_alice; /* as by su: with her real uid */
	bool other;    /* agent1 has another live session */
	bool leftover; /* a process of agent1 runs */
	bool pinned;   /* agent1 is pinned */
	bool dead;     /* agent1 has a session whose opener was killed */
	bool own;      /* whoever acts has a session of agent1 */
	bool flushed;  /* somebody flushed all rules */
	const char *last_close; /* "kill", "release": with a process of agent1 that the operation finds; NULL: "hold" */
};

extern const struct scene scenes[];
extern const size_t scene_count;

/* For a scene, once: those who stay through all of its points. False: WHY. */
bool scene_begin(const struct scene *scene, char why[WHY_MAX]);
/* Before each point. */
bool scene_set(const struct scene *scene, char why[WHY_MAX]);
/* In the process that will act, before that counts. DATA is a struct scene. */
void scene_prepare(void *data);
void scene_act(void *data);

/* Must agent1 be held whatever happens to the operation? */
bool scene_must_hold(const struct scene *scene);
/* And when nothing of a single point is left? */
bool scene_stays_held(const struct scene *scene);
/* Let go by "kill", and what it was to end runs all the same. */
bool scene_has_escaped(const struct scene *scene);
bool scene_is_on_record(void); /* the ledger has a folder of agent1 */
bool scene_is_pinned(void);
unsigned int scene_records(void); /* of agent1 */

/* Ends them; nothing must be left. */
bool scene_end(const char *backend, char why[WHY_MAX]);
/* After a failure: everything goes, by force. */
void scene_clear(void);

/* WHY becomes what the format says; always false. */
bool scene_fail(char why[WHY_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
