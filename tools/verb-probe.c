/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "args.h"
#include "ids.h"
#include "conf-file.h"
#include "doctor.h"
#include "harden.h"
#include "kmod.h"
#include "output.h"
#include "person.h"
#include "probe.h"
#include "text.h"
#include "tool.h"
#include "util.h"

enum result { RESULT_RULES, RESULT_KERNEL, RESULT_ALLOWED, RESULT_ESCAPED, RESULT_NOT_SHOWN };

static const struct {
	const char *word;
	enum colour colour;
} results[] = {
	[RESULT_RULES] = { "refused", COLOUR_GREEN },	    /* a rule counted it */
	[RESULT_KERNEL] = { "impossible", COLOUR_GREEN },   /* no packet was made */
	[RESULT_ALLOWED] = { "allowed", COLOUR_CYAN },	    /* by the profile */
	[RESULT_ESCAPED] = { "ESCAPED", COLOUR_RED },
	[RESULT_NOT_SHOWN] = { "not shown", COLOUR_YELLOW }, /* could not be tried */
};

struct probe {
	struct tool *tool;
	const char *user;
	struct person person;
	struct ids ids;
	struct harden harden;
	bool any_family; /* the profile lets sessions make whatever sockets they like */
	struct plan plan; /* what the profile is; no rules: it has none any more */
	uid_t subordinate;
	struct target targets[TARGET_KINDS]; /* length 0: there is none */
	int listeners[2][2];		     /* by family, then stream and datagram */
	struct attempt *attempt;	     /* shared with the child */
	struct table table;
	json_t *ways;
	unsigned int escaped;
};

/* What the kernel counted for the account so far. */
static int read_counters(struct probe *probe, struct egress_traffic ret[2])
{
	struct egress_account *account;
	int error = egress_show(probe->tool->ctx, probe->user, &account);

	if (error)
		return error;
	if (account->state == EGRESS_NOT_HELD)
		error = -ENOENT;
	ret[0] = account->allowed;
	ret[1] = account->denied;
	egress_account_free(account);
	return error;
}

/* One of probe's own on loopback, with a port that the kernel chose for the first of both. */
static int listen_at(const char *address, int type, struct target *target)
{
	int fd;

	if (target->length == 0 && !probe_target(address, 0, false, target))
		return -1;
	fd = socket(target->address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&target->address, target->length) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 8) < 0) ||
	    getsockname(fd, (struct sockaddr *)&target->address, &target->length) < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static void listen_everywhere(struct probe *probe)
{
	static const char *const addresses[2] = { "127.0.0.1", "::1" };

	for (int i = 0; i < 2; i++) {
		struct target *target = &probe->targets[TARGET_LOOPBACK4 + i];

		probe->listeners[i][0] = listen_at(addresses[i], SOCK_STREAM, target);
		probe->listeners[i][1] = probe->listeners[i][0] < 0 ? -1 : listen_at(addresses[i],
										     SOCK_DGRAM, target);
		if (probe->listeners[i][1] < 0)
			target->length = 0;
		else
			probe_target(addresses[i],
				     ntohs(((struct sockaddr_in *)&target->address)->sin_port), false, target);
	}
}

/* Did anything come? Takes it. */
static bool arrived(struct probe *probe, const struct way *way)
{
	int i = way->target == TARGET_LOOPBACK6;
	char byte;
	int fd;

	if (way->target != TARGET_LOOPBACK4 && way->target != TARGET_LOOPBACK6)
		return false;
	if (way->type == SOCK_DGRAM)
		return recv(probe->listeners[i][1], &byte, 1, MSG_TRUNC) >= 0;
	fd = accept4(probe->listeners[i][0], NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool take_resolver(char *line, void *data)
{
	char address[64];

	return sscanf(line, " nameserver %63s", address) == 1 && probe_target(address, 53, false, data);
}

/* The first of the documentation networks that has a route: some hosts know of their own links only. */
static void find_targets(struct probe *probe)
{
	static const char *const outside4[] = { "198.51.100.99", "203.0.113.99", "192.0.2.99" };
	AUTO_FREE char *resolvers = doctor_read("/etc/resolv.conf");
	struct target target;

	for (size_t i = 0; i < ARRAY_SIZE(outside4) && probe->targets[TARGET_OUTSIDE4].length == 0; i++) {
		if (!probe_target(outside4[i], 9, false, &target) || !probe_has_route(&target))
			continue;
		probe_target(outside4[i], 0, false, &probe->targets[TARGET_OUTSIDE4]);
		probe_target(outside4[i], 0, true, &probe->targets[TARGET_MAPPED]);
	}
	if (probe_target("2001:db8::99", 9, false, &target) && probe_has_route(&target))
		probe_target("2001:db8::99", 0, false, &probe->targets[TARGET_OUTSIDE6]);
	memset(&target, 0, sizeof(target));
	if (resolvers && doctor_lines(resolvers, take_resolver, &target) && probe_has_route(&target))
		probe->targets[TARGET_RESOLVER] = target;
	listen_everywhere(probe);
}

__attribute__((noreturn)) static void try_as_account(const struct probe *probe, const struct way *way,
						     const struct target *target)
{
	struct ids ids = probe->ids;
	struct fault fault = { .error = 0 };

	/* As in a session, which is hardened before it becomes the account; who becomes it for good, it can stop. */
	alarm(5);
	if (way->subordinate)
		ids.uid = probe->subordinate;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    harden_apply(&probe->harden, &fault) < 0 || ids_act_as(&ids) || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(1);
	way->try(way, target, probe->attempt);
	_exit(0);
}

/* 0, or a negative errno if the attempt could not be made. */
static int try_way(struct probe *probe, const struct way *way, const struct target *target)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		try_as_account(probe, way, target);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

static void tell(struct probe *probe, const struct way *way, const char *target, enum result result, const char *why)
{
	const char *word = results[result].word;

	probe->escaped += result == RESULT_ESCAPED;
	if (probe->tool->json) {
		json_t *object = json_pack("{s:s,s:s,s:s,s:s}", "way", way->name, "target", target, "result",
					   result == RESULT_ESCAPED ? "escaped" : word, "why", why);

		if (json_array_append_new(probe->ways, must(object)) < 0)
			must(NULL);
		return;
	}
	table_add(&probe->table, "%s", way->name);
	table_add(&probe->table, "%s", target);
	table_add_coloured(&probe->table, word, results[result].colour);
	table_add(&probe->table, "%s", why);
}

/* And not for want of what others may have used up. */
static bool is_refusal(int error)
{
	return error && error != EMFILE && error != ENFILE && error != ENOMEM && error != ENOBUFS && error != EINTR;
}

/* What is counted may be another packet of the account; but who sends a datagram that a rule refuses is told so,
 * unless it is an ICMPv6 echo. */
static bool was_denied(const struct probe *probe, const struct way *way, const struct egress_traffic *before,
		       const struct egress_traffic *after)
{
	bool is_told = way->type == SOCK_DGRAM && way->protocol != IPPROTO_ICMPV6;

	return after[1].packets > before[1].packets && (!is_told || probe->attempt->error);
}

/* Its sessions go on meanwhile. */
static bool profile_allows(const struct probe *probe, const struct way *way, const struct target *target)
{
	struct packet packet;
	const struct rule *rule;

	if (probe->plan.rule_count == 0 || way->target == TARGET_NONE)
		return true;
	packet = probe_packet(way, target);
	rule = plan_decide(&probe->plan, &packet);
	return rule && rule->verdict == VERDICT_ALLOW;
}

static void judge(struct probe *probe, const struct way *way, const struct target *to,
		  const struct egress_traffic *before,
		  const struct egress_traffic *after)
{
	const struct attempt *attempt = probe->attempt;
	const char *why = attempt->error ? strerror(attempt->error) : "no error", *target = to->text;
	bool allowed = after[0].packets > before[0].packets && profile_allows(probe, way, to);

	if (arrived(probe, way))
		tell(probe, way, target, allowed ? RESULT_ALLOWED : RESULT_ESCAPED, "it arrived");
	else if (attempt->stage == STAGE_SOCKET && attempt->error)
		tell(probe, way, target, is_refusal(attempt->error) ? RESULT_KERNEL : RESULT_NOT_SHOWN, why);
	else if (way->target == TARGET_NONE)
		tell(probe, way, target, probe->any_family ? RESULT_ALLOWED : RESULT_ESCAPED,
		     probe->any_family ? "socket_families = \"any\"" : "the socket was made, and no rule sees it");
	else if (was_denied(probe, way, before, after))
		tell(probe, way, target, RESULT_RULES, "counted as denied");
	else if (allowed)
		tell(probe, way, target, RESULT_ALLOWED, "counted as allowed");
	else if (attempt->error == EACCES || attempt->error == EPERM)
		tell(probe, way, target, RESULT_KERNEL, why);
	else if (attempt->guarded)
		tell(probe, way, target, RESULT_KERNEL, "kept on this host by the route guard");
	else
		tell(probe, way, target, RESULT_ESCAPED, why);
}

/* Why a way cannot be tried here, or NULL. */
static const char *obstacle(const struct probe *probe, const struct way *way)
{
	if (way->module && !kmod_is_there(way->module))
		return "the module is not loaded, and trying would load it: see doctor";
	if (way->subordinate && probe->subordinate == (uid_t)-1)
		return "no subordinate uids in /etc/subuid";
	if (way->target != TARGET_NONE && probe->targets[way->target].length == 0)
		return way->target == TARGET_RESOLVER ? "no resolver, or no route to it" : "no route, not even for root";
	return NULL;
}

static enum exit_code take_way(struct probe *probe, const struct way *way)
{
	struct egress_traffic before[2], after[2];
	struct target target = probe->targets[way->target];
	const char *reason = obstacle(probe, way);
	int error;

	if (reason) {
		tell(probe, way, "", RESULT_NOT_SHOWN, reason);
		return EXIT_DONE;
	}
	if (way->port && way->target != TARGET_RESOLVER)
		probe_target(probe->targets[way->target].text, way->port, false, &target);
	*probe->attempt = (struct attempt){ .error = 0 };
	error = read_counters(probe, before);
	if (!error && try_way(probe, way, &target) < 0) {
		tell(probe, way, target.text, RESULT_NOT_SHOWN, "cannot become the account");
		return EXIT_DONE;
	}
	if (!error)
		error = read_counters(probe, after);
	if (error)
		return exit_failed_user(probe->tool->ctx, error, probe->user);
	judge(probe, way, &target, before, after);
	return EXIT_DONE;
}

static void print(struct probe *probe)
{
	const struct tool *tool = probe->tool;

	if (tool->json) {
		output_json(tool->out, json_pack("{s:o,s:O,s:i}", "account",
						 output_json_string(probe->user), "ways",
						 probe->ways, "escaped", probe->escaped));
		return;
	}
	table_print(&probe->table, tool->out, "", tool->legend, tool->coloured);
	if (tool->legend)
		fprintf(tool->out, "\n%u escaped\n", probe->escaped);
}

static enum exit_code run(struct probe *probe)
{
	static const struct column columns[] = {
		{ "WAY", ALIGN_LEFT }, { "TARGET", ALIGN_LEFT }, { "RESULT", ALIGN_LEFT }, { "WHY", ALIGN_LEFT },
	};
	enum exit_code code = EXIT_DONE;

	probe->table = (struct table){ .columns = columns, .column_count = ARRAY_SIZE(columns) };
	probe->ways = must(json_array());
	find_targets(probe);
	for (const struct way *way = probe_ways; !code && way->name; way++)
		code = take_way(probe, way);
	if (!code)
		print(probe);
	json_decref(probe->ways);
	return code ? code : probe->escaped > 0 ? EXIT_NO : EXIT_DONE;
}

struct subordinate {
	const char *user;
	uid_t uid;
	unsigned long first;
};

static bool is_range_of(char *line, void *data)
{
	struct subordinate *wanted = data;
	char name[256], number[16];

	snprintf(number, sizeof(number), "%u", wanted->uid);
	return sscanf(line, "%255[^:]:%lu", name, &wanted->first) == 2 &&
	       (strcmp(name, wanted->user) == 0 || strcmp(name, number) == 0);
}

static void meet_subordinate(struct probe *probe)
{
	AUTO_FREE char *text = doctor_read("/etc/subuid");
	struct subordinate wanted = { .user = probe->user, .uid = probe->person.uid };

	probe->subordinate = (uid_t)-1;
	if (text && doctor_lines(text, is_range_of, &wanted) && wanted.first > 0 && wanted.first < UINT32_MAX)
		probe->subordinate = (uid_t)wanted.first;
}

/* Who it is, and what his profile says about sockets. */
static int meet(struct probe *probe, struct fault *fault)
{
	struct conf_view view;
	const struct account *account = NULL;
	int r = conf_view_load(egress_ctx_config(probe->tool->ctx), EGRESS_LIBDIR, fault, &view);

	if (r < 0)
		return r;
	r = person_by_name(probe->user, fault, &probe->person);
	if (!r && view.conf)
		r = person_match(&probe->person, view.conf, fault, &account);
	if (r > 0)
		r = harden_prepare(account->profile, fault, &probe->harden);
	probe->any_family = account && account->profile->socket_families == FAMILIES_ANY;
	if (r >= 0 && account) {
		r = plan_compile(account->profile, (struct uid_range){ probe->person.uid, probe->person.uid },
				 &probe->plan);
		if (r < 0)
			fault_set(fault, r, "probe: %s", strerror(-r));
	}
	conf_view_clear(&view);
	if (r < 0)
		return r;
	if (!probe->person.exists)
		return fault_set(fault, -ENOENT, "\"%s\": no such user", probe->user);
	if (probe->person.uid == 0)
		return fault_set(fault, -EINVAL, "\"%s\": uid 0 is never held", probe->user);
	probe->ids = (struct ids){ .uid = probe->person.uid, .gid = probe->person.gid };
	ids_take_groups(&probe->ids, probe->user);
	meet_subordinate(probe);
	return 0;
}

static enum exit_code begin(struct probe *probe)
{
	struct egress_traffic counters[2];
	struct fault fault = { .error = 0 };
	int error;

	if (geteuid() != 0) {
		complain("probe: cannot become the account: needs root");
		return EXIT_FAILED;
	}
	if (meet(probe, &fault) < 0) {
		complain("%s", fault.line);
		return EXIT_FAILED;
	}
	error = read_counters(probe, counters);
	if (error == -ENOENT) {
		complain("%s: not held: there is nothing to probe; see egressctl hold", probe->user);
		return EXIT_NO;
	}
	if (error)
		return exit_failed_user(probe->tool->ctx, error, probe->user);
	probe->attempt = mmap(NULL, sizeof(*probe->attempt), PROT_READ | PROT_WRITE, MAP_SHARED |
			      MAP_ANONYMOUS, -1, 0);
	if (probe->attempt == MAP_FAILED)
		must(NULL);
	return run(probe);
}

enum exit_code verb_probe(struct tool *tool, char **args)
{
	AUTO_FREE char *user = NULL;
	enum exit_code code = args_user(args[0], &user);
	struct probe probe = { .tool = tool, .user = user };

	if (code)
		return code;
	code = begin(&probe);
	ids_clear(&probe.ids);
	plan_clear(&probe.plan);
	person_clear(&probe.person);
	return code;
}
