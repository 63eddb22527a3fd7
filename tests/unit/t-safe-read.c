/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that decide who is held: only root's hands were in them, and nothing makes us wait. */
#include "safe-read.h"

#include "folder.h"
#include "unit.h"
#include "util.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define SOMEBODY 2890000001U

static int read_file(const char *name, struct fault *fault)
{
	char *text = NULL;
	size_t length = 99;
	int r;

	*fault = (struct fault){ 0 };
	r = safe_read(folder_fd(), name, "SHOWN", fault, &text, &length);
	if (r) {
		ck_assert_ptr_null(text);
		ck_assert_uint_eq(length, 99);
		ck_assert_int_eq(strncmp(fault->line, "SHOWN: ", 7), 0);
	}
	free(text);
	return r;
}

static void refuse(const char *name, int error, const char *why)
{
	struct fault fault;

	ck_assert_int_eq(read_file(name, &fault), error);
	ck_assert_msg(strstr(fault.line, why), "%s: %s", name, fault.line);
}

static int open_dir(const char *path)
{
	struct fault fault = { 0 };
	int fd = -1, r = safe_open_dir(path, &fault, &fd);

	if (r)
		ck_assert_int_eq(fault.error, r);
	else
		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return r;
}

START_TEST(a_good_file_is_read_whole)
{
	static const char bytes[] = "one\0two";
	char *text = NULL;
	size_t length = 0;

	folder_write_bytes("file", bytes, sizeof(bytes));
	ck_assert_int_eq(safe_read(folder_fd(), "file", "file", NULL, &text, &length), 0);
	ck_assert_uint_eq(length, sizeof(bytes));
	ck_assert_mem_eq(text, bytes, sizeof(bytes));
	ck_assert_int_eq(text[length], '\0');
	free(text);
	folder_write("empty", "");
	ck_assert_int_eq(safe_read(folder_fd(), "empty", "empty", NULL, &text, &length), 0);
	ck_assert_uint_eq(length, 0);
	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused_at_once)
{
	refuse("missing", -ENOENT, "No such file");
	ck_assert_int_eq(mkfifo(folder_path("fifo"), 0600), 0);
	refuse("fifo", -EPERM, "not a regular file");
	folder_mkdir("folder", 0700);
	refuse("folder", -EPERM, "not a regular file");
	folder_write("file", "");
	ck_assert_int_eq(symlink("file", folder_path("link")), 0);
	refuse("link", -EPERM, "link");
	ck_assert_int_eq(symlink("/dev/zero", folder_path("device")), 0);
	refuse("device", -EPERM, "link");
	if (mknod(folder_path("zero"), S_IFCHR | 0600, 0x105) == 0 && open(folder_path("zero"), O_RDONLY) >= 0)
		refuse("zero", -EPERM, "not a regular file");
}
END_TEST

START_TEST(what_others_may_write_to_is_refused)
{
	folder_write("group", "");
	ck_assert_int_eq(chmod(folder_path("group"), 0660), 0);
	refuse("group", -EPERM, "others may write to it (mode 0660)");
	folder_write("others", "");
	ck_assert_int_eq(chmod(folder_path("others"), 0602), 0);
	refuse("others", -EPERM, "others may write");
}
END_TEST

START_TEST(what_belongs_to_somebody_else_is_refused)
{
	folder_write("file", "");
	if (chown(folder_path("file"), SOMEBODY, 0))
		return; /* only root gives away */
	refuse("file", -EPERM, "belongs to uid 2890000001");
	folder_mkdir("theirs", 0755);
	ck_assert_int_eq(chown(folder_path("theirs"), SOMEBODY, 0), 0);
	ck_assert_int_eq(open_dir(folder_path("theirs")), -EPERM);
	folder_mkdir("theirs/ours", 0755);
	ck_assert_int_eq(open_dir(folder_path("theirs/ours")), -EPERM);
}
END_TEST

START_TEST(one_mebibyte_is_the_most)
{
	static char bytes[SAFE_READ_MAX + 1];
	struct fault fault;

	folder_write_bytes("most", bytes, SAFE_READ_MAX);
	ck_assert_int_eq(read_file("most", &fault), 0);
	folder_write_bytes("more", bytes, SAFE_READ_MAX + 1);
	refuse("more", -EFBIG, "larger than 1048576 bytes");
	ck_assert_int_eq(truncate(folder_path("more"), 1L << 40), 0);
	refuse("more", -EFBIG, "larger than 1048576 bytes");
}
END_TEST

/* Files of the kernel say that they are empty and are not: as one that grows while it is read. */
START_TEST(a_file_that_changes_while_it_is_read_is_refused)
{
	struct fault fault = { 0 };
	char *text = NULL;
	size_t length;
	int fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(safe_read(fd, "status", "status", &fault, &text, &length), -EAGAIN);
	ck_assert_str_eq(fault.line, "status: changed while it was read: try again");
	ck_assert_ptr_null(text);
	close(fd);
}
END_TEST

START_TEST(every_parent_must_be_safe)
{
	ck_assert_int_eq(open_dir(folder_path("missing")), -ENOENT);
	folder_mkdir("safe", 0755);
	folder_mkdir("safe/inner", 0755);
	ck_assert_int_eq(open_dir(folder_path("safe/inner")), 0);
	ck_assert_int_eq(open_dir(folder_path("safe//inner/")), 0);
	ck_assert_int_eq(open_dir(folder_path("safe/./inner")), 0);
	ck_assert_int_eq(chmod(folder_path("safe"), 0775), 0);
	ck_assert_int_eq(open_dir(folder_path("safe/inner")), -EPERM);
	ck_assert_int_eq(chmod(folder_path("safe"), 01777), 0);
	ck_assert_int_eq(open_dir(folder_path("safe/inner")), -EPERM);
	ck_assert_int_eq(chmod(folder_path("safe"), 0755), 0);
	ck_assert_int_eq(symlink("safe", folder_path("link")), 0);
	ck_assert_int_eq(open_dir(folder_path("link/inner")), -EPERM);
	ck_assert_int_eq(open_dir(folder_path("link")), -EPERM);
	folder_write("file", "");
	ck_assert_int_eq(open_dir(folder_path("file/inner")), -EPERM);
	ck_assert_int_eq(open_dir("/"), 0);
	ck_assert_int_eq(open_dir("relative"), -EINVAL);
	ck_assert_int_eq(open_dir(""), -EINVAL);
}
END_TEST

START_TEST(a_suspect_file_is_read_for_denying_only)
{
	char *text = NULL;
	size_t length;

	folder_mkdir("open", 0777);
	folder_write("open/file", "\"agent1\"");
	ck_assert_int_eq(chmod(folder_path("open/file"), 0666), 0);
	ck_assert_int_eq(safe_read_suspect(folder_fd(), "open/file", &text, &length), 0);
	ck_assert_str_eq(text, "\"agent1\"");
	free(text);
	ck_assert_int_eq(mkfifo(folder_path("fifo"), 0600), 0);
	ck_assert_int_eq(safe_read_suspect(folder_fd(), "fifo", &text, &length), -EPERM);
	ck_assert_int_eq(symlink("open/file", folder_path("link")), 0);
	if (chown(folder_path("open/file"), SOMEBODY, 0))
		ck_assert_int_ne(geteuid(), 0); /* only root gives away */
	ck_assert_int_eq(safe_read_suspect(folder_fd(), "link", &text, &length), 0);
	ck_assert_str_eq(text, "\"agent1\"");
	free(text);
	ck_assert_int_eq(truncate(folder_path("open/file"), 2 * SAFE_READ_MAX), 0);
	ck_assert_int_eq(safe_read_suspect(folder_fd(), "open/file", &text, &length), 0);
	ck_assert_uint_eq(length, SAFE_READ_MAX);
	free(text);
}
END_TEST

/* The caller of su chooses how many descriptors there are: that must not look like a missing file. */
START_TEST(too_few_descriptors_are_not_a_missing_file)
{
	struct rlimit limit, fewer;
	struct fault fault;
	char *text = NULL;
	size_t length;
	int fd = dup(0);

	folder_write("file", "");
	close(fd);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	fewer = (struct rlimit){ (rlim_t)fd, limit.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &fewer), 0);
	ck_assert_int_eq(read_file("file", &fault), -ENOMEM);
	ck_assert_int_eq(open_dir(folder_path("")), -ENOMEM);
	ck_assert_int_eq(safe_read_suspect(folder_fd(), "file", &text, &length), -ENOMEM);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("safe-read");
	TCase *tcase = tcase_create("safe-read");

	tcase_add_checked_fixture(tcase, folder_make, NULL);
	tcase_add_test(tcase, a_good_file_is_read_whole);
	tcase_add_test(tcase, what_is_no_regular_file_is_refused_at_once);
	tcase_add_test(tcase, what_others_may_write_to_is_refused);
	tcase_add_test(tcase, what_belongs_to_somebody_else_is_refused);
	tcase_add_test(tcase, one_mebibyte_is_the_most);
	tcase_add_test(tcase, a_file_that_changes_while_it_is_read_is_refused);
	tcase_add_test(tcase, every_parent_must_be_safe);
	tcase_add_test(tcase, a_suspect_file_is_read_for_denying_only);
	tcase_add_test(tcase, too_few_descriptors_are_not_a_missing_file);
	suite_add_tcase(suite, tcase);
	return folder_run("t-safe-read", suite);
}
