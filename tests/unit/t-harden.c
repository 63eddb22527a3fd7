/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a hardened process is refused, beside what the same process is given before: each test is a process of its
 * own. Where this kernel gives nothing to be refused, tests/services/hardening.sh says so.
 */
#include "harden.h"
#include "lose-seccomp.h"

#include "folder.h"
#include "unit.h"
#include "util.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define SOMEBODY 2890000002U
#define FAMILIES 512 /* more than any kernel has */
#define X32_BIT 0x40000000

static struct profile profile = { .name = "default", .no_new_privs = true, .socket_families = FAMILIES_IP };

static void harden(void)
{
	struct fault fault = { 0 };
	struct harden ready;

	ck_assert_msg(harden_prepare(&profile, &fault, &ready) == 0, "%s", fault.line);
	ck_assert_msg(harden_apply(&ready, &fault) == 0, "%s", fault.line);
}

/* 0, or the errno; nothing stays open. */
static int try_socket(long family, long type, long protocol)
{
	long fd = syscall(SYS_socket, family, type, protocol);

	if (fd < 0)
		return errno;
	close((int)fd);
	return 0;
}

static bool is_kept(int family)
{
	return family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
}

START_TEST(only_four_families_are_left)
{
	unsigned int others = 0;

	for (int family = 0; family < FAMILIES; family++)
		others += !is_kept(family) && try_socket(family, SOCK_DGRAM, 0) == 0;
	ck_assert_msg(others > 0, "this kernel has no family to refuse");
	harden();
	for (int family = 0; family < FAMILIES; family++)
		ck_assert_msg(try_socket(family, SOCK_DGRAM, 0) == (is_kept(family) ? 0 : EAFNOSUPPORT),
			      "family %d: %s", family, strerror(errno));
}
END_TEST

/* The kernel reads an int: neither is a program refused for what the upper half holds, nor does one get through. */
START_TEST(the_upper_half_of_an_argument_decides_nothing)
{
	const long upper = 0xdeadL << 32;

	harden();
	ck_assert_int_eq(try_socket(upper | AF_INET, SOCK_STREAM, upper | IPPROTO_TCP), 0);
	ck_assert_int_eq(try_socket(upper | AF_VSOCK, SOCK_STREAM, 0), EAFNOSUPPORT);
	ck_assert_int_eq(try_socket(AF_INET, SOCK_STREAM, upper | 262), EPROTONOSUPPORT);
	ck_assert_int_eq(try_socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
}
END_TEST

/* AF_PACKET by its old name, which the kernel still knows. */
START_TEST(a_packet_socket_is_refused_by_its_old_name)
{
	const long flags = SOCK_CLOEXEC | SOCK_NONBLOCK;

	ck_assert_int_eq(try_socket(AF_INET, SOCK_PACKET, 0), 0);
	ck_assert_int_eq(try_socket(AF_INET, SOCK_PACKET | flags, 0), 0);
	harden();
	ck_assert_int_eq(try_socket(AF_INET, SOCK_PACKET, 0), EAFNOSUPPORT);
	ck_assert_int_eq(try_socket(AF_INET, SOCK_PACKET | flags, 0), EAFNOSUPPORT);
	ck_assert_int_eq(try_socket(AF_INET, 0xdeadL << 32 | SOCK_PACKET, 0), EAFNOSUPPORT);
	ck_assert_int_eq(try_socket(AF_INET, SOCK_DGRAM | flags, 0), 0);
}
END_TEST

static const int refused_protocols[] = { 262, 256, 115 }; /* MPTCP, SMC, L2TP */

START_TEST(protocols_that_the_kernel_sends_by_itself_are_refused)
{
	const int protocol = refused_protocols[_i];

	harden();
	for (int type = SOCK_STREAM; type <= SOCK_RAW; type++) {
		ck_assert_int_eq(try_socket(AF_INET, type, protocol), EPROTONOSUPPORT);
		ck_assert_int_eq(try_socket(AF_INET6, type | SOCK_CLOEXEC, protocol), EPROTONOSUPPORT);
	}
}
END_TEST

START_TEST(mptcp_is_given_without_the_filter)
{
	if (access("/proc/sys/net/mptcp/enabled", F_OK) == 0)
		ck_assert_int_eq(try_socket(AF_INET, SOCK_STREAM, 262), 0);
}
END_TEST

START_TEST(what_programs_need_stays)
{
	int pair[2];

	harden();
	ck_assert_int_eq(try_socket(AF_INET, SOCK_STREAM, 0), 0);
	ck_assert_int_eq(try_socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP), 0);
	ck_assert_int_eq(try_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP), 0);
	ck_assert_int_eq(try_socket(AF_INET, SOCK_RAW, IPPROTO_RAW), 0); /* libiptc's, at close */
	ck_assert_int_eq(try_socket(AF_NETLINK, SOCK_RAW, 0), 0);
	ck_assert_int_eq(try_socket(AF_UNIX, SOCK_STREAM, 0), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
}
END_TEST

START_TEST(socketpairs_are_refused_alike)
{
	int pair[2];

	harden();
	ck_assert_int_eq(socketpair(AF_TIPC, SOCK_SEQPACKET, 0, pair), -1);
	ck_assert_int_eq(errno, EAFNOSUPPORT);
}
END_TEST

START_TEST(io_uring_is_not_there)
{
	/* ENOSYS before all else: a kernel that has it looks at the arguments. */
	ck_assert_int_eq(syscall(SYS_io_uring_setup, 1, NULL), -1);
	ck_assert_int_ne(errno, ENOSYS);
	harden();
	for (long call = SYS_io_uring_setup; call <= SYS_io_uring_register; call++) {
		errno = 0;
		ck_assert_int_eq(syscall(call, -1, 0, 0, 0, 0, 0), -1);
		ck_assert_int_eq(errno, ENOSYS);
	}
}
END_TEST

static int try_option(long fd, long level, long option)
{
	const int value = 1;

	return syscall(SYS_setsockopt, fd, level, option, &value, sizeof(value)) ? errno : 0;
}

/* The value of TCP_ULP is no name that a kernel knows. */
START_TEST(options_that_make_a_socket_nobodys_are_refused)
{
	const long upper = 0xdeadL << 32;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(try_option(fd, IPPROTO_TCP, TCP_FASTOPEN), 0);
	ck_assert_int_ne(try_option(fd, IPPROTO_TCP, TCP_ULP), ENOPROTOOPT);
	harden();
	ck_assert_int_eq(try_option(fd, IPPROTO_TCP, TCP_FASTOPEN), ENOPROTOOPT);
	ck_assert_int_eq(try_option(fd, IPPROTO_TCP, TCP_ULP), ENOPROTOOPT);
	ck_assert_int_eq(try_option(fd, upper | IPPROTO_TCP, upper | TCP_ULP), ENOPROTOOPT);
	ck_assert_int_eq(try_option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
	ck_assert_int_eq(try_option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
	ck_assert_int_eq(try_option(fd, IPPROTO_IP, TCP_FASTOPEN), 0); /* IP_CHECKSUM */
	close(fd);
}
END_TEST

START_TEST(sources_that_are_not_of_this_host_are_refused)
{
	const long upper = 0xdeadL << 32;
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	ck_assert_int_eq(try_option(fd, IPPROTO_IP, IP_FREEBIND), 0);
	ck_assert_int_eq(try_option(fd, IPPROTO_IPV6, IPV6_FREEBIND), 0);
	harden();
	ck_assert_int_eq(try_option(fd, IPPROTO_IP, IP_FREEBIND), ENOPROTOOPT);
	ck_assert_int_eq(try_option(fd, IPPROTO_IPV6, IPV6_FREEBIND), ENOPROTOOPT);
	ck_assert_int_eq(try_option(fd, upper | IPPROTO_IPV6, upper | IPV6_FREEBIND), ENOPROTOOPT);
	ck_assert_int_eq(try_option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 0);
	ck_assert_int_eq(try_option(fd, IPPROTO_IP, IP_TTL), 0);
	ck_assert_int_eq(try_option(fd, SOL_SOCKET, IP_FREEBIND), 0); /* SO_REUSEPORT */
	close(fd);
}
END_TEST

#ifdef __x86_64__
/* A system call of the i386 ABI, which every process may make. */
static long call_i386(long number, long a, long b, long c)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

#define I386_GETPID 20
#define I386_SOCKETCALL 102
#define I386_SOCKET 359
#define I386_SETSOCKOPT 366
#define I386_IO_URING_SETUP 425

static long socketcall(int call, int family, int type, int protocol)
{
	int *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	ck_assert_ptr_ne(low, MAP_FAILED);
	low[0] = family;
	low[1] = type;
	low[2] = protocol;
	low[3] = (int)(long)&low[8];
	return call_i386(I386_SOCKETCALL, call, (long)low, 0);
}

START_TEST(the_i386_abi_hides_no_socket)
{
	if (call_i386(I386_GETPID, 0, 0, 0) != getpid())
		return; /* not in this kernel */
	ck_assert_int_ge(socketcall(1, AF_PACKET, SOCK_DGRAM, 0), 0);
	ck_assert_int_ge(call_i386(I386_SOCKET, AF_PACKET, SOCK_DGRAM, 0), 0);
	harden();
	ck_assert_int_eq(socketcall(1, AF_PACKET, SOCK_DGRAM, 0), -EAFNOSUPPORT);
	ck_assert_int_eq(socketcall(1, AF_INET, SOCK_STREAM, 262), -EAFNOSUPPORT);
	ck_assert_int_eq(socketcall(8, AF_TIPC, SOCK_SEQPACKET, 0), -EAFNOSUPPORT);
	ck_assert_int_eq(call_i386(I386_SOCKET, AF_PACKET, SOCK_DGRAM, 0), -EAFNOSUPPORT);
	ck_assert_int_eq(call_i386(I386_SOCKET, AF_INET, SOCK_PACKET, 0), -EAFNOSUPPORT);
	ck_assert_int_eq(call_i386(I386_SOCKET, AF_INET, SOCK_STREAM, 262), -EPROTONOSUPPORT);
	ck_assert_int_eq(call_i386(I386_IO_URING_SETUP, 1, 0, 0), -ENOSYS);
	ck_assert_int_eq(socketcall(14, -1, IPPROTO_TCP, TCP_ULP), -ENOPROTOOPT);
	ck_assert_int_eq(call_i386(I386_SETSOCKOPT, -1, IPPROTO_TCP, TCP_ULP), -ENOPROTOOPT);
	ck_assert_int_eq(call_i386(I386_SETSOCKOPT, -1, IPPROTO_TCP, TCP_FASTOPEN), -ENOPROTOOPT);
	ck_assert_int_eq(call_i386(I386_SETSOCKOPT, -1, IPPROTO_TCP, TCP_NODELAY), -EBADF);
	ck_assert_int_ge(call_i386(I386_SOCKET, AF_INET, SOCK_STREAM, 0), 0);
	ck_assert_int_eq(call_i386(I386_GETPID, 0, 0, 0), getpid());
}
END_TEST

START_TEST(the_x32_abi_is_not_there)
{
	harden();
	ck_assert_int_eq(syscall(X32_BIT | SYS_socket, AF_INET, SOCK_STREAM, 0), -1);
	ck_assert_int_eq(errno, ENOSYS);
}
END_TEST
#endif

static int status_of(const char *field)
{
	char line[256];
	FILE *file = fopen("/proc/thread-self/status", "re");
	int value = -1;

	ck_assert_ptr_nonnull(file);
	while (value < 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, field, strlen(field)) == 0 && line[strlen(field)] == ':')
			value = atoi(line + strlen(field) + 1);
	fclose(file);
	return value;
}

static const struct {
	bool no_new_privs;
	enum socket_families families;
	unsigned int what;
} choices[] = {
	{ true, FAMILIES_IP, HARDENING_NO_NEW_PRIVS | HARDENING_SECCOMP },
	{ true, FAMILIES_ANY, HARDENING_NO_NEW_PRIVS },
	{ false, FAMILIES_IP, HARDENING_SECCOMP },
	{ false, FAMILIES_ANY, 0 },
};

START_TEST(each_is_the_profiles_choice)
{
	const int before = status_of("Seccomp_filters");
	struct harden ready = { 0 };

	profile.no_new_privs = choices[_i].no_new_privs;
	profile.socket_families = choices[_i].families;
	ck_assert_int_eq(harden_prepare(&profile, NULL, &ready), 0);
	ck_assert_uint_eq(ready.what, choices[_i].what);
	ck_assert_int_eq(status_of("NoNewPrivs"), 0);
	ck_assert_int_eq(status_of("Seccomp_filters"), before);
	ck_assert_int_eq(harden_apply(&ready, NULL), 0);
	ck_assert_int_eq(status_of("NoNewPrivs"), !!(ready.what & HARDENING_NO_NEW_PRIVS));
	ck_assert_int_eq(status_of("Seccomp_filters") - before, !!(ready.what & HARDENING_SECCOMP));
}
END_TEST

START_TEST(without_privilege_and_with_new_privileges_it_is_an_error)
{
	struct harden ready = { 0 };
	struct fault fault = { 0 };

	profile.no_new_privs = false;
	ck_assert_int_eq(harden_prepare(&profile, &fault, &ready), 0);
	ck_assert_int_eq(seteuid(SOMEBODY), 0);
	ck_assert_int_eq(harden_apply(&ready, &fault), -EPERM);
	ck_assert_str_eq(fault.line, "seccomp: load: Permission denied");
	ck_assert_int_eq(seteuid(0), 0); /* for the leak checker */
}
END_TEST

START_TEST(a_kernel_without_seccomp_is_told)
{
	struct harden ready = { 0 };

	ck_assert_uint_eq(harden_lacks(&profile), 0);
	ck_assert_int_eq(lose_seccomp(), 0);
	ck_assert_uint_eq(harden_lacks(&profile), LAYER_SECCOMP);
	ck_assert_int_eq(harden_prepare(&profile, NULL, &ready), 0);
	ck_assert_uint_eq(ready.what, HARDENING_NO_NEW_PRIVS);
	ck_assert_int_eq(harden_apply(&ready, NULL), 0);
	profile.socket_families = FAMILIES_ANY;
	ck_assert_uint_eq(harden_lacks(&profile), 0);
}
END_TEST

START_TEST(where_it_is_required_the_fault_names_it)
{
	struct harden ready = { .what = 4711 };
	struct fault fault = { 0 };

	profile.required = LAYER_SECCOMP;
	ck_assert_int_eq(lose_seccomp(), 0);
	ck_assert_int_eq(harden_prepare(&profile, &fault, &ready), -EOPNOTSUPP);
	ck_assert_str_eq(fault.line, "seccomp: required by profile \"default\": this kernel lacks it");
	ck_assert_uint_eq(ready.what, 4711);
}
END_TEST

/* cron and atd may be one process for several: the limit of the kernel is 32768 instructions in all. */
START_TEST(a_process_may_open_many)
{
	for (int i = 0; i < 500; i++)
		harden();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("harden");
	TCase *tcase = tcase_create("harden");

	tcase_add_test(tcase, only_four_families_are_left);
	tcase_add_test(tcase, the_upper_half_of_an_argument_decides_nothing);
	tcase_add_test(tcase, a_packet_socket_is_refused_by_its_old_name);
	tcase_add_loop_test(tcase, protocols_that_the_kernel_sends_by_itself_are_refused, 0,
			    ARRAY_SIZE(refused_protocols));
	tcase_add_test(tcase, mptcp_is_given_without_the_filter);
	tcase_add_test(tcase, what_programs_need_stays);
	tcase_add_test(tcase, socketpairs_are_refused_alike);
	tcase_add_test(tcase, io_uring_is_not_there);
	tcase_add_test(tcase, options_that_make_a_socket_nobodys_are_refused);
	tcase_add_test(tcase, sources_that_are_not_of_this_host_are_refused);
#ifdef __x86_64__
	tcase_add_test(tcase, the_i386_abi_hides_no_socket);
	tcase_add_test(tcase, the_x32_abi_is_not_there);
#endif
	tcase_add_loop_test(tcase, each_is_the_profiles_choice, 0, ARRAY_SIZE(choices));
	tcase_add_test(tcase, without_privilege_and_with_new_privileges_it_is_an_error);
	tcase_add_test(tcase, a_kernel_without_seccomp_is_told);
	tcase_add_test(tcase, where_it_is_required_the_fault_names_it);
	tcase_add_test(tcase, a_process_may_open_many);
	suite_add_tcase(suite, tcase);
	return folder_run_as_root("t-harden", suite);
}
