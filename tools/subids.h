/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_SUBIDS_H
#define EGRESSCTL_SUBIDS_H

#include "egress.h"

/* For egress_ctx_set_subids: what the name service of nsswitch.conf(5) says, where "subid:" names one beside files. */
int subids_ask(const char *user, void *data, struct egress_uid_range **ret, size_t *ret_count);

#endif
