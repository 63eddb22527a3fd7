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

/* Between prepare and act, and after act, the victim stops itself by kill(2), which nothing else calls. */
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
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL))
		err(2, "ptrace");
	return pid;
}

/* To the next stop at a call, past signals. False: it is gone, see *ret_status. */
static bool step(pid_t pid, int *ret_status)
{
	int signal = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, signal) || waitpid(pid, ret_status, 0) != pid)
			err(2, "victim: step");
		if (!WIFSTOPPED(*ret_status))
			return false;
		if (WSTOPSIG(*ret_status) == CALL_STOP)
			return true;
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

static void die(struct run *run)
{
	kill(run->pid, SIGKILL);
	if (waitpid(run->pid, &run->status, 0) != run->pid)
		err(2, "victim: kill");
}

/* For the report: the name that most calls have in second place. */
static void read_path(struct run *run, const struct __ptrace_syscall_info *at)
{
	struct iovec here = { run->path, sizeof(run->path) - 1 };
	struct iovec there = { (void *)(uintptr_t)at->entry.args[1], sizeof(run->path) - 1 };

	if (!errors_has_path(run->number) || process_vm_readv(run->pid, &here, 1, &there, 1, 0) <= 0)
		run->path[0] = '\0';
}

/* At the entry of the call; true if it goes on. */
static bool hit(struct run *run, const struct blow *blow, const struct __ptrace_syscall_info *at, bool *ret_failing)
{
	long number = (long)at->entry.nr;

	run->number = number;
	read_path(run, at);
	if (blow->harm == HARM_KILL) {
		die(run);
		return false;
	}
	run->error = blow->error ? blow->error : errors_likely(number);
	run->spared = errors_never(number, at->entry.args[1]);
	if (run->spared)
		return true;
	/* A descriptor is closed whatever close says. */
	if (number != SYS_close)
		run->first = skip_call(run->pid, number);
	*ret_failing = true;
	return true;
}

struct run tracer_run(const struct victim *victim, const struct blow *blow)
{
	struct run run = { .pid = begin(victim), .number = -1 };
	bool failing = false;

	while (step(run.pid, &run.status)) {
		struct __ptrace_syscall_info at = info(run.pid);

		if (at.op == PTRACE_SYSCALL_INFO_EXIT && failing) {
			set_result(run.pid, run.number, -run.error, run.first);
			failing = false;
		}
		if (at.op != PTRACE_SYSCALL_INFO_ENTRY)
			continue;
		if (at.entry.nr == SYS_kill) {
			run.ended = true;
			return run;
		}
		if (run.points++ > CALLS_MAX) {
			die(&run);
			run.endless = true;
			return run;
		}
		if (blow->harm != HARM_NONE && run.points == blow->point &&
		    !hit(&run, blow, &at, &failing))
			return run;
	}
	return run;
}

void tracer_finish(const struct run *run)
{
	struct run copy = *run;

	if (run->ended)
		die(&copy);
}
