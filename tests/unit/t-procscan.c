/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runs, and as whom: zombies do not count, every living thread does. */
#include "procscan.h"

#include "unit.h"
#include "util.h"

#include <grp.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static uid_t uid; /* of this program alone: others may run at the same time */

static unsigned int count_processes(void)
{
	const struct deadline deadline = deadline_in_ms(10000);
	struct procscan *scan = NULL;
	struct fault fault = { 0 };
	unsigned int count;

	ck_assert_msg(procscan_take(&deadline, &fault, &scan) == 0, "%s", fault.line);
	count = procscan_count(scan, (struct uid_range){ uid, uid });
	procscan_free(scan);
	return count;
}

/* Starts RUN in a child and waits until it says that it is ready. */
static pid_t start(void (*run)(int ready))
{
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(ready[1]);
		_exit(0);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static _Noreturn void stay(int ready)
{
	if (write(ready, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void as_uid(int ready)
{
	prctl(PR_SET_NAME, ") S 1 (", 0, 0, 0); /* a name made to be misread */
	if (setresuid(uid, uid, uid))
		_exit(1);
	stay(ready);
}

static void with_saved_uid(int ready)
{
	if (setresuid(0, 0, uid))
		_exit(1);
	stay(ready);
}

/* They fill /proc/PID/status far beyond a page. */
static void with_many_groups(int ready)
{
	gid_t *groups = calloc(NGROUPS_MAX, sizeof(*groups));

	for (gid_t i = 0; groups && i < NGROUPS_MAX; i++)
		groups[i] = 2700000000U + i;
	if (!groups || setgroups(NGROUPS_MAX, groups) || setresuid(uid, uid, uid))
		_exit(1);
	stay(ready);
}

static void *thread_as_uid(void *data)
{
	/* The system call, which changes this thread alone. */
	if (syscall(SYS_setresuid, uid, uid, uid))
		_exit(1);
	stay(*(int *)data);
}

static void thread_of_root(int ready)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, thread_as_uid, &ready))
		_exit(1);
	for (;;)
		pause();
}

static void dead_leader(int ready)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, thread_as_uid, &ready))
		_exit(1);
	syscall(SYS_exit, 0); /* of the leader only */
}

START_TEST(a_process_counts_by_each_of_its_uids)
{
	static void (*const runs[])(int) = { as_uid, with_saved_uid, with_many_groups };
	unsigned int before = count_processes();

	for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
		pid_t pid = start(runs[i]);

		ck_assert_uint_eq(count_processes(), before + 1);
		end(pid);
		ck_assert_uint_eq(count_processes(), before);
	}
}
END_TEST

START_TEST(a_process_counts_by_a_thread_of_its_own_uid)
{
	pid_t pid = start(thread_of_root);

	ck_assert_uint_eq(count_processes(), 1);
	end(pid);
	ck_assert_uint_eq(count_processes(), 0);
}
END_TEST

START_TEST(a_dead_leader_with_a_living_thread_counts)
{
	pid_t pid = start(dead_leader);

	ck_assert_uint_eq(count_processes(), 1);
	end(pid);
	ck_assert_uint_eq(count_processes(), 0);
}
END_TEST

START_TEST(a_zombie_does_not_count)
{
	pid_t pid = start(as_uid);

	kill(pid, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT), 0);
	ck_assert_uint_eq(count_processes(), 0);
	end(pid);
}
END_TEST

START_TEST(a_range_counts_each_process_once)
{
	const struct deadline deadline = deadline_in_ms(10000);
	pid_t one = start(as_uid), two = start(with_saved_uid);
	struct procscan *scan = NULL;

	ck_assert_int_eq(procscan_take(&deadline, NULL, &scan), 0);
	ck_assert_uint_eq(procscan_count(scan, (struct uid_range){ uid - 5, uid + 5 }), 2);
	ck_assert_uint_eq(procscan_count(scan, (struct uid_range){ uid + 1, uid + 5 }), 0);
	procscan_free(scan);
	procscan_free(NULL);
	end(one);
	end(two);
}
END_TEST

START_TEST(a_deadline_that_has_passed_is_an_error)
{
	const struct deadline deadline = deadline_in_ms(0);
	struct procscan *scan = NULL;
	struct fault fault = { 0 };

	ck_assert_int_eq(procscan_take(&deadline, &fault, &scan), -ETIMEDOUT);
	ck_assert_int_eq(fault.error, -ETIMEDOUT);
	ck_assert_ptr_null(scan);
}
END_TEST

static void on_its_way(int ready)
{
	if (setresuid(uid, 0, 0))
		_exit(1);
	stay(ready);
}

static bool has_passage(uint64_t since)
{
	const struct deadline deadline = deadline_in_ms(10000);
	struct procscan *scan = NULL;
	bool has;

	ck_assert_int_eq(procscan_take(&deadline, NULL, &scan), 0);
	has = procscan_has_passage(scan, since);
	procscan_free(scan);
	return has;
}

START_TEST(a_setuid_program_on_its_way_is_seen_by_those_it_is_younger_than)
{
	uint64_t own = 0, start_time = 0;
	pid_t pid = start(on_its_way);

	ck_assert_int_eq(procscan_start_time(getpid(), &own), 0);
	ck_assert_int_eq(procscan_start_time(pid, &start_time), 0);
	ck_assert(has_passage(own));
	ck_assert(has_passage(start_time));
	ck_assert(!has_passage(UINT64_MAX));
	end(pid);
}
END_TEST

START_TEST(a_start_time_tells_processes_apart)
{
	uint64_t first = 0, again = 0, other = 0;
	pid_t pid;

	ck_assert_int_eq(procscan_start_time(getpid(), &first), 0);
	ck_assert_int_eq(procscan_start_time(getpid(), &again), 0);
	ck_assert_uint_eq(first, again);
	ck_assert_uint_gt(first, 0);
	pid = start(geteuid() == 0 ? as_uid : stay);
	ck_assert_int_eq(procscan_start_time(pid, &other), 0);
	ck_assert_uint_ge(other, first);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(procscan_start_time(pid, &other), -ESRCH);
	end(pid);
	ck_assert_int_eq(procscan_start_time(pid, &other), -ESRCH);
}
END_TEST

/*
 * The kernel gives a child its id first, then writes it, or a descriptor of it, to where the parent said, and only
 * then shows it in /proc. Where that is a page which root fills a while later, fork takes that long.
 */
#define FORKS 4096
#define FORK_MS 20
#define SCANS 150
#define STACK_SIZE 16384

static char *slow_page;
static char slow_stacks[2][STACK_SIZE] __attribute__((aligned(64)));
static unsigned long slow_forks;

/* Shares memory with its parent, which ends at once: no time goes into copying or giving back. */
static int fork_slowly(void *unused)
{
	char *page = slow_page + (size_t)(slow_forks % FORKS) * (size_t)sysconf(_SC_PAGESIZE);

	(void)unused;
	slow_forks++;
	if (clone(fork_slowly, slow_stacks[slow_forks % 2] + STACK_SIZE, CLONE_VM | CLONE_PIDFD | SIGCHLD, NULL,
		  page) < 0)
		syscall(SYS_exit_group, 1);
	syscall(SYS_exit_group, 0);
	return 0;
}

static int watch_faults(size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .range = { (uintptr_t)slow_page, size },
					 .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	return fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0 && ioctl(fd, UFFDIO_REGISTER, &range) == 0 ? fd : -1;
}

/* Fills the pages of its parent, who are no more than one at a time. */
static _Noreturn void fill_slowly(int fd)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	struct uffd_msg message;

	prctl(PR_SET_PDEATHSIG, 0);
	while (read(fd, &message, sizeof(message)) == (ssize_t)sizeof(message)) {
		struct uffdio_zeropage page = {
			.range = { message.arg.pagefault.address & ~(uintptr_t)(size - 1), size }
		};

		poll(NULL, 0, FORK_MS);
		if (ioctl(fd, UFFDIO_ZEROPAGE, &page))
			break;
	}
	_exit(0);
}

static void slow_forks_as_uid(int ready)
{
	size_t size = FORKS * (size_t)sysconf(_SC_PAGESIZE);
	int fd;

	slow_page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fd = slow_page == MAP_FAILED ? -1 : watch_faults(size);
	if (fd < 0)
		_exit(1);
	if (fork() == 0)
		fill_slowly(fd);
	if (setresuid(uid, uid, uid) || write(ready, "x", 1) != 1)
		_exit(1);
	fork_slowly(NULL);
}

/* kill(-1), since whoever is killed by id has gone on. */
static void end_all_of_uid(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (setresuid(uid + 1, uid, uid + 1) == 0)
			kill(-1, SIGKILL);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(who_ends_while_a_fork_of_it_is_under_way_is_no_way_to_hide)
{
	pid_t pid = start(slow_forks_as_uid);
	unsigned int missed = 0;

	for (int i = 0; i < SCANS; i++) {
		missed += count_processes() == 0;
		poll(NULL, 0, i % 7);
	}
	end_all_of_uid();
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_msg(missed == 0, "missed in %u of %d looks", missed, SCANS);
	/* Who is killed while a page of its is filled dies when that is done. */
	for (int i = 0; i < 500 && count_processes() != 0; i++)
		poll(NULL, 0, 10);
	ck_assert_uint_eq(count_processes(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("procscan");
	TCase *tcase = tcase_create("procscan");

	tcase_set_timeout(tcase, 30); /* so many looks, on a busy machine */
	uid = 2700000000U + (uid_t)getpid() * 20;
	tcase_add_test(tcase, a_deadline_that_has_passed_is_an_error);
	tcase_add_test(tcase, a_start_time_tells_processes_apart);
	if (geteuid() != 0) {
		puts("skip - t-procscan, processes of another uid: needs uid 0");
	} else {
		tcase_add_test(tcase, a_process_counts_by_each_of_its_uids);
		tcase_add_test(tcase, a_process_counts_by_a_thread_of_its_own_uid);
		tcase_add_test(tcase, a_dead_leader_with_a_living_thread_counts);
		tcase_add_test(tcase, a_zombie_does_not_count);
		tcase_add_test(tcase, a_range_counts_each_process_once);
		tcase_add_test(tcase, who_ends_while_a_fork_of_it_is_under_way_is_no_way_to_hide);
		tcase_add_test(tcase, a_setuid_program_on_its_way_is_seen_by_those_it_is_younger_than);
	}
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
