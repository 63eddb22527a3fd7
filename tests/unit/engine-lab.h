/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_ENGINE_LAB_H
#define EGRESS_ENGINE_LAB_H

/*
 * The whole library over a fake kernel, fake users and folders of its own: what t-engine and t-upkeep
 * drive. lab_begin and lab_end are checked fixtures; main returns folder_run_as_root.
 */
#include "backend-mem.h"
#include "guard-mem.h"
#include "engine.h"
#include "fake-nss.h"
#include "folder.h"
#include "unit.h"

#define LAB_PROFILES "profiles = { default = { proxy = \"127.0.0.1:3128\"; }; };\n"
#define LAB_ACCOUNTS "accounts = ( { user = \"agent1\"; }, { user = \"agent2\"; } );\n"
#define LAB_CONF LAB_PROFILES LAB_ACCOUNTS
#define LAB_BROKEN "profiles = {{\n"

struct lab {
	struct egress_ctx *ctx;
	struct mem_kernel kernel; /* of "iptables" */
	struct mem_kernel other;  /* of "nftables", absent until a test says otherwise */
	struct mem_guard guard;
	char log[4096]; /* what the library told, a line each */

	/* Called by the fakes before a replace or a remove is done. NULL: nothing. */
	void (*before_replace)(const struct plan *plans, size_t count);
	void (*before_remove)(const struct uid_range *subjects, size_t count);
	/* Called after every call of a fake but the probe, with a word such as "iptables replace". */
	void (*after)(const char *what);
};

extern struct lab lab;

void lab_begin(void);
void lab_end(void);
void lab_conf(const char *text); /* the configuration, from now on */
void lab_log_clear(void);
bool lab_log_has(const char *part);

/* Opens a session of USER that must succeed; NULL only where nothing covers the user. */
struct egress_session *lab_open(const char *user);
/* Opens a session of USER that must be denied with ERROR; nothing else is given back. */
void lab_deny(const char *user, int error);
/* Opens a session in a process that is gone at once. */
void lab_open_and_die(const char *user);
/* Closes and frees; returns whether the rules stay. */
bool lab_close(struct egress_session *session);

/* Verbs that must succeed. */
struct egress_changes lab_sync(void);
struct egress_changes lab_reap(void);
void lab_state_is(const char *user, enum egress_state state);
/* The number of lines that verify has; *ret_first (or NULL) is the first one, malloced. */
size_t lab_differences(char **ret_first);

bool lab_stands(uid_t uid);             /* in the kernel of "iptables" */
bool lab_stands_in_other(uid_t uid);    /* in that of "nftables" */
size_t lab_records(uid_t uid);          /* on disk */
/* net-<cookie>/<uid>/NAME, relative to the folder. */
const char *lab_uid_path(uid_t uid, const char *name);
/* No rule, no record, no folder of a uid, no handle. */
void lab_nothing_left(void);

/* A process of UID that lives until lab_end_process. */
pid_t lab_process(uid_t uid);
void lab_end_process(pid_t pid);

#endif
