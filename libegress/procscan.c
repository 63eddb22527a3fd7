/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "procscan.h"

#include "util.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#define STATUS_MAX 4096   /* the lines that we want are among the first ten */
#define STAT_MAX 1024
#define UIDS_A_THREAD 4   /* real, effective, saved, file system */
#define START_TIME_FIELD 22 /* of /proc/PID/stat, see proc(5) */
#define COMM_FIELD 2

struct owner {
	pid_t pid;
	uid_t uid;
};

struct procscan {
	struct owner *owners;
	size_t count, room;
};

static int read_file(int dir_fd, const char *path, char *text, size_t size)
{
	AUTO_CLOSE int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	length = read(fd, text, size - 1);
	if (length < 0)
		return -errno;
	text[length] = '\0';
	return 0;
}

static bool is_gone(int r)
{
	return r == -ENOENT || r == -ESRCH;
}

static bool is_dead(char state)
{
	return state == 'Z' || state == 'X';
}

int procscan_start_time(pid_t pid, uint64_t *ret)
{
	char path[32], text[STAT_MAX], *field, *rest;
	unsigned long value;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	r = read_file(AT_FDCWD, path, text, sizeof(text));
	if (r)
		return is_gone(r) ? -ESRCH : -EIO;
	/* The command's name, field 2, may hold blanks and parentheses: count from its last ')'. */
	rest = strrchr(text, ')');
	if (!rest || rest[1] != ' ')
		return -EIO;
	rest += 2;
	if (is_dead(*rest))
		return -ESRCH;
	for (int i = COMM_FIELD; i < START_TIME_FIELD; i++) {
		field = strsep(&rest, " ");
		if (!field)
			return -EIO;
	}
	if (addr_parse_number(field, UINT64_MAX, &value))
		return -EIO;
	*ret = value;
	return 0;
}

static int add_owner(struct procscan *scan, pid_t pid, uid_t uid)
{
	for (size_t i = scan->count; i > 0 && scan->owners[i - 1].pid == pid; i--)
		if (scan->owners[i - 1].uid == uid)
			return 0;
	if (scan->count == scan->room) {
		size_t room = scan->room ? scan->room * 2 : 256;
		struct owner *grown = reallocarray(scan->owners, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		scan->owners = grown;
		scan->room = room;
	}
	scan->owners[scan->count++] = (struct owner){ pid, uid };
	return 0;
}

/* The value of a line such as "Uid:\t0\t0\t0\t0"; NULL if it is not there. Cuts the line off. */
static char *status_value(char *text, const char *key)
{
	char *line = strstr(text, key);

	if (!line)
		return NULL;
	line += strlen(key);
	line += strspn(line, "\t ");
	return line;
}

static int read_thread(struct procscan *scan, int task_fd, const char *tid, pid_t pid)
{
	char path[32], text[STATUS_MAX], *state, *uids;
	int r;

	snprintf(path, sizeof(path), "%.16s/status", tid);
	r = read_file(task_fd, path, text, sizeof(text));
	if (r)
		return is_gone(r) ? 0 : r;
	state = status_value(text, "\nState:");
	uids = status_value(text, "\nUid:");
	if (!state || !uids)
		return -EIO;
	if (is_dead(*state))
		return 0;
	uids[strcspn(uids, "\n")] = '\0';
	for (int i = 0; i < UIDS_A_THREAD && !r; i++) {
		char *word = strsep(&uids, "\t");
		unsigned long uid;

		r = word && !addr_parse_number(word, UINT32_MAX, &uid) ? add_owner(scan, pid, (uid_t)uid)
									: -EIO;
	}
	return r;
}

static int parse_pid(const char *name, pid_t *ret)
{
	unsigned long value;

	if (addr_parse_number(name, INT32_MAX, &value))
		return -EINVAL;
	*ret = (pid_t)value;
	return 0;
}

static void close_dirp(DIR **dir)
{
	int saved = errno;

	if (*dir)
		closedir(*dir);
	errno = saved;
}
#define AUTO_DIR __attribute__((cleanup(close_dirp)))

/* Every thread: they may have different uids, and a dead leader may have living ones. */
static int read_process(struct procscan *scan, pid_t pid)
{
	AUTO_DIR DIR *dir = NULL;
	struct dirent *entry;
	char path[32];
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT || errno == ESRCH ? 0 : -errno;
	while (!r && (errno = 0, entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			r = read_thread(scan, dirfd(dir), entry->d_name, pid);
	if (!r && errno && errno != ENOENT && errno != ESRCH)
		r = -errno;
	return r;
}

static int pass(struct procscan *scan, const struct deadline *deadline)
{
	AUTO_DIR DIR *dir = opendir("/proc");
	struct dirent *entry;
	struct statfs fs;
	pid_t pid;
	int r = 0;

	if (!dir)
		return -errno;
	if (fstatfs(dirfd(dir), &fs) || fs.f_type != PROC_SUPER_MAGIC)
		return -ENODEV;
	while (!r && (errno = 0, entry = readdir(dir))) {
		if (parse_pid(entry->d_name, &pid) == 0)
			r = read_process(scan, pid);
		if (!r && deadline_left_ms(deadline) == 0)
			r = -ETIMEDOUT;
	}
	return r ? r : -errno;
}

/* The newest process id, last field of /proc/loadavg. */
static int newest_pid(pid_t *ret)
{
	char text[128], *last;
	int r = read_file(AT_FDCWD, "/proc/loadavg", text, sizeof(text));

	if (r)
		return r;
	text[strcspn(text, "\n")] = '\0';
	last = strrchr(text, ' ');
	return last ? parse_pid(last + 1, ret) : -EIO;
}

/*
 * /proc is read in ascending order and ids are given out in ascending order, so whatever a process that
 * we have not met yet forks is ahead of us. Only when the ids wrap round in between can a child be behind.
 */
static int pass_unless_overtaken(struct procscan *scan, const struct deadline *deadline)
{
	pid_t before, after;
	int r = newest_pid(&before);

	scan->count = 0;
	if (!r)
		r = pass(scan, deadline);
	if (!r)
		r = newest_pid(&after);
	if (!r && after < before)
		r = -EAGAIN;
	return r;
}

int procscan_take(const struct deadline *deadline, struct fault *fault, struct procscan **ret)
{
	struct procscan *scan = calloc(1, sizeof(*scan));
	int r = scan ? 0 : -ENOMEM;

	while (scan && (r = pass_unless_overtaken(scan, deadline)) == -EAGAIN)
		if (deadline_left_ms(deadline) == 0) {
			r = -ETIMEDOUT;
			break;
		}
	if (r) {
		procscan_free(scan);
		fault_set(fault, r == -ENOMEM || r == -ETIMEDOUT ? r : -EIO, "/proc: read: %s",
			  strerror(-r));
		return r == -ENOMEM || r == -ETIMEDOUT ? r : -EIO;
	}
	*ret = scan;
	return 0;
}

void procscan_free(struct procscan *scan)
{
	if (scan)
		free(scan->owners);
	free(scan);
}

unsigned int procscan_count(const struct procscan *scan, struct uid_range uids)
{
	unsigned int count = 0;
	pid_t counted = 0;

	for (size_t i = 0; i < scan->count; i++) {
		const struct owner *owner = &scan->owners[i];

		if (owner->uid < uids.first || owner->uid > uids.last || owner->pid == counted)
			continue;
		counted = owner->pid;
		count++;
	}
	return count;
}
