/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pam_egress.so: the sessions of agent accounts reach their proxy and nothing else, see pam_egress(8). */
#include "opened.h"
#include "options.h"

#include "egress.h"

#include <errno.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define SHOWN_MAX 256
#define EXPORT __attribute__((visibility("default")))

/* The only place that makes PAM codes of errors. Never PAM_SESSION_ERR: sudo takes it for success. */
static int pam_code(int r)
{
	switch (r) {
	case 0:
		return PAM_SUCCESS;
	case -ENOMEM:
		return PAM_BUF_ERR;
	case -EIO:
	case -EINVAL:
		return PAM_SYSTEM_ERR;
	default:
		return PAM_PERM_DENIED;
	}
}

static void log_notice(int priority, const char *line, void *data)
{
	pam_syslog(data, priority, "%s", line);
}

/* One word of a log line, whatever it came with: nobody writes a second line by his name. */
static const char *shown(const char *text, char out[SHOWN_MAX])
{
	static const char digits[] = "0123456789abcdef";
	size_t length = 0;

	for (; text && *text && length + 5 < SHOWN_MAX; text++) {
		unsigned char c = (unsigned char)*text;

		if (c > ' ' && c < 0x7f && c != '\\') {
			out[length++] = *text;
			continue;
		}
		out[length++] = '\\';
		out[length++] = 'x';
		out[length++] = digits[c >> 4];
		out[length++] = digits[c & 15];
	}
	out[length] = '\0';
	return out;
}

static const char *item(pam_handle_t *pamh, int type)
{
	const void *value = NULL;

	return pam_get_item(pamh, type, &value) == PAM_SUCCESS ? value : NULL;
}

static struct egress_ctx *make_ctx(pam_handle_t *pamh, const struct options *options)
{
	struct egress_ctx *ctx;

	if (egress_ctx_new(&ctx))
		return NULL;
	egress_ctx_set_log(ctx, log_notice, pamh);
	if (options->config && egress_ctx_set_config(ctx, options->config, 0)) {
		egress_ctx_free(ctx);
		return NULL;
	}
	return ctx;
}

static void log_open(pam_handle_t *pamh, const struct options *options,
		     const struct egress_session *session)
{
	char user[SHOWN_MAX], service[SHOWN_MAX], profile[SHOWN_MAX];

	if (options->quiet)
		return;
	pam_syslog(pamh, LOG_INFO, "open user=%s uid=%u service=%s profile=%s backend=%s sessions=%u",
		   shown(session->account, user), session->uid, shown(item(pamh, PAM_SERVICE), service),
		   shown(session->profile, profile), session->backend, session->sessions);
}

static int deny(pam_handle_t *pamh, const char *user, int r, const char *why)
{
	char name[SHOWN_MAX], service[SHOWN_MAX];

	pam_syslog(pamh, LOG_ERR, "deny user=%s service=%s: %s", shown(user, name),
		   shown(item(pamh, PAM_SERVICE), service), why);
	return pam_code(r);
}

/* What is wrong here must not lock out those who have nothing to do with us. */
static int deny_if_covered(pam_handle_t *pamh, struct egress_ctx *ctx, const char *user, int error, const char *why)
{
	bool covered = false;
	int r = egress_covers(ctx, user, &covered);

	if (r)
		return deny(pamh, user, r, egress_ctx_error(ctx));
	return covered ? deny(pamh, user, error, why) : PAM_SUCCESS;
}

/* A typing error in a PAM file. */
static int refuse_argument(pam_handle_t *pamh, struct egress_ctx *ctx, const char *user, const char *bad)
{
	pam_syslog(pamh, LOG_ALERT, "unknown argument \"%s\"", bad);
	return deny_if_covered(pamh, ctx, user, -EPERM, "unknown argument of the module");
}

/* What is for the session's comfort: no reason to deny it. A proxy's URL may hold a password, which is not for the log. */
static void put_environment(pam_handle_t *pamh, char *const *environment)
{
	for (; *environment; environment++)
		if (pam_putenv(pamh, *environment) != PAM_SUCCESS)
			pam_syslog(pamh, LOG_WARNING, "environment: cannot set %.*s", (int)strcspn(*environment, "="),
				   *environment);
}

/*
 * Only where a person reads it: su and sudo would write it into what "su -c" puts out. sshd collects it, and shows
 * it on a terminal only.
 */
static void show_notice(pam_handle_t *pamh, const char *notice)
{
	const char *tty = item(pamh, PAM_TTY);

	if (notice && (isatty(STDOUT_FILENO) || (tty && strcmp(tty, "ssh") == 0)))
		pam_info(pamh, "%s", notice);
}

static int open_session(pam_handle_t *pamh, struct egress_ctx *ctx, const struct options *options,
			const char *user, int flags)
{
	const struct egress_request request = { .user = user,
						.service = item(pamh, PAM_SERVICE),
						.tty = item(pamh, PAM_TTY),
						.rhost = item(pamh, PAM_RHOST),
						.flags = options->unhardened ? 0 : EGRESS_HARDEN };
	struct egress_session *session = NULL;
	struct opened *room = NULL;
	int r;

	if (opened_reserve(pamh, &room))
		return deny_if_covered(pamh, ctx, user, -ENOMEM, "no memory");
	r = egress_open(ctx, &request, &session);
	if (!r && session) {
		opened_push(pamh, room, session);
		log_open(pamh, options, session);
		put_environment(pamh, session->environment);
		if (!options->quiet && !(flags & PAM_SILENT))
			show_notice(pamh, session->notice);
		return PAM_SUCCESS;
	}
	free(room);
	if (r)
		return deny(pamh, user, r, egress_ctx_error(ctx));
	if (options->debug)
		pam_syslog(pamh, LOG_DEBUG, "nothing covers the user: not held");
	return PAM_SUCCESS;
}

EXPORT int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const char *user = item(pamh, PAM_USER);
	struct egress_ctx *ctx;
	struct options options;
	int code;

	options_parse(argc, argv, &options);
	ctx = make_ctx(pamh, &options);
	if (!ctx || !user || !*user)
		code = deny(pamh, user, ctx ? -EIO : -ENOMEM, ctx ? "no user name" : "no memory");
	else if (options.bad)
		code = refuse_argument(pamh, ctx, user, options.bad);
	else
		code = open_session(pamh, ctx, &options, user, flags);
	egress_ctx_free(ctx);
	return code;
}

static void close_session(pam_handle_t *pamh, struct egress_ctx *ctx, const struct options *options,
			  const struct egress_session *session)
{
	char user[SHOWN_MAX], service[SHOWN_MAX];
	unsigned int sessions = 0;
	bool held = false;
	int r = egress_close(ctx, session->uid, session->token, &sessions, &held);

	shown(session->account, user);
	shown(item(pamh, PAM_SERVICE), service);
	if (r)
		pam_syslog(pamh, LOG_ERR, "close user=%s uid=%u service=%s: left to egressctl reap: %s",
			   user, session->uid, service, egress_ctx_error(ctx));
	else if (!options->quiet)
		pam_syslog(pamh, LOG_INFO, "close user=%s uid=%u service=%s sessions=%u%s", user,
			   session->uid, service, sessions, held && !sessions ? " held" : "");
}

/* Always success: whoever closes cannot be told no, and the reaper finishes what was not done. */
EXPORT int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct egress_session *session;
	struct egress_ctx *ctx;
	struct options options;

	(void)flags;
	options_parse(argc, argv, &options);
	if (geteuid() != 0)
		return PAM_SUCCESS;
	session = opened_pop(pamh);
	ctx = session ? make_ctx(pamh, &options) : NULL;
	if (ctx)
		close_session(pamh, ctx, &options, session);
	else if (session)
		pam_syslog(pamh, LOG_ERR, "close: no memory: left to egressctl reap");
	egress_ctx_free(ctx);
	egress_session_free(session);
	return PAM_SUCCESS;
}
