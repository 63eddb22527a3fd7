/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What systemd does for user@.service (exec_child and setup_pam), without systemd:
 *
 *	user-manager SERVICE USER ROOT|USER CMD [ARG]...
 *
 * opens a session as root. A child keeps the PAM handle and gives up its uids (with "root": keeps them); when it is sent
 * SIGTERM, or its parent is gone, it closes the session and ends. The parent, which opened, becomes USER and runs CMD
 * in the same process. The child's pid, and later what close said, are written to /tmp/sd-pam.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "user-manager: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int no_conversation(int count, const struct pam_message **messages,
			   struct pam_response **responses, void *data)
{
	(void)count;
	(void)messages;
	(void)responses;
	(void)data;
	return PAM_CONV_ERR;
}

static void become(const struct passwd *user)
{
	if (setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid))
		fail("setresuid");
}

/* systemd's "(sd-pam)". */
static _Noreturn void close_later(pam_handle_t *pamh, const struct passwd *user, bool keep_root,
				  int notes, const sigset_t *signals)
{
	pid_t parent = getppid();
	int number, code;

	if (!keep_root)
		become(user);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent)
		fail("parent");
	dprintf(notes, "pid %d\n", getpid());
	while (sigwait(signals, &number) != 0)
		;
	code = pam_close_session(pamh, PAM_DATA_SILENT);
	pam_end(pamh, code | PAM_DATA_SILENT);
	dprintf(notes, "uid %u close %d\n", geteuid(), code);
	exit(0);
}

int main(int argc, char **argv)
{
	static const struct pam_conv conversation = { no_conversation, NULL };
	const struct passwd *user;
	pam_handle_t *pamh;
	sigset_t signals;
	int code, notes;

	if (argc < 5 || !(user = getpwnam(argv[2])))
		fail("usage: user-manager SERVICE USER root|user CMD [ARG]...");
	notes = open("/tmp/sd-pam", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (notes < 0)
		fail("/tmp/sd-pam");
	if (pam_start(argv[1], argv[2], &conversation, &pamh) != PAM_SUCCESS)
		fail("pam_start");
	if (pam_acct_mgmt(pamh, 0) != PAM_SUCCESS)
		fail("account");
	code = pam_open_session(pamh, 0);
	if (code != PAM_SUCCESS) {
		pam_end(pamh, code);
		return 1;
	}
	/* Blocked before there is a child, so that none is missed. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	code = fork();
	if (code < 0)
		fail("fork");
	if (code == 0)
		close_later(pamh, user, strcmp(argv[3], "root") == 0, notes, &signals);
	sigprocmask(SIG_UNBLOCK, &signals, NULL);
	if (initgroups(user->pw_name, user->pw_gid))
		fail("initgroups");
	become(user);
	execvp(argv[4], argv + 4);
	fail(argv[4]);
}
