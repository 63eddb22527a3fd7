/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "opened.h"

#include <errno.h>
#include <stdlib.h>

#define DATA_NAME "pam_egress_opened"

struct opened {
	struct egress_session *session;
	struct opened *older;
};

/* What the handle keeps. */
struct stack {
	struct opened *newest;
};

/* PAM runs this in forked children too: memory only, nothing else is ours to touch there. */
static void free_stack(pam_handle_t *pamh, void *data, int status)
{
	struct stack *stack = data;

	(void)pamh;
	(void)status;
	while (stack->newest) {
		struct opened *opened = stack->newest;

		stack->newest = opened->older;
		egress_session_free(opened->session);
		free(opened);
	}
	free(stack);
}

static struct stack *find_stack(pam_handle_t *pamh)
{
	const void *data = NULL;

	return pam_get_data(pamh, DATA_NAME, &data) == PAM_SUCCESS ? (struct stack *)data : NULL;
}

static struct stack *make_stack(pam_handle_t *pamh)
{
	struct stack *stack = calloc(1, sizeof(*stack));

	if (stack && pam_set_data(pamh, DATA_NAME, stack, free_stack) != PAM_SUCCESS) {
		free(stack);
		return NULL;
	}
	return stack;
}

int opened_reserve(pam_handle_t *pamh, struct opened **ret)
{
	struct stack *stack = find_stack(pamh);
	struct opened *opened = calloc(1, sizeof(*opened));

	if (opened && !stack)
		stack = make_stack(pamh);
	if (!opened || !stack) {
		free(opened);
		return -ENOMEM;
	}
	*ret = opened;
	return 0;
}

void opened_push(pam_handle_t *pamh, struct opened *room, struct egress_session *session)
{
	struct stack *stack = find_stack(pamh);

	*room = (struct opened){ .session = session, .older = stack->newest };
	stack->newest = room;
}

struct egress_session *opened_pop(pam_handle_t *pamh)
{
	struct stack *stack = find_stack(pamh);
	struct opened *opened = stack ? stack->newest : NULL;
	struct egress_session *session;

	if (!opened)
		return NULL;
	session = opened->session;
	stack->newest = opened->older;
	free(opened);
	return session;
}
