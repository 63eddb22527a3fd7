/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "become.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "terminal.h"

#define PATH_OF_ACCOUNTS "/usr/local/bin:/usr/bin:/bin"
#define CANNOT_RUN 126
#define NOT_FOUND 127

enum exit_code become_prepare(const char *user, struct become *ret)
{
	const struct passwd *passwd;

	errno = 0;
	passwd = getpwnam(user);
	if (!passwd) {
		/* getpwnam(3) has a list of what "not found" may look like. */
		bool unknown = !errno || errno == ENOENT || errno == ESRCH || errno == EBADF || errno == EPERM;

		complain("user \"%s\": %s", user, unknown ? "does not exist" : strerror(errno));
		return EXIT_FAILED;
	}
	ret->ids.uid = passwd->pw_uid;
	ret->ids.gid = passwd->pw_gid;
	ret->name = must(strdup(passwd->pw_name));
	ret->home = must(strdup(*passwd->pw_dir ? passwd->pw_dir : "/"));
	ret->shell = must(strdup(*passwd->pw_shell ? passwd->pw_shell : "/bin/sh"));
	ids_take_groups(&ret->ids, ret->name);
	return EXIT_DONE;
}

void become_free(struct become *become)
{
	for (size_t i = 0; become->environment && become->environment[i]; i++)
		free(become->environment[i]);
	free(become->environment);
	ids_clear(&become->ids);
	free(become->name);
	free(become->home);
	free(become->shell);
}

/* ---- environment ------------------------------------------------------------------------------- */

/* Nothing of the caller's but how to speak to him. */
static bool is_kept(const char *variable)
{
	static const char *const kept[] = { "TERM=", "COLORTERM=", "NO_COLOR=", "LANG=", "LANGUAGE=", "LC_", "TZ=" };

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (strncmp(variable, kept[i], strlen(kept[i])) == 0)
			return true;
	}
	return false;
}

static void add(struct become *become, const char *name, const char *value)
{
	size_t count = 0;

	while (become->environment && become->environment[count])
		count++;
	become->environment = must(realloc(become->environment, (count + 2) * sizeof(char *)));
	if (asprintf(&become->environment[count], "%s%s", name, value) < 0)
		must(NULL);
	become->environment[count + 1] = NULL;
}

void become_environment(struct become *become, char *const *more)
{
	add(become, "HOME=", become->home);
	add(become, "USER=", become->name);
	add(become, "LOGNAME=", become->name);
	add(become, "SHELL=", become->shell);
	add(become, "PATH=", PATH_OF_ACCOUNTS);
	for (char *const *variable = environ; *variable; variable++) {
		if (is_kept(*variable))
			add(become, *variable, "");
	}
	for (; *more; more++)
		add(become, *more, "");
}

/* ---- in the child ------------------------------------------------------------------------------ */

static void end(const char *what) __attribute__((noreturn));
static void end(const char *what)
{
	complain("%s: %s", what, strerror(errno));
	_exit(EXIT_FAILED);
}

/* A change of uid takes this back: it has to be said before and after. */
static void die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		end("parent death signal");
	if (getppid() != parent)
		_exit(EXIT_FAILED);
}

/* Root's session keyring is for root. A kernel without keyrings has none to leave. */
static void leave_keyring(void)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
		end("session keyring");
}

/* While it is root's: without no_new_privs a filter takes privilege. */
static void leave_terminal(void)
{
	int error = terminal_shut();

	errno = -error;
	if (error == -EINVAL)
		complain("terminal: this kernel lacks seccomp: the command can type at it");
	else if (error)
		end("terminal");
}

/* A change of uid does it, unless the securebits say otherwise: a unit may set them. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) || syscall(SYS_capset, &header, none))
		end("capabilities");
}

static void drop_privileges(const struct become *become)
{
	if (ids_become(&become->ids))
		end("ids");
	drop_capabilities();
	if (setresuid((uid_t)-1, 0, (uid_t)-1) == 0) {
		errno = EPERM;
		end("uid 0: not given up");
	}
}

static void default_signals(const struct become *become)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, sigismember(&become->ignored, i) == 1 ? SIG_IGN : SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void become_run(const struct become *become, char **command, pid_t parent)
{
	int code;

	die_with(parent);
	leave_keyring();
	leave_terminal();
	if (close_range(STDERR_FILENO + 1, ~0U, 0))
		end("descriptors");
	drop_privileges(become);
	die_with(parent);
	default_signals(become);
	environ = become->environment;
	execvp(command[0], command);
	code = errno == ENOENT ? NOT_FOUND : CANNOT_RUN;
	complain("%s: cannot run: %s", command[0], strerror(errno));
	_exit(code);
}
