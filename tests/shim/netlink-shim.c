/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An LD_PRELOAD library that stands between a program and netlink's netfilter and sock_diag, and lets things go wrong.
 *
 *	EGRESS_NETLINK_SHIM="refuse:EPERM"  LD_PRELOAD=.../netlink-shim.so COMMAND
 *
 * EGRESS_NETLINK_SHIM is one fault, WHAT[:ERRNO][@N]. ERRNO is a name such as ENOBUFS; with @N it happens at
 * the Nth call of its kind only, counted from 1 since the variable has this value. WHAT is
 *
 *	ask:ERRNO      a message that is no batch cannot be sent
 *	batch:ERRNO    a batch cannot be sent
 *	refuse:ERRNO   a batch is not carried out: one answer with ERRNO for all of it, as without privilege
 *	swallow        a batch is not carried out, but each message of it that asked for it is confirmed
 *	answer:ERRNO   a batch is carried out, but its answers cannot be read
 *	deaf           a batch is carried out, but no answer ever comes
 *	destroy:ERRNO  a SOCK_DESTROY is not carried out: ERRNO is the answer
 *
 * Every fault that happened is written, one a line, to the file that EGRESS_SHIM_LOG names.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FD_MAX 1024

enum what { ASK, BATCH, REFUSE, SWALLOW, ANSWER, DEAF, DESTROY, NOTHING };
static const char *const whats[] = { "ask", "batch", "refuse", "swallow", "answer", "deaf", "destroy" };

static struct {
	char script[64];
	enum what what;
	int error;
	unsigned int at, calls;
} fault;

/* What a socket's next reads bring. */
static struct {
	bool deaf;
	int error;
	size_t queued;
	char queue[1 << 16];
} sockets[FD_MAX];

static int parse_errno(const char *name)
{
	for (int error = 1; error < 200; error++) {
		const char *known = strerrorname_np(error);

		if (known && strcmp(known, name) == 0)
			return error;
	}
	return EIO;
}

static void parse(const char *script)
{
	char copy[64], *at, *error;

	memset(&fault, 0, sizeof(fault));
	snprintf(fault.script, sizeof(fault.script), "%s", script);
	snprintf(copy, sizeof(copy), "%s", script);
	at = strchr(copy, '@');
	if (at)
		*at++ = '\0';
	error = strchr(copy, ':');
	if (error)
		*error++ = '\0';
	fault.at = at ? (unsigned int)atoi(at) : 0;
	fault.error = error ? parse_errno(error) : EIO;
	for (fault.what = ASK; fault.what < NOTHING; fault.what++) {
		if (strcmp(copy, whats[fault.what]) == 0)
			return;
	}
	if (*copy)
		abort();
}

static void tell(void)
{
	const char *path = getenv("EGRESS_SHIM_LOG");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	char line[128];
	int length;

	if (fd < 0)
		return;
	length = snprintf(line, sizeof(line), "%s %u\n", fault.script, fault.calls);
	if (write(fd, line, (size_t)length) != length)
		abort();
	close(fd);
}

enum kind { KIND_MESSAGE, KIND_BATCH, KIND_DESTROY };

static enum kind kind_of(enum what what)
{
	return what == ASK ? KIND_MESSAGE : what == DESTROY ? KIND_DESTROY : KIND_BATCH;
}

/* Does the fault happen now, to a message of that kind? */
static bool happens(enum kind kind)
{
	const char *script = getenv("EGRESS_NETLINK_SHIM");

	if (strcmp(fault.script, script ? script : "") != 0 || !*fault.script)
		parse(script ? script : "");
	if (fault.what == NOTHING || kind != kind_of(fault.what))
		return false;
	fault.calls++;
	if (fault.at && fault.at != fault.calls)
		return false;
	tell();
	return true;
}

/* Of netfilter or of sock_diag; -1 else. */
static int protocol_of(int fd)
{
	int domain = 0, protocol = -1;
	socklen_t size = sizeof(int);
	int saved = errno;

	if (fd < 0 || fd >= FD_MAX || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) ||
	    getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size))
		protocol = -1;
	errno = saved;
	return domain == AF_NETLINK && (protocol == NETLINK_NETFILTER || protocol == NETLINK_SOCK_DIAG) ? protocol : -1;
}

static void answer(int fd, const struct nlmsghdr *to, int error)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr body;
	} message = {
		.header = { .nlmsg_len = sizeof(message), .nlmsg_type = NLMSG_ERROR, .nlmsg_seq = to->nlmsg_seq },
		.body = { .error = -error, .msg = *to },
	};
	struct sockaddr_nl self = { 0 };
	socklen_t size = sizeof(self);

	getsockname(fd, (struct sockaddr *)&self, &size);
	message.header.nlmsg_pid = self.nl_pid;
	if (sockets[fd].queued + sizeof(message) > sizeof(sockets[fd].queue))
		abort();
	memcpy(sockets[fd].queue + sockets[fd].queued, &message, sizeof(message));
	sockets[fd].queued += sizeof(message);
}

static void confirm_all(int fd, const void *bytes, size_t size)
{
	const struct nlmsghdr *header = bytes;
	size_t left = size;

	for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
		if (header->nlmsg_flags & NLM_F_ACK)
			answer(fd, header, 0);
	}
}

/* The bytes go to FD. Returns 0 if they are to be sent, else what the call returns. */
static ssize_t on_send(int fd, const void *bytes, size_t size)
{
	const struct nlmsghdr *header = bytes;

	if (size < sizeof(*header))
		return 0;
	switch (protocol_of(fd)) {
	case NETLINK_NETFILTER:
		if (!happens(header->nlmsg_type == NFNL_MSG_BATCH_BEGIN ? KIND_BATCH : KIND_MESSAGE))
			return 0;
		break;
	case NETLINK_SOCK_DIAG:
		if (header->nlmsg_type != SOCK_DESTROY || !happens(KIND_DESTROY))
			return 0;
		break;
	default:
		return 0;
	}
	switch (fault.what) {
	case REFUSE:
	case DESTROY:
		answer(fd, header, fault.error);
		return (ssize_t)size;
	case SWALLOW:
		confirm_all(fd, bytes, size);
		return (ssize_t)size;
	case ANSWER:
		sockets[fd].error = fault.error;
		return 0;
	case DEAF:
		sockets[fd].deaf = true;
		return 0;
	default:
		errno = fault.error;
		return -1;
	}
}

/* As one block; what the program sends is small. */
static ssize_t on_send_message(int fd, const struct msghdr *message)
{
	static char block[1 << 22];
	size_t size = 0;

	if (protocol_of(fd) < 0)
		return 0;
	for (size_t i = 0; i < message->msg_iovlen; i++) {
		const struct iovec *part = &message->msg_iov[i];

		if (size + part->iov_len > sizeof(block))
			abort();
		memcpy(block + size, part->iov_base, part->iov_len);
		size += part->iov_len;
	}
	return on_send(fd, block, size);
}

/* Returns 0 if the kernel is to be read, else what the call returns. */
static ssize_t on_receive(int fd, void *bytes, size_t size, int flags)
{
	size_t queued;

	if (protocol_of(fd) < 0)
		return 0;
	if (sockets[fd].error) {
		errno = sockets[fd].error;
		sockets[fd].error = 0;
		return -1;
	}
	if (sockets[fd].deaf) {
		usleep(1000);
		errno = EAGAIN;
		return -1;
	}
	queued = sockets[fd].queued;
	if (queued == 0)
		return 0;
	if (queued > size)
		abort();
	memcpy(bytes, sockets[fd].queue, queued);
	if (!(flags & MSG_PEEK))
		sockets[fd].queued = 0;
	return (ssize_t)queued;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t length)
{
	ssize_t result = on_send(fd, bytes, size);

	return result ? result : REAL(sendto)(fd, bytes, size, flags, to, length);
}

ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
	ssize_t result = on_send(fd, bytes, size);

	return result ? result : REAL(send)(fd, bytes, size, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t result = on_send_message(fd, message);

	return result ? result : REAL(sendmsg)(fd, message, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t result = on_receive(fd, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len, flags);
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	if (!result)
		return REAL(recvmsg)(fd, message, flags);
	message->msg_flags = 0;
	if (result > 0 && message->msg_name && message->msg_namelen >= sizeof(kernel))
		memcpy(message->msg_name, &kernel, sizeof(kernel));
	message->msg_namelen = sizeof(kernel);
	return result;
}

ssize_t recvfrom(int fd, void *restrict bytes, size_t size, int flags, struct sockaddr *restrict from,
		 socklen_t *restrict length)
{
	ssize_t result = on_receive(fd, bytes, size, flags);
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	if (!result)
		return REAL(recvfrom)(fd, bytes, size, flags, from, length);
	if (result > 0 && from && *length >= sizeof(kernel)) {
		memcpy(from, &kernel, sizeof(kernel));
		*length = sizeof(kernel);
	}
	return result;
}

ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
	ssize_t result = on_receive(fd, bytes, size, flags);

	return result ? result : REAL(recv)(fd, bytes, size, flags);
}

/* Returns whether ONE is answered here; *ret_ready says how. */
static bool on_poll(struct pollfd *one, bool *ret_ready)
{
	if (!(one->events & POLLIN) || protocol_of(one->fd) < 0)
		return false;
	*ret_ready = sockets[one->fd].queued || sockets[one->fd].error;
	return *ret_ready || sockets[one->fd].deaf;
}

int poll(struct pollfd *polled, nfds_t count, int timeout)
{
	bool ready = false;

	if (count != 1 || !on_poll(polled, &ready))
		return REAL(poll)(polled, count, timeout);
	polled->revents = ready ? POLLIN : 0;
	if (!ready && timeout > 0)
		usleep((useconds_t)timeout * 1000);
	return ready;
}

int ppoll(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	bool ready = false;

	if (count != 1 || !on_poll(polled, &ready))
		return REAL(ppoll)(polled, count, timeout, mask);
	polled->revents = ready ? POLLIN : 0;
	if (!ready && timeout)
		nanosleep(timeout, NULL);
	return ready;
}

/* The next socket with this number is another one. */
int close(int fd)
{
	if (fd >= 0 && fd < FD_MAX) {
		sockets[fd].deaf = false;
		sockets[fd].error = 0;
		sockets[fd].queued = 0;
	}
	return REAL(close)(fd);
}
