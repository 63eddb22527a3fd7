/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network namespaces, and other programs that run in them. */
#include "bench.h"

#include "util.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

extern char **environ;

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		die("cannot set loopback up: %m");
}

void netns_enter(int netns)
{
	if (setns(netns, CLONE_NEWNET) < 0)
		die("cannot enter a network namespace: %m");
}

static int netns_here(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("cannot open /proc/thread-self/ns/net: %m");
	return fd;
}

int netns_new(void)
{
	AUTO_CLOSE int before = netns_here();
	int made;

	if (unshare(CLONE_NEWNET) < 0)
		die("cannot make a network namespace: %m");
	loopback_up();
	made = netns_here();
	netns_enter(before);
	return made;
}

/* A file without a name that holds TEXT, at its start. */
static int text_file(const char *text)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	FILE *file = fd >= 0 ? fdopen(dup(fd), "w") : NULL;

	if (!file || (text && fputs(text, file) < 0) || fclose(file) != 0)
		die("cannot make a file: %m");
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void run(char *const argv[], int input, int output)
{
	posix_spawn_file_actions_t actions;
	int status, error;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		die("cannot run %s: %s", argv[0], strerror(error));
	if (waitpid(pid, &status, 0) != pid || status != 0)
		die("%s %s: failed", argv[0], argv[1] ? argv[1] : "");
}

double run_timed(char *const argv[], const char *input)
{
	AUTO_CLOSE int from = text_file(input);
	AUTO_CLOSE int to = open("/dev/null", O_WRONLY | O_CLOEXEC);
	double start = clock_us();

	run(argv, from, to);
	return clock_us() - start;
}

char *run_read(char *const argv[])
{
	AUTO_CLOSE int from = text_file(NULL);
	AUTO_CLOSE int to = text_file(NULL);
	char *text;
	off_t size;

	run(argv, from, to);
	size = lseek(to, 0, SEEK_END);
	text = need(calloc(1, (size_t)size + 1));
	if (pread(to, text, (size_t)size, 0) != size)
		die("%s: output cut short", argv[0]);
	return text;
}
