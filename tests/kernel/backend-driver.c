/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives the seam between plan and kernel from the command line, for tests/kernel and benchmarks:
 *
 *	backend-driver [-b BACKEND] [-d DEADLINE_MS] VERB [ARGS...]
 *
 *	probe
 *	hold PLAN [+ PLAN]...      make the kernel equal to the plans
 *	verify PLAN [+ PLAN]...    list and compare: prints "UIDS same" or "UIDS differs", and drift
 *	remove UIDS...
 *	list [UIDS]
 *	stay                       open, print "open", and keep the lock until standard input ends
 *	decide PLAN                what the plan says of each packet on standard input: "PROTO ADDRESS PORT CARD
 *	                           FORGED", with a protocol's number, port 0 for none, card 1 for a socket that is bound
 *	                           to one, forged 1 with options or a routing header
 *
 * PLAN is UIDS and how it differs from a profile that lets nothing through, logs ten packets a
 * minute to group 9, and resets:
 *
 *	proxy=127.0.0.1:3128       allow=192.0.2.0/24[,udp[,53-55,123]]
 *	log=GROUP:RATE:PERIOD      nolog                           drop
 *
 * Errors go to standard error as "ENAME: line", with exit status 1.
 */
#include "backend.h"
#include "plan-compare.h"
#include "plan-decide.h"
#include "render.h"
#include "util.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define PLAN_MAX 20000

/* Of tests/shim/malloc-shim.c, if that is loaded: memory may run out in what is tested, not in the driver. */
__attribute__((weak)) void malloc_shim(bool arm);

static void test_begins(bool begins)
{
	if (malloc_shim)
		malloc_shim(begins);
}

struct driver {
	const struct backend_ops *ops;
	struct deadline deadline;
	struct backend *backend;
	struct fault fault;
};

static _Noreturn void usage(const char *token)
{
	fprintf(stderr, "backend-driver: cannot use \"%s\"\n", token);
	exit(2);
}

static void parse_allow(const char *text, struct allow *allow)
{
	char *copy = strdup(text), *rest = copy;
	const char *to = strsep(&rest, ","), *proto = strsep(&rest, ","), *ports = rest;

	*allow = (struct allow){ 0 };
	if (addr_parse_prefix(to, &allow->to))
		usage(text);
	if (proto && strcmp(proto, "tcp") == 0)
		allow->proto = IPPROTO_TCP;
	else if (proto && strcmp(proto, "udp") == 0)
		allow->proto = IPPROTO_UDP;
	else if (proto && strcmp(proto, "icmp") == 0)
		allow->proto = IPPROTO_ICMP;
	else if (proto && strcmp(proto, "any") != 0)
		usage(text);
	if (ports && addr_parse_ports(ports, &allow->ports, &allow->port_count))
		usage(text);
	free(copy);
}

static void *grow(void *array, size_t count, size_t size)
{
	void *grown = reallocarray(array, count + 1, size);

	if (!grown)
		abort();
	return grown;
}

static void parse_proxy(const char *word, struct profile *profile)
{
	struct proxy proxy = { 0 };

	if (addr_parse_endpoint(word + 6, &proxy.endpoint))
		usage(word);
	profile->proxies = grow(profile->proxies, profile->proxy_count, sizeof(proxy));
	profile->proxies[profile->proxy_count++] = proxy;
}

/* log=GROUP:RATE:PERIOD */
static bool parse_log(const char *word, struct log_rule *log)
{
	unsigned int group;

	if (sscanf(word, "log=%u:%u:%u", &group, &log->rate, &log->period) != 3)
		return false;
	log->enabled = true;
	log->group = (uint16_t)group;
	return true;
}

static void parse_word(const char *word, struct profile *profile)
{
	if (strncmp(word, "proxy=", 6) == 0) {
		parse_proxy(word, profile);
	} else if (strncmp(word, "allow=", 6) == 0) {
		profile->allows = grow(profile->allows, profile->allow_count, sizeof(struct allow));
		parse_allow(word + 6, &profile->allows[profile->allow_count++]);
	} else if (parse_log(word, &profile->log)) {
		return;
	} else if (strcmp(word, "nolog") == 0) {
		profile->log.enabled = false;
	} else if (strcmp(word, "drop") == 0) {
		profile->reject = REJECT_DROP;
	} else {
		usage(word);
	}
}

/* Returns the words that are left, after the "+". */
static char **parse_plan(char **words, struct plan *ret)
{
	struct profile profile = { .log = { true, 9, 10, 60 } };
	struct uid_range uids;

	if (!*words || addr_parse_uid_range(*words, &uids))
		usage(*words ? *words : "");
	for (words++; *words && strcmp(*words, "+") != 0; words++)
		parse_word(*words, &profile);
	if (plan_compile(&profile, uids, ret))
		abort();
	for (size_t i = 0; i < profile.allow_count; i++)
		free(profile.allows[i].ports);
	free(profile.allows);
	free(profile.proxies);
	return *words ? words + 1 : words;
}

static struct plan *parse_plans(char **words, size_t *ret_count)
{
	struct plan *plans = calloc(PLAN_MAX, sizeof(*plans));
	size_t count = 0;

	while (*words && count < PLAN_MAX)
		words = parse_plan(words, &plans[count++]);
	*ret_count = count;
	return plans;
}

static void free_plans(struct plan *plans, size_t count)
{
	for (size_t i = 0; i < count; i++)
		plan_clear(&plans[i]);
	free(plans);
}

static int do_hold(struct driver *driver, char **words)
{
	size_t count;
	struct plan *plans = parse_plans(words, &count);
	int error;

	test_begins(true);
	error = driver->ops->replace(driver->backend, plans, count, &driver->fault);
	test_begins(false);
	free_plans(plans, count);
	return error;
}

static void verify_plan(const struct plan *plan, const struct standing *standing, size_t count)
{
	char uids[UID_RANGE_TEXT_MAX];
	bool same = count == 1 && plan_same_rules(plan, &standing->plan);

	printf("%s %s\n", addr_print_uid_range(plan->uids, uids), same ? "same" : "differs");
	for (char **line = count ? standing->drift : NULL; line && *line; line++)
		printf("drift: %s\n", *line);
}

static int do_verify(struct driver *driver, char **words)
{
	size_t count;
	struct plan *plans = parse_plans(words, &count);
	int error = 0;

	for (size_t i = 0; i < count && !error; i++) {
		struct standing *standing = NULL;
		size_t found = 0;

		test_begins(true);
		error = driver->ops->list(driver->backend, &plans[i].uids, &driver->fault,
					  &standing, &found);
		test_begins(false);
		if (!error)
			verify_plan(&plans[i], standing, found);
		standing_free(standing, found);
	}
	free_plans(plans, count);
	return error;
}

static int do_remove(struct driver *driver, char **words)
{
	struct uid_range *subjects = calloc(PLAN_MAX, sizeof(*subjects));
	size_t count = 0;
	int error;

	for (; *words && count < PLAN_MAX; words++) {
		if (addr_parse_uid_range(*words, &subjects[count++]))
			usage(*words);
	}
	test_begins(true);
	error = driver->ops->remove(driver->backend, subjects, count, &driver->fault);
	test_begins(false);
	free(subjects);
	return error;
}

static void print_standing(const struct standing *standing)
{
	char *text = NULL;

	if (render_plan(&standing->plan, &text))
		abort();
	fputs(text, stdout);
	free(text);
	printf("allowed %ju packets %ju bytes, denied %ju packets %ju bytes\n",
	       (uintmax_t)standing->allowed.packets, (uintmax_t)standing->allowed.bytes,
	       (uintmax_t)standing->denied.packets, (uintmax_t)standing->denied.bytes);
	for (char **line = standing->drift; line && *line; line++)
		printf("drift: %s\n", *line);
}

static int do_list(struct driver *driver, char **words)
{
	struct standing *standing = NULL;
	struct uid_range only;
	size_t count = 0;
	int error;

	if (*words && addr_parse_uid_range(*words, &only))
		usage(*words);
	test_begins(true);
	error = driver->ops->list(driver->backend, *words ? &only : NULL, &driver->fault, &standing,
				  &count);
	test_begins(false);
	for (size_t i = 0; i < count && !error; i++)
		print_standing(&standing[i]);
	standing_free(standing, count);
	return error;
}

static int do_stay(struct driver *driver, char **words)
{
	(void)driver;
	(void)words;
	puts("open");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}

static const char *word_of(const struct rule *rule)
{
	if (rule && rule_is_forged(rule))
		return "forged";
	switch (rule ? rule->verdict : VERDICT_LOG) {
	case VERDICT_ALLOW:
		return "allow";
	case VERDICT_REJECT_RESET:
		return "reset";
	case VERDICT_REJECT_PROHIBITED:
		return "prohibited";
	case VERDICT_DROP:
		return "drop";
	default:
		return "nothing";
	}
}

static int do_decide(struct driver *driver, char **words)
{
	unsigned int proto, port, card, forged;
	char address[ADDR_TEXT_MAX];
	struct prefix to;
	struct plan plan;

	(void)driver;
	parse_plan(words, &plan);
	while (scanf("%u %47s %u %u %u", &proto, address, &port, &card, &forged) == 5) {
		struct packet packet = { .proto = (uint8_t)proto, .port = (uint16_t)port, .by_card = card,
					 .forged = forged };

		if (addr_parse_prefix(address, &to))
			usage(address);
		packet.to = to.addr;
		puts(word_of(plan_decide(&plan, &packet)));
	}
	plan_clear(&plan);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct driver *driver, char **words);
} verbs[] = {
	{ "hold", do_hold }, { "verify", do_verify }, { "remove", do_remove },
	{ "list", do_list }, { "stay", do_stay },
};

static int run_verb(struct driver *driver, const char *verb, char **words)
{
	enum backend_presence presence;
	int error;

	if (strcmp(verb, "probe") == 0)
		return driver->ops->probe(&driver->fault, &presence);
	if (strcmp(verb, "decide") == 0)
		return do_decide(driver, words);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].name, verb) != 0)
			continue;
		error = driver->ops->open(&driver->deadline, &driver->fault, &driver->backend);
		if (!error)
			error = verbs[i].run(driver, words);
		driver->ops->close(driver->backend);
		return error;
	}
	usage(verb);
}

static const struct backend_ops *find_backend(const char *name)
{
	for (size_t i = 0; backends[i]; i++) {
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i];
	}
	usage(name);
}

int main(int argc, char **argv)
{
	struct driver driver = {
		.ops = find_backend("iptables"),
		.deadline = deadline_in_ms(5000),
	};
	int option, error;

	while ((option = getopt(argc, argv, "+b:d:")) != -1) {
		if (option == 'b')
			driver.ops = find_backend(optarg);
		else if (option == 'd')
			driver.deadline = deadline_in_ms(atol(optarg));
		else
			usage("option");
	}
	if (optind == argc)
		usage("");
	error = run_verb(&driver, argv[optind], argv + optind + 1);
	if (!error)
		return 0;
	fprintf(stderr, "%s: %s\n", strerrorname_np(-error), driver.fault.line);
	return 1;
}
