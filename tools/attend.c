/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "attend.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT };

static sigset_t awaited(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		sigaddset(&set, passed_on[i]);
	return set;
}

/* What is ignored and blocked waits all the same, and is passed on: whether it counts is for the command to say. */
void attend_begin(sigset_t *ret_ignored)
{
	static const int may_be_ignored[] = { SIGHUP, SIGINT, SIGQUIT };
	sigset_t set = awaited();

	sigemptyset(ret_ignored);
	for (size_t i = 0; i < sizeof(may_be_ignored) / sizeof(may_be_ignored[0]); i++) {
		struct sigaction action;

		if (sigaction(may_be_ignored[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			sigaddset(ret_ignored, may_be_ignored[i]);
	}
	/* Ignored, the first would take the child's status away, and the second would not stop us. */
	signal(SIGCHLD, SIG_DFL);
	signal(SIGTSTP, SIG_DFL);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* What the terminal sends, it sends to the whole process group; but a hangup also to the leader of the session alone. */
static bool is_for_command(const siginfo_t *info)
{
	return info->si_signo != SIGCHLD && (info->si_code != SI_KERNEL || info->si_signo == SIGHUP);
}

/* Without effect where no shell could continue us: the kernel ignores it in an orphaned process group. */
static void stop_here(void)
{
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &stop, NULL);
	sigprocmask(SIG_BLOCK, &stop, NULL);
}

/* A command with jobs of its own had the terminal; the shell that continues us gives it to us. */
static void stop_too(pid_t child)
{
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	pid_t jobs = tty < 0 ? -1 : tcgetpgrp(tty);

	stop_here();
	if (jobs > 0 && jobs == getpgid(child) && tcgetpgrp(tty) == getpgrp())
		tcsetpgrp(tty, jobs);
	if (tty >= 0)
		close(tty);
}

/* True when it has ended. */
static bool look(pid_t child, int *ret_status)
{
	int status;

	while (waitpid(child, &status, WNOHANG | WUNTRACED) == child) {
		if (!WIFSTOPPED(status)) {
			*ret_status = status;
			return true;
		}
		stop_too(child);
	}
	return false;
}

int attend(pid_t child)
{
	const sigset_t set = awaited();
	siginfo_t info;
	int status = 0;

	while (!look(child, &status)) {
		if (sigwaitinfo(&set, &info) > 0 && is_for_command(&info))
			kill(child, info.si_signo);
	}
	return status;
}
