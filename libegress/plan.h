/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_PLAN_H
#define EGRESS_PLAN_H

/* The plan: ordered, backend-neutral rules that one account's profile compiles to. Pure. */
#include "profile.h"
#include "uid-ranges.h"

enum verdict {
	VERDICT_ALLOW, /* leave our rules: the host's own rules go on */
	VERDICT_LOG,   /* tell NFLOG, go on with the next rule */
	VERDICT_REJECT_RESET,
	VERDICT_REJECT_PROHIBITED,
	VERDICT_DROP,
};

/* Which packets, of those that family, addresses, protocol and ports name. */
enum match {
	MATCH_ALL,
	/*
	 * What a listener at TO and PORTS answers, TCP: these are its source, and a SYN that would open a connection
	 * is none of it. By the loopback interface only.
	 */
	MATCH_REPLIES,
	/* What may be under way to somewhere else than its destination says. */
	MATCH_OPTIONS, /* IPv4 with options, source routes among them */
	MATCH_ROUTING, /* IPv6 with a routing header */
};

struct rule {
	sa_family_t family;      /* AF_INET, AF_INET6, or AF_UNSPEC for both */
	struct prefix to;        /* meaningful where family is not AF_UNSPEC; length 0: anywhere */
	uint8_t proto;           /* PROTO_ANY or an IPPROTO_ number, ICMP already resolved by family */
	struct port_range ports; /* destination; 1..65535 means every port and has no match in the kernel */
	enum verdict verdict;
	enum match match;
	struct origin origin; /* the entry that asks for it; FILE NULL: none does, or it was read from a kernel */
};

#define PLAN_PROFILE_MAX 64

struct plan {
	struct uid_range uids; /* one uid, or a range that is held as one */
	struct rule *rules;    /* owned */
	size_t rule_count;
	struct log_rule log; /* what VERDICT_LOG means */
	/* Beside the rules, and nothing to a backend: neither plan_equal nor plan_same_rules looks at it. */
	bool guard, guard_required; /* the route guard, see guard.h */
};

/* Errors: -ENOMEM. The caller clears *ret with plan_clear; the files of its origins stay the profile's. */
int plan_compile(const struct profile *profile, struct uid_range uids, struct plan *ret);
/* The same rules for each of the ranges. *ret is malloced, free it with plans_free. */
int plans_compile(const struct profile *profile, const struct uid_ranges *uids, struct plan **ret);
void plans_free(struct plan *plans, size_t count); /* takes NULL */
void plan_clear(struct plan *plan); /* frees what it owns, not the struct; takes a zeroed plan */

/*
 * Is the destination this host's loopback? Then a backend lets such packets leave by the loopback interface
 * only: a socket bound to a network card sends packets for 127.0.0.1 out on the wire.
 */
bool rule_is_loopback(const struct rule *rule);
bool rule_is_forged(const struct rule *rule); /* of packets that may be under way to somewhere else */

bool rule_equal(const struct rule *a, const struct rule *b); /* wherever they stand in the configuration */
bool plan_equal(const struct plan *a, const struct plan *b);

/* The name of the account's chain: "EGRESS-2001" or "EGRESS-20000-29999". */
#define PLAN_CHAIN_MAX 32
char *plan_chain_name(struct uid_range uids, char name[PLAN_CHAIN_MAX]);
/* 0, or -EINVAL if the name is not one of ours. */
int plan_parse_chain_name(const char *name, struct uid_range *ret);

#endif
