/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "judge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LEDGER_LOCK STATEDIR "/lock"
#define HOST_LOCK "/run/xtables.lock"
#define KILLER_MS 1000
#define NEXT_MS 2000L /* far from the deadline, at which a lock that nobody gives back would show */

static bool is(uid_t uid, enum verdict wanted, const char *when, char why[WHY_MAX])
{
	enum verdict verdict = place_probe(uid);

	return verdict == wanted || scene_fail(why, "%s: uid %u %s", when, uid, verdict_name(verdict));
}

/* ---- as soon as it happened ---------------------------------------------------------------------- */

/* Those whom it does not concern. */
static bool others_are_as_ever(const struct scene *scene, const char *when, bool flushed, char why[WHY_MAX])
{
	if (!scene->first && !flushed && !is(AGENT2_UID, REFUSED, when, why))
		return false;
	return is(ALICE_UID, ARRIVES, when, why);
}

/* Who is to kill is made with the lock open, and closes it first of all: it may not have come to that yet. */
static bool locks_are_free(const struct scene *scene, char why[WHY_MAX])
{
	for (int i = 0; scene->last_close && i < KILLER_MS && !place_lock_is_free(LEDGER_LOCK); i++)
		usleep(1000);
	if (!place_lock_is_free(LEDGER_LOCK))
		return scene_fail(why, "the ledger's lock is still taken");
	return place_lock_is_free(HOST_LOCK) || scene_fail(why, "the host's lock is still taken");
}

static bool gave_hold(const struct scene *scene, const struct run *run)
{
	return run->ended && report->result == 0 && (scene->act == ACT_OPEN || scene->act == ACT_HOLD);
}

/* Made what was flushed, or says that it did not. */
static bool is_not_silent(const char *when, char why[WHY_MAX])
{
	const struct report said = *report;
	bool silent = act_in_child(ACT_VERIFY, NULL) == 0 && report->differences == 0;
	bool good = !silent || (is(AGENT1_UID, REFUSED, when, why) && is(AGENT2_UID, REFUSED, when, why));

	*report = said;
	return good;
}

/* Record first, rules second; on the way out the other way round: rules always have somebody who accounts for them. */
static bool rules_are_on_record(const struct scene *scene, const struct run *run, char why[WHY_MAX])
{
	bool opening = scene->act == ACT_OPEN && !run->ended;

	if (place_probe(AGENT1_UID) == ARRIVES)
		return true;
	if (!scene_is_on_record())
		return scene_fail(why, "held, and not on record");
	return !opening || scene_records() > 0 || scene_fail(why, "held for a session that is not on record");
}

static bool told_why(const struct run *run, char why[WHY_MAX])
{
	if (!run->ended || report->result == 0)
		return true;
	return report->error[0] || scene_fail(why, "error %d, and not a word", report->result);
}

/* Something was left undone, and the answer is success: then the log says so. */
static bool logged_what_is_missing(const struct run *run, const struct norm *norm, char why[WHY_MAX])
{
	static char files[PLACE_LIST_MAX];

	if (!run->ended || report->result || report->logged)
		return true;
	place_list(STATEDIR, LIBDIR, files);
	return strcmp(files, norm->after) == 0 ||
	       scene_fail(why, "success, not a word in the log, and the files are not as ever: %s", files);
}

/* A session that was given is hardened, whatever failed on the way. */
static bool is_hardened(const struct scene *scene, const struct run *run, char why[WHY_MAX])
{
	char path[64], line[256];
	int no_new_privs = 0, seccomp = 0;
	FILE *file;

	if (!gave_hold(scene, run) || scene->act != ACT_OPEN)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/status", run->pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		sscanf(line, "NoNewPrivs: %d", &no_new_privs);
		sscanf(line, "Seccomp: %d", &seccomp);
	}
	if (file)
		fclose(file);
	return (no_new_privs == 1 && seccomp == 2) ||
	       scene_fail(why, "a session without hardening: no_new_privs %d, seccomp %d", no_new_privs, seccomp);
}

bool judge_now(const struct scene *scene, const struct run *run, const struct norm *norm, char why[WHY_MAX])
{
	const char *when = "at once";
	bool repaired = run->ended && report->result == 0;
	bool flushed = scene->flushed && !repaired;

	if (run->endless)
		return scene_fail(why, "it does not come to an end");
	if (run->ended && !report->came_back)
		return scene_fail(why, "it did not come back");
	if (!run->ended && !(WIFSIGNALED(run->status) && WTERMSIG(run->status) == SIGKILL))
		return scene_fail(why, "it crashed: status %x", (unsigned int)run->status);
	if (!others_are_as_ever(scene, when, flushed, why) || !locks_are_free(scene, why))
		return false;
	if (((scene_must_hold(scene) && !flushed) || gave_hold(scene, run)) &&
	    !is(AGENT1_UID, REFUSED, when, why))
		return false;
	if (scene->flushed && !is_not_silent(when, why))
		return false;
	if (scene_has_escaped(scene))
		return scene_fail(why, "let go, and what it was to end runs");
	return is_hardened(scene, run, why) && rules_are_on_record(scene, run, why) && told_why(run, why) &&
	       logged_what_is_missing(run, norm, why);
}

/* ---- afterwards ---------------------------------------------------------------------------------- */

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool works(enum act which, const char *name, char why[WHY_MAX])
{
	long start = now_ms();
	int r = act_in_child(which, AGENT1);

	if (r)
		return scene_fail(why, "next: %s: %s", name, report->error);
	return now_ms() - start < NEXT_MS || scene_fail(why, "next: %s took %ld ms", name, now_ms() - start);
}

static bool kernel_agrees(char why[WHY_MAX])
{
	if (!works(ACT_VERIFY, "verify", why))
		return false;
	return report->differences == 0 || scene_fail(why, "next: verify: %s", report->difference);
}

/* What the ledger says, and nothing else, is what the kernel does. */
static bool is_as_on_record(const struct scene *scene, bool session, char why[WHY_MAX])
{
	unsigned int records = scene_records();
	bool held = records > 0 || scene->leftover || scene_is_pinned();

	if (records < (session ? 1U : 0U) + (scene->other ? 1U : 0U))
		return scene_fail(why, "next: %u records: a live session has none", records);
	if (scene_must_hold(scene) && !is(AGENT1_UID, REFUSED, "next, needed", why))
		return false;
	return is(AGENT1_UID, held ? REFUSED : ARRIVES, "next", why);
}

static bool mend(char why[WHY_MAX])
{
	return works(ACT_REAP, "reap", why) && works(ACT_SYNC, "sync", why) && kernel_agrees(why);
}

/* A pin that this operation made, or could not take away. */
static bool unpin(char why[WHY_MAX])
{
	return !scene_is_pinned() || works(ACT_RELEASE, "release", why);
}

static bool is_back(const struct scene *scene, const struct norm *norm, char why[WHY_MAX])
{
	static char files[PLACE_LIST_MAX];

	place_list(STATEDIR, LIBDIR, files);
	if (strcmp(files, norm->before) != 0)
		return scene_fail(why, "after all: files: \"%s\", not \"%s\"", files, norm->before);
	return is(AGENT1_UID, scene_stays_held(scene) ? REFUSED : ARRIVES, "after all", why);
}

bool judge_next(const struct scene *scene, const struct run *run, const struct norm *norm, char why[WHY_MAX])
{
	bool session = scene->act == ACT_OPEN && gave_hold(scene, run);
	bool good = mend(why) && others_are_as_ever(scene, "next", false, why) &&
		    is_as_on_record(scene, session, why);

	tracer_finish(run);
	if (good && run->ended)
		good = works(ACT_REAP, "reap", why);
	if (good && scene_has_escaped(scene))
		return scene_fail(why, "after all: let go, and what was to be ended runs");
	return good && unpin(why) && is_back(scene, norm, why);
}

/* ---- by others' eyes ----------------------------------------------------------------------------- */

static unsigned int count(const char *text, const char *part)
{
	unsigned int found = 0;

	for (const char *at = text; (at = strstr(at, part)); at++)
		found++;
	return found;
}

bool judge_tables(const char *backend, char why[WHY_MAX])
{
	bool legacy = strcmp(backend, "iptables") == 0;
	char *tables = place_tables(backend);
	unsigned int entries = legacy ? count(tables, "-A OUTPUT -j EGRESS\n") : 2;
	unsigned int refusals = count(tables, legacy ? "-A EGRESS-2001 -j REJECT" : "2001");
	/* One a family; killed between the two while it is let go, an account is held in one of them. */
	bool held = entries == 2 && refusals >= (legacy ? 2 : 1);
	enum verdict verdict = place_probe(AGENT1_UID);

	free(tables);
	return held == (verdict == REFUSED) || (legacy && refusals == 1 && verdict == MIXED) ||
	       scene_fail(why, "the tables say %s, but a packet %s", held ? "held" : "not held",
			  verdict_name(verdict));
}
