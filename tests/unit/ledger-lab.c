/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ledger-lab.h"

#include <stdio.h>
#include <string.h>

char home_told[4096];

static void report(const char *line, void *data)
{
	(void)data;
	snprintf(home_told + strlen(home_told), sizeof(home_told) - strlen(home_told), "%s\n", line);
}

int home_try(struct ledger **ret, struct fault *fault)
{
	const struct deadline deadline = deadline_in_ms(50);

	*fault = (struct fault){ 0 };
	return ledger_open(folder_path("state"), &deadline, fault, ret);
}

struct ledger *home_open(void)
{
	struct ledger *ledger = NULL;
	struct fault fault;

	ck_assert_msg(home_try(&ledger, &fault) == 0, "%s", fault.line);
	ledger_set_report(ledger, report, NULL);
	return ledger;
}

struct ledger *home_peek(void)
{
	struct ledger *ledger = (struct ledger *)home_told;
	struct fault fault = { 0 };

	ck_assert_msg(ledger_peek(folder_path("state"), &fault, &ledger) == 0, "%s", fault.line);
	return ledger;
}

struct session home_session(void)
{
	struct session session;
	struct fault fault = { 0 };

	ck_assert_msg(session_begin("sshd", "pts/1", "192.0.2.7", &fault, &session) == 0, "%s", fault.line);
	return session;
}

struct session home_add_session(struct ledger *ledger)
{
	struct session session = home_session();

	ck_assert_int_eq(ledger_enter(ledger, UID, "agent1", "profiles", NULL), 0);
	ck_assert_int_eq(ledger_add(ledger, UID, &session, NULL), 0);
	return session;
}

size_t home_count_sessions(struct ledger *ledger)
{
	struct session *sessions = NULL;
	struct fault fault = { 0 };
	size_t count = 0;

	ck_assert_msg(ledger_sessions(ledger, UID, &fault, &sessions, &count) == 0, "%s", fault.line);
	free(sessions);
	return count;
}

const char *home_net_path(const char *name)
{
	static char path[256];
	char *net = NULL;

	ck_assert_uint_eq(folder_glob("state/net-*", &net), 1);
	snprintf(path, sizeof(path), "%s/%s", net, name);
	free(net);
	return path;
}

const char *home_uid_path(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%u/%s", UID, name);
	return home_net_path(path);
}

void home_one_session(void)
{
	struct ledger *ledger = home_open();

	home_add_session(ledger);
	ledger_close(ledger);
}

void home_make(void)
{
	folder_make();
	home_told[0] = '\0';
}
