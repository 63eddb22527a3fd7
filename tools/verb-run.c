/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session without PAM: we open it and live as long as it does; the command is a child of ours. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "args.h"
#include "attend.h"
#include "become.h"
#include "text.h"
#include "tool.h"

#define SERVICE "egressctl"
#define OF_SIGNAL 128

/* As pam_egress logs. */
static void log_deny(const char *user, const char *why)
{
	char *name = text_escape(user, TEXT_ASCII), *reason = text_escape(why, TEXT_ASCII);

	syslog(LOG_ERR, "deny user=%s service=" SERVICE ": %s", name, reason);
	free(name);
	free(reason);
}

static void log_open(const struct egress_session *session)
{
	char *name = text_escape(session->account, TEXT_ASCII), *profile = text_escape(session->profile, TEXT_ASCII);

	syslog(LOG_INFO, "open user=%s uid=%u service=" SERVICE " profile=%s backend=%s sessions=%u", name, session->uid,
	       profile, session->backend, session->sessions);
	free(profile);
	free(name);
}

static void log_close(const struct egress_session *session, unsigned int sessions, bool held)
{
	char *name = text_escape(session->account, TEXT_ASCII);

	syslog(LOG_INFO, "close user=%s uid=%u service=" SERVICE " sessions=%u%s", name, session->uid, sessions,
	       held && !sessions ? " held" : "");
	free(name);
}

static void log_left(const struct egress_session *session, const char *why)
{
	char *name = text_escape(session->account, TEXT_ASCII), *reason = text_escape(why, TEXT_ASCII);

	syslog(LOG_ERR, "close user=%s uid=%u service=" SERVICE ": left to egressctl reap: %s", name, session->uid, reason);
	free(reason);
	free(name);
}

static const char *our_tty(char path[PATH_MAX])
{
	if (ttyname_r(STDIN_FILENO, path, PATH_MAX))
		return NULL;
	return strncmp(path, "/dev/", 5) == 0 ? path + 5 : path;
}

/* Whom nothing covers, as far as could be read. */
static enum exit_code refuse(const struct tool *tool, const struct become *become)
{
	if (tool->alarmed)
		return EXIT_FAILED;
	complain("user \"%s\": %s: nothing is run", become->name,
		 become->ids.uid ? "nothing covers it" : "uid 0 is never held");
	return EXIT_NO;
}

/* No session without a word why, and none for whom nothing covers. */
static enum exit_code open_session(struct tool *tool, const struct become *become, struct egress_session **ret)
{
	char tty[PATH_MAX];
	const struct egress_request request = {
		.user = become->name, .service = SERVICE, .tty = our_tty(tty), .flags = EGRESS_HARDEN
	};
	struct egress_session *session = NULL;
	int error = egress_open(tool->ctx, &request, &session);

	if (error) {
		log_deny(become->name, egress_ctx_error(tool->ctx));
		return exit_failed_user(tool->ctx, error, become->name);
	}
	if (!session)
		return refuse(tool, become);
	log_open(session);
	*ret = session;
	return EXIT_DONE;
}

/* For a person only: what the command prints is all that a program gets. */
static void show_notice(const char *notice)
{
	char *safe = text_escape(notice, 0);

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "%s\n", safe);
	free(safe);
}

/* What the command left behind is said, since nobody else may ever look. */
static void tell_left(struct tool *tool, const char *user)
{
	struct egress_account *account;

	if (egress_show(tool->ctx, user, &account))
		return;
	if (account->state == EGRESS_LINGERING)
		complain("user \"%s\": stays held: processes left: %u, sockets left: %u", user, account->processes,
			 account->sockets);
	egress_account_free(account);
}

/* The command has ended: its status counts, whatever becomes of this. */
static void close_session(struct tool *tool, const struct egress_session *session)
{
	unsigned int sessions = 0;
	bool held = false;

	if (egress_close(tool->ctx, session->uid, session->token, &sessions, &held)) {
		log_left(session, egress_ctx_error(tool->ctx));
		complain("user \"%s\": left to egressctl reap: %s", session->account, egress_ctx_error(tool->ctx));
		return;
	}
	log_close(session, sessions, held);
	if (held && !sessions)
		tell_left(tool, session->account);
}

static enum exit_code run_in_session(struct become *become, const struct egress_session *session, char **command)
{
	pid_t parent = getpid(), child;
	int status;

	if (session->uid != become->ids.uid) {
		complain("user \"%s\": became another uid meanwhile", become->name);
		return EXIT_FAILED;
	}
	become_environment(become, session->environment);
	child = fork();
	if (child < 0) {
		complain("cannot make a process: %s", strerror(errno));
		return EXIT_FAILED;
	}
	if (child == 0)
		become_run(become, command, parent);
	status = attend(child);
	return (enum exit_code)(WIFSIGNALED(status) ? OF_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status));
}

static enum exit_code run_as(struct tool *tool, const char *user, struct become *become, char **command)
{
	struct egress_session *session = NULL;
	enum exit_code code = become_prepare(user, become);

	if (code)
		return code;
	openlog(SERVICE, LOG_PID, LOG_AUTHPRIV);
	/* From before the session stands: whoever ends us then would leave it open. */
	attend_begin(&become->ignored);
	code = open_session(tool, become, &session);
	if (code)
		return code;
	if (tool->legend && session->notice)
		show_notice(session->notice);
	code = run_in_session(become, session, command);
	close_session(tool, session);
	egress_session_free(session);
	return code;
}

enum exit_code verb_run(struct tool *tool, char **args)
{
	struct become become = { .name = NULL };
	char *user = NULL;
	enum exit_code code;

	if (tool->json)
		return exit_usage("run: --json: what is printed is the command's");
	code = args_user(args[0], &user);
	if (!code)
		code = run_as(tool, user, &become, args + 1);
	become_free(&become);
	free(user);
	return code;
}
