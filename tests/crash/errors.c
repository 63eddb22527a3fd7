/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "errors.h"

#include "tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>

const int errors_all[] = { ENOMEM, ENOSPC, EMFILE, EIO, EAGAIN, EINTR, EPERM };
const size_t errors_all_count = sizeof(errors_all) / sizeof(errors_all[0]);

#define NEVER 0

/* Not every machine has each; the names are for the reader. */
#ifndef SYS_faccessat2
#define SYS_faccessat2 439 /* linux 5.8, the same everywhere */
#endif
#define CALL(name, error) { SYS_##name, #name, error }

static const struct {
	long number;
	const char *name;
	int error;
} calls[] = {
#ifdef SYS_access
	CALL(access, EIO),
#endif
#ifdef SYS_getdents
	CALL(getdents, EIO),
#endif
#ifdef SYS_mkdir
	CALL(mkdir, ENOSPC),
#endif
#ifdef SYS_open
	CALL(open, EMFILE),
#endif
#ifdef SYS_poll
	CALL(poll, EINTR),
#endif
#ifdef SYS_readlink
	CALL(readlink, EIO),
#endif
#ifdef SYS_stat
	CALL(stat, EIO),
#endif
#ifdef SYS_unlink
	CALL(unlink, EIO),
#endif
	CALL(bind, ENOMEM),
	CALL(brk, ENOMEM),
	CALL(capset, EPERM),
	CALL(clock_nanosleep, EINTR),
	CALL(clone, EAGAIN),
	CALL(close, EIO),
	CALL(close_range, ENOMEM),
	CALL(connect, EAGAIN),
	CALL(exit, NEVER),
	CALL(exit_group, NEVER),
	CALL(faccessat, EIO),
	CALL(faccessat2, ENOMEM),
	CALL(fcntl, EMFILE),
	CALL(flock, EINTR),
	CALL(fstat, EIO),
	CALL(fstatfs, EIO),
	CALL(fsync, EIO),
	CALL(futex, EAGAIN),
	CALL(getdents64, EIO),
	CALL(getegid, NEVER),
	CALL(geteuid, NEVER),
	CALL(getgid, NEVER),
	CALL(getpid, NEVER),
	CALL(getppid, NEVER),
	CALL(getpriority, EPERM),
	CALL(getrandom, EAGAIN),
	CALL(getresuid, EPERM),
	CALL(getsockname, EIO),
	CALL(getsockopt, ENOMEM),
	CALL(gettid, NEVER),
	CALL(getuid, NEVER),
	CALL(kill, EPERM),
	CALL(lseek, EIO),
	CALL(mkdirat, ENOSPC),
	CALL(mmap, ENOMEM),
	CALL(mprotect, ENOMEM),
	CALL(mremap, ENOMEM),
	CALL(munmap, ENOMEM),
	CALL(newfstatat, EIO),
	CALL(openat, EMFILE),
	CALL(ppoll, EINTR),
	CALL(prctl, EPERM),
	CALL(pread64, EIO),
	CALL(prlimit64, EPERM),
	CALL(read, EIO),
	CALL(readlinkat, EIO),
	CALL(recvfrom, EINTR),
	CALL(recvmsg, ENOBUFS),
	CALL(renameat, EIO),
	CALL(renameat2, EIO),
	CALL(rt_sigprocmask, EPERM),
	CALL(rt_sigreturn, NEVER),
	CALL(sched_getscheduler, EPERM),
	CALL(sched_setscheduler, EPERM),
	CALL(sendmsg, ENOBUFS),
	CALL(sendto, ENOBUFS),
	CALL(setgroups, ENOMEM),
	CALL(setpriority, EPERM),
	CALL(setresgid, EAGAIN),
	CALL(setresuid, EAGAIN),
	CALL(setsockopt, ENOMEM),
	CALL(socket, EMFILE),
	CALL(statfs, EIO),
	CALL(umask, NEVER),
	CALL(unlinkat, EIO),
	CALL(wait4, EINTR),
	CALL(write, ENOSPC),
};

#define COUNT (sizeof(calls) / sizeof(calls[0]))

int errors_likely(long number)
{
	for (size_t i = 0; i < COUNT; i++)
		if (calls[i].number == number && calls[i].error != NEVER)
			return calls[i].error;
	return EIO;
}

/* No kernel refuses F_SETFD for a descriptor that is open; libiptc aborts if one did. */
bool errors_never(long number, unsigned long second)
{
	if (number == SYS_fcntl && (second == F_SETFD || second == F_GETFD))
		return true;
	for (size_t i = 0; i < COUNT; i++)
		if (calls[i].number == number)
			return calls[i].error == NEVER;
	return false;
}

bool errors_has_path(long number)
{
	return number == SYS_openat || number == SYS_faccessat2 || number == SYS_newfstatat || number == SYS_unlinkat || number == SYS_mkdirat ||
	       number == SYS_renameat || number == SYS_readlinkat;
}

const char *tracer_call_name(long number)
{
	static char text[32];

	for (size_t i = 0; i < COUNT; i++)
		if (calls[i].number == number)
			return calls[i].name;
	snprintf(text, sizeof(text), "call number %ld", number);
	return text;
}
