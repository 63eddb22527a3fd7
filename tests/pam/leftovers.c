/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that is hard to see in /proc, and that tries all the time to send the word TAG to the world's echo.
 * As long as any of it lives, /run/leftovers.lock is locked.
 *
 * leftovers threads TAG    its first thread has ended; of the others each makes the next and ends
 * leftovers forks TAG      each process makes the next and ends
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STACKS 256
#define STACK_SIZE 8192
#define HOPS_A_PACKET 100
#define FORK_PAUSE_NS 5000000L
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static char stacks[STACKS][STACK_SIZE] __attribute__((aligned(64)));
static unsigned long hops;
static const char *tag;

/*
 * Refused while it is held: that is no reason to stop. A socket of its own for each packet, for one that stays open
 * would be found, however hard its process is to see.
 */
static void try_to_send(void)
{
	struct sockaddr_in world = { .sin_family = AF_INET, .sin_port = htons(9999) };
	int out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "192.0.2.2", &world.sin_addr);
	if (out < 0)
		return;
	sendto(out, tag, strlen(tag), 0, (struct sockaddr *)&world, sizeof(world));
	close(out);
}

/* Threads without libc's knowledge: nothing here may need it. The stack of 256 hops ago is free. */
static int hop(void *unused)
{
	(void)unused;
	if (hops++ % HOPS_A_PACKET == 0)
		try_to_send();
	while (clone(hop, stacks[hops % STACKS] + STACK_SIZE, THREAD_FLAGS, NULL) < 0)
		;
	syscall(SYS_exit, 0);
	return 0;
}

static void fork_for_ever(void)
{
	const struct timespec pause = { .tv_nsec = FORK_PAUSE_NS };

	for (;;) {
		pid_t pid = fork();

		if (pid > 0)
			_exit(0);
		if (pid == 0)
			try_to_send();
		nanosleep(&pause, NULL);
	}
}

int main(int argc, char **argv)
{
	int lock;

	if (argc != 3) {
		fprintf(stderr, "usage: leftovers threads|forks TAG\n");
		return 2;
	}
	tag = argv[2];
	lock = open("/run/leftovers.lock", O_RDONLY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB)) {
		perror("leftovers");
		return 1;
	}
	if (fork() > 0)
		return 0;
	setsid();
	if (strcmp(argv[1], "forks") == 0)
		fork_for_ever();
	hop(NULL);
	return 0;
}
