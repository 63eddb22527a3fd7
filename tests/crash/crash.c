/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crash usable                 the backends that this kernel has, a line each
 * crash BACKEND kill           stops each operation at every system call, and kills it there
 * crash BACKEND fail [all]     lets every system call fail: with a likely errno, or with each of errors_all
 * crash BACKEND scenes         what is tried, with the number of calls of each
 * CRASH_ONLY=TEXT              only scenes whose name begins with TEXT
 *
 * To be run by crash.bash: everything that it touches must be its own.
 */
#include "errors.h"
#include "judge.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG "/run/crash/egress.conf"
#define TABLES_EVERY 50 /* points: programs are slow */
#define FAILURES_TOLD 8
#define POINTS_MAX 5000 /* more: it does not come to an end */

static struct {
	const char *backend;
	bool fail, all;
	unsigned long points, failures;
} crash;

/* One scene's own. */
struct tally {
	const struct scene *scene;
	struct norm norm;
	unsigned int calls, points, failures;
	char first[WHY_MAX];
};

static void note(struct tally *tally, const struct run *run, unsigned int point, const char *why)
{
	const char *error = run && run->error ? strerrorname_np(run->error) : NULL;
	char line[WHY_MAX + 200];

	if (run)
		snprintf(line, sizeof(line), "call %u, %s \"%s\"%s%s: %s", point, tracer_call_name(run->number),
			 run->path, error ? ": " : "", error ? error : "", why);
	else
		snprintf(line, sizeof(line), "%s", why);
	for (char *at = line; (at = strpbrk(at, "\n"));)
		*at = ' ';
	if (tally->failures++ < FAILURES_TOLD)
		printf("# %s: %s: %s\n", crash.backend, tally->scene->name, line);
	if (tally->failures == 1)
		snprintf(tally->first, sizeof(tally->first), "%.*s", WHY_MAX - 1, line);
}

static struct run run_one(const struct scene *scene, const struct blow *blow)
{
	const struct victim victim = { scene_prepare, scene_act, (void *)scene };

	report->came_back = false;
	report->token[0] = '\0';
	return tracer_run(&victim, blow);
}

/* Without harm: counts the calls, and sees what is normal. */
static bool learn(struct tally *tally, char why[WHY_MAX])
{
	const struct blow none = { .harm = HARM_NONE };
	struct run run;

	place_list(STATEDIR, LIBDIR, tally->norm.before);
	if (!scene_set(tally->scene, why))
		return false;
	run = run_one(tally->scene, &none);
	if (!run.ended || report->result)
		return scene_fail(why, "without any harm: %s", run.ended ? report->error : "it crashed");
	tally->calls = run.points;
	place_list(STATEDIR, LIBDIR, tally->norm.after);
	return judge_now(tally->scene, &run, &tally->norm, why) &&
	       judge_next(tally->scene, &run, &tally->norm, why);
}

static bool start_over(struct tally *tally, char why[WHY_MAX])
{
	scene_clear();
	return scene_begin(tally->scene, why);
}

/* True if there was such a point. */
static bool try_point(struct tally *tally, const struct blow *blow)
{
	char why[WHY_MAX] = "";
	struct run run;
	bool good;

	if (!scene_set(tally->scene, why)) {
		note(tally, NULL, 0, why);
		return start_over(tally, why);
	}
	run = run_one(tally->scene, blow);
	tally->points += run.number >= 0 && !run.spared;
	good = judge_now(tally->scene, &run, &tally->norm, why);
	if (good && blow->point % TABLES_EVERY == 0)
		good = judge_tables(crash.backend, why);
	if (good) {
		good = judge_next(tally->scene, &run, &tally->norm, why);
	} else {
		tracer_finish(&run);
	}
	if (!good) {
		note(tally, &run, blow->point, why);
		start_over(tally, why);
	}
	return run.number >= 0;
}

static void try_points(struct tally *tally, enum harm harm, int error)
{
	struct blow blow = { .harm = harm, .point = 1, .error = error };

	while (try_point(tally, &blow) && blow.point < POINTS_MAX && tally->failures < 20)
		blow.point++;
	if (blow.point == POINTS_MAX)
		note(tally, NULL, 0, "it does not come to an end");
}

static void try_all(struct tally *tally)
{
	if (!crash.fail)
		try_points(tally, HARM_KILL, 0);
	else if (!crash.all)
		try_points(tally, HARM_FAIL, 0);
	else
		for (size_t i = 0; i < errors_all_count; i++)
			try_points(tally, HARM_FAIL, errors_all[i]);
}

static void tell(const struct tally *tally)
{
	const char *what = crash.fail ? "each call failing" : "killed at each call";

	if (tally->failures)
		printf("not ok - %s: %s, %s: %s (%u of %u points)\n", crash.backend, tally->scene->name, what,
		       tally->first, tally->failures, tally->points);
	else
		printf("ok - %s: %s, %s: %u points\n", crash.backend, tally->scene->name, what, tally->points);
	fflush(stdout);
	crash.points += tally->points;
	crash.failures += tally->failures;
}

static void write_config(const char *last_close)
{
	FILE *file = fopen(CONFIG, "we");

	if (!file ||
	    fprintf(file,
		    "backend = \"%s\";\nprofiles = { default = { proxy = [ \"127.0.0.1:3128\", \"[::1]:3128\" ]; "
		    "on_last_close = \"%s\"; }; };\n"
		    "accounts = ( { user = \"" AGENT1 "\"; }, { user = \"" AGENT2 "\"; } );\n",
		    crash.backend, last_close ? last_close : "hold") < 0 ||
	    fclose(file))
		err(2, CONFIG);
}

static void run_scene(const struct scene *scene, bool points)
{
	struct tally tally = { .scene = scene };
	char why[WHY_MAX] = "";

	write_config(scene->last_close);
	acts_hurry(!scene->last_close);
	if (!scene_begin(scene, why) || !learn(&tally, why)) {
		note(&tally, NULL, 0, why);
		scene_clear();
	} else if (points) {
		try_all(&tally);
	} else {
		tally.points = tally.calls;
	}
	if (!scene_end(crash.backend, why)) {
		note(&tally, NULL, 0, why);
		scene_clear();
	}
	tell(&tally);
}

static void begin(void)
{
	static const uid_t uids[] = { AGENT1_UID, AGENT2_UID, ALICE_UID };

	acts_begin(crash.backend, CONFIG, LIBDIR);
	place_begin(uids, 3);
}

/* CRASH_PART=2/3: every third scene, from the second on. */
static void read_part(size_t *ret_part, size_t *ret_parts)
{
	const char *text = getenv("CRASH_PART");

	*ret_part = 1;
	*ret_parts = 1;
	if (text && (sscanf(text, "%zu/%zu", ret_part, ret_parts) != 2 || !*ret_part || *ret_part > *ret_parts))
		errx(2, "CRASH_PART=%s", text);
	--*ret_part;
}

int main(int argc, char **argv)
{
	const char *only = getenv("CRASH_ONLY");
	size_t part, parts;

	if (argc == 2 && strcmp(argv[1], "usable") == 0) {
		acts_print_usable();
		return 0;
	}
	if (argc < 3)
		errx(2, "usage: crash BACKEND kill|fail|scenes [all]");
	crash.backend = argv[1];
	crash.fail = strcmp(argv[2], "fail") == 0;
	crash.all = argc > 3;
	if (crash.fail && !tracer_can_fail()) {
		printf("skip - %s: each call failing: the tracer does not know this machine\n", crash.backend);
		return 0;
	}
	read_part(&part, &parts);
	begin();
	for (size_t i = part; i < scene_count; i += parts)
		if (!only || strncmp(scenes[i].name, only, strlen(only)) == 0)
			run_scene(&scenes[i], strcmp(argv[2], "scenes") != 0);
	printf("# %s: %lu points tried\n", crash.backend, crash.points);
	return crash.failures ? 1 : 0;
}
