/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "account.h"

#include <stdint.h>
#include <stdio.h>

#include "text.h"

char *account_uids(const struct egress_account *account, char text[TEXT_RANGE_MAX])
{
	return text_range(&(struct egress_uid_range){ account->uid_first, account->uid_last }, text);
}

enum colour account_colour(const struct egress_account *account)
{
	switch (account->state) {
	case EGRESS_ACTIVE:
		return COLOUR_GREEN;
	case EGRESS_LINGERING:
		return COLOUR_YELLOW;
	case EGRESS_PINNED:
		return COLOUR_CYAN;
	default:
		return COLOUR_RED;
	}
}

size_t account_sessions(const struct egress_account *account)
{
	size_t count = 0;

	while (account->sessions[count])
		count++;
	return count;
}

/* JSON readers and jansson have signed integers of 64 bits. */
static json_t *json_count(uint64_t count)
{
	return json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count);
}

static json_t *json_traffic(const struct egress_traffic *traffic)
{
	return json_pack("{s:o, s:o}", "packets", json_count(traffic->packets), "bytes",
			 json_count(traffic->bytes));
}

static json_t *json_session(const struct egress_record *session)
{
	char opened[TEXT_TIME_MAX];

	return json_pack("{s:o, s:o, s:I, s:o, s:o, s:s, s:o}",
			 "token", output_json_string(session->token),
			 "service", output_json_string(session->service),
			 "pid", (json_int_t)session->pid,
			 "tty", output_json_string(session->tty),
			 "rhost", output_json_string(session->rhost),
			 "opened", text_time(session->opened, opened),
			 "hardening", output_json_lines(session->hardening));
}

static json_t *json_sessions(struct egress_record *const *sessions)
{
	json_t *array = must(json_array());

	for (; *sessions; sessions++) {
		if (json_array_append_new(array, json_session(*sessions)) < 0)
			must(NULL);
	}
	return array;
}

json_t *account_json(const struct egress_account *account)
{
	return json_pack("{s:o, s:I, s:o, s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:o}",
			 "account", output_json_string(account->name),
			 "uid", (json_int_t)account->uid_first,
			 "ranges", output_json_ranges(account->ranges, account->range_count),
			 "state", egress_state_name(account->state),
			 "profile", output_json_string(account->profile),
			 "backend", output_json_string(account->backend),
			 "proxy", output_json_lines(account->proxies),
			 "processes", (json_int_t)account->processes,
			 "sessions", json_sessions(account->sessions),
			 "allowed", json_traffic(&account->allowed),
			 "denied", json_traffic(&account->denied));
}
