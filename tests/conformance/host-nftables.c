/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table "inet egress", edited by nft, and broken by tests/shim/netlink-shim.c. */
#include "host.h"

#include "unit.h"
#include "util.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

static void break_down(const char *script)
{
	if (script)
		setenv("EGRESS_NETLINK_SHIM", script, 1);
	else
		unsetenv("EGRESS_NETLINK_SHIM");
}

static void enter(void)
{
	host_enter_network();
	break_down(NULL);
}

/* The first attribute of the kernel's answer: the number of the ruleset's generation, one a commit. */
static unsigned long writes(void)
{
	struct {
		struct nlmsghdr header;
		struct nfgenmsg body;
		char attributes[4096];
	} message = {
		.header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg)),
			    .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN,
			    .nlmsg_flags = NLM_F_REQUEST },
		.body = { .version = NFNETLINK_V0 },
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	uint32_t generation;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(send(fd, &message, message.header.nlmsg_len, 0), 0);
	ck_assert_int_gt(recv(fd, &message, sizeof(message), 0), 0);
	ck_assert_int_eq(message.header.nlmsg_type, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN);
	memcpy(&generation, message.attributes + NLA_HDRLEN, sizeof(generation));
	close(fd);
	return ntohl(generation);
}

/*
 * The names are looked for, not known: $plan is the chain that 2001 goes to, $held the set that it stands in,
 * "rule CHAIN N" the handle of that chain's Nth rule.
 */
#define LOOK                                                                                               \
	"t='inet egress'; "                                                                                \
	"set_of() { nft -j list table $t | python3 -c '\n"                                                 \
	"import json, sys\n"                                                                               \
	"for item in json.load(sys.stdin)[\"nftables\"]:\n"                                                \
	"    if \"set\" in item and item[\"set\"][\"name\"].startswith(sys.argv[1]):\n"                      \
	"        if \" 2001\" in str(item[\"set\"].get(\"elem\")): print(item[\"set\"][\"name\"])' \"$1\"; }; " \
	"held=$(set_of held-); "                                                                           \
	"plan=$(nft list chain $t output | sed -n \"s/.*@$held goto //p\"); "                                \
	"rule() { nft -a list chain $t \"$1\" | sed -n '/^\t\t/s/.* handle //p' | sed -n \"$2p\"; }; "        \
	"rules() { nft -a list chain $t \"$1\" | grep -c '^\t\t.* handle '; }; "                            \
	"[ -n \"$held\" ] && [ -n \"$plan\" ] && "

static const struct edit edits[] = {
	{ "a foreign rule in the base chain", LOOK "nft insert rule $t output accept", false },
	{ "a foreign rule at the end of the base chain", LOOK "nft add rule $t output meta skuid 2001 accept", false },
	{ "a foreign rule in the plan's chain", LOOK "nft insert rule $t $plan udp dport 10 return", false },
	{ "a rule of the plan is deleted", LOOK "nft delete rule $t $plan handle $(rule $plan 5)", false },
	{ "what could be forged is not counted", LOOK "nft delete rule $t $plan handle $(rule $plan 1)", false },
	{ "what could be forged is not refused", LOOK "nft delete rule $t $plan handle $(rule $plan 2)", false },
	{ "what could be forged is told otherwise",
	  LOOK "nft replace rule $t $plan handle $(rule $plan 4) meta nfproto ipv6 exthdr frag exists reject with icmpx admin-prohibited",
	  false },
	{ "the last rule of the plan is deleted",
	  LOOK "nft delete rule $t $plan handle $(rule $plan $(rules $plan))", false },
	{ "an allowed port is another one",
	  LOOK "nft replace rule $t $plan handle $(rule $plan 5) oifname lo ip daddr 127.0.0.1 udp dport 10 return", false },
	{ "the plan's chain is empty", LOOK "nft flush chain $t $plan", false },
	{ "our branch is deleted",
	  LOOK "nft delete rule $t output handle $(nft -a list chain $t output | sed -n \"s/.*@$held .* handle //p\")", false },
	{ "our branch has a condition",
	  LOOK "nft replace rule $t output handle $(nft -a list chain $t output |"
	       " sed -n \"s/.*@$held .* handle //p\") oifname lo meta skuid @$held goto $plan", false },
	{ "the base chain is empty", LOOK "nft flush chain $t output", false },
	{ "the base chain is gone", LOOK "nft flush chain $t output && nft delete chain $t output", false },
	{ "the base chain hooks in elsewhere",
	  LOOK "nft flush chain $t output && nft delete chain $t output &&"
	       " nft add chain $t output '{ type filter hook input priority filter - 5; policy accept; }' &&"
	       " nft add rule $t output meta skuid @$held goto $plan", false },
	{ "the base chain comes after the others'",
	  LOOK "nft flush chain $t output && nft delete chain $t output &&"
	       " nft add chain $t output '{ type filter hook output priority 300; policy accept; }' &&"
	       " nft add rule $t output meta skuid @$held goto $plan", false },
	{ "the account's element is deleted", LOOK "nft delete element $t $held '{ 2001 }'", false },
	{ "the element that counts what is denied is deleted",
	  LOOK "nft delete element $t $(set_of denied-) '{ 2001 }'", false },
	{ "the record of ranges is gone", LOOK "nft delete set $t ranges && nft delete element $t $held '{ 2001 }'", false },
	{ "the record of ranges is empty", LOOK "nft flush set $t ranges && nft delete element $t $held '{ 2001 }'", false },
	{ "nothing counts any more",
	  "nft list ruleset | sed 's/ counter packets [0-9]* bytes [0-9]*//g; /^\t\tcounter$/d' >/run/saved &&"
	  " nft flush ruleset && nft -f /run/saved", false },
	{ "elements go after a while",
	  "nft list ruleset | sed 's/^\t\tsize .*/\t\tflags timeout/' >/run/saved && nft flush ruleset &&"
	  " nft -f /run/saved", false },
	{ "the policy is not to accept", LOOK "nft chain $t output '{ policy drop; }'", false },
	{ "everything is flushed", LOOK "nft flush table $t", false },
	{ "the table is gone", LOOK "nft delete table $t", false },
	{ "the ruleset is flushed", LOOK "nft flush ruleset", false },
	{ "the table is dormant", LOOK "nft add table $t '{ flags dormant; }'", false },
};

static const struct outage outages[] = {
	{ "the batch cannot be sent", "batch:ENOBUFS", AS_BEFORE },
	{ "no permission: one answer for the whole batch", "refuse:EPERM", AS_BEFORE },
	{ "no memory: one answer for the whole batch", "refuse:ENOMEM", AS_BEFORE },
	{ "nothing can be asked", "ask:ENOBUFS", AS_BEFORE },
	{ "the answers to the batch are lost", "answer:ENOBUFS", OLD_OR_NEW },
	{ "the answers to the batch never come", "deaf", OLD_OR_NEW },
	{ "the batch is lost, and confirmed", "swallow", AS_LISTED },
};

const struct host host_nftables = {
	.name = "nftables",
	.can = CAN_SEND | CAN_SHARE | CAN_EDIT | CAN_JUDGE | CAN_PEEK | CAN_BREAK,
	.enter = enter,
	.dump = "for tool in iptables-legacy ip6tables-legacy; do $tool-save -c; done | grep -v '^#';"
		"nft -a list ruleset",
	.writes = writes,
	.break_down = break_down,
	.is_untouched = "[ -z \"$(nft list tables)\" ]",
	.edits = edits,
	.edit_count = ARRAY_SIZE(edits),
	.outages = outages,
	.outage_count = ARRAY_SIZE(outages),
};
