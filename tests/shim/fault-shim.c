/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An LD_PRELOAD library that stands between libiptc and the kernel and lets things go wrong.
 *
 *	EGRESS_SHIM="v6:fail:ENOMEM"  LD_PRELOAD=.../fault-shim.so COMMAND
 *
 * EGRESS_SHIM is a list of faults with commas between them. A fault is
 *
 *	FAMILY:WHAT[:ERRNO][@FROM[-[TO]]]
 *
 * FAMILY is v4 or v6, ERRNO a name such as ENOMEM. @ says at which calls of its kind, in this
 * process and family and counted from 1, the fault happens: @2 at the second, @2- from the second
 * on, @2-3 at both; at every call without it. WHAT is
 *
 *	read:ERRNO     the table cannot be read (SO_GET_INFO fails)
 *	fail:ERRNO     the table cannot be written (SO_SET_REPLACE fails, the old one stays)
 *	live:ERRNO     the table is written, but the call says that it failed
 *	count:ERRNO    the table is written, but its counters cannot be put back
 *	               (SO_SET_ADD_COUNTERS fails): iptc_commit fails although the rules are live
 *	swallow        the table is not written, but the call says that it was; so does the next one
 *	               that puts the counters back
 *	race           before the table is written, the shell command in EGRESS_SHIM_COMMAND runs,
 *	               without the shim and without the host's lock (XTABLES_LOCKFILE)
 *	socket:ERRNO   no socket of the family, as in a sandbox; everything else is there
 *	absent         the kernel has no such family: no socket, no file in /proc/net
 *
 * "v4:fail:EAGAIN@1-2" lets two writes of IPv4 be overtaken. The first fault that fits a call
 * decides. Every fault that happened is written, one a line, to the file that EGRESS_SHIM_LOG
 * names.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libiptc/libip6tc.h>
#include <libiptc/libiptc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The same numbers for both families. */
_Static_assert(IPT_SO_SET_REPLACE == IP6T_SO_SET_REPLACE, "one name is enough");
_Static_assert(IPT_SO_SET_ADD_COUNTERS == IP6T_SO_SET_ADD_COUNTERS, "one name is enough");
_Static_assert(IPT_SO_GET_INFO == IP6T_SO_GET_INFO, "one name is enough");

enum call { CALL_READ, CALL_WRITE, CALL_COUNT, CALL_SOCKET, CALL_FAMILY, CALLS };
enum family { V4, V6, FAMILIES };

static const struct {
	const char *name;
	enum call call;
	bool reaches_kernel;
} whats[] = {
	{ "read", CALL_READ, false },
	{ "fail", CALL_WRITE, false },
	{ "live", CALL_WRITE, true },
	{ "count", CALL_COUNT, false },
	{ "swallow", CALL_WRITE, false },
	{ "race", CALL_WRITE, true },
	{ "socket", CALL_SOCKET, false },
	{ "absent", CALL_FAMILY, false },
};
#define WHATS (sizeof(whats) / sizeof(whats[0]))

struct shim_fault {
	size_t what;
	int error;
	const char *name; /* "v6:fail" */
};

static unsigned int calls[FAMILIES][CALLS];
static bool swallowed[FAMILIES]; /* the last write */

static int parse_errno(const char *name, size_t length)
{
	for (int error = 1; error < 200; error++) {
		const char *known = strerrorname_np(error);

		if (known && strlen(known) == length && strncmp(known, name, length) == 0)
			return error;
	}
	return EIO;
}

static bool fits_number(const char *at, unsigned int number)
{
	unsigned int from, to;
	char dash;

	if (!at)
		return true;
	switch (sscanf(at, "@%u%c%u", &from, &dash, &to)) {
	case 1:
		return number == from;
	case 2:
		return number >= from;
	default:
		return number >= from && number <= to;
	}
}

/* Does the text of one fault, "v6:fail:ENOMEM@2", fit the call? */
static bool fits(char *text, enum family family, enum call call, unsigned int number,
		 struct shim_fault *ret)
{
	char *at = strchr(text, '@'), *what, *error;

	if (!fits_number(at, number))
		return false;
	if (at)
		*at = '\0';
	if (strncmp(text, family == V4 ? "v4:" : "v6:", 3) != 0)
		return false;
	what = text + 3;
	error = strchr(what, ':');
	for (size_t i = 0; i < WHATS; i++) {
		size_t length = error ? (size_t)(error - what) : strlen(what);

		if (whats[i].call != call || strlen(whats[i].name) != length ||
		    strncmp(whats[i].name, what, length) != 0)
			continue;
		ret->what = i;
		ret->error = error ? parse_errno(error + 1, strlen(error + 1)) : 0;
		return true;
	}
	return false;
}

static void tell(const char *fault, unsigned int number)
{
	const char *path = getenv("EGRESS_SHIM_LOG");
	char line[128];
	int fd, length;

	if (!path)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	length = snprintf(line, sizeof(line), "%s %u\n", fault, number);
	if (write(fd, line, (size_t)length) != length)
		abort();
	close(fd);
}

static bool find_fault(enum family family, enum call call, struct shim_fault *ret)
{
	const char *faults = getenv("EGRESS_SHIM");
	unsigned int number = ++calls[family][call];
	char copy[512], *rest = copy, *text;

	if (!faults)
		return false;
	snprintf(copy, sizeof(copy), "%s", faults);
	while ((text = strsep(&rest, ","))) {
		char shown[64];

		snprintf(shown, sizeof(shown), "%s", text);
		if (!fits(text, family, call, number, ret))
			continue;
		tell(shown, number);
		return true;
	}
	return false;
}

static bool is_called(const struct shim_fault *fault, const char *name)
{
	return strcmp(whats[fault->what].name, name) == 0;
}

/* Somebody else's program, that knows nothing of our lock. */
static void race(void)
{
	const char *command = getenv("EGRESS_SHIM_COMMAND");
	char line[1024];

	if (!command)
		abort();
	snprintf(line, sizeof(line),
		 "unset LD_PRELOAD EGRESS_SHIM; export XTABLES_LOCKFILE=/dev/null; %s", command);
	if (system(line) != 0)
		abort();
}

static bool family_of_level(int level, enum family *ret)
{
	if (level != IPPROTO_IP && level != IPPROTO_IPV6)
		return false;
	*ret = level == IPPROTO_IP ? V4 : V6;
	return true;
}

static int fail(int error)
{
	if (!error)
		return 0;
	errno = error;
	return -1;
}

typedef int setsockopt_type(int, int, int, const void *, socklen_t);
typedef int getsockopt_type(int, int, int, void *restrict, socklen_t *restrict);
typedef int socket_type(int, int, int);
typedef int faccessat_type(int, const char *, int, int);

/* Counters for a table that never became real: the kernel would find that their number is wrong. */
static bool belongs_to_swallowed(enum family family, int name)
{
	bool belongs = name == IPT_SO_SET_ADD_COUNTERS && swallowed[family];

	swallowed[family] = false;
	return belongs;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	setsockopt_type *real = (setsockopt_type *)dlsym(RTLD_NEXT, "setsockopt");
	struct shim_fault fault;
	enum family family;
	int result;

	if (!family_of_level(level, &family) ||
	    (name != IPT_SO_SET_REPLACE && name != IPT_SO_SET_ADD_COUNTERS))
		return real(fd, level, name, value, size);
	if (belongs_to_swallowed(family, name))
		return 0;
	if (!find_fault(family, name == IPT_SO_SET_REPLACE ? CALL_WRITE : CALL_COUNT, &fault))
		return real(fd, level, name, value, size);
	if (is_called(&fault, "race"))
		race();
	swallowed[family] = is_called(&fault, "swallow");
	if (!whats[fault.what].reaches_kernel)
		return fail(fault.error);
	result = real(fd, level, name, value, size);
	return result < 0 ? result : fail(fault.error);
}

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict size)
{
	getsockopt_type *real = (getsockopt_type *)dlsym(RTLD_NEXT, "getsockopt");
	struct shim_fault fault;
	enum family family;

	if (family_of_level(level, &family) && name == IPT_SO_GET_INFO &&
	    find_fault(family, CALL_READ, &fault))
		return fail(fault.error);
	return real(fd, level, name, value, size);
}

static bool is_absent(enum family family)
{
	struct shim_fault fault;

	return find_fault(family, CALL_FAMILY, &fault);
}

int socket(int domain, int type, int protocol)
{
	socket_type *real = (socket_type *)dlsym(RTLD_NEXT, "socket");
	enum family family = domain == AF_INET ? V4 : V6;
	struct shim_fault fault;

	if (domain != AF_INET && domain != AF_INET6)
		return real(domain, type, protocol);
	if (is_absent(family))
		return fail(EAFNOSUPPORT);
	if (find_fault(family, CALL_SOCKET, &fault))
		return fail(fault.error);
	return real(domain, type, protocol);
}

int faccessat(int dir, const char *path, int mode, int flags)
{
	faccessat_type *real = (faccessat_type *)dlsym(RTLD_NEXT, "faccessat");

	if (strstr(path, "/net/if_inet6") && is_absent(V6))
		return fail(ENOENT);
	return real(dir, path, mode, flags);
}
