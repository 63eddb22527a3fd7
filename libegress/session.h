/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_SESSION_H
#define EGRESS_SESSION_H

#include "engine.h"

/* What egress_open and egress_close promise, see egress.h. */
int session_open(struct egress_ctx *ctx, const struct egress_request *request,
		 struct egress_session **ret);
int session_close(struct egress_ctx *ctx, uid_t uid, const char *token, unsigned int *ret_sessions,
		  bool *ret_held);
/* Of an open that failed late: what runs is not what a session left, and is not ended. */
int session_undo(struct egress_ctx *ctx, uid_t uid, const char *token);

#endif
