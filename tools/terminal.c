/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <linux/audit.h>
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define X32_IOCTL (0x40000000 | 514)
#elif defined(__aarch64__)
#include <linux/audit.h>
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#define X32_IOCTL SYS_ioctl
#else
#define NATIVE_ARCH 0 /* whatever has number 54: 32-bit machines */
#define X32_IOCTL SYS_ioctl
#endif
#define IOCTL_OF_32_BITS 54 /* of i386 and arm */

/* The kernel takes an unsigned int: the upper half of the register must not decide. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define REQUEST offsetof(struct seccomp_data, args[1])
#else
#define REQUEST (offsetof(struct seccomp_data, args[1]) + 4)
#endif

enum { CALL = 4, REFUSE = CALL + 6, ALLOW, LENGTH };

#define LOAD(at, offset) [at] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define IF(at, value, yes, no) \
	[at] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, (yes) - (at) - 1, (no) - (at) - 1)
#define RETURN(at, action) [at] = BPF_STMT(BPF_RET | BPF_K, action)

static const struct sock_filter program[LENGTH] = {
	LOAD(0, REQUEST),
	IF(1, TIOCSTI, CALL, 2),
	IF(2, TIOCLINUX, CALL, ALLOW),
	RETURN(3, SECCOMP_RET_ALLOW),

	LOAD(CALL, offsetof(struct seccomp_data, nr)),
	IF(CALL + 1, SYS_ioctl, REFUSE, CALL + 2),
	IF(CALL + 2, X32_IOCTL, REFUSE, CALL + 3),
	IF(CALL + 3, IOCTL_OF_32_BITS, CALL + 4, ALLOW),
	LOAD(CALL + 4, offsetof(struct seccomp_data, arch)),
	IF(CALL + 5, NATIVE_ARCH, ALLOW, REFUSE),

	RETURN(REFUSE, SECCOMP_RET_ERRNO | EIO),
	RETURN(ALLOW, SECCOMP_RET_ALLOW),
};

static bool on_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || isatty(STDIN_FILENO) || isatty(STDOUT_FILENO) || isatty(STDERR_FILENO);
}

int terminal_shut(void)
{
	const struct sock_fprog filter = { .len = LENGTH, .filter = (struct sock_filter *)program };

	if (!on_terminal())
		return 0;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) ? -errno : 0;
}
