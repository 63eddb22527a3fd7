/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_DOCTOR_H
#define EGRESSCTL_DOCTOR_H

/*
 * What the verb doctor is made of. A look (doctor_look_fn) examines one area and reports findings; what is known
 * about the world stands in the tables of doctor-data.c. Looking changes nothing: no module is loaded, no
 * service started. As root nothing is opened by a path that the account controls.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "ids.h"
#include "conf-file.h"
#include "egress.h"

/* SKIP: could not be looked at; the text says why. */
enum doctor_verdict { DOCTOR_PASS, DOCTOR_WARN, DOCTOR_FAIL, DOCTOR_SKIP };

struct finding {
	const char *area, *check; /* stable words, for machines */
	enum doctor_verdict verdict;
	char *text;
	char *remedy; /* a command, or NULL */
};

struct doctor {
	struct egress_ctx *ctx;
	bool root;
	/* The account; without one (user NULL) they are nobody's, who has the rights of everybody. */
	const char *user;
	char *quoted; /* for commands */
	struct ids ids;
	struct conf_view view;
	const struct profile *profile; /* the account's, or NULL */
	bool in_range; /* it is covered as one of a range of uids */
	const char *area;              /* of the next finding */
	struct finding *findings;
	size_t count;
};

void doctor_found(struct doctor *doctor, enum doctor_verdict verdict, const char *check, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The command that mends the last finding. */
void doctor_remedy(struct doctor *doctor, const char *format, ...) __attribute__((format(printf, 2, 3)));

typedef void doctor_look_fn(struct doctor *doctor);
doctor_look_fn doctor_account, doctor_programs, doctor_modules, doctor_sysctls, doctor_taps, doctor_upkeep, doctor_pam,
	doctor_sshd, doctor_proxies, doctor_deputies;

/* Is there a service's PAM stack that starts jobs of accounts without the module doing its work? */
bool doctor_pam_holds(const char *service, const char *config);

/* ---- helpers ---- */

/* TEXT as one word of a shell; malloced. */
char *doctor_quote(const char *text);

/* The whole text of a root-owned file of the system, at most 4 MiB, or NULL with errno. Malloced. */
char *doctor_read(const char *path);

/*
 * Calls EACH for every line of TEXT, without its newline, which may be written to; stops early when EACH says true,
 * and returns that. TEXT is changed.
 */
bool doctor_lines(char *text, bool (*each)(char *line, void *data), void *data);

/* A number in a file of /proc/sys/ or -errno. *ret_text: at most 64 characters. */
int doctor_sysctl(const char *name, char ret_text[64]);

/*
 * Runs the program at an absolute path with a clean environment, at most five seconds, and gives what it printed on
 * standard output (on both, if BOTH), at most 1 MiB. Returns its exit status or a negative errno. *ret is malloced.
 */
int doctor_run(char *const *command, bool both, char **ret);

/* Runs ASK as the account in a process of its own: 1, 0, or a negative errno. */
int doctor_as_account(const struct doctor *doctor, bool (*ask)(const void *data), const void *data);

/* ---- knowledge ---- */

struct known_group {
	const char *name;
	enum doctor_verdict verdict;
	const char *why;
};
extern const struct known_group doctor_groups[]; /* all tables end with an empty row */

struct known_module {
	const char *name;
	const char *proto; /* as /proc/net/protocols names it, or NULL */
	enum doctor_verdict verdict;
	const char *why;
};
extern const struct known_module doctor_known_modules[];

struct known_socket {
	const char *path;
	enum doctor_verdict verdict;
	const char *what;
};
extern const struct known_socket doctor_sockets[];

/* What the system bus reaches or starts. */
struct known_bus_name {
	const char *name;
	enum doctor_verdict verdict;
	const char *why;
};
extern const struct known_bus_name doctor_bus_names[];

enum known_program_kind { PROGRAM_HARMLESS, PROGRAM_ASKS /* lets others in by rules */, PROGRAM_SENDS, PROGRAM_FORWARDS };
struct known_program {
	const char *name; /* last part of the path */
	enum known_program_kind kind;
	const char *why;
};
extern const struct known_program doctor_known_programs[];

struct known_service {
	const char *name; /* of /etc/pam.d */
	enum doctor_verdict verdict; /* if the module is not in it; PASS: it opens no session for accounts */
};
extern const struct known_service doctor_services[];
/* Session modules that start processes or talk to others. */
extern const char *const doctor_starting_modules[];

struct known_sysctl {
	const char *name;
	const char *good; /* values, separated by blanks; the first is the remedy's */
	const char *why;
};
extern const struct known_sysctl doctor_known_sysctls[];

#endif
