/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockets WAY...: tries to make sockets that no rule sees, and says for each "WAY given" or "WAY ERRNO-NAME". Built and
 * run by hardening.sh, as the account.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int by_call(int family, int type, int protocol)
{
	int fd = socket(family, type, protocol);

	return fd < 0 ? -errno : fd;
}

static int vsock(void)
{
	return by_call(AF_VSOCK, SOCK_STREAM, 0);
}

static int mptcp(void)
{
	return by_call(AF_INET, SOCK_STREAM, 262);
}

static int tcp(void)
{
	return by_call(AF_INET6, SOCK_STREAM, 0);
}

/* One request, by the rings as the kernel lays them out. */
static int vsock_by_io_uring(void)
{
	struct io_uring_params params = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 4, &params);
	size_t size;
	char *rings;
	struct io_uring_sqe *entries;
	struct io_uring_cqe *done;

	if (ring < 0)
		return -errno;
	size = params.cq_off.cqes + params.cq_entries * sizeof(*done);
	if (size < params.sq_off.array + params.sq_entries * sizeof(uint32_t))
		size = params.sq_off.array + params.sq_entries * sizeof(uint32_t);
	rings = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
	entries = mmap(NULL, params.sq_entries * sizeof(*entries), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
	if (rings == MAP_FAILED || entries == MAP_FAILED)
		return -errno;
	entries[0] = (struct io_uring_sqe){ .opcode = IORING_OP_SOCKET, .fd = AF_VSOCK, .off = SOCK_STREAM };
	*(uint32_t *)(rings + params.sq_off.array) = 0;
	__atomic_store_n((uint32_t *)(rings + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return -errno;
	done = (struct io_uring_cqe *)(rings + params.cq_off.cqes);
	return done->res;
}

#ifdef __x86_64__
/* int 0x80: the i386 ABI, which every 64-bit process may use. */
static int by_socketcall(int family, int type, int protocol)
{
	int *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long ret;

	low[0] = family;
	low[1] = type;
	low[2] = protocol;
	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(102L), "b"(1L), "c"((long)low)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}
#else
static int by_socketcall(int family, int type, int protocol)
{
	(void)family, (void)type, (void)protocol;
	return -ENOSYS;
}
#endif

static int vsock_by_i386(void)
{
	return by_socketcall(AF_VSOCK, SOCK_STREAM, 0);
}

static const struct {
	const char *name;
	int (*try)(void);
} ways[] = {
	{ "vsock", vsock },
	{ "vsock_io_uring", vsock_by_io_uring },
	{ "vsock_i386", vsock_by_i386 },
	{ "mptcp", mptcp },
	{ "tcp", tcp },
};

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		for (size_t k = 0; k < sizeof(ways) / sizeof(ways[0]); k++) {
			int fd;

			if (strcmp(argv[i], ways[k].name) != 0)
				continue;
			fd = ways[k].try();
			printf("%s %s\n", ways[k].name, fd < 0 ? strerrorname_np(-fd) : "given");
		}
	}
	printf("euid %u\n", geteuid());
	return 0;
}
