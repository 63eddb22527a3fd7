/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "harden.h"

#include "util.h"
#include "words.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* This machine's ABI, and the 32-bit one that its kernel may run beside it; others are refused as a whole. */
#if defined(__x86_64__) && !defined(__ILP32__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define FOREIGN_ARCH AUDIT_ARCH_I386
#define FOREIGN_SOCKET 359
#define FOREIGN_SOCKETPAIR 360
#define FOREIGN_SETSOCKOPT 366
#elif defined(__i386__)
#define NATIVE_ARCH AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#define FOREIGN_ARCH AUDIT_ARCH_ARM
#define FOREIGN_SOCKET 281
#define FOREIGN_SOCKETPAIR 288
#define FOREIGN_SETSOCKOPT 294
#elif defined(__arm__)
#define NATIVE_ARCH AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define NATIVE_ARCH AUDIT_ARCH_S390X
#else
#error "name this machine's AUDIT_ARCH_ here"
#endif

#define NO_NUMBER 0x7fffffffU /* of no system call; a greater one takes an instruction more */
#ifndef FOREIGN_ARCH
#define FOREIGN_ARCH NO_NUMBER
#define FOREIGN_SOCKET NO_NUMBER
#define FOREIGN_SOCKETPAIR NO_NUMBER
#define FOREIGN_SETSOCKOPT NO_NUMBER
#endif
#ifdef SYS_socketcall
#define NATIVE_SOCKETCALL SYS_socketcall
#else
#define NATIVE_SOCKETCALL NO_NUMBER
#endif
#define FOREIGN_SOCKETCALL 102

#define TYPE_MASK 0xf /* of the kernel: the rest of a type are flags */

#define X32_BIT 0x40000000U
#define IO_URING_SETUP 425 /* linux 5.1, the same in every ABI; io_uring_enter is 426 */
#define IO_URING_REGISTER 427

/* socketcall(2)'s own numbers. */
#define CALL_SOCKET 1
#define CALL_SOCKETPAIR 8
#define CALL_SETSOCKOPT 14

/* Some C libraries lack their names. */
#define PROTO_L2TP 115
#define PROTO_SMC 256
#define PROTO_MPTCP 262
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

/* Where the parts of the program begin. */
enum {
	NATIVE = 2,
	FOREIGN = NATIVE + 9,
	SOCKET = FOREIGN + 9,
	FAMILY = SOCKET + 7,
	SOCKETCALL = FAMILY + 5,
	OPTION = SOCKETCALL + 5,
	NO_OPTION = OPTION + 9,
	NO_CALL,
	NO_PROTOCOL,
	NO_FAMILY,
	ALLOW,
	LENGTH,
};

#define LOAD(at, what) [at] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, what))
#define GO_IF(at, compare, value, to) [at] = BPF_JUMP(BPF_JMP | (compare) | BPF_K, value, (to) - (at) - 1, 0)
#define GO(at, to) [at] = BPF_STMT(BPF_JMP | BPF_JA, (to) - (at) - 1)
#define IF(at, value, to) GO_IF(at, BPF_JEQ, value, to)
#define UNLESS(at, value, to) [at] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, (to) - (at) - 1)
#define EITHER(at, value, yes, no) [at] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, (yes) - (at) - 1, (no) - (at) - 1)
#define RETURN(at, action) [at] = BPF_STMT(BPF_RET | BPF_K, action)
#define AND(at, mask) [at] = BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask)
#define SHIFT(at, bits) [at] = BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, bits)
#define KEEP(at) [at] = BPF_STMT(BPF_MISC | BPF_TAX, 0)
#define OR_KEPT(at) [at] = BPF_STMT(BPF_ALU | BPF_OR | BPF_X, 0)
/* Above what any option of these levels reaches. */
#define OPTION_BITS 8
#define OF(level, option) ((level) << OPTION_BITS | (option))
#define REFUSE(at, error) RETURN(at, SECCOMP_RET_ERRNO | (error))

/* The kernel takes an int: the upper half of the register must not decide. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOAD_INT(at, n) [at] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]))
#else
#define LOAD_INT(at, n) [at] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]) + 4)
#endif

static const struct sock_filter program[LENGTH] = {
	LOAD(0, arch),
	UNLESS(1, NATIVE_ARCH, FOREIGN),

	LOAD(NATIVE, nr),
	GO_IF(NATIVE + 1, BPF_JSET, X32_BIT, NO_CALL),
	IF(NATIVE + 2, SYS_socket, SOCKET),
	IF(NATIVE + 3, SYS_socketpair, FAMILY),
	IF(NATIVE + 4, NATIVE_SOCKETCALL, SOCKETCALL),
	IF(NATIVE + 5, SYS_setsockopt, OPTION),
	GO_IF(NATIVE + 6, BPF_JGT, IO_URING_REGISTER, ALLOW),
	GO_IF(NATIVE + 7, BPF_JGE, IO_URING_SETUP, NO_CALL),
	GO(NATIVE + 8, ALLOW),

	UNLESS(FOREIGN, FOREIGN_ARCH, NO_CALL),
	LOAD(FOREIGN + 1, nr),
	IF(FOREIGN + 2, FOREIGN_SOCKET, SOCKET),
	IF(FOREIGN + 3, FOREIGN_SOCKETPAIR, FAMILY),
	IF(FOREIGN + 4, FOREIGN_SOCKETCALL, SOCKETCALL),
	IF(FOREIGN + 5, FOREIGN_SETSOCKOPT, OPTION),
	GO_IF(FOREIGN + 6, BPF_JGT, IO_URING_REGISTER, ALLOW),
	GO_IF(FOREIGN + 7, BPF_JGE, IO_URING_SETUP, NO_CALL),
	GO(FOREIGN + 8, ALLOW),

	LOAD_INT(SOCKET, 2),
	IF(SOCKET + 1, PROTO_MPTCP, NO_PROTOCOL),
	IF(SOCKET + 2, PROTO_SMC, NO_PROTOCOL),
	IF(SOCKET + 3, PROTO_L2TP, NO_PROTOCOL),
	/* A type by which the kernel makes AF_PACKET of AF_INET. */
	LOAD_INT(SOCKET + 4, 1),
	AND(SOCKET + 5, TYPE_MASK),
	IF(SOCKET + 6, SOCK_PACKET, NO_FAMILY),

	LOAD_INT(FAMILY, 0),
	IF(FAMILY + 1, AF_UNIX, ALLOW),
	IF(FAMILY + 2, AF_INET, ALLOW),
	IF(FAMILY + 3, AF_INET6, ALLOW),
	EITHER(FAMILY + 4, AF_NETLINK, ALLOW, NO_FAMILY),

	/* Family, protocol and option lie behind a pointer. */
	LOAD_INT(SOCKETCALL, 0),
	IF(SOCKETCALL + 1, CALL_SOCKET, NO_FAMILY),
	IF(SOCKETCALL + 2, CALL_SOCKETPAIR, NO_FAMILY),
	IF(SOCKETCALL + 3, CALL_SETSOCKOPT, NO_OPTION),
	GO(SOCKETCALL + 4, ALLOW),

	/* Level and option as one number. */
	LOAD_INT(OPTION, 1),
	SHIFT(OPTION + 1, OPTION_BITS),
	KEEP(OPTION + 2),
	LOAD_INT(OPTION + 3, 2),
	OR_KEPT(OPTION + 4),
	/* One makes SMC of a TCP socket, the other a connection that answers before anybody owns it. */
	IF(OPTION + 5, OF(IPPROTO_TCP, TCP_ULP), NO_OPTION),
	IF(OPTION + 6, OF(IPPROTO_TCP, TCP_FASTOPEN), NO_OPTION),
	/* A source that is not this host's: what refuses the packet would be sent there. IPv6 sockets take both. */
	IF(OPTION + 7, OF(IPPROTO_IP, IP_FREEBIND), NO_OPTION),
	UNLESS(OPTION + 8, OF(IPPROTO_IPV6, IPV6_FREEBIND), ALLOW),
	REFUSE(NO_OPTION, ENOPROTOOPT),

	REFUSE(NO_CALL, ENOSYS),
	REFUSE(NO_PROTOCOL, EPROTONOSUPPORT),
	REFUSE(NO_FAMILY, EAFNOSUPPORT),
	RETURN(ALLOW, SECCOMP_RET_ALLOW),
};

/* A filter at address 0 is looked for only by a kernel that has filters. */
static bool kernel_has_filters(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) == 0 || errno != EINVAL;
}

unsigned int harden_lacks(const struct profile *profile)
{
	return profile->socket_families == FAMILIES_IP && !kernel_has_filters() ? LAYER_SECCOMP : 0;
}

int harden_prepare(const struct profile *profile, struct fault *fault, struct harden *ret)
{
	struct harden harden = { .what = profile->no_new_privs ? HARDENING_NO_NEW_PRIVS : 0 };
	unsigned int lacks = harden_lacks(profile);

	if (lacks & profile->required)
		return fault_set(fault, -EOPNOTSUPP, "%s: required by profile \"%s\": this kernel lacks it",
				 word_text(words_layer, LAYER_SECCOMP), profile->name);
	if (profile->socket_families == FAMILIES_IP && !lacks)
		harden.what |= HARDENING_SECCOMP;
	*ret = harden;
	return 0;
}

int harden_apply(const struct harden *harden, struct fault *fault)
{
	const struct sock_fprog filter = { .len = LENGTH, .filter = (struct sock_filter *)program };

	if ((harden->what & HARDENING_NO_NEW_PRIVS) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fault_set(fault, -EPERM, "no_new_privs: set: %s", strerror(errno));
	if ((harden->what & HARDENING_SECCOMP) && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		return fault_set(fault, errno == ENOMEM ? -ENOMEM : -EPERM, "seccomp: load: %s", strerror(errno));
	return 0;
}
