/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tracer.h"

#include "errors.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS_MAX 20000 /* more: it does not come to an end */
#define CALL_STOP (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */

/* ---- the registers: the one thing here that knows a machine ------------------------------------- */

#if defined(__x86_64__)

bool tracer_can_fail(void)
{
	return true;
}

/* The kernel makes no call of this number. brk says no by changing nothing: 0 asks where the end is. */
static unsigned long long skip_call(pid_t pid, long number)
{
	struct user_regs_struct regs;
	unsigned long long first;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
		err(2, "registers");
	first = regs.rdi;
	if (number == SYS_brk)
		regs.rdi = 0;
	else
		regs.orig_rax = (unsigned long long)-1;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs))
		err(2, "registers");
	return first;
}

/* FIRST: the argument, which must be as it was. */
static void set_result(pid_t pid, long number, long result, unsigned long long first)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
		err(2, "registers");
	if (number == SYS_brk)
		regs.rdi = first;
	else
		regs.rax = (unsigned long long)result;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs))
		err(2, "registers");
}

#else

bool tracer_can_fail(void)
{
	return false;
}

static unsigned long long skip_call(pid_t pid, long number)
{
	(void)pid;
	(void)number;
	return 0;
}

static void set_result(pid_t pid, long number, long result, unsigned long long first)
{
	(void)pid;
	(void)number;
	(void)result;
	(void)first;
}

#endif

pid_t tracer_fork(void)
{
	pid_t pid;

	for (int i = 0; (pid = fork()) < 0 && errno == EAGAIN && i < 1000; i++)
		usleep(10000);
	return pid;
}

/* ---- stepping ------------------------------------------------------------------------------------ */

/* Between prepare and act, and after act, the victim stops itself by kill(2), which nothing else of it calls. */
static _Noreturn void be_victim(const struct victim *victim)
{
	pid_t self = getpid();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(125);
	if (victim->prepare)
		victim->prepare(victim->data);
	syscall(SYS_kill, self, SIGSTOP);
	victim->act(victim->data);
	syscall(SYS_kill, self, SIGSTOP);
	_exit(124);
}

static pid_t begin(const struct victim *victim)
{
	int status;
	pid_t pid = tracer_fork();

	if (pid == 0)
		be_victim(victim);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(2, "victim");
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP)
		errx(2, "victim: was not ready: status %x", status);
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE))
		err(2, "ptrace");
	return pid;
}

/* A process that the victim has made, which stands before its first call. */
static pid_t child_of(pid_t pid)
{
	unsigned long child = 0;
	int status;

	if (ptrace(PTRACE_GETEVENTMSG, pid, NULL, &child) || waitpid((pid_t)child, &status, __WALL) != (pid_t)child)
		err(2, "victim: child");
	return (pid_t)child;
}

/* To the next stop at a call, past signals. False: it is gone, see *ret_status. *ret_child: whom it made; else 0. */
static bool step(pid_t pid, int *ret_status, pid_t *ret_child)
{
	int signal = 0;

	*ret_child = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, signal) || waitpid(pid, ret_status, __WALL) != pid)
			err(2, "victim: step");
		if (!WIFSTOPPED(*ret_status))
			return false;
		if (WSTOPSIG(*ret_status) == CALL_STOP)
			return true;
		if (*ret_status >> 8 == (SIGTRAP | PTRACE_EVENT_CLONE << 8)) {
			*ret_child = child_of(pid);
			return true;
		}
		/* The stop that prepare ended with is over; what else comes is delivered. */
		signal = WSTOPSIG(*ret_status) == SIGSTOP ? 0 : WSTOPSIG(*ret_status);
	}
}

static struct __ptrace_syscall_info info(pid_t pid)
{
	struct __ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		err(2, "ptrace: call");
	return info;
}

static int end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	if (waitpid(pid, &status, __WALL) != pid)
		err(2, "victim: kill");
	return status;
}

static void die(struct run *run)
{
	run->status = end(run->pid);
}

/* For the report: the name that most calls have in second place. */
static void read_path(struct run *run, pid_t pid, const struct __ptrace_syscall_info *at)
{
	struct iovec here = { run->path, sizeof(run->path) - 1 };
	struct iovec there = { (void *)(uintptr_t)at->entry.args[1], sizeof(run->path) - 1 };

	if (!errors_has_path(run->number) || process_vm_readv(pid, &here, 1, &there, 1, 0) <= 0)
		run->path[0] = '\0';
}

/* At the entry of the call; true if PID goes on. */
static bool hit(struct run *run, pid_t pid, const struct blow *blow, const struct __ptrace_syscall_info *at,
		bool *ret_failing)
{
	long number = (long)at->entry.nr;

	run->number = number;
	read_path(run, pid, at);
	if (blow->harm == HARM_KILL) {
		*(pid == run->pid ? &run->status : &(int){ 0 }) = end(pid);
		return false;
	}
	run->error = blow->error ? blow->error : errors_likely(number);
	run->spared = errors_never(number, at->entry.args[1]);
	if (run->spared)
		return true;
	/* A descriptor is closed whatever close says. */
	if (number != SYS_close)
		run->first = skip_call(pid, number);
	*ret_failing = true;
	return true;
}

/*
 * Until PID is gone, or has ended what it had to do. A process that the victim makes goes its whole way first: then its
 * calls have their numbers as well, the same each time. Killed, it alone is.
 */
static void follow(struct run *run, pid_t pid, const struct blow *blow)
{
	int *status = pid == run->pid ? &run->status : &(int){ 0 };
	bool failing = false;
	pid_t child;

	while (step(pid, status, &child)) {
		struct __ptrace_syscall_info at;

		if (child) {
			follow(run, child, blow);
			continue;
		}
		at = info(pid);
		if (at.op == PTRACE_SYSCALL_INFO_EXIT && failing) {
			set_result(pid, run->number, -run->error, run->first);
			failing = false;
		}
		if (at.op != PTRACE_SYSCALL_INFO_ENTRY)
			continue;
		if (at.entry.nr == SYS_kill && pid == run->pid) {
			run->ended = true;
			return;
		}
		if (run->points++ > CALLS_MAX) {
			run->endless = true;
			*status = end(pid);
			return;
		}
		if (blow->harm != HARM_NONE && run->points == blow->point && !hit(run, pid, blow, &at, &failing))
			return;
	}
}

struct run tracer_run(const struct victim *victim, const struct blow *blow)
{
	struct run run = { .pid = begin(victim), .number = -1 };

	follow(&run, run.pid, blow);
	return run;
}

void tracer_finish(const struct run *run)
{
	struct run copy = *run;

	if (run->ended)
		die(&copy);
}
