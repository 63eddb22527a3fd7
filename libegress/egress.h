/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libegress: hold an account's network egress to its proxy, by the login identity, in the kernel.
 *
 * Every function that can fail returns 0 or a negative errno out of this closed set:
 *
 *	-EINVAL      an argument is not what its comment asks for
 *	-ENOENT      no such user; or the account is not held (egress_release)
 *	-EPERM       not privileged (effective uid 0 and CAP_NET_ADMIN are needed), or denied
 *	-EBUSY       a lock was not free by the deadline of 10 seconds
 *	-EAGAIN      others kept changing the same kernel table
 *	-EOPNOTSUPP  this kernel, or this build, has no backend that the configuration allows, or lacks what a
 *	             profile requires
 *	-EBADMSG     the configuration is missing or broken, and no last good one is there
 *	-ENOMEM      no memory
 *	-ETIMEDOUT   the deadline of 10 seconds passed
 *	-EIO         what stands in the kernel or on disk is not known: count the account as not held
 *
 * Outputs are last and untouched on failure. Strings and structs that a function returns belong to the
 * caller, who frees them with the function named beside it; no pointer stays valid after that.
 *
 * Threads: a context belongs to one thread at a time; different contexts are independent, but while an
 * operation runs the calling thread blocks signals and the process has real uid 0. Nothing is printed,
 * no signal handler is set, no environment variable is read, no program is run, no thread is made.
 */
#ifndef EGRESS_H
#define EGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct egress_ctx;

/* A context with the configuration file of the installation. Free with egress_ctx_free.
 * Errors: -EINVAL, -ENOMEM. */
int egress_ctx_new(struct egress_ctx **ret);

/* Takes NULL. */
void egress_ctx_free(struct egress_ctx *ctx);

/* For trying a file out: what parses is not kept as the last good configuration. */
#define EGRESS_CONFIG_TRIAL 1U

/* Use another configuration file. PATH: absolute; copied. FLAGS: 0 or EGRESS_CONFIG_TRIAL.
 * Errors: -EINVAL, -ENOMEM. */
int egress_ctx_set_config(struct egress_ctx *ctx, const char *path, unsigned int flags);

/* PRIORITY: of syslog(3), LOG_ALERT to LOG_DEBUG. LINE: without newline, valid during the call. */
typedef void egress_log_fn(int priority, const char *line, void *data);

/* Where notices go (a broken configuration, repaired rules, damaged records). NULL: nowhere. */
void egress_ctx_set_log(struct egress_ctx *ctx, egress_log_fn *log, void *data);

struct egress_uid_range {
	uid_t first, last; /* inclusive */
};

/*
 * The subordinate uids of USER that stand in no /etc/subuid: *RET is malloced, the library frees it; NULL for none. 0,
 * or a negative errno: it could not be asked, and what was known stays in force.
 */
typedef int egress_subids_fn(const char *user, void *data, struct egress_uid_range **ret, size_t *ret_count);

/* Whom egress_sync asks, before it takes any lock; the answers are kept for later opens. NULL: nobody, what is kept
 * stays. egress_plan asks as well, where it may not read what is kept. A login should have none: name services may
 * take long, and libsubid exits. */
void egress_ctx_set_subids(struct egress_ctx *ctx, egress_subids_fn *subids, void *data);

/* One line about what failed last: "OBJECT: WHAT: WHY". Never NULL; valid until the next call with CTX. */
const char *egress_ctx_error(const struct egress_ctx *ctx);

/* Does the configuration cover the user? A user who does not exist is covered if an entry names it.
 * uid 0 never is. Errors: -EINVAL, -EBADMSG, -ENOMEM, -EIO (the user could not be looked up). */
int egress_covers(struct egress_ctx *ctx, const char *user, bool *ret_covered);

/*
 * The calling thread, and all that it starts, gets what the profile has for a session (no_new_privs,
 * socket_families). It cannot be taken back, not even where the open fails after all: nothing for a process that
 * serves several users.
 */
#define EGRESS_HARDEN 1U

/* Who opens a session. USER is required; the others may be NULL. The opener is the calling process:
 * the session lives no longer than it does. FLAGS: 0 or EGRESS_HARDEN. */
struct egress_request {
	const char *user;
	const char *service;
	const char *tty;
	const char *rhost;
	unsigned int flags;
};

/* One successful open of a covered account. */
struct egress_session {
	char *account;         /* login name */
	uid_t uid;             /* of the account */
	char *profile;         /* its name in the configuration */
	char *backend;         /* "iptables", "nftables" */
	char *token;           /* names the session; needed to close it */
	unsigned int sessions; /* live sessions of the account, this one included */
	char **environment;    /* "NAME=value" for what runs in it, NULL-terminated; conveniences: nothing depends on them */
	char *notice;          /* one line for the user, or NULL */
};

/*
 * Opens a session: on success the account's plan stands in the kernel and was read back from it, or
 * nothing covers the account and *ret is NULL. On failure no session must be given; nothing is left.
 * Free *ret with egress_session_free. Errors: every one of the set.
 */
int egress_open(struct egress_ctx *ctx, const struct egress_request *request,
		struct egress_session **ret);
void egress_session_free(struct egress_session *session); /* takes NULL */

/*
 * Ends the session TOKEN of the account UID. With its last session, and when no process and no socket of it
 * is left (waits up to 500 ms for that), the account's rules go; a profile's on_last_close may have it otherwise. An unknown token changes nothing and is
 * no error. *ret_sessions: live sessions left; *ret_held: do the rules stay?
 * Errors: every one of the set but -ENOENT; the session then ends with its opener, see egress_reap.
 */
int egress_close(struct egress_ctx *ctx, uid_t uid, const char *token, unsigned int *ret_sessions,
		 bool *ret_held);

/* Pins: the account is held, sessions or not, until egress_release or reboot. Errors: every one. */
int egress_hold(struct egress_ctx *ctx, const char *user);
/* Takes the pin away; the rules go when nothing else needs them. -ENOENT: it was not pinned. */
int egress_release(struct egress_ctx *ctx, const char *user);

/* What egress_sync and egress_reap did. */
struct egress_changes {
	unsigned int held;     /* accounts whose rules were made or mended */
	unsigned int released; /* accounts whose rules were removed */
	unsigned int ended;    /* sessions dropped because their opener is gone */
};

/* Makes the kernel equal to configuration and sessions: repairs drift, carries changes of profiles to
 * held accounts, holds those with hold = "always", and does what egress_reap does. Errors: every one
 * but -ENOENT. */
int egress_sync(struct egress_ctx *ctx, struct egress_changes *ret);
/* Drops sessions whose opener is gone and releases what nothing needs. Errors: every one but -ENOENT. */
int egress_reap(struct egress_ctx *ctx, struct egress_changes *ret);

/* Compares kernel and plan, position and order included; changes nothing. USER: as for egress_show, or
 * NULL for all that must be held. *ret_differences: NULL-terminated lines, none if all is as it must be;
 * free with egress_lines_free. Errors: every one. */
int egress_verify(struct egress_ctx *ctx, const char *user, char ***ret_differences);
void egress_lines_free(char **lines); /* takes NULL */

enum egress_state {
	EGRESS_NOT_HELD,
	EGRESS_ACTIVE,    /* held because of live sessions */
	EGRESS_LINGERING, /* held because of leftover processes or sockets */
	EGRESS_PINNED,    /* held by an administrator or by hold = "always" */
};

/* "active", "lingering", "pinned", "not held"; never NULL. */
const char *egress_state_name(enum egress_state state);

struct egress_record {
	char *token;
	char *service, *tty, *rhost; /* "" if unknown */
	pid_t pid;                   /* of the opener */
	time_t opened;               /* seconds since the epoch */
	char **hardening;            /* what it got: "no_new_privs", "seccomp"; NULL-terminated */
};

struct egress_traffic {
	uint64_t packets, bytes;
};

/* One account and its hold. Structs of this library are made by it alone: new members come last. */
struct egress_account {
	char *name;             /* login name; of a range "uid FIRST-LAST" */
	uid_t uid_first;        /* the account's uid, or */
	uid_t uid_last;         /* a range that is held as one */
	enum egress_state state;
	char *profile;          /* "" if the configuration does not cover the account any more */
	char *backend;          /* "iptables", "nftables": where it stands, or would stand if held */
	char **proxies;         /* "127.0.0.1:3128", NULL-terminated */
	unsigned int processes; /* of the account, threads not counted */
	struct egress_record **sessions; /* NULL-terminated */
	struct egress_traffic allowed, denied; /* as the kernel counted; zero if not held */
	char *plan;             /* as text, one rule a line */
	char **drift;           /* lines; NULL-terminated, none if kernel and plan agree */
	char *backend_reason;   /* why that backend: "configured", "auto: ...", "must be nftables: ..." */
	unsigned int sockets;   /* through which it can still send, with a process or without */
	char **lacking;         /* what its profile wants and this kernel lacks: "existing_sockets: no module tcp_diag" */
	struct egress_uid_range *ranges; /* the UID set: what UID_FIRST and UID_LAST say, then the subordinate ranges that */
	size_t range_count;              /* are held with it; processes, sockets and traffic are those of all of it */
	char *route_guard;      /* "on", "off" (by the profile), or "absent: WHY": this kernel or host has no place for it */
};

/* All held accounts, ascending by uid, in *ret: NULL-terminated, freed with egress_accounts_free.
 * Errors: every one but -ENOENT. */
int egress_list(struct egress_ctx *ctx, struct egress_account ***ret);
/* One account, held or not. USER: a login name, or a uid or range as egress_list names it, such as
 * "uid 20000-29999" or "20000-29999". Of who is held by such a range alone it is the range that is told. -ENOENT: no
 * such user, or nothing covers it and it is not held. */
int egress_show(struct egress_ctx *ctx, const char *user, struct egress_account **ret);
void egress_account_free(struct egress_account *account);    /* takes NULL */
void egress_accounts_free(struct egress_account **accounts); /* takes NULL */

enum egress_verdict {
	EGRESS_FREE, /* nothing holds the user */
	EGRESS_ALLOWED,
	EGRESS_DENIED,
};

/* Where in the configuration; FILE "" where nothing stands. */
struct egress_place {
	char *file;
	unsigned int line;
};

/* What the configuration says of one destination. Texts are "" where there is nothing to say. */
struct egress_explanation {
	char *account;     /* login name, or "uid 2001" */
	uid_t uid;
	char *destination; /* "tcp://192.0.2.1:443" */
	enum egress_verdict verdict;
	char *profile;
	struct egress_place covered_by; /* the row of "accounts" */
	char *rule;                     /* of the plan, as egress_show tells it: the one that decides */
	struct egress_place decided_by; /* the entry that asks for the rule; of what no entry allows, the profile */
	char *reason;                   /* of that entry */
	char *instead;                  /* if denied: the URL of the proxy, if that can carry it */
	char *add;                      /* if denied: what an administrator would add to let it through */
	struct egress_place add_after;  /* and the entry, or the beginning of the list or profile, after which it belongs */
};

/*
 * Would it pass? By the configuration alone: not what stands in the kernel, nor what the host's own firewall says of
 * it. USER: a login name or a uid. DESTINATION: "tcp://192.0.2.1:443", "udp://[2001:db8::1]:53" or
 * "icmp://192.0.2.1", of a socket that is bound to no network card. Needs no privilege but to read the
 * configuration. Free *ret with egress_explanation_free.
 * Errors: -EINVAL, -ENOENT: no such user, -EBADMSG, -ENOMEM, -EIO.
 */
int egress_explain(struct egress_ctx *ctx, const char *user, const char *destination,
		   struct egress_explanation **ret);
void egress_explanation_free(struct egress_explanation *explanation); /* takes NULL */

/* What a rule of a plan does to the packets that it fits. */
enum egress_action {
	EGRESS_RULE_ALLOW,             /* leave our rules: the host's own go on */
	EGRESS_RULE_LOG,               /* tell NFLOG, go on with the next rule */
	EGRESS_RULE_REJECT_RESET,      /* with a TCP reset */
	EGRESS_RULE_REJECT_PROHIBITED, /* with ICMP's "communication administratively prohibited" */
	EGRESS_RULE_DROP,
};

/* Which packets, of those that the rest of a rule names. */
enum egress_match {
	EGRESS_MATCH_ALL,
	EGRESS_MATCH_REPLIES, /* TCP: what a listener at this address and these ports answers; no SYN without an ACK */
	EGRESS_MATCH_OPTIONS, /* IPv4 with options */
	EGRESS_MATCH_ROUTING, /* IPv6 with a routing header */
};

/* Whoever makes something of rules refuses an action and a match that he does not know. */
struct egress_rule {
	int family;                     /* AF_INET, AF_INET6, or AF_UNSPEC for both */
	enum egress_action action;
	enum egress_match match;
	char *to;                       /* "192.0.2.0/24"; "": anywhere; of replies the source */
	unsigned int protocol;          /* an IPPROTO_ number; 0: any */
	uint16_t port_first, port_last; /* as TO; 1 and 65535: every port, and protocols without ports */
	bool loopback;                  /* only what leaves by the loopback interface */
	bool proxy;                     /* leads to a proxy of the profile */
};

/* What would stand for an account. The first rule that fits decides; log rules do not. */
struct egress_plan {
	char *account;                  /* USER as it was given */
	uid_t uid_first, uid_last;      /* the account's uid, or a range that is held as one */
	char *profile;
	struct egress_rule **rules;     /* NULL-terminated */
	unsigned int log_group;         /* of NFLOG; what EGRESS_RULE_LOG means */
	unsigned int log_rate;          /* at most so many packets */
	unsigned int log_period;        /* in so many seconds: 1, 60, 3600 or 86400 */
	struct egress_uid_range *ranges; /* whom it holds: what UID_FIRST and UID_LAST say, then the account's */
	size_t range_count;              /* subordinate ones, if its profile holds them: it may become any of them */
};

/*
 * By the configuration and the files of subordinate uids: neither what is held nor what was is asked. USER: as for
 * egress_show. Needs no privilege but to read the configuration; without any, what a name service says of subordinate
 * uids is asked by egress_ctx_set_subids instead of read where egress_sync kept it. Free *ret with egress_plan_free.
 * Errors: -EINVAL, -ENOENT: no such user, or nothing covers it, -EPERM: its profile refuses the subordinate uids that
 * it has, or they cannot be read, -EAGAIN, -EBADMSG, -ENOMEM, -EIO.
 */
int egress_plan(struct egress_ctx *ctx, const char *user, struct egress_plan **ret);
void egress_plan_free(struct egress_plan *plan); /* takes NULL */

enum egress_names_of {
	EGRESS_NAMES_ACCOUNTS, /* of users, and uids as text: "2001", "20000-29999"; not the members of groups */
	EGRESS_NAMES_PROFILES,
};

/* Names that stand in the configuration, in its order, NULL-terminated; freed with egress_lines_free. Needs no
 * privilege but to read it. Errors: -EINVAL, -EBADMSG, -ENOMEM, -EIO. */
int egress_names(struct egress_ctx *ctx, enum egress_names_of of, char ***ret);

/* Parses the context's configuration and prints the result as text, freed with free(3).
 * Needs no privilege but to read it. Errors: -EINVAL, -EBADMSG, -ENOMEM, -EIO. */
int egress_check_config(struct egress_ctx *ctx, char **ret_text);

/*
 * Which backend holds accounts here, and why: *ret_name is "iptables" or "nftables", *ret_reason
 * "configured" or "auto: ..."; both are freed with free(3). Loads no module, changes nothing. Without
 * privilege (effective uid 0) it is told as if nothing were held yet.
 * Errors: -EINVAL, -EBADMSG, -EOPNOTSUPP, -EPERM: not to be told without privilege, -ENOMEM, -EIO.
 */
int egress_backend(struct egress_ctx *ctx, char **ret_name, char **ret_reason);

/*
 * The NFLOG groups to which denied packets of covered accounts go, ascending, each once; none if no profile logs.
 * *ret_groups is freed with free(3), and is never NULL. From the configuration alone: needs no privilege but to read
 * it. Errors: -EINVAL, -EBADMSG, -ENOMEM, -EIO.
 */
int egress_log_groups(struct egress_ctx *ctx, uint16_t **ret_groups, size_t *ret_count);

/* The path of the context's configuration file; valid until it is set again. */
const char *egress_ctx_config(const struct egress_ctx *ctx);

#ifdef __cplusplus
}
#endif

#endif
