/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deadline.h"
#include "doctor.h"
#include "exit.h"
#include "util.h"

#define OUTPUT_MAX (1U << 20)
#define FILE_MAX (4U << 20)
#define RUN_MS 5000L

static char *const clean_environment[] = {
	(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", (char *)"LC_ALL=C", (char *)"HOME=/", NULL,
};

__attribute__((noreturn)) static void become(char *const *command, bool both, int out)
{
	int null = open("/dev/null", O_RDWR);

	setsid();
	signal(SIGPIPE, SIG_DFL);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(both ? out : null, STDERR_FILENO) < 0 || chdir("/") < 0)
		_exit(127);
	execve(command[0], command, clean_environment);
	_exit(127);
}

/* Until its end or the deadline; 0 or a negative errno. */
static int collect(int fd, const struct deadline *deadline, char **text, size_t *length)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	ssize_t n;

	while (*length < OUTPUT_MAX) {
		n = poll(&wait, 1, (int)deadline_left_ms(deadline));
		if (n == 0)
			return -ETIMEDOUT;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n < 0)
			continue;
		*text = must(realloc(*text, *length + 4097));
		n = read(fd, *text + *length, 4096);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
		if (n > 0)
			*length += (size_t)n;
	}
	return 0;
}

/* Kills what is not done: its whole session, for it may have started others. */
static int reap(pid_t pid, bool finished)
{
	int status = 0;

	if (!finished)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

int doctor_run(char *const *command, bool both, char **ret)
{
	struct deadline deadline = deadline_in_ms(RUN_MS);
	AUTO_FREE char *text = must(calloc(1, 1));
	size_t length = 0;
	int ends[2], error, status;
	pid_t pid;

	if (access(command[0], X_OK) < 0)
		return -errno;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		become(command, both, ends[1]);
	error = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (!error)
		error = collect(ends[0], &deadline, &text, &length);
	close(ends[0]);
	status = pid < 0 ? error : reap(pid, !error && length < OUTPUT_MAX);
	if (error)
		return error;
	text[length] = '\0';
	*ret = util_steal(text);
	return status;
}

int doctor_as_account(const struct doctor *doctor, bool (*ask)(const void *data), const void *data)
{
	int status;
	pid_t pid;

	if (!doctor->root)
		return doctor->ids.uid == geteuid() && doctor->user ? ask(data) : -EPERM;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		if (ids_become(&doctor->ids))
			_exit(2);
		_exit(ask(data) ? 0 : 1);
	}
	status = reap(pid, true);
	return status == 0 || status == 1 ? !status : -EPERM;
}

char *doctor_read(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	AUTO_FREE char *text = NULL;
	size_t length = 0;
	struct stat status;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &status) < 0)
		return NULL;
	if (!S_ISREG(status.st_mode)) {
		errno = EINVAL;
		return NULL;
	}
	while (n > 0 && length < FILE_MAX) {
		text = must(realloc(text, length + 65537));
		n = read(fd, text + length, 65536);
		if (n < 0)
			return NULL;
		length += (size_t)n;
	}
	text[length] = '\0';
	return util_steal(text);
}

bool doctor_lines(char *text, bool (*each)(char *line, void *data), void *data)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		if (each(line, data))
			return true;
	}
	return false;
}

int doctor_sysctl(const char *name, char ret_text[64])
{
	char path[160];
	AUTO_FREE char *text = NULL;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	for (char *c = path + strlen("/proc/sys/"); *c; c++) {
		if (*c == '.')
			*c = '/';
	}
	text = doctor_read(path);
	if (!text)
		return -errno;
	text[strcspn(text, "\n")] = '\0';
	snprintf(ret_text, 64, "%s", text);
	return 0;
}

char *doctor_quote(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/@:+=,";
	char *quoted, *to;

	if (*text && *text != '-' && text[strspn(text, plain)] == '\0')
		return must(strdup(text));
	to = quoted = must(malloc(4 * strlen(text) + 3));
	*to++ = '\'';
	for (; *text; text++) {
		if (*text == '\'')
			to = stpcpy(to, "'\\''");
		else
			*to++ = *text;
	}
	strcpy(to, "'");
	return quoted;
}
