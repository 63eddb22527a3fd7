/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What holding and letting go costs: seam [-n COUNTS] [-r ROUNDS] [-w BACKEND].
 *
 * Through the seam, as an open and a close do, with so many accounts held already; in turns with
 * the bare library, and with the commands that scripts use.
 *
 * -w holds and lets go for a while with the largest number of accounts held: to be profiled.
 */
#include "commands.h"

#include "util.h"

#include <stdio.h>
#include <string.h>

#define SECONDS 5.0 /* for each comparison */
#define FEWEST 5
#define WHY_ROUNDS 20

/* A network namespace where accounts are held. */
struct site {
	int netns;
	struct accounts accounts;
	struct plan one_more[2]; /* and its subordinate uids */
	size_t of_one_more;      /* how many of them it has */
	struct bare *bare;
};

struct bench {
	const struct options *options;
	const struct backend_ops *ops;
	const struct bare_ops *bare;
	struct site sites[COUNTS_MAX];
};

static void site_make(const struct bench *bench, size_t count, struct site *ret)
{
	*ret = (struct site){ .netns = netns_new(), .of_one_more = 1 };
	netns_enter(ret->netns);
	accounts_make(count, CONTIGUOUS, IPPROTO_TCP, &ret->accounts);
	account_make(ret->accounts.between, IPPROTO_TCP, &ret->one_more[0]);
	subordinates_make(count, &ret->one_more[1]);
	seam_hold(bench->ops, ret->accounts.plans, count);
	ret->bare = bench->bare->learn();
}

static void site_clear(const struct bench *bench, struct site *site)
{
	bench->bare->free(site->bare);
	plan_clear(&site->one_more[0]);
	plan_clear(&site->one_more[1]);
	accounts_clear(&site->accounts);
	close(site->netns);
}

/* Milliseconds. */
struct cost {
	double hold, release;
};

static struct cost cost_of_seam(const struct bench *bench, const struct site *site)
{
	double start = clock_us(), held, released;

	seam_hold(bench->ops, site->one_more, site->of_one_more);
	held = clock_us();
	seam_release(bench->ops, site->one_more, site->of_one_more);
	released = clock_us();
	return (struct cost){ (held - start) / 1e3, (released - held) / 1e3 };
}

static struct cost cost_of_bare(const struct bench *bench, const struct site *site)
{
	uid_t uid = site->one_more[0].uids.first;
	double start = clock_us(), held, released;

	bench->bare->hold(site->bare, uid);
	held = clock_us();
	bench->bare->release(site->bare, uid);
	released = clock_us();
	return (struct cost){ (held - start) / 1e3, (released - held) / 1e3 };
}

static double both(struct cost cost)
{
	return cost.hold + cost.release;
}

static unsigned int rounds_for(const struct bench *bench, double cost_ms)
{
	return options_rounds(bench->options, cost_ms * 1e3, SECONDS, FEWEST);
}

static void emit_and_clear(const struct bench *bench, const char *figure, const char *layout,
			   size_t accounts, const char *unit, struct series *series)
{
	emit((struct label){ figure, bench->ops->name, layout, accounts, unit }, series);
	series_clear(series);
}

/* --- Beside the bare library --- */

static void measure_bare(const struct bench *bench, const struct site *site)
{
	struct series ratio = { 0 }, hold = { 0 }, release = { 0 }, bare_hold = { 0 };
	size_t count = site->accounts.count;
	unsigned int rounds;

	netns_enter(site->netns);
	rounds = rounds_for(bench,
			    both(cost_of_seam(bench, site)) + both(cost_of_bare(bench, site)));
	for (unsigned int i = 0; i < rounds; i++) {
		struct cost bare = cost_of_bare(bench, site);
		struct cost seam = cost_of_seam(bench, site);

		series_add(&ratio, both(seam) / both(bare));
		series_add(&hold, seam.hold);
		series_add(&release, seam.release);
		series_add(&bare_hold, bare.hold);
	}
	emit_and_clear(bench, "hold-release.bare", NO_LAYOUT, count, "x", &ratio);
	emit_and_clear(bench, "hold", "libegress", count, "ms", &hold);
	emit_and_clear(bench, "release", "libegress", count, "ms", &release);
	emit_and_clear(bench, "hold", "bare library", count, "ms", &bare_hold);
}

/* --- The largest number of accounts beside the smallest --- */

static void measure_growth(const struct bench *bench, const char *layout)
{
	const struct site *small = &bench->sites[0];
	const struct site *large = &bench->sites[bench->options->count_count - 1];
	struct series ratio = { 0 }, hold_ratio = { 0 };
	size_t count = large->accounts.count;
	unsigned int rounds;

	netns_enter(large->netns);
	rounds = rounds_for(bench, both(cost_of_seam(bench, large)));
	for (unsigned int i = 0; i < rounds; i++) {
		struct cost few, many;

		netns_enter(small->netns);
		few = cost_of_seam(bench, small);
		netns_enter(large->netns);
		many = cost_of_seam(bench, large);
		series_add(&ratio, both(many) / both(few));
		series_add(&hold_ratio, many.hold / few.hold);
	}
	emit_and_clear(bench, "hold-release.growth", layout, count, "x", &ratio);
	emit_and_clear(bench, "hold.growth", layout, count, "x", &hold_ratio);
}

static void give_subordinates(const struct bench *bench, struct site *site)
{
	size_t count = site->accounts.count;
	AUTO_FREE struct plan *plans = need(calloc(count, sizeof(*plans)));

	netns_enter(site->netns);
	for (size_t i = 0; i < count; i++)
		subordinates_make(i, &plans[i]);
	seam_hold(bench->ops, plans, count);
	for (size_t i = 0; i < count; i++)
		plan_clear(&plans[i]);
	site->of_one_more = ARRAY_SIZE(site->one_more);
}

/* --- Beside the commands --- */

static void measure_way(const struct bench *bench, const struct site *site,
			const struct command_way *way, const struct commands *commands)
{
	struct series ratio = { 0 }, absolute = { 0 };
	size_t count = site->accounts.count;
	double cost_ms = way->hold(commands) / 1e3;
	unsigned int rounds = rounds_for(bench, cost_ms * 2);

	commands_release(commands);
	for (unsigned int i = 0; i < rounds; i++) {
		double seam = cost_of_seam(bench, site).hold;
		double other = way->hold(commands) / 1e3;

		commands_release(commands);
		series_add(&ratio, seam / other);
		series_add(&absolute, other);
	}
	emit_and_clear(bench, "hold.commands", way->name, count, "x", &ratio);
	emit_and_clear(bench, "hold", way->name, count, "ms", &absolute);
}

static void measure_commands(const struct bench *bench, const struct site *site)
{
	struct commands *commands;

	netns_enter(site->netns);
	commands = commands_make(bench->bare, site->bare, site->one_more[0].uids.first);
	for (const struct command_way *way = command_ways; way->name; way++) {
		if (strcmp(way->backend, bench->ops->name) == 0)
			measure_way(bench, site, way, commands);
	}
	commands_free(commands);
}

/* --- All accounts at once --- */

static void remove_all(const struct bench *bench, const struct site *site)
{
	AUTO_FREE struct uid_range *uids = need(calloc(site->accounts.count, sizeof(*uids)));
	struct deadline deadline = deadline_in_ms(120000);
	struct backend *backend = NULL;
	struct fault fault = { 0 };

	for (size_t i = 0; i < site->accounts.count; i++)
		uids[i] = site->accounts.plans[i].uids;
	if (bench->ops->open(&deadline, &fault, &backend) ||
	    bench->ops->remove(backend, uids, site->accounts.count, &fault))
		die("remove: %s", fault.line);
	bench->ops->close(backend);
}

/* Both begin with nothing held, and end with the same held. */
static void measure_sync(const struct bench *bench, const struct site *site)
{
	struct series ratio = { 0 }, absolute = { 0 }, bare = { 0 };
	size_t count = site->accounts.count;
	unsigned int rounds = 0, wanted = 1;

	netns_enter(site->netns);
	while (rounds++ < wanted) {
		double start, built, cleared, held;

		bench->bare->clear(site->bare);
		start = clock_us();
		bench->bare->build(site->bare);
		built = clock_us();
		remove_all(bench, site);
		cleared = clock_us();
		seam_hold(bench->ops, site->accounts.plans, count);
		held = clock_us();
		if (rounds == 1)
			wanted = rounds_for(bench, (held - start) / 1e3);
		series_add(&ratio, (held - cleared) / (built - start));
		series_add(&absolute, (held - cleared) / 1e3);
		series_add(&bare, (built - start) / 1e3);
	}
	emit_and_clear(bench, "sync.bare", NO_LAYOUT, count, "x", &ratio);
	emit_and_clear(bench, "sync", "libegress", count, "ms", &absolute);
	emit_and_clear(bench, "sync", "bare library", count, "ms", &bare);
}

static void measure_list(const struct bench *bench, const struct site *site)
{
	struct series absolute = { 0 };
	unsigned int rounds = 0, wanted = 1;

	netns_enter(site->netns);
	while (rounds++ < wanted) {
		double start = clock_us(), cost;

		seam_list(bench->ops, site->accounts.count);
		cost = clock_us() - start;
		if (rounds == 1)
			wanted = rounds_for(bench, cost / 1e3);
		series_add(&absolute, cost / 1e3);
	}
	emit_and_clear(bench, "list", "libegress", site->accounts.count, "ms", &absolute);
}

/* --- All of it, for one backend --- */

static void tell_unavailable(const struct backend_ops *ops, const char *why)
{
	static const char *const figures[] = { "hold-release.bare", "hold-release.growth",
					       "hold.commands", "sync.bare", "list" };

	for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
		emit_unavailable(figures[i], ops->name, why);
}

static void measure_all(struct bench *bench)
{
	size_t count = bench->options->count_count;

	for (size_t i = 0; i < count; i++)
		site_make(bench, bench->options->counts[i], &bench->sites[i]);
	measure_growth(bench, NO_LAYOUT);
	for (size_t i = 0; i < count; i++) {
		measure_bare(bench, &bench->sites[i]);
		measure_commands(bench, &bench->sites[i]);
		measure_list(bench, &bench->sites[i]);
		measure_sync(bench, &bench->sites[i]);
	}
	give_subordinates(bench, &bench->sites[0]);
	if (count > 1)
		give_subordinates(bench, &bench->sites[count - 1]);
	measure_growth(bench, "with subordinate uids");
	for (size_t i = 0; i < count; i++)
		site_clear(bench, &bench->sites[i]);
}

static void repeat(struct bench *bench)
{
	size_t last = bench->options->count_count - 1;

	site_make(bench, bench->options->counts[last], &bench->sites[0]);
	for (int i = 0; i < WHY_ROUNDS; i++)
		cost_of_seam(bench, &bench->sites[0]);
	site_clear(bench, &bench->sites[0]);
}

int main(int argc, char **argv)
{
	struct options options;

	options_parse(argc, argv, &options);
	for (size_t i = 0; backends[i]; i++) {
		struct bench bench = { .options = &options,
				       .ops = backends[i],
				       .bare = bare_find(backends[i]->name) };
		struct fault fault = { 0 };

		if (options.why && strcmp(options.why, backends[i]->name) != 0)
			continue;
		if (seam_probe(bench.ops, &fault))
			tell_unavailable(bench.ops, fault.line);
		else if (options.why)
			repeat(&bench);
		else
			measure_all(&bench);
	}
	return 0;
}
