/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small files of our own: whole or not at all, and never through a link. */
#include "files.h"

#include "folder.h"
#include "unit.h"
#include "util.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static int open_dir(const char *name)
{
	struct fault fault = { 0 };
	int fd = -1, r = files_open_dir(folder_fd(), name, &fault, &fd);

	if (r == 0) {
		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
		close(fd);
	} else {
		ck_assert_int_eq(fd, -1);
		ck_assert_ptr_nonnull(strstr(fault.line, name));
	}
	return r;
}

START_TEST(a_folder_is_made_for_us_alone)
{
	struct stat st;
	int fd = -1;
	mode_t mask = umask(0);

	ck_assert_int_eq(files_make_dir(folder_fd(), "new", NULL, &fd), 0);
	umask(mask);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	close(fd);
	ck_assert_int_eq(files_make_dir(folder_fd(), "new", NULL, &fd), 0);
	close(fd);
	ck_assert_int_eq(open_dir("new"), 0);
}
END_TEST

START_TEST(only_a_folder_of_our_own_is_opened)
{
	ck_assert_int_eq(open_dir("missing"), -ENOENT);
	folder_write("file", "");
	ck_assert_int_eq(open_dir("file"), -EPERM);
	folder_mkdir("real", 0700);
	ck_assert_int_eq(symlink("real", folder_path("link")), 0);
	ck_assert_int_eq(open_dir("link"), -EPERM);
	ck_assert_int_eq(mkfifo(folder_path("fifo"), 0600), 0);
	ck_assert_int_eq(open_dir("fifo"), -EPERM);
	folder_mkdir("group", 0770);
	ck_assert_int_eq(open_dir("group"), -EPERM);
	folder_mkdir("others", 01777);
	ck_assert_int_eq(open_dir("others"), -EPERM);
	ck_assert_int_eq(open_dir("real"), 0);
}
END_TEST

START_TEST(what_is_written_is_read)
{
	char text[64];
	struct stat st;

	ck_assert_int_eq(files_write(folder_fd(), "file", "first, and long", 15), 0);
	ck_assert_int_eq(files_write(folder_fd(), "file", "second", 6), 0);
	ck_assert_int_eq(files_read(folder_fd(), "file", text, sizeof(text)), 0);
	ck_assert_str_eq(text, "second");
	ck_assert_int_eq(stat(folder_path("file"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_uint_eq(folder_glob(".new-*", NULL), 0);
}
END_TEST

START_TEST(a_write_replaces_a_link_and_follows_none)
{
	folder_write("target", "untouched");
	ck_assert_int_eq(symlink("target", folder_path("file")), 0);
	ck_assert_int_eq(symlink("target", folder_path(".new-file")), 0);
	ck_assert_int_eq(files_write(folder_fd(), "file", "ours", 4), 0);
	ck_assert(folder_holds("target", "untouched"));
	ck_assert(folder_holds("file", "ours"));
}
END_TEST

/* A full disk, as far as one process can have it. */
START_TEST(a_write_that_fails_leaves_the_old_file)
{
	const struct rlimit limit = { 10, 10 };

	ck_assert_int_eq(files_write(folder_fd(), "file", "old", 3), 0);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(files_write(folder_fd(), "file", "new and far too long", 20), -EFBIG);
	ck_assert(folder_holds("file", "old"));
	ck_assert_uint_eq(folder_glob(".new-*", NULL), 0);
}
END_TEST

START_TEST(a_read_takes_text_of_a_file_and_nothing_else)
{
	char text[8];

	ck_assert_int_eq(files_read(folder_fd(), "missing", text, sizeof(text)), -ENOENT);
	folder_write("long", "12345678");
	ck_assert_int_eq(files_read(folder_fd(), "long", text, sizeof(text)), -EFBIG);
	folder_write("fits", "1234567");
	ck_assert_int_eq(files_read(folder_fd(), "fits", text, sizeof(text)), 0);
	folder_write_bytes("binary", "a\0b", 3);
	ck_assert_int_eq(files_read(folder_fd(), "binary", text, sizeof(text)), -EBADMSG);
	ck_assert_int_eq(symlink("fits", folder_path("link")), 0);
	ck_assert_int_eq(files_read(folder_fd(), "link", text, sizeof(text)), -EBADMSG);
	folder_mkdir("folder", 0700);
	ck_assert_int_eq(files_read(folder_fd(), "folder", text, sizeof(text)), -EBADMSG);
	ck_assert_int_eq(mkfifo(folder_path("fifo"), 0600), 0);
	ck_assert_int_eq(files_read(folder_fd(), "fifo", text, sizeof(text)), 0); /* empty, and at once */
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(a_folder_goes_with_what_is_ours_in_it)
{
	static const char *const ours[] = { "login", "profile", NULL };

	folder_mkdir("2001", 0700);
	folder_write("2001/login", "");
	folder_write("2001/.new-profile", "left by a crash");
	folder_write("2001/foreign", "");
	ck_assert_int_eq(files_remove_dir(folder_fd(), "2001", ours), -ENOTEMPTY);
	ck_assert(!folder_has("2001/login"));
	ck_assert(folder_has("2001/foreign"));
	ck_assert_int_eq(unlink(folder_path("2001/foreign")), 0);
	ck_assert_int_eq(files_remove_dir(folder_fd(), "2001", ours), 0);
	ck_assert(!folder_has("2001"));
	ck_assert_int_eq(files_remove_dir(folder_fd(), "2001", ours), -ENOENT);
}
END_TEST

START_TEST(a_list_has_every_name_once_each_time)
{
	for (int round = 0; round < 2; round++) {
		struct files_names names = { 0 };

		folder_write("a", "");
		folder_write(".b", "");
		ck_assert_int_eq(files_list(folder_fd(), &names), 0);
		ck_assert_uint_eq(names.count, 2);
		ck_assert_str_ne(names.items[0], names.items[1]);
		files_names_clear(&names);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("files");
	TCase *tcase = tcase_create("files");

	tcase_add_checked_fixture(tcase, folder_make, NULL);
	tcase_add_test(tcase, a_folder_is_made_for_us_alone);
	tcase_add_test(tcase, only_a_folder_of_our_own_is_opened);
	tcase_add_test(tcase, what_is_written_is_read);
	tcase_add_test(tcase, a_write_replaces_a_link_and_follows_none);
	tcase_add_test(tcase, a_write_that_fails_leaves_the_old_file);
	tcase_add_test(tcase, a_read_takes_text_of_a_file_and_nothing_else);
	tcase_add_test(tcase, a_folder_goes_with_what_is_ours_in_it);
	tcase_add_test(tcase, a_list_has_every_name_once_each_time);
	suite_add_tcase(suite, tcase);
	return folder_run("t-files", suite);
}
