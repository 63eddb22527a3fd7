/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "acts.h"

#include "engine.h"
#include "tracer.h"

#include <dlfcn.h>
#include <errno.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct report *report;

static struct {
	const char *backend, *config, *libdir;
	struct egress_ctx *ctx;
} acts;

/* ---- time ---------------------------------------------------------------------------------------- */

/*
 * close waits half a second for leftovers, in fifty laps that are all alike. In these processes time passes a
 * hundred times faster while somebody sleeps: the calls are made, and come to the same end in fewer laps. libcore
 * is linked into this program, so these come before the C library's.
 */
#define FASTER 100
#define NS_PER_S 1000000000L

static int faster = FASTER;
static long slept; /* ns that the clock is ahead */
static int (*real_clock)(clockid_t, struct timespec *);

static __attribute__((constructor)) void clock_begin(void)
{
	real_clock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	if (!real_clock)
		errx(2, "no clock");
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	int r = real_clock(clock, ret); /* no system call, here as everywhere */

	if (r == 0 && clock == CLOCK_MONOTONIC) {
		ret->tv_nsec += slept % NS_PER_S;
		ret->tv_sec += slept / NS_PER_S + ret->tv_nsec / NS_PER_S;
		ret->tv_nsec %= NS_PER_S;
	}
	return r;
}

int nanosleep(const struct timespec *wanted, struct timespec *left)
{
	slept += (faster - 1) * (wanted->tv_sec * NS_PER_S + wanted->tv_nsec);
	return clock_nanosleep(CLOCK_MONOTONIC, 0, wanted, left) ? -1 : 0;
}

void acts_hurry(bool hurry)
{
	faster = hurry ? FASTER : 1;
}

/* ---- in the calling process ---------------------------------------------------------------------- */

static void count_line(int priority, const char *line, void *data)
{
	(void)priority;
	(void)data;
	report->logged++;
	snprintf(report->last, sizeof(report->last), "%s", line);
}

void acts_begin(const char *backend, const char *config, const char *libdir)
{
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED)
		err(2, "memory");
	acts.backend = backend;
	acts.config = config;
	acts.libdir = libdir;
}

void acts_ready(void)
{
	if (acts.ctx)
		return;
	if (egress_ctx_new(&acts.ctx) || egress_ctx_set_config(acts.ctx, acts.config, 0))
		_exit(123);
	acts.ctx->libdir = acts.libdir;
	egress_ctx_set_log(acts.ctx, count_line, NULL);
}

static int open_one(const char *user)
{
	const struct egress_request request = { .user = user, .service = "crash", .tty = "tty1",
						.flags = EGRESS_HARDEN };
	struct egress_session *session = NULL;
	int r = egress_open(acts.ctx, &request, &session);

	/* "Nothing covers him" is success as well, and lets him in. */
	snprintf(report->token, sizeof(report->token), "%s", r || !session ? "" : session->token);
	return r;
}

static int close_one(void)
{
	unsigned int sessions;
	bool held;

	return egress_close(acts.ctx, AGENT1_UID, report->token, &sessions, &held);
}

static int verify(void)
{
	char **lines = NULL;
	int r = egress_verify(acts.ctx, NULL, &lines);

	report->differences = 0;
	for (char **line = lines; !r && *line; line++)
		if (report->differences++ == 0)
			snprintf(report->difference, sizeof(report->difference), "%s", *line);
	egress_lines_free(lines);
	return r;
}

static int call(enum act which, const char *user)
{
	struct egress_changes changes;

	switch (which) {
	case ACT_OPEN:
		return open_one(user);
	case ACT_CLOSE:
		return close_one();
	case ACT_HOLD:
		return egress_hold(acts.ctx, user);
	case ACT_RELEASE:
		return egress_release(acts.ctx, user);
	case ACT_SYNC:
		return egress_sync(acts.ctx, &changes);
	case ACT_REAP:
		return egress_reap(acts.ctx, &changes);
	case ACT_VERIFY:
		return verify();
	}
	return -EINVAL;
}

void act(enum act which, const char *user)
{
	acts_ready();
	report->came_back = false;
	report->logged = 0;
	report->last[0] = '\0';
	report->result = call(which, user);
	snprintf(report->error, sizeof(report->error), "%s", egress_ctx_error(acts.ctx));
	report->came_back = true;
}

/* ---- in others ----------------------------------------------------------------------------------- */

static int crashed(void)
{
	report->result = -ECHILD;
	snprintf(report->error, sizeof(report->error), "it crashed");
	return -ECHILD;
}

int act_in_child(enum act which, const char *user)
{
	int status;
	pid_t pid = tracer_fork();

	if (pid == 0) {
		act(which, user);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(2, "child");
	return status ? crashed() : report->result;
}

pid_t act_open_and_stay(const char *user)
{
	char byte = 0;
	int done[2];
	pid_t pid;

	if (pipe(done) || (pid = tracer_fork()) < 0)
		err(2, "child");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		act(ACT_OPEN, user);
		if (write(done[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(done[1]);
	if (read(done[0], &byte, 1) != 1)
		crashed();
	close(done[0]);
	return report->result ? -1 : pid;
}

int act_open_and_die(const char *user)
{
	return act_in_child(ACT_OPEN, user);
}

/* ---- the seam ------------------------------------------------------------------------------------ */

static const struct backend_ops *find_backend(const char *name)
{
	for (size_t i = 0; backends[i]; i++)
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i];
	return NULL;
}

void acts_print_usable(void)
{
	for (size_t i = 0; backends[i]; i++) {
		enum backend_presence presence;
		struct fault why = { 0 };

		if (backends[i]->probe(&why, &presence) == 0)
			puts(backends[i]->name);
	}
}

int acts_flush(void)
{
	static const struct uid_range all[] = { { AGENT1_UID, AGENT1_UID }, { AGENT2_UID, AGENT2_UID } };
	const struct backend_ops *ops = find_backend(acts.backend);
	const struct deadline deadline = deadline_in_ms(1000);
	struct backend *backend = NULL;
	struct fault why = { 0 };
	int status;
	pid_t pid = tracer_fork();

	if (pid == 0)
		_exit(ops->open(&deadline, &why, &backend) || ops->remove(backend, all, 2, &why));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(2, "child");
	return status ? -1 : 0;
}
