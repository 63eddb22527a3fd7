/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which connections end and which stay: in a network namespace of its own, over its loopback. */
#include "existing.h"

#include "kmod.h"
#include "unit.h"
#include "util.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define OWNER 2001
#define OTHER 2002
#define PROXY_PORT 3128
#define MANY 10000

/* Instead of the library's: which modules this kernel is said to lack. */
static const char *lacking = "";
bool kmod_is_there(const char *name)
{
	return strcmp(name, lacking) != 0;
}

static struct plan plan_of(uid_t first, uid_t last)
{
	static struct proxy proxies[2];
	static struct profile profile = { .proxies = proxies, .proxy_count = ARRAY_SIZE(proxies) };
	struct plan plan;

	ck_assert_int_eq(addr_parse_endpoint("127.0.0.1:3128", &proxies[0].endpoint), 0);
	ck_assert_int_eq(addr_parse_endpoint("[::1]:3128", &proxies[1].endpoint), 0);
	ck_assert_int_eq(plan_compile(&profile, (struct uid_range){ first, last }, &plan), 0);
	return plan;
}

static struct existing end_of(const struct existing_subject *subjects, size_t count)
{
	const struct deadline deadline = deadline_in_ms(10000);
	struct existing existing = { 0 };
	struct fault fault = { 0 };

	ck_assert_msg(existing_end(&deadline, subjects, count, &fault, &existing) == 0, "%s", fault.line);
	return existing;
}

static struct existing end_of_owner(void)
{
	struct plan plan = plan_of(OWNER, OWNER);
	const struct existing_subject subject = { .plan = &plan, .ends = true };
	struct existing existing = end_of(&subject, 1);

	plan_clear(&plan);
	return existing;
}

static void begin(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	struct rlimit files = { MANY + 100, MANY + 100 };
	int fd;

	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
	setrlimit(RLIMIT_NOFILE, &files);
}

static int socket_of(uid_t uid, int family, int type)
{
	int fd;

	setfsuid(uid);
	fd = socket(family, type | SOCK_CLOEXEC, 0);
	setfsuid(0);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* "6m": an IPv6 socket that goes to 127.0.0.1. */
static socklen_t address_of(const char *kind, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (void *)ret;
	struct sockaddr_in6 *v6 = (void *)ret;

	memset(ret, 0, sizeof(*ret));
	if (strcmp(kind, "4") == 0) {
		*v4 = (struct sockaddr_in){ AF_INET, htons(port), { htonl(INADDR_LOOPBACK) }, { 0 } };
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	if (kind[1])
		v6->sin6_addr = (struct in6_addr){ { { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 } } };
	else
		v6->sin6_addr = in6addr_loopback;
	return sizeof(*v6);
}

static int family_of(const char *kind)
{
	return kind[0] == '4' ? AF_INET : AF_INET6;
}

static int listen_at(uid_t uid, const char *kind, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t length = address_of(kind, port, &address);
	int fd = socket_of(uid, family_of(kind), SOCK_STREAM);

	ck_assert_int_eq(bind(fd, (void *)&address, length), 0);
	ck_assert_int_eq(listen(fd, 10), 0);
	return fd;
}

static int connect_to(uid_t uid, const char *kind, int type, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t length = address_of(kind, port, &address);
	int fd = socket_of(uid, family_of(kind), type);

	ck_assert_int_eq(connect(fd, (void *)&address, length), 0);
	return fd;
}

static bool is_connected(int fd)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);

	return getpeername(fd, (void *)&peer, &length) == 0;
}

static const char *const kinds[] = { "4", "6", "6m" };
static const int types[] = { SOCK_STREAM, SOCK_DGRAM };

START_TEST(a_connection_to_where_the_plan_does_not_lead_ends)
{
	const char *kind = kinds[_i / 2];
	int type = types[_i % 2], listener = listen_at(0, kind[1] ? "4" : kind, 4000);
	int fd = connect_to(OWNER, kind, type, 4000), other = connect_to(OTHER, kind, type, 4000);
	int root = connect_to(0, kind, type, 4000);

	ck_assert_uint_eq(end_of_owner().destroyed, 1);
	ck_assert(!is_connected(fd));
	ck_assert(is_connected(other) && is_connected(root));
	ck_assert_uint_eq(end_of_owner().destroyed, 0);
	close(listener);
}
END_TEST

START_TEST(one_to_the_proxy_stays)
{
	const char *kind = kinds[_i];
	int listener = listen_at(0, kind[1] ? "4" : kind, PROXY_PORT);
	int fd = connect_to(OWNER, kind, SOCK_STREAM, PROXY_PORT), udp = connect_to(OWNER, kind, SOCK_DGRAM, PROXY_PORT);

	ck_assert_uint_eq(end_of_owner().destroyed, 1);
	ck_assert(is_connected(fd) && !is_connected(udp));
	close(listener);
}
END_TEST

/* To the proxy's address, but out by a card, where somebody may answer. */
START_TEST(one_by_a_card_is_not_to_the_proxy)
{
	struct sockaddr_storage address;
	socklen_t length = address_of("4", PROXY_PORT, &address);
	int fd = socket_of(OWNER, AF_INET, SOCK_STREAM | SOCK_NONBLOCK);

	ck_assert_int_eq(system("ip link add card type veth peer name far && ip link set far up && ip link set card up &&"
				" ip addr add 192.0.2.1/24 dev card && ip link set card arp off"), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "card", 4), 0);
	ck_assert_int_eq(connect(fd, (void *)&address, length), -1);
	ck_assert_int_eq(errno, EINPROGRESS);
	ck_assert_uint_eq(end_of_owner().destroyed, 1);
}
END_TEST

START_TEST(what_is_not_connected_stays)
{
	struct sockaddr_storage address;
	socklen_t length = address_of("4", 4001, &address);
	int listener = listen_at(OWNER, "4", 4000), udp = socket_of(OWNER, AF_INET, SOCK_DGRAM);
	int on = 0;

	ck_assert_int_eq(bind(udp, (void *)&address, length), 0);
	ck_assert_uint_eq(end_of_owner().destroyed, 0);
	length = sizeof(on);
	ck_assert_int_eq(getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &on, &length), 0);
	ck_assert_int_eq(on, 1);
}
END_TEST

START_TEST(one_that_nobody_accepted_yet_ends)
{
	int listener = listen_at(OWNER, "4", 4000), peer = connect_to(0, "4", SOCK_STREAM, 4000);
	char byte;

	ck_assert_uint_eq(end_of_owner().destroyed, 1);
	ck_assert_int_eq(read(peer, &byte, 1), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	close(listener);
}
END_TEST

/* The wide plan's connections end, the narrow one's stay, whose plan says the same but was there already. */
START_TEST(the_narrowest_plan_decides)
{
	struct plan wide = plan_of(2000, 2999), narrow = plan_of(OWNER, OWNER);
	const struct existing_subject subjects[] = { { &wide, true, false }, { &narrow, false, false } };
	int listener = listen_at(0, "4", 4000), fd = connect_to(OWNER, "4", SOCK_STREAM, 4000);
	int other = connect_to(OTHER, "4", SOCK_STREAM, 4000), beyond = connect_to(3000, "4", SOCK_STREAM, 4000);

	ck_assert_uint_eq(end_of(subjects, 2).destroyed, 1);
	ck_assert(is_connected(fd) && !is_connected(other) && is_connected(beyond));
	plan_clear(&wide);
	plan_clear(&narrow);
	close(listener);
}
END_TEST

START_TEST(what_the_kernel_lacks_is_told)
{
	const struct deadline deadline = deadline_in_ms(10000);
	int listener = listen_at(0, "4", 4000), fd = connect_to(OWNER, "4", SOCK_STREAM, 4000);
	char absent[EXISTING_TEXT_MAX];
	struct existing existing;

	lacking = "udp_diag";
	existing = end_of_owner();
	ck_assert_str_eq(existing.absent, "no module udp_diag");
	ck_assert_uint_eq(existing.destroyed, 1);
	ck_assert(!is_connected(fd));
	fd = connect_to(OWNER, "4", SOCK_STREAM, 4000);
	lacking = "tcp_diag";
	existing = end_of_owner();
	ck_assert_str_eq(existing.absent, "no module tcp_diag");
	ck_assert(is_connected(fd));
	ck_assert_int_eq(existing_absence(&deadline, NULL, absent), 0);
	ck_assert_str_eq(absent, "no module tcp_diag");
	close(listener);
}
END_TEST

/* Not an absence: who logs in can see to it. */
START_TEST(too_few_descriptors_are_an_error)
{
	struct rlimit before, none;
	const struct deadline deadline = deadline_in_ms(10000);
	char absent[EXISTING_TEXT_MAX] = "untouched";

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(existing_absence(&deadline, NULL, absent), -ENOMEM);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_str_eq(absent, "untouched");
}
END_TEST

START_TEST(a_deadline_that_has_passed_is_an_error)
{
	const struct deadline deadline = deadline_in_ms(0);
	struct plan plan = plan_of(OWNER, OWNER);
	const struct existing_subject subject = { .plan = &plan, .ends = true };
	struct existing existing;

	ck_assert_int_eq(existing_end(&deadline, &subject, 1, NULL, &existing), -ETIMEDOUT);
	plan_clear(&plan);
}
END_TEST

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* What it costs stands in HACKING.md; here it is only seen that others' neither end nor fill the answer. */
START_TEST(ten_thousand_of_others_stay)
{
	int fd = connect_to(OWNER, "4", SOCK_DGRAM, 4000);
	double before = now_ms(), between;

	ck_assert_uint_eq(end_of_owner().destroyed, 1);
	between = now_ms();
	printf("# none of others: %.2f ms\n", between - before);
	for (int i = 0; i < MANY; i++)
		connect_to(OTHER, "4", SOCK_DGRAM, 4000);
	before = now_ms();
	ck_assert_uint_eq(end_of_owner().destroyed, 0);
	printf("# %d of others: %.2f ms\n", MANY, now_ms() - before);
	ck_assert(!is_connected(fd));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("existing");
	TCase *tcase = tcase_create("existing");

	if (geteuid() != 0) {
		puts("skip - t-existing: needs uid 0");
		return EXIT_SUCCESS;
	}
	tcase_add_checked_fixture(tcase, begin, NULL);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, a_connection_to_where_the_plan_does_not_lead_ends, 0,
			    ARRAY_SIZE(kinds) * ARRAY_SIZE(types));
	tcase_add_loop_test(tcase, one_to_the_proxy_stays, 0, ARRAY_SIZE(kinds));
	tcase_add_test(tcase, one_by_a_card_is_not_to_the_proxy);
	tcase_add_test(tcase, what_is_not_connected_stays);
	tcase_add_test(tcase, one_that_nobody_accepted_yet_ends);
	tcase_add_test(tcase, the_narrowest_plan_decides);
	tcase_add_test(tcase, what_the_kernel_lacks_is_told);
	tcase_add_test(tcase, too_few_descriptors_are_an_error);
	tcase_add_test(tcase, a_deadline_that_has_passed_is_an_error);
	tcase_add_test(tcase, ten_thousand_of_others_stay);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
