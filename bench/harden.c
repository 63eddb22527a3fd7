/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hardening adds to the opening of a session, and what the filter then adds to system calls. */
#include "bench.h"

#include "conf.h"
#include "environment.h"
#include "harden.h"

#include "egress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS 2000

static const char text[] = "profiles = { default = { proxy = [ \"127.0.0.1:3128\", \"[::1]:3128\" ]; "
			   "ca_file = \"/etc/ssl/proxy.pem\"; }; }; accounts = ( { user = \"agent1\"; } );\n";

/* What one child measured: it cannot be unhardened. */
struct measured {
	double open_us;
	double plain[3], filtered[3]; /* us a call */
};

static void call_getppid(void)
{
	syscall(SYS_getppid);
}

static void call_read(void)
{
	char byte;

	if (read(-1, &byte, 1) >= 0)
		die("read");
}

static void call_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket: %m");
	close(fd);
}

static const struct {
	const char *name;
	void (*call)(void);
} calls[3] = { { "getppid", call_getppid }, { "read", call_read }, { "socket and close", call_socket } };

static void time_calls(double ret[3])
{
	for (int i = 0; i < 3; i++) {
		double start = clock_us();

		for (int k = 0; k < CALLS; k++)
			calls[i].call();
		ret[i] = (clock_us() - start) / CALLS;
	}
}

static void measure(const struct profile *profile, struct measured *ret)
{
	struct harden harden;
	struct fault fault = { 0 };
	char **environment, *notice;
	double start;

	time_calls(ret->plain);
	start = clock_us();
	if (harden_prepare(profile, &fault, &harden) || harden_apply(&harden, &fault))
		die("%s", fault.line);
	if (environment_make(profile, "agent1", &environment) || environment_notice(profile, "agent1", &notice))
		die("no memory");
	ret->open_us = clock_us() - start;
	egress_lines_free(environment);
	free(notice);
	time_calls(ret->filtered);
}

static void measure_once(const struct profile *profile, struct measured *shared)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		measure(profile, shared);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		die("a child failed");
}

static void emit_calls(struct series *filtered, struct series *ratio)
{
	for (int i = 0; i < 3; i++) {
		emit((struct label){ "hardening.call.ns", NO_BACKEND, calls[i].name, 0, "ns" }, &filtered[i]);
		emit((struct label){ "hardening.call", NO_BACKEND, calls[i].name, 0, "x" }, &ratio[i]);
		series_clear(&filtered[i]);
		series_clear(&ratio[i]);
	}
}

int main(int argc, char **argv)
{
	const struct conf_text source = { .file = "bench", .text = text, .length = sizeof(text) - 1 };
	struct series open = { 0 }, filtered[3] = { 0 }, ratio[3] = { 0 };
	struct measured *shared;
	struct fault fault = { 0 };
	struct options options;
	struct conf *conf;

	options_parse(argc, argv, &options);
	if (conf_parse(&source, 1, 1000, &fault, &conf))
		die("%s", fault.line);
	if (harden_lacks(conf->profiles[0])) {
		emit_unavailable("hardening.session", NO_BACKEND, "this kernel has no seccomp filters");
		return 0;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("no memory");
	for (unsigned int round = 0; round < options.rounds; round++) {
		measure_once(conf->profiles[0], shared);
		series_add(&open, shared->open_us / 1e3);
		for (int i = 0; i < 3; i++) {
			series_add(&filtered[i], shared->filtered[i] * 1e3);
			series_add(&ratio[i], shared->filtered[i] / shared->plain[i]);
		}
	}
	emit((struct label){ "hardening.session", NO_BACKEND, NO_LAYOUT, 0, "ms" }, &open);
	emit_calls(filtered, ratio);
	series_clear(&open);
	conf_free(conf);
	return 0;
}
