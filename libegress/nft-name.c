/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What chains and sets are called: after the rules in them. */
#include "nft-rule.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const roles[NFT_ROLES] = { "held-", "denied-", "logged-" };
#define RANGES_SUFFIX "-ranges"
#define CHAIN_PREFIX "plan-"
#define DIGITS 16

_Static_assert(DIGITS + sizeof(RANGES_SUFFIX) == NFT_KEY_MAX, "the longest key fits");

/* FNV-1a. It names, it does not protect: only root writes configurations. */
static uint64_t hash(uint64_t state, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		state = (state ^ bytes[i]) * 0x100000001b3;
	return state;
}

static uint64_t hash_number(uint64_t state, uint64_t number)
{
	return hash(state, &number, sizeof(number));
}

static uint64_t hash_rule(uint64_t state, const struct rule *rule)
{
	state = hash_number(state, (uint64_t)rule->family << 32 | (uint64_t)rule->proto << 16 |
					   (uint64_t)rule->match << 8 | rule->verdict);
	state = hash_number(state, (uint64_t)rule->ports.first << 16 | rule->ports.last);
	if (rule->family == AF_UNSPEC)
		return state;
	state = hash_number(state, rule->to.length);
	return hash(state, &rule->to.addr.v6, addr_bits(rule->family) / 8);
}

char *nft_plan_key(const struct plan *plan, char key[NFT_KEY_MAX])
{
	uint64_t state = 0xcbf29ce484222325;
	bool logs = false;

	for (size_t i = 0; i < plan->rule_count; i++) {
		state = hash_rule(state, &plan->rules[i]);
		logs = logs || plan->rules[i].verdict == VERDICT_LOG;
	}
	if (logs) {
		state = hash_number(state, plan->log.group);
		state = hash_number(state, (uint64_t)plan->log.rate << 32 | plan->log.period);
	}
	snprintf(key, NFT_KEY_MAX, "%016" PRIx64 "%s", state,
		 plan->uids.first == plan->uids.last ? "" : RANGES_SUFFIX);
	return key;
}

bool nft_key_is_ranges(const char *key)
{
	return strlen(key) > DIGITS;
}

char *nft_chain_name(const char *key, char name[NFT_NAME_MAX])
{
	snprintf(name, NFT_NAME_MAX, CHAIN_PREFIX "%s", key);
	return name;
}

char *nft_set_name(const char *key, enum nft_role role, char name[NFT_NAME_MAX])
{
	snprintf(name, NFT_NAME_MAX, "%s%s", roles[role], key);
	return name;
}

/* PREFIX and a key, to the end. */
static bool parse_key(const char *name, const char *prefix, char key[NFT_KEY_MAX])
{
	const char *start = name + strlen(prefix);

	if (strncmp(name, prefix, strlen(prefix)) != 0 || strspn(start, "0123456789abcdef") != DIGITS ||
	    (start[DIGITS] && strcmp(start + DIGITS, RANGES_SUFFIX) != 0))
		return false;
	snprintf(key, NFT_KEY_MAX, "%s", start);
	return true;
}

bool nft_parse_chain_name(const char *name, char key[NFT_KEY_MAX])
{
	return parse_key(name, CHAIN_PREFIX, key);
}

bool nft_parse_set_name(const char *name, char key[NFT_KEY_MAX], enum nft_role *ret_role)
{
	for (int role = 0; role < NFT_ROLES; role++) {
		if (!parse_key(name, roles[role], key))
			continue;
		*ret_role = role;
		return true;
	}
	return false;
}
