/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "help.h"

#include <string.h>

#define USER_IS "  USER      a login name or a uid\n"
#define SUBJECT_IS "  USER      a login name, a uid, or a range that \"list\" shows, such as 20000-29999\n"
#define BUSY "4 lock busy"

struct help {
	const char *verb;
	const char *args;    /* if there is more to say than the table of verbs does */
	const char *words;   /* a line for each argument and each option of its own */
	const char *done;    /* what exit status 0 says; NULL: only a signal ends it */
	const char *failed;  /* 1, if more than that it failed; */
	const char *others;  /* 3 and 4, with their numbers, if the verb has them */
	const char *example; /* after "egressctl " */
};

static const struct help helps[] = {
	{ "list", NULL, "", "done", NULL, NULL, "list --json" },
	{ "show", NULL, SUBJECT_IS, "held", NULL, "3 not held", "show agent1" },
	{ "hold", NULL, USER_IS, "pinned", NULL, "3 nothing covers USER, " BUSY, "hold agent1" },
	{ "release", NULL, USER_IS, "no longer pinned", NULL, "3 was not pinned, " BUSY, "release agent1" },
	{ "sync", NULL, "", "done", NULL, BUSY, "sync" },
	{ "verify", NULL, SUBJECT_IS "            without: all that must be held\n", "kernel and plan agree", NULL,
	  "3 they differ", "verify agent1" },
	{ "reap", NULL, "", "done", NULL, BUSY, "reap" },
	{ "check-config", NULL, "  FILE      a configuration to try; without: the one in force\n", "valid",
	  "not valid, or failed", NULL, "check-config /root/egress.conf" },
	{ "watch", NULL, "", NULL, NULL, "3 each profile says log = false", "watch --json" },
	{ "explain", NULL,
	  USER_IS
	  "  DEST      tcp://192.0.2.1:443, udp://[2001:db8::1]:53 or icmp://192.0.2.1\n",
	  "it would pass", NULL, "3 it would be refused", "explain agent1 tcp://192.0.2.1:443" },
	{ "doctor", NULL, USER_IS "            without: the host alone\n",
	  "nothing but PASS and WARN", NULL, "3 a FAIL", "doctor agent1" },
	{ "probe", NULL, USER_IS, "nothing escaped", NULL, "3 one escaped, or not held",
	  "probe agent1" },
	{ "run", NULL,
	  USER_IS
	  "  CMD       a program, looked up in /usr/local/bin, /usr/bin and /bin, and its arguments\n",
	  "done", NULL, "3 nothing covers USER, " BUSY ", else that of CMD",
	  "run agent1 -- make test" },
	{ "export", "USER --format FORMAT",
	  SUBJECT_IS
	  "  FORMAT    nft            for nft -f\n"
	  "            iptables       for iptables-restore --noflush and ip6tables-restore --noflush\n"
	  "            networkpolicy  a Kubernetes NetworkPolicy for pods with the label egress-account\n"
	  "            json           the rules as data\n",
	  "done", NULL, "3 nothing covers USER", "export agent1 --format nft >agent1.nft" },
	{ "complete", NULL, "  KIND      verbs, user-verbs, options, formats, accounts or profiles\n", "done", NULL,
	  NULL, "complete accounts" },
};

static const struct help *find(const char *verb)
{
	static const struct help none = { .words = "", .done = "done", .example = "--help" };

	for (size_t i = 0; i < sizeof(helps) / sizeof(helps[0]); i++) {
		if (strcmp(helps[i].verb, verb) == 0)
			return &helps[i];
	}
	return &none;
}

void help_verb(FILE *out, const char *name, const char *args, const char *about)
{
	const struct help *help = find(name);

	if (help->args)
		args = help->args;
	fprintf(out, "usage: egressctl [OPTION]... %s%s%s\n\n%s\n\n%s%s", name, *args ? " " : "", args, about,
		help->words, *help->words ? "\n" : "");
	fputs("Exit: ", out);
	if (help->done)
		fprintf(out, "0 %s, ", help->done);
	fprintf(out,
		"1 %s, 2 usage%s%s.\n"
		"Example: egressctl %s\n"
		"Options that every verb takes: egressctl --help.\n",
		help->failed ? help->failed : "failed", help->others ? ", " : "", help->others ? help->others : "",
		help->example);
}
