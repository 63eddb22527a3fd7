/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the route guard costs: guard [-n COUNTS] [-r ROUNDS].
 *
 * A UDP packet of an uninvolved user from a socket that is not connected, so that each asks for a route anew, in a
 * network namespace with the guard of so many scattered accounts and, in turns, in one without. It goes to an
 * address that lies behind loopback and is nobody's: what is local the guard never sees. And how long it takes to
 * guard one more account, and to let it go, in both families.
 */
#include "bench.h"

#include "guard.h"
#include "util.h"

#include <stdio.h>
#include <sys/fsuid.h>

#define BLOCK 64
#define CHANGE_SECONDS 2.0
#define LOAD_MS 120000L

static int place_make(void)
{
	static char *const argv[] = { "ip", "route", "add", "192.0.2.0/24", "dev", "lo", NULL };
	int netns = netns_new();

	netns_enter(netns);
	run_timed(argv, NULL);
	return netns;
}

static void guard_plans(const struct plan *plans, size_t count)
{
	const struct deadline deadline = deadline_in_ms(LOAD_MS);
	struct fault why = { 0 };
	bool changed = false;

	if (guard_routes.replace(plans, count, &deadline, &why, &changed))
		die("%s", why.line);
}

static void unguard(const struct plan *plan)
{
	const struct deadline deadline = deadline_in_ms(LOAD_MS);
	struct fault why = { 0 };

	if (guard_routes.remove(&plan->uids, 1, &deadline, &why))
		die("%s", why.line);
}

static int socket_of(int netns, uid_t uid)
{
	int fd;

	netns_enter(netns);
	setfsuid(uid);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setfsuid(0);
	if (fd < 0)
		die("cannot make a socket of uid %u: %m", uid);
	return fd;
}

/* Nanoseconds a packet. */
static double send_block(int fd)
{
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9),
					.sin_addr.s_addr = htonl(0xc0000209) };
	double start = clock_us();

	for (int i = 0; i < BLOCK; i++)
		if (sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)) < 0)
			die("route guard: cannot send: %m");
	return (clock_us() - start) * 1e3 / BLOCK;
}

static double packet_ratio(const struct options *options, int guarded, int free, uid_t uid)
{
	AUTO_CLOSE int with = socket_of(guarded, uid), without = socket_of(free, uid);
	struct series ratios = { 0 };
	double median;

	for (unsigned int i = 0; i < options->rounds + 7; i++) {
		double first = send_block(i % 2 ? without : with), second = send_block(i % 2 ? with : without);

		series_add(&ratios, i % 2 ? second / first : first / second);
	}
	median = series_median(&ratios);
	series_clear(&ratios);
	return median;
}

static void measure_packets(const struct options *options, int guarded, int free, const struct accounts *accounts)
{
	const uid_t uids[] = { accounts->below, accounts->between, accounts->above };
	struct series ratios = { 0 };
	double worst = 0;

	for (size_t i = 0; i < ARRAY_SIZE(uids); i++) {
		double ratio = packet_ratio(options, guarded, free, uids[i]);

		worst = ratio > worst ? ratio : worst;
	}
	series_add(&ratios, worst);
	emit((struct label){ "guard.packet", NO_BACKEND, layout_names[SCATTERED], accounts->count, "x" }, &ratios);
	series_clear(&ratios);
}

static void measure_changes(const struct options *options, int guarded, const struct accounts *accounts)
{
	struct series comes = { 0 }, goes = { 0 };
	struct plan plan;
	double start = clock_us();

	account_make(accounts->between, IPPROTO_TCP, &plan);
	plan.guard = true;
	netns_enter(guarded);
	for (unsigned int i = 0; i < options->rounds + 7 && clock_us() - start < CHANGE_SECONDS * 1e6; i++) {
		double before = clock_us(), between;

		guard_plans(&plan, 1);
		between = clock_us();
		unguard(&plan);
		series_add(&comes, (between - before) / 1e3);
		series_add(&goes, (clock_us() - between) / 1e3);
	}
	emit((struct label){ "guard.change", NO_BACKEND, "hold", accounts->count, "ms" }, &comes);
	emit((struct label){ "guard.change", NO_BACKEND, "release", accounts->count, "ms" }, &goes);
	plan_clear(&plan);
	series_clear(&comes);
	series_clear(&goes);
}

static void measure(const struct options *options, size_t count)
{
	AUTO_CLOSE int guarded = place_make(), free = place_make();
	struct accounts accounts;
	double start;

	accounts_make(count, SCATTERED, IPPROTO_TCP, &accounts);
	for (size_t i = 0; i < accounts.count; i++)
		accounts.plans[i].guard = true;
	netns_enter(guarded);
	start = clock_us();
	guard_plans(accounts.plans, accounts.count);
	emit_value((struct label){ "guard.all", NO_BACKEND, layout_names[SCATTERED], count, "ms" },
		   (clock_us() - start) / 1e3);
	measure_packets(options, guarded, free, &accounts);
	measure_changes(options, guarded, &accounts);
	accounts_clear(&accounts);
}

int main(int argc, char **argv)
{
	struct options options;

	options_parse(argc, argv, &options);
	for (size_t i = 0; i < options.count_count; i++)
		measure(&options, options.counts[i]);
	return 0;
}
