/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ledger-home.h"

#include "files.h"
#include "lock.h"
#include "procscan.h"
#include "util.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define LOCK_NAME "lock"
#define NET_NAME_MAX 40
#define PIDNS_TEXT_MAX 64
#define FIRST_PIDNS 0xeffffffcU /* linux, proc_ns.h, since 3.8 */
#define FIRST_NETWORK "/proc/sys/net/core/dev_weight"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* linux 5.14, asm-generic/socket.h */
#endif

void ledger_tell(struct ledger *ledger, const char *format, ...)
{
	char text[FAULT_LINE_MAX], line[FAULT_LINE_MAX];
	va_list args;

	if (!ledger->report)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(line, sizeof(line), "%s/%.300s", ledger->path, text);
	fault_clean_line(line);
	ledger->report(line, ledger->report_data);
}

int ledger_fail(const struct ledger *ledger, struct fault *fault, int error, const char *format, ...)
{
	char text[FAULT_LINE_MAX];
	va_list args;

	error = util_is_scarce(-error) ? -ENOMEM : -EIO;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return fault_set(fault, error, "%s/%s", ledger->path, text);
}

/* Inode numbers of namespaces are reused at once; the cookie is not. */
static int net_cookie(uint64_t *ret)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie;
	socklen_t length = sizeof(cookie);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length))
		return -errno;
	*ret = cookie;
	return 0;
}

static int net_name(struct ledger *ledger, const char *statedir, char name[NET_NAME_MAX],
		    struct fault *fault)
{
	uint64_t cookie = 0;
	int r = net_cookie(&cookie);

	if (r)
		return fault_set(fault, util_is_scarce(-r) ? -ENOMEM : -EIO, "network namespace: cookie: %s",
				 strerror(-r));
	snprintf(name, NET_NAME_MAX, "net-%llu", (unsigned long long)cookie);
	if (asprintf(&ledger->path, "%s/%s", statedir, name) < 0) {
		ledger->path = NULL;
		return fault_set(fault, -ENOMEM, "%s: no memory", statedir);
	}
	return 0;
}

/*
 * A container may have the host's network, and a /run and processes of its own: its ledger knows nothing of those whom
 * the host's holds. Its kernel tells: this number is PROC_PID_INIT_INO, and that sysctl only the first network has.
 */
static bool is_guest_of_host(ino_t pidns)
{
	return pidns != FIRST_PIDNS && faccessat(AT_FDCWD, FIRST_NETWORK, F_OK, 0) == 0;
}

/* The namespace's inode number, which is reused, with the start of its first process, which is not. */
static int own_pidns(char text[PIDNS_TEXT_MAX], bool *ret_guest)
{
	struct stat st;
	uint64_t start;

	if (stat("/proc/self/ns/pid", &st))
		return -errno;
	if (procscan_start_time(1, &start))
		return -EIO;
	snprintf(text, PIDNS_TEXT_MAX, "%llu %llu\n", (unsigned long long)st.st_ino,
		 (unsigned long long)start);
	*ret_guest = is_guest_of_host(st.st_ino);
	return 0;
}

/*
 * Processes can be judged from one pid namespace only: that of the first who used the ledger, until it is
 * empty and somebody else needs it. The first network namespace is the first pid namespace's.
 */
static int settle_pidns(struct ledger *ledger, struct fault *fault)
{
	char own[PIDNS_TEXT_MAX], theirs[PIDNS_TEXT_MAX];
	bool guest = false;
	int r = own_pidns(own, &guest);

	/* Who cannot tell where he is judges nobody. */
	ledger->is_lost = r && !util_is_scarce(-r);
	if (ledger->is_lost || guest)
		return 0;
	if (!r)
		r = files_read(ledger->net_fd, PIDNS_NAME, theirs, sizeof(theirs));
	if (util_is_scarce(-r))
		return ledger_fail(ledger, fault, -ENOMEM, PIDNS_NAME ": %s", strerror(-r));
	ledger->is_lost = r && r != -ENOENT;
	ledger->sees_processes = r == 0 && strcmp(own, theirs) == 0;
	if (ledger->sees_processes || ledger->lock_fd < 0 || (r != -ENOENT && ledger_has_any(ledger)))
		return 0;
	r = files_write(ledger->net_fd, PIDNS_NAME, own, strlen(own));
	if (r)
		return ledger_fail(ledger, fault, r, PIDNS_NAME ": write: %s", strerror(-r));
	ledger->is_lost = false;
	ledger->sees_processes = true;
	return 0;
}

static struct ledger *ledger_new(void)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));

	if (ledger)
		ledger->net_fd = ledger->lock_fd = ledger->uid_fd = -1;
	return ledger;
}

static void ledger_closep(struct ledger **ledger)
{
	ledger_close(*ledger);
}
#define AUTO_LEDGER __attribute__((cleanup(ledger_closep)))

int ledger_open(const char *statedir, const struct deadline *deadline, struct fault *fault,
		struct ledger **ret)
{
	AUTO_LEDGER struct ledger *ledger = ledger_new();
	AUTO_CLOSE int state_fd = -1;
	char name[NET_NAME_MAX];
	int r;

	if (!ledger)
		return fault_set(fault, -ENOMEM, "%s: no memory", statedir);
	r = files_make_dir(AT_FDCWD, statedir, fault, &state_fd);
	if (!r)
		r = lock_take(state_fd, LOCK_NAME, deadline, fault, &ledger->lock_fd);
	if (!r)
		r = net_name(ledger, statedir, name, fault);
	if (!r)
		r = files_make_dir(state_fd, name, fault, &ledger->net_fd);
	if (!r)
		r = settle_pidns(ledger, fault);
	if (!r)
		*ret = util_steal(ledger);
	return r;
}

int ledger_peek(const char *statedir, struct fault *fault, struct ledger **ret)
{
	AUTO_LEDGER struct ledger *ledger = ledger_new();
	AUTO_CLOSE int state_fd = -1;
	char name[NET_NAME_MAX];
	int r;

	if (!ledger)
		return fault_set(fault, -ENOMEM, "%s: no memory", statedir);
	r = net_name(ledger, statedir, name, fault);
	if (!r)
		r = files_open_dir(AT_FDCWD, statedir, fault, &state_fd);
	if (!r)
		r = files_open_dir(state_fd, name, fault, &ledger->net_fd);
	if (r == -ENOENT) {
		fault_clear(fault);
		*ret = NULL;
		return 0;
	}
	if (!r)
		r = settle_pidns(ledger, fault);
	if (!r)
		*ret = util_steal(ledger);
	return r;
}

void ledger_close(struct ledger *ledger)
{
	if (!ledger)
		return;
	if (ledger->uid_fd >= 0)
		close(ledger->uid_fd);
	if (ledger->net_fd >= 0)
		close(ledger->net_fd);
	if (ledger->lock_fd >= 0)
		close(ledger->lock_fd);
	free(ledger->owned);
	free(ledger->path);
	free(ledger);
}

void ledger_set_report(struct ledger *ledger, ledger_report_fn *report, void *data)
{
	ledger->report = report;
	ledger->report_data = data;
	if (ledger->is_lost && ledger->lock_fd >= 0)
		ledger_tell(ledger, PIDNS_NAME ": this one or that of the ledger cannot be read: nothing is released");
}

bool ledger_sees_processes(const struct ledger *ledger)
{
	return ledger->sees_processes;
}

const char *ledger_path(const struct ledger *ledger)
{
	return ledger->path;
}
