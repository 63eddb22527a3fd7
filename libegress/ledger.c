/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ledger-home.h"

#include "addr.h"
#include "files.h"
#include "procscan.h"
#include "record.h"
#include "safe-read.h"
#include "util.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#define BACKEND_NAME "backend"
#define DAMAGED_NAME "damaged"
#define LOGIN_NAME "login"
#define PROFILE_NAME "profile"
#define PIN_NAME "pin"
#define UID_NAME_MAX 16

static int read_boot(char ret[BOOT_LENGTH + 1])
{
	char text[BOOT_LENGTH + 2];
	int r = files_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text, sizeof(text));

	if (r)
		return r;
	text[strcspn(text, "\n")] = '\0';
	if (!record_is_boot(text))
		return -EIO;
	memcpy(ret, text, BOOT_LENGTH + 1);
	return 0;
}

int session_begin(const char *service, const char *tty, const char *rhost, struct fault *fault,
		  struct session *ret)
{
	struct session session = { .pid = getpid(), .opened = time(NULL) };
	unsigned char random[TOKEN_LENGTH / 2];
	int r = procscan_start_time(session.pid, &session.start_time);

	if (r)
		return fault_set(fault, -EIO, "process %d: start time: %s", session.pid, strerror(-r));
	r = read_boot(session.boot);
	if (r)
		return fault_set(fault, util_is_scarce(-r) ? -ENOMEM : -EIO, "boot_id: %s", strerror(-r));
	/* Not before the pool is ready, but never waiting for it: a login must not hang at boot. */
	if (getrandom(random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		return fault_set(fault, -EIO, "token: random bytes: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(session.token + 2 * i, 3, "%02x", random[i]);
	record_set_text(session.service, service);
	record_set_text(session.tty, tty);
	record_set_text(session.rhost, rhost);
	*ret = session;
	return 0;
}

int session_is_live(const struct session *session)
{
	char boot[BOOT_LENGTH + 1];
	uint64_t start_time;
	int r = procscan_start_time(session->pid, &start_time);

	if (r)
		return r == -ESRCH ? 0 : r;
	if (start_time != session->start_time)
		return 0;
	/* Ids and ticks begin anew with each boot, and what boots is much the same. */
	return read_boot(boot) ? -EIO : strcmp(boot, session->boot) == 0;
}

static char *uid_name(uid_t uid, char name[UID_NAME_MAX])
{
	snprintf(name, UID_NAME_MAX, "%u", uid);
	return name;
}

static void leave_uid(struct ledger *ledger)
{
	if (ledger->uid_fd >= 0)
		close(ledger->uid_fd);
	ledger->uid_fd = -1;
}

/* Several questions about one uid follow each other: its folder stays open until another's is. */
static void stay_in_uid(struct ledger *ledger, uid_t uid, int fd)
{
	leave_uid(ledger);
	ledger->uid_fd = fd;
	ledger->uid = uid;
}

/* *ret_fd stays the ledger's, until the next call. */
static int open_uid(struct ledger *ledger, uid_t uid, struct fault *fault, int *ret_fd)
{
	char name[UID_NAME_MAX];
	struct fault why = { 0 };
	int fd = -1, r = 0;

	if (!ledger)
		return -ENOENT;
	if (ledger->uid_fd < 0 || ledger->uid != uid) {
		r = files_open_dir(ledger->net_fd, uid_name(uid, name), &why, &fd);
		if (!r)
			stay_in_uid(ledger, uid, fd);
	}
	if (r)
		return fault_set(fault, r, "%s/%s", ledger->path, why.line);
	*ret_fd = ledger->uid_fd;
	return 0;
}

static int by_uid(const void *a, const void *b)
{
	uid_t x = *(const uid_t *)a, y = *(const uid_t *)b;

	return x < y ? -1 : x > y;
}

/* What stands beside the uids' folders. */
static bool is_ours(const char *name)
{
	static const char *const ours[] = { PIDNS_NAME, DAMAGED_NAME, BACKEND_NAME, INDEX_NAME };

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (strcmp(name, ours[i]) == 0)
			return true;
	return files_is_temporary(name);
}

static bool is_uid(const char *name)
{
	unsigned long uid;

	return addr_parse_number(name, (uid_t)-2, &uid) == 0;
}

bool ledger_has_any(struct ledger *ledger)
{
	return ledger && files_any(ledger->net_fd, is_uid) != 0;
}

int ledger_backend(struct ledger *ledger, char ret[LEDGER_BACKEND_MAX])
{
	char text[LEDGER_BACKEND_MAX] = "";
	int r = files_read(ledger->net_fd, BACKEND_NAME, text, sizeof(text));

	if (r)
		return r == -EFBIG ? -EBADMSG : r;
	text[strcspn(text, "\n")] = '\0';
	memcpy(ret, text, sizeof(text));
	return 0;
}

int ledger_set_backend(struct ledger *ledger, const char *name, struct fault *fault)
{
	char known[LEDGER_BACKEND_MAX];
	int r;

	if (!ledger_has_any(ledger) || (!ledger_backend(ledger, known) && strcmp(known, name) == 0))
		return 0;
	r = files_write(ledger->net_fd, BACKEND_NAME, name, strlen(name));
	return r ? ledger_fail(ledger, fault, r, BACKEND_NAME ": write: %s", strerror(-r)) : 0;
}

int ledger_uids(struct ledger *ledger, struct fault *fault, uid_t **ret, size_t *ret_count)
{
	struct files_names names = { 0 };
	uid_t *uids;
	size_t count = 0;
	int r = ledger ? files_list(ledger->net_fd, &names) : 0;

	if (r)
		return ledger_fail(ledger, fault, r, "list: %s", strerror(-r));
	uids = calloc(names.count + 1, sizeof(*uids));
	for (size_t i = 0; uids && i < names.count; i++) {
		unsigned long uid;

		if (!addr_parse_number(names.items[i], (uid_t)-2, &uid))
			uids[count++] = (uid_t)uid;
		else if (!is_ours(names.items[i]))
			ledger_tell(ledger, "%s: not ours, left alone", names.items[i]);
	}
	files_names_clear(&names);
	if (!uids)
		return fault_set(fault, -ENOMEM, "ledger: no memory");
	qsort(uids, count, sizeof(*uids), by_uid);
	*ret = uids;
	*ret_count = count;
	return 0;
}

bool ledger_has(struct ledger *ledger, uid_t uid)
{
	int fd = -1;

	/* What cannot be read counts as there. */
	return open_uid(ledger, uid, NULL, &fd) != -ENOENT;
}

static int remember(int uid_fd, const char *name, const char *text)
{
	AUTO_FREE char *known = NULL;
	size_t length;

	if (!safe_read(uid_fd, name, name, NULL, &known, &length) && strcmp(known, text) == 0)
		return 0;
	return files_write(uid_fd, name, text, strlen(text));
}

int ledger_enter(struct ledger *ledger, uid_t uid, const char *login, const char *profile,
		 struct fault *fault)
{
	char name[UID_NAME_MAX], text[LEDGER_TEXT_MAX];
	struct fault why = { 0 };
	int fd = -1, r = open_uid(ledger, uid, NULL, &fd);

	if (r) {
		r = files_make_dir(ledger->net_fd, uid_name(uid, name), &why, &fd);
		if (r)
			return fault_set(fault, r, "%s/%s", ledger->path, why.line);
		stay_in_uid(ledger, uid, fd);
	}
	record_set_text(text, login);
	r = remember(fd, LOGIN_NAME, text);
	if (!r)
		r = remember(fd, PROFILE_NAME, profile);
	return r ? ledger_fail(ledger, fault, r, "%u: write: %s", uid, strerror(-r)) : 0;
}

int ledger_profile(struct ledger *ledger, uid_t uid, struct fault *fault, char **ret, size_t *ret_length)
{
	int fd = -1;
	int r = open_uid(ledger, uid, NULL, &fd);

	if (!r)
		r = safe_read(fd, PROFILE_NAME, PROFILE_NAME, fault, ret, ret_length);
	return r;
}

int ledger_login(struct ledger *ledger, uid_t uid, struct fault *fault, char **ret)
{
	int fd = -1;
	char text[LEDGER_TEXT_MAX] = "", *copy;

	if (open_uid(ledger, uid, NULL, &fd) || files_read(fd, LOGIN_NAME, text, sizeof(text)))
		text[0] = '\0';
	copy = malloc(LEDGER_TEXT_MAX);
	if (!copy)
		return fault_set(fault, -ENOMEM, "ledger: no memory");
	record_set_text(copy, text);
	*ret = copy;
	return 0;
}

int ledger_add(struct ledger *ledger, uid_t uid, const struct session *session, struct fault *fault)
{
	int fd = -1;
	char text[RECORD_TEXT_MAX];
	size_t length = record_print(session, text);
	int r = open_uid(ledger, uid, fault, &fd);

	if (!r)
		r = files_write(fd, session->token, text, length);
	return r ? ledger_fail(ledger, fault, r, "%u: record: %s", uid, strerror(-r)) : 0;
}

int ledger_drop(struct ledger *ledger, uid_t uid, const char *token, struct fault *fault)
{
	int fd = -1;
	int r = record_is_token(token) ? open_uid(ledger, uid, NULL, &fd) : -ENOENT;

	if (!r && unlinkat(fd, token, 0))
		r = -errno;
	if (r && r != -ENOENT)
		return ledger_fail(ledger, fault, r, "%u: drop %s: %s", uid, token, strerror(-r));
	return r;
}

/* The mark comes first: without it a session that may be live would be none. */
static int move_damaged(struct ledger *ledger, int uid_fd, uid_t uid, const char *token)
{
	AUTO_CLOSE int fd = -1;
	char name[UID_NAME_MAX + TOKEN_LENGTH + 2];

	if (ledger->lock_fd < 0)
		return -EBADMSG;
	if (files_write(uid_fd, DAMAGED_NAME, "", 0))
		return -EIO;
	snprintf(name, sizeof(name), "%u-%s", uid, token);
	if (files_make_dir(ledger->net_fd, DAMAGED_NAME, NULL, &fd) ||
	    renameat(uid_fd, token, fd, name))
		ledger_tell(ledger, "%u/%s: damaged record could not be moved away", uid, token);
	else
		ledger_tell(ledger, "%u/%s: damaged record, moved to " DAMAGED_NAME "/%s", uid, token,
		     name);
	return -EBADMSG;
}

static int read_session(struct ledger *ledger, int fd, uid_t uid, const char *token, struct session *ret)
{
	char text[RECORD_TEXT_MAX];
	int r = files_read(fd, token, text, sizeof(text));

	if (!r)
		r = record_parse(text, ret);
	if (r == -EBADMSG || r == -EFBIG) {
		return move_damaged(ledger, fd, uid, token);
	}
	if (!r)
		memcpy(ret->token, token, TOKEN_LENGTH + 1);
	return r;
}

static int by_time(const void *a, const void *b)
{
	const struct session *x = a, *y = b;

	if (x->opened != y->opened)
		return x->opened < y->opened ? -1 : 1;
	return strcmp(x->token, y->token);
}

static int read_sessions(struct ledger *ledger, int fd, uid_t uid, const struct files_names *names,
			 struct session *sessions, size_t *ret_count)
{
	size_t count = 0;

	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->items[i];
		int r;

		if (!record_is_token(name)) {
			if (ledger->lock_fd >= 0)
				files_discard_temporary(fd, name);
			continue;
		}
		r = read_session(ledger, fd, uid, name, &sessions[count]);
		if (!r)
			count++;
		else if (r != -EBADMSG && r != -ENOENT)
			return r;
	}
	*ret_count = count;
	return 0;
}

int ledger_sessions(struct ledger *ledger, uid_t uid, struct fault *fault, struct session **ret,
		    size_t *ret_count)
{
	int fd = -1;
	AUTO_FREE struct session *sessions = NULL;
	struct files_names names = { 0 };
	size_t count = 0;
	int r = open_uid(ledger, uid, NULL, &fd);

	if (!r)
		r = files_list(fd, &names);
	if (r == -ENOENT)
		r = 0;
	if (!r && !(sessions = calloc(names.count + 1, sizeof(*sessions))))
		r = -ENOMEM;
	if (!r)
		r = read_sessions(ledger, fd, uid, &names, sessions, &count);
	files_names_clear(&names);
	if (r)
		return ledger_fail(ledger, fault, r, "%u: read: %s", uid, strerror(-r));
	qsort(sessions, count, sizeof(*sessions), by_time);
	*ret = util_steal(sessions);
	*ret_count = count;
	return 0;
}

int ledger_pin(struct ledger *ledger, uid_t uid, struct fault *fault)
{
	int fd = -1;
	int r = open_uid(ledger, uid, fault, &fd);

	if (!r)
		r = files_write(fd, PIN_NAME, "", 0);
	return r ? ledger_fail(ledger, fault, r, "%u: pin: %s", uid, strerror(-r)) : 0;
}

int ledger_unpin(struct ledger *ledger, uid_t uid, struct fault *fault)
{
	int fd = -1;
	int r = open_uid(ledger, uid, NULL, &fd);

	if (!r && unlinkat(fd, PIN_NAME, 0))
		r = -errno;
	if (r && r != -ENOENT)
		return ledger_fail(ledger, fault, r, "%u: unpin: %s", uid, strerror(-r));
	return r;
}

/* What cannot be read counts as there. */
static bool is_marked(struct ledger *ledger, uid_t uid, const char *name, const char *as)
{
	int fd = -1;
	struct stat st;
	int r = open_uid(ledger, uid, NULL, &fd);

	if (!r && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW))
		r = -errno;
	if (r && r != -ENOENT)
		ledger_tell(ledger, "%u: counts as %s: %s", uid, as, strerror(-r));
	return r != -ENOENT;
}

bool ledger_is_pinned(struct ledger *ledger, uid_t uid)
{
	return is_marked(ledger, uid, PIN_NAME, "pinned");
}

bool ledger_is_damaged(struct ledger *ledger, uid_t uid)
{
	return is_marked(ledger, uid, DAMAGED_NAME, "damaged");
}

void ledger_tidy(struct ledger *ledger)
{
	static const char *const names[] = { BACKEND_NAME, INDEX_NAME };
	int any = files_any(ledger->net_fd, is_uid), error = any < 0 ? -any : 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		files_discard(ledger->net_fd, names[i]);
		if (any == 0 && unlinkat(ledger->net_fd, names[i], 0) && errno != ENOENT)
			error = errno;
	}
	if (any == 0)
		ledger->owned_loaded = false;
	if (error)
		ledger_tell(ledger, BACKEND_NAME ", " INDEX_NAME ": stay, of no meaning: %s", strerror(error));
}

int ledger_forget(struct ledger *ledger, uid_t uid, struct fault *fault)
{
	static const char *const ours[] = { LOGIN_NAME, PROFILE_NAME, RANGES_NAME, DAMAGED_NAME, NULL };
	char name[UID_NAME_MAX];
	int r;

	leave_uid(ledger);
	r = files_remove_dir(ledger->net_fd, uid_name(uid, name), ours);

	if (r == -ENOTEMPTY) {
		ledger_tell(ledger, "%u: holds files that are not ours, left alone", uid);
		return 0;
	}
	if (!r)
		ledger_tidy(ledger);
	return r && r != -ENOENT ? ledger_fail(ledger, fault, r, "%u: forget: %s", uid, strerror(-r)) : 0;
}
