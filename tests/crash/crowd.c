/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crowd CONFDIR SERVICE NAME FIRST-UID ACCOUNTS SESSIONS ROUNDS
 *
 * SESSIONS processes open and close sessions of the accounts NAME0, NAME1, ... through the real stack of modules,
 * ROUNDS times each. Meanwhile packets are sent as those accounts: whoever has a session, before and after, must have
 * been refused. Prints what was done; status 1 if a packet got out, 2 if it could not be tried.
 */
#include "place.h"

#include <err.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define ACCOUNTS_MAX 64
#define SESSIONS_MAX 1024
#define STAY_US_MAX 50000
#define LEAKS_TOLD 5

/* Shared by all. */
static struct shared {
	atomic_uint tickets[SESSIONS_MAX]; /* odd: that process has a session, and no call is under way */
	atomic_ulong opens, closes, denials, unclosed, longest_ms;
} *shared;

static struct {
	const char *confdir, *service, *name;
	uid_t first;
	unsigned int accounts, sessions, rounds;
	unsigned long probes, judged, leaks;
} crowd;

static unsigned long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned long)now.tv_sec * 1000 + (unsigned long)now.tv_nsec / 1000000;
}

/* ---- one of the crowd ---------------------------------------------------------------------------- */

static int no_conversation(int count, const struct pam_message **messages, struct pam_response **responses,
			   void *data)
{
	(void)count;
	(void)messages;
	(void)responses;
	(void)data;
	return PAM_CONV_ERR;
}

static void note_time(unsigned long ms)
{
	unsigned long longest = atomic_load(&shared->longest_ms);

	while (ms > longest && !atomic_compare_exchange_weak(&shared->longest_ms, &longest, ms))
		;
}

static void stay_and_leave(pam_handle_t *pamh, unsigned int number)
{
	atomic_fetch_add(&shared->opens, 1);
	atomic_fetch_add(&shared->tickets[number], 1);
	usleep((useconds_t)(rand() % STAY_US_MAX));
	atomic_fetch_add(&shared->tickets[number], 1);
	if (pam_close_session(pamh, 0) == PAM_SUCCESS)
		atomic_fetch_add(&shared->closes, 1);
	else
		atomic_fetch_add(&shared->unclosed, 1);
}

static void one_round(unsigned int number)
{
	static const struct pam_conv conversation = { no_conversation, NULL };
	unsigned long start = now_ms();
	pam_handle_t *pamh = NULL;
	char user[64];

	snprintf(user, sizeof(user), "%s%u", crowd.name, number % crowd.accounts);
	if (pam_start_confdir(crowd.service, user, &conversation, crowd.confdir, &pamh) != PAM_SUCCESS)
		_exit(2);
	if (pam_open_session(pamh, 0) == PAM_SUCCESS)
		stay_and_leave(pamh, number);
	else
		atomic_fetch_add(&shared->denials, 1);
	note_time(now_ms() - start);
	pam_end(pamh, PAM_SUCCESS);
}

static void start_one(unsigned int number)
{
	pid_t pid;

	while ((pid = fork()) < 0)
		usleep(10000); /* a machine that has no process to spare just now; the test's own limit ends it */
	if (pid > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	srand(number + 1);
	for (unsigned int i = 0; i < crowd.rounds; i++)
		one_round(number);
	_exit(0);
}

/* ---- the watcher --------------------------------------------------------------------------------- */

static void watch_one(unsigned int number)
{
	uid_t uid = crowd.first + number % crowd.accounts;
	unsigned int before = atomic_load(&shared->tickets[number]);
	enum verdict verdict;

	if (before % 2 == 0)
		return;
	verdict = place_probe(uid);
	crowd.probes++;
	if (atomic_load(&shared->tickets[number]) != before)
		return;
	crowd.judged++;
	if (verdict != REFUSED && crowd.leaks++ < LEAKS_TOLD)
		printf("uid %u has a session, and %s\n", uid, verdict_name(verdict));
}

/* Until all are gone. False: one of them ended badly. */
static bool watch(void)
{
	unsigned int left = crowd.sessions;
	bool good = true;
	int status;
	pid_t pid;

	while (left > 0) {
		for (unsigned int i = 0; i < crowd.sessions; i++)
			watch_one(i);
		while (left > 0 && (pid = waitpid(-1, &status, WNOHANG)) != 0) {
			if (pid < 0)
				err(2, "wait");
			left--;
			good = good && status == 0;
		}
		usleep(1000);
	}
	return good;
}

static void begin(char **argv)
{
	static uid_t uids[ACCOUNTS_MAX];

	crowd.confdir = argv[1];
	crowd.service = argv[2];
	crowd.name = argv[3];
	crowd.first = (uid_t)atoi(argv[4]);
	crowd.accounts = (unsigned int)atoi(argv[5]);
	crowd.sessions = (unsigned int)atoi(argv[6]);
	crowd.rounds = (unsigned int)atoi(argv[7]);
	if (crowd.accounts < 1 || crowd.accounts > ACCOUNTS_MAX || crowd.sessions > SESSIONS_MAX)
		errx(2, "too many");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		err(2, "memory");
	for (unsigned int i = 0; i < crowd.accounts; i++)
		uids[i] = crowd.first + i;
	place_begin(uids, crowd.accounts);
}

int main(int argc, char **argv)
{
	unsigned long start = now_ms();
	bool good;

	if (argc != 8)
		errx(2, "usage: crowd CONFDIR SERVICE NAME FIRST-UID ACCOUNTS SESSIONS ROUNDS");
	begin(argv);
	openlog("crowd", LOG_PID, LOG_AUTHPRIV);
	for (unsigned int i = 0; i < crowd.sessions; i++)
		start_one(i);
	good = watch();
	printf("%lu opens, %lu denials, %lu closes, %lu closes that failed, %lu probes, %lu of them judged, %lu got out, "
	       "longest %lu ms, %lu ms in all\n",
	       shared->opens, shared->denials, shared->closes, shared->unclosed, crowd.probes, crowd.judged,
	       crowd.leaks, shared->longest_ms, now_ms() - start);
	if (!good)
		errx(2, "one of them ended badly");
	return crowd.leaks ? 1 : 0;
}
