/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "words.h"

#include "conf.h"
#include "harden.h"

#include <errno.h>
#include <string.h>

const struct word words_backend[] = {
	{ "auto", BACKEND_AUTO },
	{ "iptables", BACKEND_IPTABLES },
	{ "nftables", BACKEND_NFTABLES },
	{ 0 },
};

const struct word words_existing_sockets[] = {
	{ "destroy", EXISTING_DESTROY },
	{ "keep", EXISTING_KEEP },
	{ 0 },
};

const struct word words_hardening[] = {
	{ "no_new_privs", HARDENING_NO_NEW_PRIVS },
	{ "seccomp", HARDENING_SECCOMP },
	{ 0 },
};

const struct word words_hold[] = {
	{ "session", HOLD_SESSION },
	{ "always", HOLD_ALWAYS },
	{ 0 },
};

const struct word words_last_close[] = {
	{ "hold", LAST_CLOSE_HOLD },
	{ "kill", LAST_CLOSE_KILL },
	{ "release", LAST_CLOSE_RELEASE },
	{ 0 },
};

const struct word words_layer[] = {
	{ "seccomp", LAYER_SECCOMP },
	{ "existing_sockets", LAYER_EXISTING_SOCKETS },
	{ "route_guard", LAYER_ROUTE_GUARD },
	{ 0 },
};

const struct word words_period[] = {
	{ "second", 1 }, { "minute", 60 }, { "hour", 60 * 60 }, { "day", 24 * 60 * 60 }, { 0 },
};

const struct word words_proto[] = {
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "icmp", IPPROTO_ICMP },
	{ "any", PROTO_ANY },
	{ 0 },
};

const struct word words_reject[] = {
	{ "reset", REJECT_RESET },
	{ "drop", REJECT_DROP },
	{ 0 },
};

const struct word words_socket_families[] = {
	{ "ip", FAMILIES_IP },
	{ "any", FAMILIES_ANY },
	{ 0 },
};

const struct word words_subordinate_ids[] = {
	{ "hold", SUBORDINATE_HOLD },
	{ "refuse", SUBORDINATE_REFUSE },
	{ "ignore", SUBORDINATE_IGNORE },
	{ 0 },
};

int word_value(const struct word *words, const char *text, int *ret)
{
	for (; words->text; words++) {
		if (strcmp(words->text, text) == 0) {
			*ret = words->value;
			return 0;
		}
	}
	return -ENOENT;
}

const char *word_text(const struct word *words, int value)
{
	for (; words->text; words++) {
		if (words->value == value)
			return words->text;
	}
	return NULL;
}
