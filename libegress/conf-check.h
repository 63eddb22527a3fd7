/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_CONF_CHECK_H
#define EGRESS_CONF_CHECK_H

/* What only the name service can tell about a configuration that parsed. Never under a lock. */
#include "engine.h"

/* Is a proxy's own account among the uids? -EBADMSG: holding them would cut the proxy off; -EIO, -ENOMEM. */
int conf_check_proxies(const struct conf *conf, struct uid_range uids, struct fault *fault);

/* Does any entry cover a proxy's own account? As above, with the entry's file and line. */
int conf_check_covered_proxies(const struct conf *conf, struct fault *fault);

/* Warns of entries whose user or group does not exist: they cover nobody. */
void conf_warn_of_nobody(struct egress_ctx *ctx, const struct conf *conf);

#endif
