/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose sockets there are: in a network namespace of its own, over its loopback, which is cut where a peer is to be silent. */
#include "sockets.h"

#include "unit.h"
#include "util.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define OWNER 2001
#define OTHER 2002
#define WINDOW_SHUT 2048 /* what a peer that does not read takes in */
#define WAIT_MS 5000

static unsigned int count_of(uid_t uid)
{
	const struct deadline deadline = deadline_in_ms(10000);
	struct sockets *sockets = NULL;
	struct fault fault = { 0 };
	unsigned int count;

	ck_assert_msg(sockets_take(&deadline, &fault, &sockets) == 0, "%s", fault.line);
	ck_assert_str_eq(sockets_missing(sockets), "");
	count = sockets_count(sockets, (struct uid_range){ uid, uid });
	sockets_free(sockets);
	return count;
}

static bool count_becomes(unsigned int wanted)
{
	const struct deadline deadline = deadline_in_ms(WAIT_MS);

	while (count_of(OWNER) != wanted)
		if (!deadline_pause(&deadline, 10))
			return false;
	return true;
}

static void set_loopback(bool up)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ck_assert_int_eq(ioctl(fd, SIOCGIFFLAGS, &request), 0);
	request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

static void begin(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	set_loopback(true);
}

/* The kernel goes by who makes it. */
static int socket_of(uid_t uid, int family, int type, int protocol)
{
	int fd;

	setfsuid(uid);
	fd = socket(family, type | SOCK_CLOEXEC, protocol);
	setfsuid(0);
	ck_assert_int_ge(fd, 0);
	return fd;
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static union address loopback(int family, uint16_t port)
{
	union address address = { 0 };

	if (family == AF_INET6)
		address.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
						    .sin6_port = htons(port),
						    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	else
		address.v4 = (struct sockaddr_in){ .sin_family = AF_INET,
						   .sin_port = htons(port),
						   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	return address;
}

static void bind_to(int fd, int family, uint16_t port)
{
	const union address address = loopback(family, port);

	ck_assert_int_eq(bind(fd, &address.any, family == AF_INET6 ? sizeof(address.v6) : sizeof(address.v4)), 0);
}

/* A connection of OWNER's to root's end of it, which takes in little unless it reads. */
struct pair {
	int owner, peer;
};

static struct pair connect_pair(uint16_t port)
{
	const union address address = loopback(AF_INET, port);
	const int size = WINDOW_SHUT, on = 1;
	int listener = socket_of(0, AF_INET, SOCK_STREAM, 0);
	struct pair pair = { .owner = socket_of(OWNER, AF_INET, SOCK_STREAM, 0) };

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	bind_to(listener, AF_INET, port);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(connect(pair.owner, &address.any, sizeof(address.v4)), 0);
	pair.peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(pair.peer, 0);
	close(listener);
	return pair;
}

static void fill(int fd)
{
	char data[65536] = { 0 };

	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (write(fd, data, sizeof(data)) > 0)
		;
	ck_assert_int_eq(errno, EAGAIN);
}

static void drain(int fd)
{
	char data[65536];

	while (read(fd, data, sizeof(data)) > 0)
		;
}

/* ---- every kind ---------------------------------------------------------------------------------- */

static const struct {
	int family, type, protocol;
} kinds[] = {
	{ AF_INET, SOCK_STREAM, 0 },	     { AF_INET6, SOCK_STREAM, 0 },
	{ AF_INET, SOCK_DGRAM, 0 },	     { AF_INET6, SOCK_DGRAM, 0 },
	{ AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE }, { AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE },
};

START_TEST(a_socket_of_each_kind_is_seen_while_it_is_open)
{
	int fd = socket_of(OWNER, kinds[_i].family, kinds[_i].type, kinds[_i].protocol);

	ck_assert_uint_eq(count_of(OWNER), 0); /* has no address yet: what nobody can see */
	bind_to(fd, kinds[_i].family, 4000);
	ck_assert_uint_eq(count_of(OWNER), 1);
	ck_assert_uint_eq(count_of(OTHER), 0);
	if (kinds[_i].type == SOCK_STREAM) {
		ck_assert_int_eq(listen(fd, 1), 0);
		ck_assert_uint_eq(count_of(OWNER), 1);
	}
	close(fd);
	ck_assert_uint_eq(count_of(OWNER), 0);
}
END_TEST

START_TEST(many_are_counted_by_uid)
{
	const struct deadline deadline = deadline_in_ms(10000);
	struct sockets *sockets = NULL;

	for (uid_t i = 0; i < 900; i++)
		bind_to(socket_of(OWNER + i % 3, AF_INET, SOCK_DGRAM, 0), AF_INET, (uint16_t)(4000 + i));
	ck_assert_int_eq(sockets_take(&deadline, NULL, &sockets), 0);
	ck_assert_uint_eq(sockets_count(sockets, (struct uid_range){ OWNER, OWNER }), 300);
	ck_assert_uint_eq(sockets_count(sockets, (struct uid_range){ OWNER + 1, OWNER + 2 }), 600);
	ck_assert_uint_eq(sockets_count(sockets, (struct uid_range){ 0, UINT32_MAX }), 900);
	ck_assert_uint_eq(sockets_count(sockets, (struct uid_range){ 1, OWNER - 1 }), 0);
	ck_assert_uint_eq(sockets_count(sockets, (struct uid_range){ OWNER + 3, UINT32_MAX }), 0);
	sockets_free(sockets);
}
END_TEST

/* ---- closed -------------------------------------------------------------------------------------- */

START_TEST(closed_with_data_to_send_it_counts_until_that_is_gone)
{
	struct pair pair = connect_pair(4000);

	ck_assert_uint_eq(count_of(OWNER), 1);
	fill(pair.owner);
	close(pair.owner);
	usleep(100 * 1000);
	ck_assert_uint_eq(count_of(OWNER), 1);
	drain(pair.peer);
	ck_assert(count_becomes(0));
}
END_TEST

START_TEST(closed_with_nothing_to_send_it_does_not_count)
{
	struct pair pair = connect_pair(4000);

	ck_assert_int_eq(write(pair.owner, "x", 1), 1);
	close(pair.owner); /* FIN-WAIT-2 */
	ck_assert_uint_eq(count_of(OWNER), 0);
	close(pair.peer); /* RST, or TIME-WAIT */
	ck_assert_uint_eq(count_of(OWNER), 0);
}
END_TEST

/* The last word is not acknowledged: it is said again and again, and says nothing. */
START_TEST(a_fin_under_way_does_not_count)
{
	struct pair pair = connect_pair(4000);

	if (_i) /* LAST-ACK rather than FIN-WAIT-1 */
		close(pair.peer);
	set_loopback(false);
	close(pair.owner);
	ck_assert_uint_eq(count_of(OWNER), 0);
}
END_TEST

START_TEST(a_byte_under_way_counts)
{
	struct pair pair = connect_pair(4000);

	if (_i)
		close(pair.peer);
	set_loopback(false);
	ck_assert_int_eq(write(pair.owner, "x", 1), 1);
	close(pair.owner);
	ck_assert_uint_eq(count_of(OWNER), 1);
}
END_TEST

/* It can be connected anew: whoever has it open, its owner does not change. */
START_TEST(one_that_somebody_has_open_counts_in_every_state)
{
	struct pair pair = connect_pair(4000);

	ck_assert_int_eq(shutdown(pair.owner, SHUT_WR), 0); /* FIN-WAIT-2, but open */
	usleep(100 * 1000);
	ck_assert_uint_eq(count_of(OWNER), 1);
	close(pair.owner);
}
END_TEST

/* ---- limits -------------------------------------------------------------------------------------- */

START_TEST(too_few_descriptors_are_no_answer)
{
	const struct deadline deadline = deadline_in_ms(10000);
	struct sockets *sockets = NULL;
	struct rlimit limit, fewer;
	struct fault fault = { 0 };

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	fewer = (struct rlimit){ 0, limit.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &fewer), 0);
	ck_assert_int_eq(sockets_take(&deadline, &fault, &sockets), -ENOMEM);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_ptr_null(sockets);
	ck_assert_str_ne(fault.line, "");
}
END_TEST

START_TEST(a_deadline_that_has_passed_is_no_answer)
{
	const struct deadline passed = deadline_in_ms(0);
	struct sockets *sockets = NULL;

	ck_assert_int_eq(sockets_take(&passed, NULL, &sockets), -ETIMEDOUT);
	ck_assert_ptr_null(sockets);
}
END_TEST

START_TEST(it_leaves_no_descriptor)
{
	int before = dup(0), after;

	close(before);
	count_of(OWNER);
	after = dup(0);
	ck_assert_int_eq(after, before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sockets");
	TCase *tcase = tcase_create("sockets");

	if (geteuid() != 0) {
		puts("skip - t-sockets: needs uid 0");
		return EXIT_SUCCESS;
	}
	tcase_add_checked_fixture(tcase, begin, NULL);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, a_socket_of_each_kind_is_seen_while_it_is_open, 0, ARRAY_SIZE(kinds));
	tcase_add_test(tcase, many_are_counted_by_uid);
	tcase_add_test(tcase, closed_with_data_to_send_it_counts_until_that_is_gone);
	tcase_add_test(tcase, closed_with_nothing_to_send_it_does_not_count);
	tcase_add_loop_test(tcase, a_fin_under_way_does_not_count, 0, 2);
	tcase_add_loop_test(tcase, a_byte_under_way_counts, 0, 1);
	tcase_add_test(tcase, one_that_somebody_has_open_counts_in_every_state);
	tcase_add_test(tcase, too_few_descriptors_are_no_answer);
	tcase_add_test(tcase, a_deadline_that_has_passed_is_no_answer);
	tcase_add_test(tcase, it_leaves_no_descriptor);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
