/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "procscan.h"

#include "util.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#define STATUS_MAX 4096   /* the lines that we want are among the first ten */
#define STAT_MAX 1024
#define UIDS_A_THREAD 4   /* real, effective, saved, file system */
#define COMM_FIELD 2 /* of /proc/PID/stat, see proc(5) */
#define THREADS_FIELD 20
#define START_TIME_FIELD 22
#define SCAN_MS 2000L
#define FORKS_A_PASS_MAX 16384UL /* half of the smallest usual pid_max */

struct owner {
	pid_t pid;
	uid_t uid;
};

struct procscan {
	struct owner *owners;
	size_t count, room;
	uint64_t *passages; /* start times of programs that run setuid root for somebody else */
	size_t passage_count, passage_room;
	pid_t *met; /* whom the first pass found there, zombies too */
	size_t met_count, met_room;
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

/* Of /proc/PID/stat. */
struct stat_line {
	char state;
	unsigned long threads, start_time;
};

/* -ENOENT, -ESRCH: it is gone. */
static int read_stat(pid_t pid, struct stat_line *ret)
{
	char path[32], text[STAT_MAX], *rest;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	r = read_file(AT_FDCWD, path, text, sizeof(text));
	if (r)
		return r;
	/* The command's name, field 2, may hold blanks and parentheses: count from its last ')'. */
	rest = strrchr(text, ')');
	if (!rest || rest[1] != ' ')
		return -EIO;
	rest += 2;
	ret->state = *rest;
	for (int i = COMM_FIELD + 1; i <= START_TIME_FIELD; i++) {
		char *field = strsep(&rest, " ");
		unsigned long *value = i == THREADS_FIELD	? &ret->threads
				       : i == START_TIME_FIELD ? &ret->start_time
							       : NULL;

		if (!field || (value && addr_parse_number(field, ULONG_MAX, value)))
			return -EIO;
	}
	return 0;
}

int procscan_start_time(pid_t pid, uint64_t *ret)
{
	struct stat_line line;
	int r = read_stat(pid, &line);

	if (r)
		return is_gone(r) ? -ESRCH : -EIO;
	if (is_dead(line.state))
		return -ESRCH;
	*ret = line.start_time;
	return 0;
}

/* Makes room for one more of SIZE bytes. */
static int grow(void **items, size_t count, size_t *room, size_t size)
{
	size_t wanted = *room ? *room * 2 : 64;
	void *grown;

	if (count < *room)
		return 0;
	grown = reallocarray(*items, wanted, size);
	if (!grown)
		return -ENOMEM;
	*items = grown;
	*room = wanted;
	return 0;
}

static int add_owner(struct procscan *scan, pid_t pid, uid_t uid)
{
	for (size_t i = scan->count; i > 0 && scan->owners[i - 1].pid == pid; i--)
		if (scan->owners[i - 1].uid == uid)
			return 0;
	if (grow((void **)&scan->owners, scan->count, &scan->room, sizeof(*scan->owners)))
		return -ENOMEM;
	scan->owners[scan->count++] = (struct owner){ pid, uid };
	return 0;
}

static int add_passage(struct procscan *scan, uint64_t start_time)
{
	if (grow((void **)&scan->passages, scan->passage_count, &scan->passage_room,
		 sizeof(*scan->passages)))
		return -ENOMEM;
	scan->passages[scan->passage_count++] = start_time;
	return 0;
}

static int add_met(struct procscan *scan, pid_t pid)
{
	if (grow((void **)&scan->met, scan->met_count, &scan->met_room, sizeof(*scan->met)))
		return -ENOMEM;
	scan->met[scan->met_count++] = pid;
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

static int parse_pid(const char *name, pid_t *ret)
{
	unsigned long value;

	if (addr_parse_number(name, INT32_MAX, &value))
		return -EINVAL;
	*ret = (pid_t)value;
	return 0;
}

struct status {
	pid_t pid; /* the process's, whichever of its threads was looked at */
	bool dead; /* a zombie; others of its threads may live */
	uid_t uids[UIDS_A_THREAD]; /* in the order of the Uid: line */
};

enum { UID_REAL, UID_EFFECTIVE, UID_SAVED };

static int parse_uids(char *line, uid_t uids[UIDS_A_THREAD])
{
	line[strcspn(line, "\n")] = '\0';
	for (int i = 0; i < UIDS_A_THREAD; i++) {
		char *word = strsep(&line, "\t");
		unsigned long uid;

		if (!word || addr_parse_number(word, UINT32_MAX, &uid))
			return -EIO;
		uids[i] = (uid_t)uid;
	}
	return 0;
}

/* Only the start of the file: groups follow, and there may be very many. -ENOENT, -ESRCH: it is gone. */
static int read_status(int dir_fd, const char *path, struct status *ret)
{
	char text[STATUS_MAX], *state, *pid, *uids;
	int r = read_file(dir_fd, path, text, sizeof(text));

	if (r)
		return r;
	state = status_value(text, "\nState:");
	pid = status_value(text, "\nTgid:");
	uids = status_value(text, "\nUid:");
	if (!state || !pid || !uids)
		return -EIO;
	ret->dead = is_dead(*state);
	pid[strcspn(pid, "\n")] = '\0';
	r = parse_pid(pid, &ret->pid);
	return r ? -EIO : parse_uids(uids, ret->uids);
}

static int add_status(struct procscan *scan, const struct status *status, uint64_t start_time)
{
	const uid_t *uids = status->uids;
	int r = 0;

	for (int i = 0; !r && i < UIDS_A_THREAD; i++)
		r = add_owner(scan, status->pid, uids[i]);
	if (!r && uids[UID_REAL] != 0 && (uids[UID_EFFECTIVE] == 0 || uids[UID_SAVED] == 0))
		r = add_passage(scan, start_time);
	return r;
}

static int read_thread(struct procscan *scan, int task_fd, const char *tid, uint64_t start_time)
{
	struct status status;
	char path[32];
	int r;

	snprintf(path, sizeof(path), "%.16s/status", tid);
	r = read_status(task_fd, path, &status);
	if (is_gone(r))
		return 0;
	return r || status.dead ? r : add_status(scan, &status, start_time);
}

static void close_dirp(DIR **dir)
{
	int saved = errno;

	if (*dir)
		closedir(*dir);
	errno = saved;
}
#define AUTO_DIR __attribute__((cleanup(close_dirp)))

/* They may have other uids than the process's first. */
static int read_threads(struct procscan *scan, pid_t pid, uint64_t start_time)
{
	AUTO_DIR DIR *dir = NULL;
	struct dirent *entry;
	char path[32];
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return is_gone(-errno) ? 0 : -errno;
	while (!r && (errno = 0, entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			r = read_thread(scan, dirfd(dir), entry->d_name, start_time);
	if (!r && errno && !is_gone(-errno))
		r = -errno;
	return r;
}

/*
 * A zombie whose threads live counts as what it was: going through its threads one by one, we could miss
 * one that makes the next and ends before we come to it. 1: there is no such process.
 */
static int read_process(struct procscan *scan, pid_t pid)
{
	struct stat_line line;
	struct status status;
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	r = read_status(AT_FDCWD, path, &status);
	if (!r)
		r = read_stat(pid, &line);
	if (is_gone(r))
		return 1;
	if (r || (status.dead && line.threads <= 1))
		return r;
	r = add_status(scan, &status, line.start_time);
	return r || line.threads <= 1 ? r : read_threads(scan, pid, line.start_time);
}

/* Of pids, and of owners, which begin with one. */
static int by_pid(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return x < y ? -1 : x > y;
}

static int meet_first(struct procscan *scan, pid_t pid)
{
	int r = read_process(scan, pid);

	return r > 0 ? 0 : r < 0 ? r : add_met(scan, pid);
}

static int meet_unmet(struct procscan *scan, pid_t pid)
{
	int r = 0;

	if (!scan->met_count || !bsearch(&pid, scan->met, scan->met_count, sizeof(pid), by_pid))
		r = read_process(scan, pid);
	return r > 0 ? 0 : r;
}

static int pass(struct procscan *scan, int (*meet)(struct procscan *, pid_t), const struct deadline *deadline)
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
			r = meet(scan, pid);
		if (!r && deadline_left_ms(deadline) == 0)
			r = -ETIMEDOUT;
	}
	return r ? r : -errno;
}

/*
 * A child has its id before it is in /proc, for as long as its parent makes of it: somebody who ended between our
 * reading the list and our coming to it may have left one with an old id that the list did not have. It is there by
 * now, for who forks has not ended. What such a one makes has a new id.
 */
static int pass_twice(struct procscan *scan, const struct deadline *deadline)
{
	int r = pass(scan, meet_first, deadline);

	if (r)
		return r;
	if (scan->met_count)
		qsort(scan->met, scan->met_count, sizeof(*scan->met), by_pid);
	return pass(scan, meet_unmet, deadline);
}

/* How far the giving out of process ids has come. */
struct clock_hand {
	pid_t newest;        /* last field of /proc/loadavg */
	unsigned long forks; /* since boot, of all namespaces: "processes" of /proc/stat */
};

static int read_newest(pid_t *ret)
{
	char text[128], *last;
	int r = read_file(AT_FDCWD, "/proc/loadavg", text, sizeof(text));

	if (r)
		return r;
	text[strcspn(text, "\n")] = '\0';
	last = strrchr(text, ' ');
	return last ? parse_pid(last + 1, ret) : -EIO;
}

static int read_forks(unsigned long *ret)
{
	AUTO_FREE char *line = NULL;
	FILE *file = fopen("/proc/stat", "re");
	size_t size = 0;
	int r = -EIO;

	if (!file)
		return -errno;
	while (r && getline(&line, &size, file) > 0)
		if (strncmp(line, "processes ", strlen("processes ")) == 0) {
			line[strcspn(line, "\n")] = '\0';
			r = addr_parse_number(line + strlen("processes "), ULONG_MAX, ret);
		}
	fclose(file);
	return r;
}

static int read_hand(struct clock_hand *ret)
{
	int r = read_newest(&ret->newest);

	return r ? r : read_forks(&ret->forks);
}

/* What was made meanwhile, and what was made while we looked at that, until nothing new was. */
static int look_at_new(struct procscan *scan, pid_t seen, const struct deadline *deadline)
{
	pid_t newest;
	int r = read_newest(&newest);

	while (!r && newest != seen) {
		if (newest < seen)
			return -EAGAIN; /* the ids wrapped round */
		while (r >= 0 && seen < newest)
			r = read_process(scan, ++seen);
		r = r < 0 ? r : 0;
		if (!r && deadline_left_ms(deadline) == 0)
			r = -ETIMEDOUT;
		if (!r)
			r = read_newest(&newest);
	}
	return r;
}

/*
 * A process that was there before the passes is met by them, unless it ended: then what it made, or what that made,
 * got its id after they began. So whoever outruns them is among the new ids, wherever the ids stood.
 */
static int pass_unless_overtaken(struct procscan *scan, const struct deadline *deadline)
{
	struct clock_hand before, after;
	int r = read_hand(&before);

	scan->count = scan->passage_count = scan->met_count = 0;
	if (!r)
		r = pass_twice(scan, deadline);
	if (!r)
		r = look_at_new(scan, before.newest, deadline);
	if (!r)
		r = read_hand(&after);
	/* More than that many, and the ids may have gone all the way round. */
	return !r && after.forks - before.forks > FORKS_A_PASS_MAX ? -EAGAIN : r;
}

int procscan_take(const struct deadline *deadline, struct fault *fault, struct procscan **ret)
{
	/* Somebody who forks for ever must not keep the caller, and its lock, until its own deadline. */
	const struct deadline soon = deadline_sooner(*deadline, deadline_in_ms(SCAN_MS));
	struct procscan *scan = calloc(1, sizeof(*scan));
	int r = scan ? 0 : -ENOMEM;

	while (scan && (r = pass_unless_overtaken(scan, &soon)) == -EAGAIN)
		if (deadline_left_ms(&soon) == 0) {
			r = -ETIMEDOUT;
			break;
		}
	if (r) {
		procscan_free(scan);
		if (r != -ETIMEDOUT)
			r = util_is_scarce(-r) ? -ENOMEM : -EIO;
		return fault_set(fault, r, "/proc: read: %s", strerror(-r));
	}
	if (scan->count) /* a new one may have been met twice */
		qsort(scan->owners, scan->count, sizeof(*scan->owners), by_pid);
	*ret = scan;
	return 0;
}

void procscan_free(struct procscan *scan)
{
	if (scan) {
		free(scan->owners);
		free(scan->passages);
		free(scan->met);
	}
	free(scan);
}

unsigned int procscan_count(const struct procscan *scan, struct uid_range uids)
{
	return procscan_count_all(scan, &(struct uid_ranges){ .items = &uids, .count = 1 });
}

unsigned int procscan_count_all(const struct procscan *scan, const struct uid_ranges *uids)
{
	unsigned int count = 0;
	pid_t counted = 0;

	for (size_t i = 0; i < scan->count; i++) {
		const struct owner *owner = &scan->owners[i];

		if (owner->pid == counted || !uid_ranges_find(uids, (struct uid_range){ owner->uid, owner->uid }))
			continue;
		counted = owner->pid;
		count++;
	}
	return count;
}

bool procscan_first_uid(const struct procscan *scan, struct uid_range uids, uid_t *ret)
{
	bool found = false;

	for (size_t i = 0; i < scan->count; i++) {
		uid_t uid = scan->owners[i].uid;

		if (uid < uids.first || uid > uids.last || (found && uid >= *ret))
			continue;
		*ret = uid;
		found = true;
	}
	return found;
}

bool procscan_has_passage(const struct procscan *scan, uint64_t since)
{
	for (size_t i = 0; i < scan->passage_count; i++)
		if (scan->passages[i] >= since)
			return true;
	return false;
}
