/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PAM_EGRESS_OPENED_H
#define PAM_EGRESS_OPENED_H

/*
 * The sessions that were opened on a PAM handle, newest first: only who holds the handle of an open can
 * close it. A stack may name the module twice, and a handle may be used again.
 */
#include "egress.h"

#include <security/pam_modules.h>

/* Room for one more, made before the session is: an open must not fail when all is done. -ENOMEM. */
struct opened;
int opened_reserve(pam_handle_t *pamh, struct opened **ret);
/* Takes both over. */
void opened_push(pam_handle_t *pamh, struct opened *room, struct egress_session *session);
/* The newest, now the caller's; NULL if there is none. */
struct egress_session *opened_pop(pam_handle_t *pamh);

#endif
