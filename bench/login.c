/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the module costs a login:
 *
 *	login -r ROUNDS CONFDIR FIGURE BACKEND ACCOUNTS USER
 *
 * CONFDIR has two services that permit everything: "with" has the module too, "without" has not.
 * A login is pam_start, open, close and pam_end, as a daemon that forks for each connection does
 * it: modules are loaded and dropped each time. The two take turns. Each is then done once more in
 * a process of its own that says how much memory it has grown to.
 */
#include "bench.h"

#include "util.h"

#include <fcntl.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

struct login {
	const char *confdir, *figure, *backend, *user;
	size_t accounts;
};

static int converse(int count, const struct pam_message **messages, struct pam_response **ret,
		    void *data)
{
	(void)count;
	(void)messages;
	(void)ret;
	(void)data;
	return PAM_CONV_ERR;
}

static void must(int code, const struct login *login, const char *service, const char *what)
{
	if (code != PAM_SUCCESS)
		die("%s, service \"%s\": %s: PAM error %d", login->user, service, what, code);
}

/* Microseconds; ret[0] of all of it, ret[1] of open and close. */
static void log_in(const struct login *login, const char *service, double ret[2])
{
	const struct pam_conv conversation = { .conv = converse };
	double start = clock_us(), opening, closed;
	pam_handle_t *pamh = NULL;

	must(pam_start_confdir(service, login->user, &conversation, login->confdir, &pamh), login,
	     service, "start");
	opening = clock_us();
	must(pam_open_session(pamh, PAM_SILENT), login, service, "open");
	must(pam_close_session(pamh, PAM_SILENT), login, service, "close");
	closed = clock_us();
	pam_end(pamh, PAM_SUCCESS);
	ret[0] = clock_us() - start;
	ret[1] = closed - opening;
}

static void label_emit(const struct login *login, const char *layout, const char *unit,
		       struct series *series)
{
	char figure[64];

	snprintf(figure, sizeof(figure), "login.%s", login->figure);
	emit((struct label){ figure, login->backend, layout, login->accounts, unit }, series);
	series_clear(series);
}

static void measure_time(const struct options *options, const struct login *login)
{
	struct series whole = { 0 }, calls = { 0 };

	for (unsigned int i = 0; i < options->rounds; i++) {
		double with[2], without[2];

		log_in(login, "without", without);
		log_in(login, "with", with);
		series_add(&whole, (with[0] - without[0]) / 1e3);
		series_add(&calls, (with[1] - without[1]) / 1e3);
	}
	label_emit(login, "loading, open and close", "ms", &whole);
	label_emit(login, "open and close", "ms", &calls);
}

/* --- Memory --- */

struct memory {
	double dirty, pss; /* KiB */
};

static void read_memory(struct memory *ret)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "re");
	char line[128];

	if (!file)
		die("cannot open /proc/self/smaps_rollup: %m");
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "Private_Dirty: %lf", &ret->dirty);
		sscanf(line, "Pss: %lf", &ret->pss);
	}
	fclose(file);
}

/* As a monitor of sshd stands there: the session is over, the modules are still loaded. */
static void live_once(const struct login *login, const char *service, int report)
{
	const struct pam_conv conversation = { .conv = converse };
	pam_handle_t *pamh = NULL;
	struct memory memory = { 0 };

	must(pam_start_confdir(service, login->user, &conversation, login->confdir, &pamh), login,
	     service, "start");
	must(pam_open_session(pamh, PAM_SILENT), login, service, "open");
	must(pam_close_session(pamh, PAM_SILENT), login, service, "close");
	read_memory(&memory);
	if (write(report, &memory, sizeof(memory)) != sizeof(memory))
		die("cannot report");
	pam_end(pamh, PAM_SUCCESS);
	_exit(0);
}

static struct memory memory_of(const struct login *login, const char *service)
{
	struct memory memory;
	int report[2], status;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		die("cannot fork: %m");
	if (pid == 0)
		live_once(login, service, report[1]);
	close(report[1]);
	if (read(report[0], &memory, sizeof(memory)) != sizeof(memory))
		die("no report");
	close(report[0]);
	waitpid(pid, &status, 0);
	return memory;
}

#define MEMORY_ROUNDS 5

static void measure_memory(const struct login *login)
{
	struct series dirty = { 0 }, pss = { 0 };
	char figure[64];
	struct label label = { figure, login->backend, NULL, login->accounts, "KiB" };

	snprintf(figure, sizeof(figure), "memory.%s", login->figure);
	for (int i = 0; i < MEMORY_ROUNDS; i++) {
		struct memory without = memory_of(login, "without");
		struct memory with = memory_of(login, "with");

		series_add(&dirty, with.dirty - without.dirty);
		series_add(&pss, with.pss - without.pss);
	}
	label.layout = "written to";
	emit(label, &dirty);
	label.layout = "with its share of code";
	emit(label, &pss);
	series_clear(&dirty);
	series_clear(&pss);
}

int main(int argc, char **argv)
{
	struct options options;
	struct login login;

	options_parse(argc, argv, &options);
	if (argc - optind != 5) {
		fprintf(stderr, "usage: login [-r ROUNDS] CONFDIR FIGURE BACKEND ACCOUNTS USER\n");
		return 2;
	}
	argv += optind;
	login = (struct login){ .confdir = argv[0],
				.figure = argv[1],
				.backend = argv[2],
				.accounts = strtoul(argv[3], NULL, 10),
				.user = argv[4] };
	/* First: what was loaded and freed leaves traces in the parent of a fork. */
	measure_memory(&login);
	measure_time(&options, &login);
	return 0;
}
