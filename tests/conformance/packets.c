/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packets.h"

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/ip.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

union place {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t place_of(const char *address, unsigned int port, union place *ret)
{
	*ret = (union place){ .sa.sa_family = strchr(address, ':') ? AF_INET6 : AF_INET };
	if (ret->sa.sa_family == AF_INET) {
		ret->in.sin_port = htons((uint16_t)port);
		inet_pton(AF_INET, address, &ret->in.sin_addr);
		return sizeof(ret->in);
	}
	ret->in6.sin6_port = htons((uint16_t)port);
	inet_pton(AF_INET6, address, &ret->in6.sin6_addr);
	return sizeof(ret->in6);
}

/* In a process that has nothing else to do. */
static void become(uid_t uid)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
	    setresuid(uid, uid, uid))
		_exit(255);
}

/* A socket made here belongs to this process's uid. */
static int send_one(const char *address, unsigned int port)
{
	union place place;
	socklen_t length = place_of(address, port, &place);
	int fd = socket(place.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0 || sendto(fd, "x", 1, 0, &place.sa, length) != 1)
		error = errno;
	close(fd);
	return error;
}

/* The first stop is where the header says it goes; it is to be sent on to OTHER_STOP. */
#define OTHER_STOP4 "127.0.0.2"
#define OTHER_STOP6 "::1"

static int set_route4(int fd, const union place *first)
{
	unsigned char options[8] = { IPOPT_NOP, IPOPT_LSRR, 7, IPOPT_MINOFF };

	memcpy(options + 4, &first->in.sin_addr, 4);
	return setsockopt(fd, IPPROTO_IP, IP_OPTIONS, options, sizeof(options));
}

static int set_route6(int fd, const union place *first)
{
	/* A segment routing header: type 4, one segment left of two; the kernel fills in the last one. */
	unsigned char header[40] = { 0, 4, 4, 1, 1 };

	memcpy(header + 24, &first->in6.sin6_addr, 16);
	return setsockopt(fd, IPPROTO_IPV6, IPV6_RTHDR, header, sizeof(header));
}

/* Newer kernels let nobody set a source route who has no CAP_NET_RAW: the socket is UID's, the option root's. */
static int forge_one(uid_t uid, const char *address, unsigned int port)
{
	union place first, last;
	bool is4 = !strchr(address, ':');
	socklen_t length = place_of(is4 ? OTHER_STOP4 : OTHER_STOP6, port, &last);
	int fd;

	place_of(address, port, &first);
	if (setresuid(uid, uid, 0) < 0)
		return 255;
	fd = socket(last.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || seteuid(0) < 0 || (is4 ? set_route4(fd, &first) : set_route6(fd, &first)) < 0)
		return 255;
	become(uid);
	return sendto(fd, "x", 1, 0, &last.sa, length) == 1 ? 0 : errno;
}

static int wait_exit(pid_t pid, uid_t uid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) != 255, "the sender of uid %u failed", uid);
	return WEXITSTATUS(status);
}

static int try_as(uid_t uid, int (*attempt)(const char *address, unsigned int port), const char *address,
		  unsigned int port)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		become(uid);
		_exit(attempt(address, port));
	}
	return wait_exit(pid, uid);
}

int packet_send(uid_t uid, const char *address, unsigned int port)
{
	return try_as(uid, send_one, address, port);
}

int packet_forge(uid_t uid, const char *address, unsigned int port)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(forge_one(uid, address, port));
	return wait_exit(pid, uid);
}

struct ear ear_open(const char *address, unsigned int port)
{
	struct ear ear = { .address = address, .port = port };
	union place place;
	socklen_t length = place_of(address, port, &place);

	ear.fd = socket(place.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_msg(bind(ear.fd, &place.sa, length) == 0, "bind: %m");
	return ear;
}

unsigned int ear_heard(const struct ear *ear)
{
	unsigned int heard = 0;
	char byte;

	while (recv(ear->fd, &byte, 1, 0) >= 0)
		heard++;
	ck_assert_int_eq(errno, EAGAIN);
	return heard;
}

/* --- TCP --- */

#define PATIENCE_MS 300 /* for what nobody answers */

static int tcp_open(const char *address, unsigned int port, union place *ret, socklen_t *ret_length)
{
	const struct timeval patience = { .tv_usec = PATIENCE_MS * 1000 };
	int one = 1, fd;

	*ret_length = place_of(address, port, ret);
	fd = socket(ret->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	}
	return fd;
}

static int tcp_listen(const char *address, unsigned int port)
{
	union place place;
	socklen_t length;
	int fd = tcp_open(address, port, &place, &length);

	if (fd < 0 || bind(fd, &place.sa, length) < 0 || listen(fd, 4) < 0)
		return -1;
	return fd;
}

/* Answers whoever comes with one byte, for as long as its parent lives. */
static void answer(int ready, const char *address, unsigned int port)
{
	int fd = tcp_listen(address, port);

	if (fd < 0 || write(ready, "r", 1) != 1)
		_exit(255);
	for (;;) {
		int peer = accept(fd, NULL, NULL); /* gives up now and then */

		if (peer >= 0 && write(peer, "x", 1) < 0)
			_exit(254);
		close(peer);
	}
}

pid_t listener_start(uid_t uid, const char *address, unsigned int port)
{
	int pipes[2];
	pid_t pid;
	char byte;

	ck_assert_int_eq(pipe(pipes), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		become(uid);
		answer(pipes[1], address, port);
	}
	close(pipes[1]);
	ck_assert_msg(read(pipes[0], &byte, 1) == 1, "uid %u cannot listen at %s port %u", uid, address, port);
	close(pipes[0]);
	return pid;
}

void listener_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static unsigned int from_port;

static int connect_one(const char *address, unsigned int port)
{
	union place to, from;
	socklen_t length;
	const struct linger at_once = { .l_onoff = 1 }; /* no TIME-WAIT: the port is needed again */
	int fd = tcp_open(address, port, &to, &length);
	int error = 0;
	char byte;

	place_of(address, from_port, &from);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) < 0 ||
	    (from_port && bind(fd, &from.sa, length) < 0))
		return 255;
	if (connect(fd, &to.sa, length) < 0 || recv(fd, &byte, 1, 0) != 1)
		error = errno ? errno : EPIPE;
	close(fd);
	return error;
}

int tcp_ask(uid_t uid, unsigned int from, const char *address, unsigned int port)
{
	from_port = from;
	return try_as(uid, connect_one, address, port);
}

static void keep_sending(volatile struct sender_tells *tells, const struct ear *ears, unsigned int count)
{
	while (!tells->enough) {
		for (unsigned int i = 0; i < count; i++) {
			tells->sent += send_one(ears[i].address, ears[i].port) == 0;
			tells->tries++;
		}
	}
}

struct sender sender_start(uid_t uid, const struct ear *ears, unsigned int count)
{
	struct sender sender = { 0 };

	sender.tells = mmap(NULL, sizeof(*sender.tells), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	ck_assert(sender.tells != MAP_FAILED);
	sender.pid = fork();
	ck_assert_int_ge(sender.pid, 0);
	if (sender.pid == 0) {
		become(uid);
		keep_sending(sender.tells, ears, count);
		_exit(0);
	}
	return sender;
}

void sender_wait(const struct sender *sender, unsigned long tries)
{
	struct timespec pause = { .tv_nsec = 1000000 };

	for (int ms = 0; sender->tells->tries < tries; ms++) {
		ck_assert_msg(ms < 20000, "the sender has tried %lu times only", sender->tells->tries);
		nanosleep(&pause, NULL);
	}
}

unsigned long sender_end(struct sender *sender)
{
	int status;

	sender->tells->enough = true;
	ck_assert_int_eq(waitpid(sender->pid, &status, 0), sender->pid);
	ck_assert_int_eq(status, 0);
	return sender->tells->sent;
}
