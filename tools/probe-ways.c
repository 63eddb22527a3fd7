/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"
#include "util.h"

#define ANSWER_MS 700
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef IPPROTO_SMC
#define IPPROTO_SMC 256
#endif
#define FAMILY_SMC 43

static const char payload[] = "egressctl probe";

static int make_socket(const struct way *way, struct attempt *ret)
{
	int fd = socket(way->family, way->type | SOCK_NONBLOCK | SOCK_CLOEXEC, way->protocol);

	ret->stage = fd < 0 ? STAGE_SOCKET : STAGE_SEND;
	ret->error = fd < 0 ? errno : 0;
	return fd;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	const struct in6_addr *in6 = &((const struct sockaddr_in6 *)address)->sin6_addr;

	if (address->ss_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(in6) || (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == IN_LOOPBACKNET);
}

/* Where the route guard sends what is not allowed, it is given a source on loopback. FD is on its way to TARGET. */
static bool is_guarded(const struct target *target, int fd)
{
	struct sockaddr_storage source = { 0 };
	socklen_t length = sizeof(source);

	return !is_loopback(&target->address) && getsockname(fd, (struct sockaddr *)&source, &length) == 0 &&
	       is_loopback(&source);
}

/* Until an answer comes, or long enough. */
static int await(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	socklen_t length = sizeof(int);
	int error = 0;

	if (poll(&wait, 1, ANSWER_MS) == 0)
		return ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

static void try_stream(const struct way *way, const struct target *target, struct attempt *ret)
{
	AUTO_CLOSE int fd = make_socket(way, ret);

	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)&target->address, target->length) == 0)
		ret->error = 0;
	else
		ret->error = errno == EINPROGRESS ? await(fd) : errno;
	ret->guarded = is_guarded(target, fd);
}

static void try_fast_open(const struct way *way, const struct target *target, struct attempt *ret)
{
	AUTO_CLOSE int fd = make_socket(way, ret);

	if (fd < 0)
		return;
	if (sendto(fd, payload, sizeof(payload), MSG_FASTOPEN | MSG_NOSIGNAL,
		   (const struct sockaddr *)&target->address,
		   target->length) < 0)
		ret->error = errno == EINPROGRESS ? await(fd) : errno;
	ret->guarded = is_guarded(target, fd);
}

static void send_datagram(const struct way *way, const struct target *target, const void *data, size_t length,
			  struct attempt *ret)
{
	AUTO_CLOSE int fd = make_socket(way, ret);

	if (fd < 0)
		return;
	if (sendto(fd, data, length, 0, (const struct sockaddr *)&target->address, target->length) < 0)
		ret->error = errno;
	/* The guard goes by protocol and port; this sends nothing. */
	ret->guarded = connect(fd, (const struct sockaddr *)&target->address, target->length) == 0 &&
		       is_guarded(target, fd);
}

static void try_datagram(const struct way *way, const struct target *target, struct attempt *ret)
{
	send_datagram(way, target, payload, sizeof(payload), ret);
}

/* "invalid." (RFC 6761), type A: no resolver asks anybody else for it. */
static void try_dns(const struct way *way, const struct target *target, struct attempt *ret)
{
	static const char question[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
				       "\x07invalid\x00\x00\x01\x00\x01";
	struct way dns = *way;

	dns.family = target->address.ss_family;
	send_datagram(&dns, target, question, sizeof(question) - 1, ret);
}

static void try_echo(const struct way *way, const struct target *target, struct attempt *ret)
{
	struct {
		struct icmphdr header;
		char data[sizeof(payload)];
	} echo = { .header.type = way->family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST };

	memcpy(echo.data, payload, sizeof(payload));
	send_datagram(way, target, &echo, sizeof(echo), ret);
}

static void try_socket(const struct way *way, const struct target *target, struct attempt *ret)
{
	AUTO_CLOSE int fd = make_socket(way, ret);

	(void)target;
	(void)fd;
}

static void try_uring(const struct way *way, const struct target *target, struct attempt *ret)
{
	struct io_uring_params params = { .flags = 0 };
	AUTO_CLOSE int fd = (int)syscall(SYS_io_uring_setup, 1, &params);

	(void)way;
	(void)target;
	*ret = (struct attempt){ .stage = fd < 0 ? STAGE_SOCKET : STAGE_SEND, .error = fd < 0 ? errno : 0 };
}

#define TCP SOCK_STREAM, IPPROTO_TCP
#define UDP SOCK_DGRAM, IPPROTO_UDP

const struct way probe_ways[] = {
	{ "tcp", TARGET_OUTSIDE4, AF_INET, TCP, 443, NULL, false, try_stream },
	{ "tcp-any-port", TARGET_OUTSIDE4, AF_INET, TCP, 7, NULL, false, try_stream },
	{ "tcp-mapped", TARGET_MAPPED, AF_INET6, TCP, 443, NULL, false, try_stream },
	{ "tcp-fast-open", TARGET_OUTSIDE4, AF_INET, TCP, 443, NULL, false, try_fast_open },
	{ "tcp-ipv6", TARGET_OUTSIDE6, AF_INET6, TCP, 443, NULL, false, try_stream },
	{ "udp", TARGET_OUTSIDE4, AF_INET, UDP, 443, NULL, false, try_datagram },
	{ "udp-ipv6", TARGET_OUTSIDE6, AF_INET6, UDP, 443, NULL, false, try_datagram },
	{ "udp-lite", TARGET_OUTSIDE4, AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE, 443, NULL, false, try_datagram },
	{ "udp-lite-ipv6", TARGET_OUTSIDE6, AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE, 443, NULL, false, try_datagram },
	{ "dns", TARGET_RESOLVER, AF_INET, UDP, 53, NULL, false, try_dns },
	{ "icmp", TARGET_OUTSIDE4, AF_INET, SOCK_DGRAM, IPPROTO_ICMP, 0, NULL, false, try_echo },
	{ "icmp-ipv6", TARGET_OUTSIDE6, AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, 0, NULL, false, try_echo },
	{ "sctp", TARGET_OUTSIDE4, AF_INET, SOCK_STREAM, IPPROTO_SCTP, 443, "sctp", false, try_stream },
	{ "dccp", TARGET_OUTSIDE4, AF_INET, SOCK_DCCP, IPPROTO_DCCP, 443, "dccp", false, try_stream },
	{ "mptcp", TARGET_OUTSIDE4, AF_INET, SOCK_STREAM, IPPROTO_MPTCP, 443, NULL, false, try_stream },
	{ "loopback-tcp", TARGET_LOOPBACK4, AF_INET, TCP, 0, NULL, false, try_stream },
	{ "loopback-udp", TARGET_LOOPBACK4, AF_INET, UDP, 0, NULL, false, try_datagram },
	{ "loopback-tcp-ipv6", TARGET_LOOPBACK6, AF_INET6, TCP, 0, NULL, false, try_stream },
	{ "loopback-udp-ipv6", TARGET_LOOPBACK6, AF_INET6, UDP, 0, NULL, false, try_datagram },
	{ "subordinate-uid", TARGET_OUTSIDE4, AF_INET, TCP, 443, NULL, true, try_stream },
	{ "raw", TARGET_NONE, AF_INET, SOCK_RAW, IPPROTO_RAW, 0, NULL, false, try_socket },
	{ "packet", TARGET_NONE, AF_PACKET, SOCK_RAW, 0, 0, NULL, false, try_socket },
	{ "vsock", TARGET_NONE, AF_VSOCK, SOCK_STREAM, 0, 0, "vsock", false, try_socket },
	{ "rxrpc", TARGET_NONE, AF_RXRPC, SOCK_DGRAM, AF_INET, 0, "rxrpc", false, try_socket },
	{ "smc", TARGET_NONE, FAMILY_SMC, SOCK_STREAM, 0, 0, "smc", false, try_socket },
	{ "smc-inet", TARGET_NONE, AF_INET, SOCK_STREAM, IPPROTO_SMC, 0, "smc", false, try_socket },
	{ "rds", TARGET_NONE, AF_RDS, SOCK_SEQPACKET, 0, 0, "rds", false, try_socket },
	{ "tipc", TARGET_NONE, AF_TIPC, SOCK_RDM, 0, 0, "tipc", false, try_socket },
	{ "pppoe", TARGET_NONE, AF_PPPOX, SOCK_STREAM, 0, 0, "pppoe", false, try_socket },
	{ "bluetooth", TARGET_NONE, AF_BLUETOOTH, SOCK_SEQPACKET, 0, 0, "bluetooth", false, try_socket },
	{ "can", TARGET_NONE, AF_CAN, SOCK_RAW, 1, 0, "can", false, try_socket },
	{ "io-uring", TARGET_NONE, 0, 0, 0, 0, NULL, false, try_uring },
	{ .name = NULL },
};

bool probe_target(const char *address, in_port_t port, bool mapped, struct target *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&ret->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ret->address;
	char full[INET6_ADDRSTRLEN + 8];

	memset(ret, 0, sizeof(*ret));
	snprintf(full, sizeof(full), "%s%s", mapped ? "::ffff:" : "", address);
	if (inet_pton(AF_INET, full, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		ret->length = sizeof(*v4);
	} else if (inet_pton(AF_INET6, full, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		ret->length = sizeof(*v6);
	} else {
		return false;
	}
	if (port == 0)
		snprintf(ret->text, sizeof(ret->text), "%s", full);
	else
		snprintf(ret->text, sizeof(ret->text), strchr(full, ':') ? "[%s]:%u" : "%s:%u", full, port);
	return true;
}

bool probe_has_route(const struct target *target)
{
	AUTO_CLOSE int fd = socket(target->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 address;

	/* A port, whatever the target's: none is asked, it is only looked at whether there is a way. */
	memcpy(&address, &target->address, sizeof(address));
	address.sin6_port = htons(9);
	return fd >= 0 && connect(fd, (struct sockaddr *)&address, target->length) == 0;
}

struct packet probe_packet(const struct way *way, const struct target *target)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&target->address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&target->address;
	struct packet packet = {
		.proto = way->protocol == IPPROTO_MPTCP ? IPPROTO_TCP : (uint8_t)way->protocol,
		.port = ntohs(v4->sin_port), /* IPv6's stands at the same place */
		.to.family = target->address.ss_family,
	};

	if (packet.to.family == AF_INET) {
		packet.to.v4 = v4->sin_addr;
	} else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		packet.to.family = AF_INET;
		memcpy(&packet.to.v4, &v6->sin6_addr.s6_addr[12], sizeof(packet.to.v4));
	} else {
		packet.to.v6 = v6->sin6_addr;
	}
	return packet;
}
