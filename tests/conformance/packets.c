/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packets.h"

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
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

int packet_send(uid_t uid, const char *address, unsigned int port)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		become(uid);
		_exit(send_one(address, port));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) != 255, "the sender of uid %u failed", uid);
	return WEXITSTATUS(status);
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
