/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_PASSWD_H
#define EGRESS_PASSWD_H

/* All names of a uid in a file like /etc/passwd: the name service tells the first one only. */
#include <stddef.h>
#include <sys/types.h>

#define PASSWD_PATH "/etc/passwd"

struct passwd_name {
	char *name;
	gid_t gid; /* (gid_t)-1 where the line has none */
};

struct passwd_names {
	struct passwd_name *items; /* in the order of the file */
	size_t count;
};

/* A file that is not there has no names. A negative errno otherwise. Clear *ret with passwd_names_clear. */
int passwd_names_read(const char *path, uid_t uid, struct passwd_names *ret);
/* The uid of each line, in the order of the file, until VISIT returns other than 0, which is returned. As above. */
int passwd_each_uid(const char *path, int (*visit)(uid_t uid, void *data), void *data);
void passwd_names_clear(struct passwd_names *names);

#endif
