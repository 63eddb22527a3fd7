/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine-lab.h"

#include "util.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct lab lab;

static void tell(const char *what)
{
	if (lab.after)
		lab.after(what);
}

/* Both spies are the fakes with words said and hooks called. */
#define SPY(prefix, fake, called)                                                                  \
	static int prefix##_open(const struct deadline *deadline, struct fault *fault,             \
				 struct backend **ret)                                             \
	{                                                                                          \
		int r = fake.open(deadline, fault, ret);                                           \
                                                                                                   \
		tell(deadline ? called " open" : called " look");                                  \
		return r;                                                                          \
	}                                                                                          \
	static int prefix##_replace(struct backend *backend, const struct plan *plans,             \
				    size_t count, struct fault *fault)                             \
	{                                                                                          \
		int r;                                                                             \
                                                                                                   \
		if (lab.before_replace)                                                            \
			lab.before_replace(plans, count);                                          \
		r = fake.replace(backend, plans, count, fault);                                    \
		tell(called " replace");                                                           \
		return r;                                                                          \
	}                                                                                          \
	static int prefix##_remove(struct backend *backend, const struct uid_range *subjects,      \
				   size_t count, struct fault *fault)                              \
	{                                                                                          \
		int r;                                                                             \
                                                                                                   \
		if (lab.before_remove)                                                             \
			lab.before_remove(subjects, count);                                        \
		r = fake.remove(backend, subjects, count, fault);                                  \
		tell(called " remove");                                                            \
		return r;                                                                          \
	}                                                                                          \
	static int prefix##_list(struct backend *backend, const struct uid_range *only,            \
				 struct fault *fault, struct standing **ret, size_t *ret_count)    \
	{                                                                                          \
		int r = fake.list(backend, only, fault, ret, ret_count);                           \
                                                                                                   \
		tell(called " list");                                                              \
		return r;                                                                          \
	}

SPY(spy, backend_mem, "iptables")
SPY(spy_other, backend_other, "nftables")

static void remember_line(int priority, const char *line, void *data)
{
	size_t length = strlen(lab.log);

	(void)data;
	snprintf(lab.log + length, sizeof(lab.log) - length, "<%d>%s\n", priority, line);
}

/* Names that stay: folder_path's buffers take turns. */
static const char *keep_path(const char *name)
{
	return strdup(folder_path(name));
}

void lab_begin(void)
{
	static struct backend_ops spy, spy_other;
	static const struct backend_ops *const fakes[] = { &spy, &spy_other, NULL };

	/* Opens look for connections of their account, and these uids may be somebody's. */
	if (geteuid() == 0)
		ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	folder_make();
	spy = (struct backend_ops){ "iptables", backend_mem.probe, spy_open, spy_replace, spy_remove,
				    spy_list, backend_mem.close, backend_mem.changed };
	spy_other = (struct backend_ops){ "nftables", backend_other.probe, spy_other_open,
					  spy_other_replace, spy_other_remove, spy_other_list,
					  backend_other.close, backend_other.changed };
	lab = (struct lab){ .kernel.presence = BACKEND_READY, .other.absent = true };
	mem_kernel_use(&lab.kernel);
	mem_other_use(&lab.other);
	ck_assert_int_eq(egress_ctx_new(&lab.ctx), 0);
	lab.ctx->statedir = keep_path("state");
	lab.ctx->libdir = keep_path("lib");
	lab.ctx->backends = fakes;
	lab.ctx->subuid.subuid = keep_path("subuid");
	lab.ctx->subuid.libdir = lab.ctx->libdir;
	lab.ctx->guard = &guard_mem;
	mem_guard_use(&lab.guard);
	ck_assert_int_eq(egress_ctx_set_config(lab.ctx, folder_path("egress.conf"), 0), 0);
	egress_ctx_set_log(lab.ctx, remember_line, NULL);
	lab_conf(LAB_CONF);
}

void lab_end(void)
{
	free((char *)lab.ctx->statedir);
	free((char *)lab.ctx->libdir);
	free((char *)lab.ctx->subuid.subuid);
	egress_ctx_free(lab.ctx);
	mem_kernel_clear(&lab.kernel);
	mem_kernel_clear(&lab.other);
	mem_guard_clear(&lab.guard);
}

void lab_conf(const char *text)
{
	folder_write("egress.conf", text);
}

void lab_log_clear(void)
{
	lab.log[0] = '\0';
}

bool lab_log_has(const char *part)
{
	return strstr(lab.log, part) != NULL;
}

struct egress_session *lab_open(const char *user)
{
	const struct egress_request request = { .user = user, .service = "unit", .tty = "tty1" };
	struct egress_session *session = NULL;
	int r = egress_open(lab.ctx, &request, &session);

	ck_assert_msg(r == 0, "open %s: %s: %s", user, strerror(-r), egress_ctx_error(lab.ctx));
	ck_assert_uint_eq(lab.kernel.handles + lab.other.handles, 0);
	return session;
}

void lab_deny(const char *user, int error)
{
	const struct egress_request request = { .user = user, .service = "unit" };
	struct egress_session *const untouched = (struct egress_session *)&lab;
	struct egress_session *session = untouched;
	int r = egress_open(lab.ctx, &request, &session);

	ck_assert_msg(r == error, "open %s: %d, not %d: %s", user, r, error, egress_ctx_error(lab.ctx));
	ck_assert_ptr_eq(session, untouched);
	ck_assert_str_ne(egress_ctx_error(lab.ctx), "");
	ck_assert_uint_eq(lab.kernel.handles + lab.other.handles, 0);
}

/* The child changes a copy of the fake kernel: only its record is seen here. */
void lab_open_and_die(const char *user)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		lab_open(user);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

bool lab_close(struct egress_session *session)
{
	unsigned int sessions = 99;
	bool held = false;
	int r = egress_close(lab.ctx, session->uid, session->token, &sessions, &held);

	ck_assert_msg(r == 0, "close: %s", egress_ctx_error(lab.ctx));
	ck_assert_uint_eq(sessions, lab_records(session->uid));
	ck_assert_uint_eq(lab.kernel.handles + lab.other.handles, 0);
	ck_assert_int_eq(held, lab_stands(session->uid) || lab_stands_in_other(session->uid));
	egress_session_free(session);
	return held;
}

struct egress_changes lab_sync(void)
{
	struct egress_changes changes = { 99, 99, 99 };
	int r = egress_sync(lab.ctx, &changes);

	ck_assert_msg(r == 0, "sync: %s", egress_ctx_error(lab.ctx));
	ck_assert_uint_eq(lab.kernel.handles + lab.other.handles, 0);
	return changes;
}

struct egress_changes lab_reap(void)
{
	struct egress_changes changes = { 99, 99, 99 };
	int r = egress_reap(lab.ctx, &changes);

	ck_assert_msg(r == 0, "reap: %s", egress_ctx_error(lab.ctx));
	ck_assert_uint_eq(lab.kernel.handles + lab.other.handles, 0);
	return changes;
}

void lab_state_is(const char *user, enum egress_state state)
{
	struct egress_account *account = NULL;
	int r = egress_show(lab.ctx, user, &account);

	ck_assert_msg(r == 0, "show: %s", egress_ctx_error(lab.ctx));
	ck_assert_msg(account->state == state, "%s is %s", user, egress_state_name(account->state));
	egress_account_free(account);
}

size_t lab_differences(char **ret_first)
{
	char **lines = NULL;
	size_t count = 0;
	int r = egress_verify(lab.ctx, NULL, &lines);

	ck_assert_msg(r == 0, "verify: %s", egress_ctx_error(lab.ctx));
	while (lines[count])
		count++;
	if (ret_first && count)
		*ret_first = strdup(lines[0]);
	egress_lines_free(lines);
	return count;
}

bool lab_stands(uid_t uid)
{
	return mem_find(&lab.kernel, (struct uid_range){ uid, uid }) != NULL;
}

bool lab_stands_in_other(uid_t uid)
{
	return mem_find(&lab.other, (struct uid_range){ uid, uid }) != NULL;
}

size_t lab_records(uid_t uid)
{
	char pattern[64];

	snprintf(pattern, sizeof(pattern), "state/net-*/%u/????????????????????????????????", uid);
	return folder_glob(pattern, NULL);
}

const char *lab_uid_path(uid_t uid, const char *name)
{
	static char path[256];
	char *net = NULL;

	ck_assert_uint_eq(folder_glob("state/net-*", &net), 1);
	snprintf(path, sizeof(path), "%s/%u/%s", net, uid, name);
	free(net);
	return path;
}

void lab_nothing_left(void)
{
	ck_assert_uint_eq(lab.kernel.count + lab.other.count + lab.guard.count, 0);
	ck_assert_uint_eq(lab.kernel.handles + lab.other.handles, 0);
	ck_assert_uint_eq(folder_glob("state/net-*/[0-9]*", NULL), 0);
}

pid_t lab_process(uid_t uid)
{
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (setresuid(uid, uid, uid) || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

void lab_end_process(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
