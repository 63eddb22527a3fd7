/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_ACCOUNT_H
#define EGRESSCTL_ACCOUNT_H

/* An account as list and show describe it. */
#include <jansson.h>

#include "egress.h"
#include "output.h"
#include "text.h"

/* "2001" or "20000-29999" */
char *account_uids(const struct egress_account *account, char text[TEXT_RANGE_MAX]);

enum colour account_colour(const struct egress_account *account);

size_t account_sessions(const struct egress_account *account);

/* The object of egressctl(8); NULL is no memory. */
json_t *account_json(const struct egress_account *account);

#endif
