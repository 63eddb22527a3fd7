/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_SAFE_READ_H
#define EGRESS_SAFE_READ_H

/* Files that decide who is held: nobody but root may have had a hand in them. */
#include "fault.h"

#include <stddef.h>

#define SAFE_READ_MAX (1U << 20)

/*
 * Opens the directory PATH (absolute), no component of which is a link or may be written by anybody but
 * root (or, for a process that is not root, its own user). -ENOENT, -EPERM: not safe, -EIO, -EINVAL.
 */
int safe_open_dir(const char *path, struct fault *fault, int *ret_fd);

/*
 * Reads the file NAME in DIR_FD whole: a regular file under the same rule, of at most SAFE_READ_MAX bytes,
 * which did not change while it was read. SHOWN names it in messages. *ret_text is malloced and has a NUL
 * after its *ret_length bytes. -ENOENT, -EPERM, -EIO, -ENOMEM, -EFBIG, -EAGAIN: changed.
 */
int safe_read(int dir_fd, const char *name, const char *shown, struct fault *fault, char **ret_text,
	      size_t *ret_length);

/*
 * Reads the first SAFE_READ_MAX bytes of a regular file, whoever's and whatever its mode, through links:
 * only good for denying those whom it names. As safe_read otherwise.
 */
int safe_read_suspect(int dir_fd, const char *name, char **ret_text, size_t *ret_length);

#endif
