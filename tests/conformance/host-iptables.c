/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Legacy tables, edited by iptables-legacy, and broken by tests/shim/fault-shim.c. */
#include "host.h"

#include "unit.h"
#include "util.h"

#include <stdio.h>

#define LOG "/run/shim.log"

/* "live" without an errno lets a write pass and only tells of it. */
static void break_down(const char *script)
{
	setenv("EGRESS_SHIM", script ? script : "v4:live,v6:live", 1);
}

static void enter(void)
{
	host_enter_network();
	unlink(LOG);
	setenv("EGRESS_SHIM_LOG", LOG, 1);
	break_down(NULL);
}

static unsigned long writes(void)
{
	FILE *log = fopen(LOG, "re");
	unsigned long lines = 0;
	int c;

	if (!log)
		return 0;
	while ((c = getc(log)) != EOF)
		lines += c == '\n';
	fclose(log);
	return lines;
}

#define BOTH(rule) "iptables-legacy " rule " && ip6tables-legacy " rule

static const struct edit edits[] = {
	{ "a foreign rule in the account's chain", "iptables-legacy -I EGRESS-2001 -j ACCEPT", false },
	{ "a foreign rule in the other family's chain", "ip6tables-legacy -I EGRESS-2001 -p udp -j RETURN", false },
	{ "a rule of ours is deleted", "ip6tables-legacy -D EGRESS-2001 2", false },
	{ "what could be forged is not looked at", "iptables-legacy -D EGRESS-2001 1", false },
	{ "what could be forged is not refused", "iptables-legacy -F EGRESS-forged", false },
	{ "a way past what could be forged", "ip6tables-legacy -I EGRESS-forged -p tcp -j RETURN", false },
	{ "the last rule is deleted", "iptables-legacy -D EGRESS-2001 5", false },
	{ "a rule of ours has a condition",
	  "iptables-legacy -R EGRESS-2001 2 -o lo -s 127.0.0.1 -d 127.0.0.1 -p udp --dport 9 -j RETURN", false },
	{ "an allowed port is another one",
	  "iptables-legacy -R EGRESS-2001 2 -o lo -d 127.0.0.1 -p udp --dport 10 -j RETURN", false },
	{ "the account's chain is empty", "ip6tables-legacy -F EGRESS-2001", false },
	{ "our jump is deleted", "iptables-legacy -D OUTPUT 1", false },
	{ "our jump is not first", "ip6tables-legacy -I OUTPUT -o lo -j ACCEPT", true },
	{ "our jump has a condition", "iptables-legacy -R OUTPUT 1 -o lo -j EGRESS", true },
	{ "our jump is there twice", "iptables-legacy -A OUTPUT -j EGRESS", false },
	{ "a foreign rule in the dispatch", "iptables-legacy -I EGRESS -p udp -j ACCEPT", false },
	{ "a branch past the account's chain",
	  "ip6tables-legacy -I EGRESS -m owner --uid-owner 2001 -g EGRESS-2002", false },
	{ "the dispatch is empty", "iptables-legacy -F EGRESS", false },
	{ "the chains are gone from one family", "ip6tables-legacy -F && ip6tables-legacy -X", false },
	{ "everything is flushed", BOTH("-F"), false },
	{ "everything is gone", BOTH("-F") " && " BOTH("-X"), false },
};

static const struct outage outages[] = {
	{ "the first family cannot be written", "v4:fail:ENOMEM", AS_BEFORE },
	{ "the second family cannot be written", "v6:fail:ENOMEM", AS_BEFORE },
	{ "the second family is refused", "v6:fail:EINVAL", AS_BEFORE },
	{ "others always get in between", "v6:fail:EAGAIN", AS_BEFORE },
	{ "the first family cannot be read", "v4:read:ENOMEM", AS_BEFORE },
	{ "the second family cannot be read", "v6:read:EPERM", AS_BEFORE },
	{ "no socket for the second family", "v6:socket:EMFILE", AS_BEFORE },
	{ "a write says no and is live", "v4:live:ENOMEM", OLD_OR_NEW },
	{ "the last write says no and is live", "v6:live:EIO", OLD_OR_NEW },
	{ "writes are lost", "v4:swallow,v6:swallow", AS_LISTED },
};

const struct host host_iptables = {
	.name = "iptables",
	.can = CAN_SEND | CAN_SHARE | CAN_EDIT | CAN_JUDGE | CAN_PEEK | CAN_BREAK,
	.enter = enter,
	.dump = "for tool in iptables-legacy ip6tables-legacy; do $tool-save -c -t filter; done | grep -v '^#';"
		"nft -a list ruleset",
	.writes = writes,
	.break_down = break_down,
	.is_untouched = "[ -z \"$(cat /proc/net/ip_tables_names /proc/net/ip6_tables_names)\" ]",
	.edits = edits,
	.edit_count = ARRAY_SIZE(edits),
	.outages = outages,
	.outage_count = ARRAY_SIZE(outages),
};
