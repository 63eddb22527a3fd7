/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile.h"

#include <stdlib.h>

#define LOG_GROUP 9
#define LOG_RATE 10
#define LOG_PERIOD 60

void profile_init(struct profile *profile)
{
	*profile = (struct profile){
		.reject = REJECT_RESET,
		.log = { .enabled = true,
			 .group = LOG_GROUP,
			 .rate = LOG_RATE,
			 .period = LOG_PERIOD },
		.hold = HOLD_SESSION,
		.last_close = LAST_CLOSE_HOLD,
		.subordinate_ids = SUBORDINATE_HOLD,
		.no_new_privs = true,
		.socket_families = FAMILIES_IP,
		.existing_sockets = EXISTING_DESTROY,
		.route_guard = true,
		.env = true,
		.notice = true,
	};
}

void profile_clear(struct profile *profile)
{
	size_t i;

	for (i = 0; i < profile->allow_count; i++) {
		free(profile->allows[i].ports);
		free(profile->allows[i].reason);
	}
	free(profile->allows);
	free(profile->proxies);
	free(profile->proxy_user);
	free(profile->proxy_url);
	free(profile->ca_file);
	free(profile->name);
	*profile = (struct profile){ 0 };
}
