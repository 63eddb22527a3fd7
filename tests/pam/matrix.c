/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that opens and closes PAM sessions step by step:
 *
 *	matrix CONFDIR SERVICE USER STEP...
 *
 *	open, close     calls; prints "open PAM_SUCCESS"
 *	rounds=N        opens and closes N times; prints the last of both
 *	child-close     closes in a forked child, which then ends its handle for good
 *	child-end       a forked child ends its copy of the handle, as sshd's does
 *	wait            prints "waiting", goes on when a line comes on standard input
 *	same            prints "same" if the process is as it was before all that, or what is not
 *	end             ends the handle and starts another one
 *	tty=, rhost=    sets the item
 *	no-net-admin    gives up the capability
 *	euid=N, ruid=N  another effective, or real and saved, uid
 *	more-fds=N      so many descriptors more can be opened, and no more
 *	cpu=N           CPU limit in seconds
 *
 * Results go to descriptor 3, so that standard output and error show what the modules print: nothing.
 * Status 0 unless a step itself could not be done. No conversation: a module that asks gets an error.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#define RESULTS 3
#define SEEN_MAX 65536
#define LIMITS RLIM_NLIMITS

extern char **environ;

struct process {
	char text[SEEN_MAX]; /* all that a caller may rely on, a line each */
	size_t length;
};

static struct {
	const char *confdir, *service, *user;
	pam_handle_t *pamh;
	struct process before;
} matrix;

static _Noreturn void fail(const char *what)
{
	dprintf(RESULTS, "cannot %s: %s\n", what, strerror(errno));
	exit(2);
}

static const char *code_name(int code)
{
	static const char *const names[] = {
		[PAM_SUCCESS] = "PAM_SUCCESS",         [PAM_OPEN_ERR] = "PAM_OPEN_ERR",
		[PAM_SYMBOL_ERR] = "PAM_SYMBOL_ERR",   [PAM_SERVICE_ERR] = "PAM_SERVICE_ERR",
		[PAM_SYSTEM_ERR] = "PAM_SYSTEM_ERR",   [PAM_BUF_ERR] = "PAM_BUF_ERR",
		[PAM_PERM_DENIED] = "PAM_PERM_DENIED", [PAM_SESSION_ERR] = "PAM_SESSION_ERR",
		[PAM_IGNORE] = "PAM_IGNORE",           [PAM_ABORT] = "PAM_ABORT",
		[PAM_MODULE_UNKNOWN] = "PAM_MODULE_UNKNOWN",
	};
	size_t count = sizeof(names) / sizeof(names[0]);

	return code >= 0 && (size_t)code < count && names[code] ? names[code] : "another code";
}

/* ---- what a process is ------------------------------------------------------------------------- */

static void see(struct process *process, const char *format, ...)
{
	size_t room = SEEN_MAX - process->length;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(process->text + process->length, room, format, args);
	va_end(args);
	if (length > 0)
		process->length += (size_t)length < room ? (size_t)length : room - 1;
}

/* Bounded: the limit may be as high as the kernel allows. */
static void see_descriptors(struct process *process)
{
	char path[32], target[256];

	for (int fd = 0; fd < 256; fd++) {
		ssize_t length;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		length = readlink(path, target, sizeof(target) - 1);
		if (length >= 0)
			see(process, "descriptor %d %.*s flags %d\n", fd, (int)length, target,
			    fcntl(fd, F_GETFD));
	}
}

static void see_signals(struct process *process)
{
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int number = 1; number < _NSIG; number++) {
		struct sigaction action;

		if (sigaction(number, NULL, &action) == 0)
			see(process, "signal %d blocked %d handler %p flags %x\n", number,
			    sigismember(&mask, number), (void *)action.sa_handler, action.sa_flags);
	}
}

static void see_process(struct process *process)
{
	char directory[4096];
	struct rlimit limit;
	uid_t uids[3];
	gid_t gids[3];
	mode_t mask = umask(0);

	umask(mask);
	process->length = 0;
	getresuid(&uids[0], &uids[1], &uids[2]);
	getresgid(&gids[0], &gids[1], &gids[2]);
	see(process, "uids %u %u %u\n", uids[0], uids[1], uids[2]);
	see(process, "gids %u %u %u\n", gids[0], gids[1], gids[2]);
	see(process, "umask %o\ndirectory %s\n", mask, getcwd(directory, sizeof(directory)));
	see(process, "no-new-privs %d dumpable %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
	    prctl(PR_GET_DUMPABLE));
	for (int i = 0; i < (int)LIMITS; i++)
		if (getrlimit(i, &limit) == 0)
			see(process, "limit %d %lu %lu\n", i, limit.rlim_cur, limit.rlim_max);
	for (char **variable = environ; *variable; variable++)
		see(process, "environment %s\n", *variable);
	see_signals(process);
	see_descriptors(process);
}

static void tell_differences(const struct process *before, const struct process *now)
{
	const char *a = before->text, *b = now->text;

	if (strcmp(a, b) == 0) {
		dprintf(RESULTS, "same\n");
		return;
	}
	while (*a && *a == *b) {
		a++;
		b++;
	}
	while (a > before->text && a[-1] != '\n') {
		a--;
		b--;
	}
	dprintf(RESULTS, "was %.*s, is %.*s\n", (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"), b);
}

static void same(void)
{
	static struct process now;

	see_process(&now);
	tell_differences(&matrix.before, &now);
}

/* ---- steps ------------------------------------------------------------------------------------- */

static int no_conversation(int count, const struct pam_message **messages,
			   struct pam_response **responses, void *data)
{
	(void)count;
	(void)messages;
	(void)responses;
	(void)data;
	return PAM_CONV_ERR;
}

static void start(void)
{
	static const struct pam_conv conversation = { no_conversation, NULL };
	int code = pam_start_confdir(matrix.service, matrix.user, &conversation, matrix.confdir,
				     &matrix.pamh);

	if (code != PAM_SUCCESS)
		fail("start");
}

static void tell(const char *step, int code)
{
	dprintf(RESULTS, "%s %s\n", step, code_name(code));
}

static void step_open(const char *value)
{
	(void)value;
	tell("open", pam_open_session(matrix.pamh, 0));
}

static void step_close(const char *value)
{
	(void)value;
	tell("close", pam_close_session(matrix.pamh, 0));
}

static void step_rounds(const char *value)
{
	int opened = PAM_ABORT, closed = PAM_ABORT;

	for (int i = atoi(value); i > 0 && (opened == PAM_SUCCESS || opened == PAM_ABORT); i--) {
		opened = pam_open_session(matrix.pamh, 0);
		closed = pam_close_session(matrix.pamh, 0);
	}
	tell("open", opened);
	tell("close", closed);
}

/* In a child that then goes without a trace of its own. */
static void in_child(bool close_first)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (close_first)
			tell("child-close", pam_close_session(matrix.pamh, 0));
		pam_end(matrix.pamh, PAM_SUCCESS | (close_first ? 0 : PAM_DATA_SILENT));
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		fail("fork");
}

static void step_child_close(const char *value)
{
	(void)value;
	in_child(true);
}

static void step_child_end(const char *value)
{
	(void)value;
	in_child(false);
}

static void step_wait(const char *value)
{
	char byte;

	(void)value;
	dprintf(RESULTS, "waiting\n");
	while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
		;
}

static void step_same(const char *value)
{
	(void)value;
	same();
}

static void step_end(const char *value)
{
	(void)value;
	pam_end(matrix.pamh, PAM_SUCCESS);
	start();
}

static void step_tty(const char *value)
{
	pam_set_item(matrix.pamh, PAM_TTY, value);
}

static void step_rhost(const char *value)
{
	pam_set_item(matrix.pamh, PAM_RHOST, value);
}

static void step_no_net_admin(const char *value)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	const __u32 bit = 1U << CAP_NET_ADMIN;

	(void)value;
	if (syscall(SYS_capget, &header, data) || prctl(PR_CAPBSET_DROP, CAP_NET_ADMIN, 0, 0, 0))
		fail("drop the capability");
	data[0].effective &= ~bit;
	data[0].permitted &= ~bit;
	data[0].inheritable &= ~bit;
	if (syscall(SYS_capset, &header, data))
		fail("drop the capability");
}

static void step_euid(const char *value)
{
	if (seteuid((uid_t)atoi(value)))
		fail("change the effective uid");
}

static void step_ruid(const char *value)
{
	if (setresuid((uid_t)atoi(value), (uid_t)-1, (uid_t)atoi(value)))
		fail("change the real uid");
}

/* What syslog needs is opened before, or nobody could tell what went wrong. */
static void step_more_fds(const char *value)
{
	struct rlimit limit;
	int next;

	openlog("matrix", LOG_NDELAY | LOG_PID, LOG_AUTHPRIV);
	next = dup(RESULTS);
	if (next < 0 || close(next) || getrlimit(RLIMIT_NOFILE, &limit))
		fail("look for descriptors");
	limit.rlim_cur = (rlim_t)(next + atoi(value));
	if (setrlimit(RLIMIT_NOFILE, &limit))
		fail("limit descriptors");
}

static void step_cpu(const char *value)
{
	const struct rlimit limit = { (rlim_t)atoi(value), (rlim_t)atoi(value) };

	if (setrlimit(RLIMIT_CPU, &limit))
		fail("limit CPU time");
}

static const struct {
	const char *name;
	void (*run)(const char *value);
	bool changes_process; /* before the calls whose effect "same" looks for */
} steps[] = {
	{ "open", step_open, false },
	{ "close", step_close, false },
	{ "rounds=", step_rounds, false },
	{ "child-close", step_child_close, false },
	{ "child-end", step_child_end, false },
	{ "wait", step_wait, false },
	{ "same", step_same, false },
	{ "end", step_end, false },
	{ "tty=", step_tty, false },
	{ "rhost=", step_rhost, false },
	{ "no-net-admin", step_no_net_admin, true },
	{ "euid=", step_euid, true },
	{ "ruid=", step_ruid, true },
	{ "more-fds=", step_more_fds, true },
	{ "cpu=", step_cpu, true },
};

static void run_step(const char *text)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		size_t length = strlen(steps[i].name);
		bool takes_value = steps[i].name[length - 1] == '=';

		if (strncmp(text, steps[i].name, length) != 0 || (!takes_value && text[length]))
			continue;
		steps[i].run(text + length);
		if (steps[i].changes_process)
			see_process(&matrix.before);
		return;
	}
	errno = EINVAL;
	fail(text);
}

/* The first message opens a connection that the C library keeps: not the modules' doing. */
int main(int argc, char **argv)
{
	if (argc < 5 || fcntl(RESULTS, F_GETFD) < 0) {
		fprintf(stderr, "usage: matrix CONFDIR SERVICE USER STEP... 3>RESULTS\n");
		return 2;
	}
	matrix.confdir = argv[1];
	matrix.service = argv[2];
	matrix.user = argv[3];
	openlog("matrix", LOG_NDELAY | LOG_PID, LOG_AUTHPRIV);
	start();
	see_process(&matrix.before);
	for (int i = 4; i < argc; i++)
		run_step(argv[i]);
	pam_end(matrix.pamh, PAM_SUCCESS);
	return 0;
}
