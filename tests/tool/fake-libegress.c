/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A libegress without a kernel, to be preloaded before the real one: the tests of egressctl's output
 * need accounts that no machine has. What it plays stands in the environment:
 *
 *	FAKE_SCENE   which accounts are held, see scenes[]
 *	FAKE_ERRNO   each operation fails with this number,
 *	FAKE_ERROR   and this text
 *	FAKE_LOG     this line is logged, with the priority that its first character says
 *	FAKE_CLOSE   a session's close alone fails with this number, and that text
 *	FAKE_CLOSED  is the file to which each close writes whose session it ended
 *	FAKE_BACKEND no backend can be told, because of this text
 *	FAKE_MATCH   the plan's first rule has this kind of match
 *	FAKE_FILE    is opened for writing, three times, and stays open, as the library's own files
 *	             do while it logs
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "egress.h"

#define FAKE __attribute__((visibility("default")))
#define END ((char *)NULL)

struct egress_ctx {
	char *config;
	egress_log_fn *log;
	void *data;
};

static char *no_lines[] = { END };
static char *both_hardenings[] = { "no_new_privs", "seccomp", END };

static struct egress_record ssh_session = {
	.token = "a1b2c3", .service = "sshd", .tty = "ssh", .rhost = "192.0.2.7",
	.pid = 812, .opened = 1795312800, /* 2026-11-22T02:00:00Z */
	.hardening = both_hardenings,
};
static struct egress_record odd_session = {
	.token = "d4", .service = "x\ny", .tty = "", .rhost = "\033]0;owned\007\xe2\x80\xae" "host",
	.pid = 1, .opened = -1, .hardening = no_lines,
};
static struct egress_record *no_sessions[] = { NULL };
static struct egress_record *one_session[] = { &ssh_session, NULL };
static struct egress_record *two_sessions[] = { &ssh_session, &odd_session, NULL };
static char *two_proxies[] = { "127.0.0.1:3128", "[::1]:3128", END };
static char *some_lacking[] = { "existing_sockets: no module \033[2J", END };
static char *some_drift[] = { "agent1: ipv4: rule 3 is missing", "agent1: \033[2J", END };

static struct egress_uid_range one_uid[] = { { 2001, 2001 } };
static struct egress_uid_range uid_set[] = { { 2001, 2001 }, { 100000, 165535 }, { 300000, 300009 } };
static struct egress_uid_range wide[] = { { 20000, 29999 } };
static struct egress_uid_range second_uid[] = { { 2002, 2002 } };
static struct egress_uid_range last_uid[] = { { 4294967294, 4294967294 } };

static struct egress_account agent1 = {
	.name = "agent1", .uid_first = 2001, .uid_last = 2001, .state = EGRESS_ACTIVE,
	.profile = "default", .backend = "iptables", .proxies = two_proxies, .processes = 3,
	.sockets = 2,
	.sessions = one_session, .allowed = { 12, 4096 }, .denied = { 1, 180 },
	.backend_reason = "auto: legacy iptables tables are in use here",
	.plan = "hold 2001\nipv4 allow tcp 127.0.0.1/32 port 3128\nboth reject any with prohibited\n",
	.drift = no_lines, .lacking = no_lines,
	.ranges = one_uid, .range_count = 1,
	.route_guard = "on",
};
static struct egress_account drifted = {
	.name = "agent1", .uid_first = 2001, .uid_last = 2001, .state = EGRESS_LINGERING,
	.profile = "", .backend = "iptables", .backend_reason = "must be nftables: configured", .proxies = two_proxies, .processes = 1,
	.sessions = no_sessions, .plan = "hold 2001\n", .drift = some_drift, .lacking = some_lacking,
	.ranges = uid_set, .range_count = 3,
	.route_guard = "absent: route_guard: ipv4: this kernel has no policy routing rules",
};
static struct egress_account range = {
	.name = "uid 20000-29999", .uid_first = 20000, .uid_last = 29999, .state = EGRESS_PINNED,
	.profile = "default", .backend = "iptables", .backend_reason = "configured", .proxies = two_proxies,
	.sessions = no_sessions, .allowed = { UINT64_MAX, UINT64_MAX },
	.plan = "hold 20000-29999\n", .drift = no_lines, .lacking = no_lines,
	.ranges = wide, .range_count = 1,
	.route_guard = "on",
};
static struct egress_account odd = {
	.name = "\033[31mred\n\xff\xc2\x9b" "2J", .uid_first = 2002, .uid_last = 2002,
	.state = EGRESS_ACTIVE, .profile = "j\xc3\xbcrgen", .backend = "iptables",
	.backend_reason = "\033[2J",
	.proxies = two_proxies, .sessions = two_sessions, .plan = "", .drift = no_lines, .lacking = no_lines,
	.ranges = second_uid, .range_count = 1,
	.route_guard = "on",
};
static struct egress_account long_name = {
	.name = "an-account-with-a-name-that-is-longer-than-anyone-would-want-it-to-be",
	.uid_first = 4294967294, .uid_last = 4294967294, .state = EGRESS_ACTIVE,
	.profile = "default", .backend = "iptables", .backend_reason = "",
	.proxies = two_proxies, .processes = 4194304,
	.sessions = one_session, .allowed = { 1234567890123, 1 }, .plan = "", .drift = no_lines, .lacking = no_lines,
	.ranges = last_uid, .range_count = 1,
	.route_guard = "on",
};
static struct egress_account umlaut = {
	.name = "j\xc3\xb6rg", .uid_first = 1, .uid_last = 1, .state = EGRESS_ACTIVE, .profile = "", .backend = "",
	.backend_reason = "", .proxies = two_proxies, .sessions = no_sessions, .plan = "", .drift = no_lines,
};
static struct egress_account ideograph = {
	.name = "\xe8\xaa\x9e\xe8\xaa\x9e", .uid_first = 2, .uid_last = 2, .state = EGRESS_ACTIVE, .profile = "",
	.backend = "", .backend_reason = "", .proxies = two_proxies, .sessions = no_sessions, .plan = "", .drift = no_lines,
};
static struct egress_account not_held = {
	.name = "agent1", .uid_first = 2001, .uid_last = 2001, .state = EGRESS_NOT_HELD,
	.profile = "default", .backend = "", .backend_reason = "configured", .proxies = two_proxies, .sessions = no_sessions,
	.plan = "hold 2001\n", .drift = no_lines, .lacking = no_lines,
	.ranges = one_uid, .range_count = 1,
	.route_guard = "on",
};

static struct scene {
	const char *name;
	struct egress_account *accounts[5];
	char **differences;
} scenes[] = {
	{ "empty", { NULL }, no_lines },
	{ "one", { &agent1 }, no_lines },
	{ "drift", { &drifted }, some_drift },
	{ "range", { &range }, no_lines },
	{ "odd", { &odd }, no_lines },
	{ "many", { &agent1, &odd, &range, &long_name }, no_lines },
	{ "wide", { &umlaut, &ideograph, &agent1 }, no_lines },
	{ "free", { &not_held }, no_lines },
};

static struct scene *scene(void)
{
	const char *name = getenv("FAKE_SCENE");

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		if (name && strcmp(scenes[i].name, name) == 0)
			return &scenes[i];
	}
	fprintf(stderr, "fake-libegress: no scene\n");
	abort();
}

/* What every operation does first. */
static int begin(struct egress_ctx *ctx)
{
	const char *log = getenv("FAKE_LOG");
	const char *number = getenv("FAKE_ERRNO");
	const char *file = getenv("FAKE_FILE");

	for (int i = 0; file && i < 3; i++) {
		if (open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0)
			abort();
	}
	if (log && ctx->log)
		ctx->log(*log - '0', log + 1, ctx->data);
	return number ? -atoi(number) : 0;
}

FAKE int egress_ctx_new(struct egress_ctx **ret)
{
	*ret = calloc(1, sizeof(**ret));
	(*ret)->config = strdup("/etc/egress/egress.conf");
	return 0;
}

FAKE void egress_ctx_set_subids(struct egress_ctx *ctx, egress_subids_fn *subids, void *data)
{
	(void)ctx;
	(void)subids;
	(void)data;
}

FAKE void egress_ctx_free(struct egress_ctx *ctx)
{
	free(ctx->config);
	free(ctx);
}

FAKE int egress_ctx_set_config(struct egress_ctx *ctx, const char *path, unsigned int flags)
{
	if (*path != '/' || flags != EGRESS_CONFIG_TRIAL)
		abort();
	free(ctx->config);
	ctx->config = strdup(path);
	return 0;
}

FAKE void egress_ctx_set_log(struct egress_ctx *ctx, egress_log_fn *log, void *data)
{
	ctx->log = log;
	ctx->data = data;
}

FAKE const char *egress_ctx_error(const struct egress_ctx *ctx)
{
	const char *text = getenv("FAKE_ERROR"), *backend = getenv("FAKE_BACKEND");

	(void)ctx;
	return text ? text : backend ? backend : "";
}

FAKE const char *egress_ctx_config(const struct egress_ctx *ctx)
{
	return ctx->config;
}

FAKE int egress_hold(struct egress_ctx *ctx, const char *user)
{
	(void)user;
	return begin(ctx);
}

FAKE int egress_release(struct egress_ctx *ctx, const char *user)
{
	(void)user;
	return begin(ctx);
}

static int change(struct egress_ctx *ctx, struct egress_changes *ret)
{
	int error = begin(ctx);

	if (error)
		return error;
	*ret = (struct egress_changes){ 0 };
	if (scene()->accounts[0])
		*ret = (struct egress_changes){ .held = 1, .released = 2, .ended = 3 };
	return 0;
}

FAKE int egress_sync(struct egress_ctx *ctx, struct egress_changes *ret)
{
	return change(ctx, ret);
}

FAKE int egress_reap(struct egress_ctx *ctx, struct egress_changes *ret)
{
	return change(ctx, ret);
}

FAKE int egress_verify(struct egress_ctx *ctx, const char *user, char ***ret_differences)
{
	int error = begin(ctx);

	(void)user;
	if (!error)
		*ret_differences = scene()->differences;
	return error;
}

FAKE void egress_lines_free(char **lines)
{
	(void)lines;
}

FAKE const char *egress_state_name(enum egress_state state)
{
	static const char *const names[] = { "not held", "active", "lingering", "pinned" };

	return names[state];
}

FAKE int egress_list(struct egress_ctx *ctx, struct egress_account ***ret)
{
	int error = begin(ctx);

	if (!error)
		*ret = scene()->accounts;
	return error;
}

FAKE int egress_show(struct egress_ctx *ctx, const char *user, struct egress_account **ret)
{
	int error = begin(ctx);

	(void)user;
	if (!error)
		*ret = scene()->accounts[0];
	return error;
}

FAKE void egress_account_free(struct egress_account *account)
{
	(void)account;
}

FAKE void egress_accounts_free(struct egress_account **accounts)
{
	(void)accounts;
}

static char *fake_variables[] = { "EGRESS_POLICY=none", END };
static struct egress_session fake_session = {
	.backend = "iptables", .token = "a1b2c3", .sessions = 1, .environment = fake_variables, .notice = "egress: \033[2J",
};

/* Of the scene's first account, whatever the user is called; nothing covers anybody where there is none. */
FAKE int egress_open(struct egress_ctx *ctx, const struct egress_request *request, struct egress_session **ret)
{
	const struct egress_account *account;
	int error = begin(ctx);

	if (error)
		return error;
	if (!request->user || strcmp(request->service, "egressctl") != 0 || request->flags != EGRESS_HARDEN)
		abort();
	account = scene()->accounts[0];
	*ret = account ? &fake_session : NULL;
	if (account) {
		fake_session.account = account->name;
		fake_session.uid = account->uid_first;
		fake_session.profile = account->profile;
	}
	return 0;
}

FAKE void egress_session_free(struct egress_session *session)
{
	(void)session;
}

FAKE int egress_close(struct egress_ctx *ctx, uid_t uid, const char *token, unsigned int *ret_sessions, bool *ret_held)
{
	const char *number = getenv("FAKE_CLOSE"), *path = getenv("FAKE_CLOSED");
	FILE *file = path ? fopen(path, "a") : NULL;
	int error = number ? -atoi(number) : begin(ctx);

	if (file) {
		fprintf(file, "%u %s\n", uid, token);
		fclose(file);
	}
	if (error)
		return error;
	*ret_sessions = 0;
	*ret_held = scene()->accounts[0]->state == EGRESS_LINGERING;
	return 0;
}

FAKE int egress_check_config(struct egress_ctx *ctx, char **ret_text)
{
	int error = begin(ctx);

	if (!error)
		*ret_text = strdup("backend = \"auto\";\n\treason = \"\033[2J\";\n");
	return error;
}

FAKE int egress_backend(struct egress_ctx *ctx, char **ret_name, char **ret_reason)
{
	(void)ctx;
	if (getenv("FAKE_BACKEND"))
		return -EOPNOTSUPP;
	*ret_name = strdup("nftables");
	*ret_reason = strdup("auto: \033[2J");
	return 0;
}

static struct egress_rule fake_rules[] = {
	{ .family = AF_INET, .to = "192.0.2.1/32", .protocol = 6, .port_first = 1, .port_last = 65535 },
	{ .family = AF_UNSPEC, .action = EGRESS_RULE_DROP, .to = "", .port_first = 1, .port_last = 65535 },
};
static struct egress_rule *fake_rule_list[] = { &fake_rules[0], &fake_rules[1], NULL };
static struct egress_plan fake_plan = {
	.account = "\033[2J\n*filter\n", .uid_first = 2001, .uid_last = 2001, .profile = "x\nflush ruleset",
	.rules = fake_rule_list, .ranges = uid_set, .range_count = 3,
};

FAKE int egress_plan(struct egress_ctx *ctx, const char *user, struct egress_plan **ret)
{
	int error = begin(ctx);

	(void)user;
	if (getenv("FAKE_MATCH"))
		fake_rules[0].match = (enum egress_match)atoi(getenv("FAKE_MATCH"));
	if (!error)
		*ret = &fake_plan;
	return error;
}

FAKE void egress_plan_free(struct egress_plan *plan)
{
	(void)plan;
}

FAKE int egress_names(struct egress_ctx *ctx, enum egress_names_of of, char ***ret)
{
	static char *const names[] = { "agent1", "b\nc", "\033[2J", END };
	int error = begin(ctx);

	(void)of;
	if (error)
		return error;
	*ret = calloc(sizeof(names) / sizeof(names[0]), sizeof(char *));
	for (size_t i = 0; names[i]; i++)
		(*ret)[i] = strdup(names[i]);
	return 0;
}
