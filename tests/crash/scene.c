/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scene.h"

#include "tracer.h"

#include <err.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

const struct scene scenes[] = {
	{ .name = "open, the first ever", .act = ACT_OPEN, .first = true },
	{ .name = "open", .act = ACT_OPEN },
	{ .name = "open beside another session", .act = ACT_OPEN, .other = true },
	{ .name = "open by su", .act = ACT_OPEN, .by_alice = true },
	{ .name = "close of the only session of all", .act = ACT_CLOSE, .first = true, .own = true },
	{ .name = "close of the last session", .act = ACT_CLOSE, .own = true },
	{ .name = "close beside another session", .act = ACT_CLOSE, .own = true, .other = true },
	{ .name = "close with a leftover", .act = ACT_CLOSE, .own = true, .leftover = true },
	{ .name = "close of a pinned account", .act = ACT_CLOSE, .own = true, .pinned = true },
	{ .name = "close that kills", .act = ACT_CLOSE, .own = true, .last_close = "kill" },
	{ .name = "close that releases", .act = ACT_CLOSE, .own = true, .last_close = "release" },
	{ .name = "hold", .act = ACT_HOLD },
	{ .name = "hold beside a session", .act = ACT_HOLD, .other = true },
	{ .name = "release", .act = ACT_RELEASE, .pinned = true },
	{ .name = "release beside a session", .act = ACT_RELEASE, .pinned = true, .other = true },
	{ .name = "release with a leftover", .act = ACT_RELEASE, .pinned = true, .leftover = true },
	{ .name = "sync with a session", .act = ACT_SYNC, .other = true },
	{ .name = "sync after a flush", .act = ACT_SYNC, .other = true, .flushed = true },
	{ .name = "sync of a dead session", .act = ACT_SYNC, .dead = true },
	{ .name = "sync with a leftover", .act = ACT_SYNC, .dead = true, .leftover = true },
	{ .name = "sync of a pinned account", .act = ACT_SYNC, .dead = true, .pinned = true },
	{ .name = "reap of a pinned account", .act = ACT_REAP, .dead = true, .pinned = true },
	{ .name = "reap with a session", .act = ACT_REAP, .dead = true, .other = true },
	{ .name = "reap of a dead session", .act = ACT_REAP, .dead = true },
	{ .name = "reap of the only session of all", .act = ACT_REAP, .first = true, .dead = true },
	{ .name = "reap with a leftover", .act = ACT_REAP, .dead = true, .leftover = true },
};
const size_t scene_count = sizeof(scenes) / sizeof(scenes[0]);

/* Who stays; 0: nobody. */
static pid_t bystander, other, leftover;
static pid_t found; /* by one operation */

bool scene_fail(char why[WHY_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, WHY_MAX, format, args);
	va_end(args);
	return false;
}

static void end(pid_t *pid)
{
	if (*pid > 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

static pid_t start_leftover(void)
{
	pid_t pid = tracer_fork();

	if (pid == 0) {
		if (setresuid(AGENT1_UID, AGENT1_UID, AGENT1_UID))
			_exit(1);
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* which would not outlive the change of uid */
		for (;;)
			pause();
	}
	return pid;
}

/* Until it is who it will be: /proc tells. */
static bool has_become(pid_t pid, uid_t uid)
{
	char path[64], line[256];
	unsigned int is = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Uid:\t%u", &is) == 1)
			break;
	if (file)
		fclose(file);
	return is == uid;
}

static void await(pid_t pid)
{
	while (pid > 0 && !has_become(pid, AGENT1_UID))
		usleep(1000);
}

bool scene_begin(const struct scene *scene, char why[WHY_MAX])
{
	if (!scene->first && (bystander = act_open_and_stay(AGENT2)) < 0)
		return scene_fail(why, "before all: open of " AGENT2 ": %s", report->error);
	if (scene->other && (other = act_open_and_stay(AGENT1)) < 0)
		return scene_fail(why, "before all: the other session: %s", report->error);
	if (scene->leftover) {
		leftover = start_leftover();
		await(leftover);
		/* Of a session that is over: that it lingers is how things stand. */
		if (act_open_and_die(AGENT1) || act_in_child(ACT_REAP, NULL))
			return scene_fail(why, "before all: the leftover's session: %s", report->error);
	}
	return true;
}

bool scene_set(const struct scene *scene, char why[WHY_MAX])
{
	if (scene->first)
		place_remove(STATEDIR, LIBDIR);
	if (scene->pinned && act_in_child(ACT_HOLD, AGENT1))
		return scene_fail(why, "before: hold: %s", report->error);
	if (scene->dead && act_open_and_die(AGENT1))
		return scene_fail(why, "before: a session that dies: %s", report->error);
	if (scene->flushed && acts_flush())
		return scene_fail(why, "before: flush");
	end(&found);
	/* Who was to kill for a victim that was killed became ours; each look at /proc would be longer by one more. */
	while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
		;
	if (scene->last_close)
		await(found = start_leftover());
	return true;
}

void scene_prepare(void *data)
{
	const struct scene *scene = data;

	if (scene->own)
		act(ACT_OPEN, AGENT1);
	acts_ready();
	if (scene->own && report->result)
		_exit(122);
	if (scene->by_alice && setresuid(ALICE_UID, 0, 0))
		_exit(121);
}

void scene_act(void *data)
{
	const struct scene *scene = data;

	act(scene->act, AGENT1);
}

bool scene_stays_held(const struct scene *scene)
{
	return scene->other || scene->leftover;
}

bool scene_must_hold(const struct scene *scene)
{
	return scene_stays_held(scene) || (scene->pinned && scene->act != ACT_RELEASE);
}

bool scene_has_escaped(const struct scene *scene)
{
	bool kills = scene->last_close && strcmp(scene->last_close, "kill") == 0;

	siginfo_t gone = { 0 };

	if (!kills || place_probe(AGENT1_UID) != ARRIVES)
		return false;
	return waitid(P_PID, (id_t)found, &gone, WEXITED | WNOHANG | WNOWAIT) == 0 && gone.si_pid == 0;
}

static unsigned int count_listed(const char *part)
{
	static char text[PLACE_LIST_MAX];
	unsigned int count = 0;

	place_list(STATEDIR, LIBDIR, text);
	for (const char *at = text; (at = strstr(at, part)); at++)
		count++;
	return count;
}

bool scene_is_pinned(void)
{
	return count_listed("/2001/pin\n") > 0;
}

bool scene_is_on_record(void)
{
	return count_listed("/2001\n") > 0;
}

unsigned int scene_records(void)
{
	return count_listed("/2001/TOKEN\n");
}

static bool nothing_left(const char *backend, char why[WHY_MAX])
{
	static char text[PLACE_LIST_MAX];
	char *tables = place_tables(backend);
	bool rules = strcasestr(tables, "egress");

	free(tables);
	place_list(STATEDIR, LIBDIR, text);
	if (rules)
		return scene_fail(why, "in the end: rules are left");
	return text[0] == '\0' || scene_fail(why, "in the end: files are left: %s", text);
}

bool scene_end(const char *backend, char why[WHY_MAX])
{
	end(&found);
	end(&leftover);
	end(&other);
	end(&bystander);
	if (act_in_child(ACT_REAP, NULL))
		return scene_fail(why, "in the end: reap: %s", report->error);
	return nothing_left(backend, why);
}

void scene_clear(void)
{
	end(&found);
	end(&leftover);
	end(&other);
	end(&bystander);
	if (acts_flush())
		warnx("rules could not be removed");
	place_remove(STATEDIR, LIBDIR);
}
