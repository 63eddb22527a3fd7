/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_CONF_H
#define EGRESS_CONF_H

/*
 * The configuration as a value: parsed from text, printed as text, asked who is covered. Pure: no file,
 * no NSS, no clock. (conf-file.h brings the texts.)
 */
#include "fault.h"
#include "profile.h"

#include <stdbool.h>

enum backend_choice { BACKEND_AUTO, BACKEND_IPTABLES, BACKEND_NFTABLES };

enum account_by { ACCOUNT_BY_USER, ACCOUNT_BY_GROUP, ACCOUNT_BY_UID };

/* One row of "accounts". Owned by its struct config. */
struct account {
	enum account_by by;
	char *name;            /* of the user or group; NULL for a uid range */
	struct uid_range uids; /* ACCOUNT_BY_UID only */
	bool system;           /* "system = true": uids below UID_MIN or 65534 are meant */
	const struct profile *profile;
	struct origin origin;
};

struct conf {
	enum backend_choice backend;
	struct profile **profiles; /* in file order; "default" when an account names none */
	size_t profile_count;
	struct account *accounts; /* in file order */
	size_t account_count;
	char **files; /* names that the origins point to */
	size_t file_count;
};

/* CONF may be NULL: nobody asks for one. */
static inline enum backend_choice conf_backend(const struct conf *conf)
{
	return conf ? conf->backend : BACKEND_AUTO;
}

struct conf_text {
	const char *file; /* for messages and origins */
	const char *text; /* NUL-terminated, LENGTH bytes before the NUL; an embedded NUL is an error */
	size_t length;
};

/*
 * Parses the texts in order: profiles are united, accounts appended. All texts together must hold
 * "profiles" and "accounts". UID_MIN: uids below it need system = true.
 * Errors: -EBADMSG with "FILE:LINE: WHAT" and the offending token quoted, -ENOMEM.
 * Calls libconfig, whose parser may exit(3) when out of memory: never call it while a lock is held.
 * The caller frees *ret with conf_free.
 */
int conf_parse(const struct conf_text *texts, size_t count, uid_t uid_min, struct fault *fault,
	       struct conf **ret);
void conf_free(struct conf *conf); /* takes NULL */
static inline void conf_freep(struct conf **conf)
{
	conf_free(*conf);
}
#define AUTO_CONF __attribute__((cleanup(conf_freep)))

/*
 * The configuration as one text that conf_parse reads back to an equal value (origins aside): what
 * check-config prints and what is kept as the last good one. *ret is malloced. Errors: -ENOMEM.
 */
int conf_print(const struct conf *conf, char **ret);

/* Who asks. NAMES: the login name, and every other name that the uid has. */
struct identity {
	uid_t uid;
	const char *const *names;
	size_t name_count;
	/* Is the identity in this group? 1, 0, or a negative errno, which conf_match passes on. */
	int (*in_group)(const char *group, void *data);
	void *in_group_data;
};

/*
 * First match wins: users, then groups, then uid ranges, each in file order. uid 0 matches nothing.
 * 1 with *ret set, 0 if nothing covers the identity, or the error of in_group.
 */
int conf_match(const struct conf *conf, const struct identity *who, const struct account **ret);

/*
 * Does the text name the user in quotes, anywhere, escapes understood? For configurations that do not
 * parse. The text is read up to its first NUL: whoever has one with NULs in it replaces them first.
 */
bool conf_text_names(const char *text, const char *user);

#endif
