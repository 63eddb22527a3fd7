/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rules cost a packet: packet [-n COUNTS] [-r ROUNDS] [-w BACKEND].
 *
 * One UDP packet over loopback from a socket of some uid to a socket that takes it, in a network
 * namespace with rules and, in turns, in one without. The owner match goes by the fsuid with which
 * a socket was made, so one process has the sockets of all uids, and nothing but the rules differs.
 * Two times are told: of sending alone, which is where the rules are, and of sending and receiving,
 * which is what a packet costs.
 *
 * -w sends packets of a bystander past the largest number of accounts for a while: to be profiled.
 */
#include "bench.h"

#include "util.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>

#define BLOCK 64 /* packets a measurement */
#define PAYLOAD 64
#define ROOM (1 << 22) /* of the receiving socket */
#define PAIR_SECONDS 1.0
#define WHY_BLOCKS 20000

/* A network namespace with rules, or without. */
struct place {
	const char *backend, *layout;
	int netns, sink;
	struct accounts accounts;
};

/* From one uid to the sink of one place. */
struct path {
	const struct place *place;
	struct sockaddr_in to;
	int fd;
	bool connected;
};

static struct sockaddr_in proxy_address(void)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(PROXY_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int sink_open(void)
{
	struct sockaddr_in here = proxy_address();
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int room = ROOM;

	if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0)
		die("cannot make the receiving socket: %m");
	return fd;
}

static void path_open(const struct place *place, uid_t uid, bool connected, struct path *ret)
{
	*ret = (struct path){ .place = place, .to = proxy_address(), .connected = connected };
	netns_enter(place->netns);
	setfsuid(uid);
	ret->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setfsuid(0);
	if (ret->fd < 0)
		die("cannot make a socket of uid %u: %m", uid);
	if (connected && connect(ret->fd, (struct sockaddr *)&ret->to, sizeof(ret->to)) < 0)
		die("cannot connect: %m");
}

static void take_packets(const struct path *path)
{
	char packet[PAYLOAD];
	int count = 0;

	while (recv(path->place->sink, packet, sizeof(packet), 0) >= 0)
		count++;
	if (count != BLOCK)
		die("%s, %s: %d of %d packets arrived", path->place->backend, path->place->layout,
		    count, BLOCK);
}

/* Nanoseconds a packet. */
struct cost {
	double sent, received; /* the second includes the first */
};

static struct cost send_block(const struct path *path)
{
	const struct sockaddr *to = path->connected ? NULL : (const struct sockaddr *)&path->to;
	socklen_t length = path->connected ? 0 : sizeof(path->to);
	static const char packet[PAYLOAD];
	double start = clock_us(), sent;

	for (int i = 0; i < BLOCK; i++) {
		if (sendto(path->fd, packet, sizeof(packet), 0, to, length) < 0)
			die("%s, %s: cannot send: %m", path->place->backend, path->place->layout);
	}
	sent = clock_us();
	take_packets(path);
	return (struct cost){ (sent - start) * 1e3 / BLOCK, (clock_us() - start) * 1e3 / BLOCK };
}

struct pair {
	struct series sent, received;  /* with rules, of without */
	struct series ruled, free; /* ns, sent and received */
};

static void measure_pair(const struct options *options, const struct path *ruled,
			 const struct path *free, struct pair *pair)
{
	double cost_us = (send_block(ruled).received + send_block(free).received) * BLOCK / 1e3;
	unsigned int rounds = options_rounds(options, cost_us, PAIR_SECONDS, 7);

	for (unsigned int i = 0; i < rounds; i++) {
		struct cost without = { 0 }, with;

		if (i % 2)
			without = send_block(free);
		with = send_block(ruled);
		if (i % 2 == 0)
			without = send_block(free);
		series_add(&pair->sent, with.sent / without.sent);
		series_add(&pair->received, with.received / without.received);
		series_add(&pair->ruled, with.received);
		series_add(&pair->free, without.received);
	}
}

static void clear_pair(struct pair *pair)
{
	series_clear(&pair->sent);
	series_clear(&pair->received);
	series_clear(&pair->ruled);
	series_clear(&pair->free);
}

static void emit_pair(const char *figure, const struct place *place, const char *where,
		      bool connected, const struct pair *pair)
{
	struct label label = { figure, place->backend, NULL, place->accounts.count, "x" };
	char layout[64], longer[64];

	snprintf(layout, sizeof(layout), "%s/%s/%s", place->layout, where,
		 connected ? "connected" : "unconnected");
	label.layout = layout;
	emit(label, &pair->received);
	label.figure = longer;
	snprintf(longer, sizeof(longer), "%s.sending", figure);
	emit(label, &pair->sent);
	snprintf(longer, sizeof(longer), "%s.ns", figure);
	label.unit = "ns";
	emit(label, &pair->ruled);
	label.backend = "none";
	emit(label, &pair->free);
}

static void measure_uid(const struct options *options, const char *figure,
			const struct place *place, const struct place *none, const char *where,
			uid_t uid)
{
	for (int connected = 0; connected < 2; connected++) {
		struct pair pair = { 0 };
		struct path ruled, free;

		path_open(place, uid, connected, &ruled);
		path_open(none, uid, connected, &free);
		measure_pair(options, &ruled, &free, &pair);
		emit_pair(figure, place, where, connected, &pair);
		clear_pair(&pair);
		close(ruled.fd);
		close(free.fd);
	}
}

static void measure_place(const struct options *options, const struct place *place,
			  const struct place *none)
{
	const struct accounts *accounts = &place->accounts;
	const struct plan *plans = accounts->plans;
	size_t last = accounts->count - 1;
	static const char bystander[] = "packet.bystander", held[] = "packet.held";

	measure_uid(options, bystander, place, none, "below", accounts->below);
	measure_uid(options, bystander, place, none, "between", accounts->between);
	measure_uid(options, bystander, place, none, "above", accounts->above);
	measure_uid(options, held, place, none, "first", plans[0].uids.first);
	measure_uid(options, held, place, none, "middle", plans[last / 2].uids.first);
	measure_uid(options, held, place, none, "last", plans[last].uids.first);
}

/* --- Places --- */

static void place_make(const char *backend, const char *layout, struct place *ret)
{
	*ret = (struct place){ .backend = backend, .layout = layout, .netns = netns_new() };
	netns_enter(ret->netns);
	ret->sink = sink_open();
}

static void place_clear(struct place *place)
{
	close(place->sink);
	close(place->netns);
	accounts_clear(&place->accounts);
}

static void place_make_held(const struct backend_ops *ops, enum layout layout, size_t count,
			    struct place *ret)
{
	place_make(ops->name, layout_names[layout], ret);
	accounts_make(count, layout, IPPROTO_UDP, &ret->accounts);
	seam_hold(ops, ret->accounts.plans, count);
}

/* What the guides say: one rule an account in OUTPUT, here leading to one chain for all. */
static void load_linear(const struct accounts *accounts)
{
	char *const argv[] = { "iptables-legacy-restore", NULL };
	AUTO_FREE char *text = NULL;
	size_t size;
	FILE *file = need(open_memstream(&text, &size));

	fprintf(file, "*filter\n:OUTPUT ACCEPT [0:0]\n:HELD - [0:0]\n");
	fprintf(file, "-A HELD -d 127.0.0.1 -p udp --dport %d -j ACCEPT\n-A HELD -j REJECT\n",
		PROXY_PORT);
	for (size_t i = 0; i < accounts->count; i++)
		fprintf(file, "-A OUTPUT -m owner --uid-owner %u -j HELD\n",
			accounts->plans[i].uids.first);
	fprintf(file, "COMMIT\n");
	fclose(file);
	run_timed(argv, text);
}

static void measure_linear(const struct options *options, size_t count, const struct place *none)
{
	struct place place;

	place_make("linear", "contiguous", &place);
	accounts_make(count, CONTIGUOUS, IPPROTO_UDP, &place.accounts);
	load_linear(&place.accounts);
	measure_place(options, &place, none);
	place_clear(&place);
}

static void measure_backend(const struct options *options, const struct backend_ops *ops,
			    size_t count, const struct place *none)
{
	for (enum layout layout = 0; layout < LAYOUT_COUNT; layout++) {
		struct place place;

		place_make_held(ops, layout, count, &place);
		measure_place(options, &place, none);
		place_clear(&place);
	}
}

static void measure_all(const struct options *options, const struct backend_ops *ops,
			const struct place *none)
{
	struct fault fault = { 0 };

	if (seam_probe(ops, &fault)) {
		emit_unavailable("packet.bystander", ops->name, fault.line);
		emit_unavailable("packet.held", ops->name, fault.line);
		return;
	}
	for (size_t i = 0; i < options->count_count; i++) {
		measure_backend(options, ops, options->counts[i], none);
		if (strcmp(ops->name, "iptables") == 0)
			measure_linear(options, options->counts[i], none);
	}
}

static void send_long(const struct options *options)
{
	size_t count = options->counts[options->count_count - 1];
	struct place place;
	struct path path;

	for (size_t i = 0; backends[i]; i++) {
		if (strcmp(backends[i]->name, options->why) != 0)
			continue;
		place_make_held(backends[i], SCATTERED, count, &place);
		path_open(&place, place.accounts.between, true, &path);
		for (int block = 0; block < WHY_BLOCKS; block++)
			send_block(&path);
		place_clear(&place);
	}
}

/* Softirqs of loopback run on the sender's processor: moving about would be measured too. */
static void stay_here(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET((size_t)sched_getcpu(), &here);
	sched_setaffinity(0, sizeof(here), &here);
}

int main(int argc, char **argv)
{
	struct options options;
	struct place none;

	options_parse(argc, argv, &options);
	stay_here();
	if (options.why) {
		send_long(&options);
		return 0;
	}
	place_make("none", NO_LAYOUT, &none);
	for (size_t i = 0; backends[i]; i++)
		measure_all(&options, backends[i], &none);
	place_clear(&none);
	return 0;
}
