/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_PERSON_H
#define EGRESS_PERSON_H

/* A user as the host's name service knows it. The only place that asks NSS. */
#include "conf.h"
#include "fault.h"
#include "passwd.h"

#include <stdbool.h>

struct person {
	char *login;     /* the name that was asked for, or that the uid has */
	char *canonical; /* the name that the uid has; NULL if it has none, or if it is LOGIN */
	uid_t uid;       /* (uid_t)-1 for a name that does not exist */
	gid_t gid;
	bool exists;
};

/* A user who does not exist is no error: ret->exists is false. -EIO: the look-up itself failed; -ENOMEM.
 * Clear *ret with person_clear. */
int person_by_name(const char *login, struct fault *fault, struct person *ret);
int person_by_uid(uid_t uid, struct fault *fault, struct person *ret);
void person_clear(struct person *person);
#define AUTO_PERSON __attribute__((cleanup(person_clear)))

/* All of it: the login name, the one that the name service has for the uid, those in /etc/passwd. */
struct person_names {
	const char **names; /* of the person, or of OTHERS; each once */
	size_t count;
	struct passwd_names others;
};

/* Of the person's uid; reads /etc/passwd, which may be long. -EIO, -ENOMEM. Clear with person_names_clear. */
int person_names_find(const struct person *person, struct fault *fault, struct person_names *ret);
void person_names_clear(struct person_names *names);
#define AUTO_PERSON_NAMES __attribute__((cleanup(person_names_clear)))

/* Those whom the group's own list names, until VISIT returns other than 0, which is returned. -EIO, -ENOMEM. */
int person_each_member(const char *group, int (*visit)(const char *name, void *data), void *data);
/* 1, 0, or a negative errno where that cannot be known. */
int person_group_exists(const char *name);

/*
 * The first entry that holds the uid always, by itself or by any of its names, whatever entry comes first
 * for its sessions. 1 with *ret set, 0, -EIO, -ENOMEM.
 */
int person_always(uid_t uid, const struct conf *conf, struct fault *fault, const struct account **ret);

/* Which row of the configuration covers the person? 1 with *ret set, 0, -EIO, -ENOMEM. */
int person_match(const struct person *person, const struct conf *conf, struct fault *fault,
		 const struct account **ret);

#endif
