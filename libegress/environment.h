/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_ENVIRONMENT_H
#define EGRESS_ENVIRONMENT_H

/* What a session is told of its profile: conveniences, on which nothing depends. Pure. */
#include "profile.h"

/*
 * "NAME=value": the proxy in all the names that programs know it by, with an empty NO_PROXY; the CA file, if there
 * is one, in theirs; EGRESS_POLICY. Empty if the profile has env = false. NULL-terminated; free each and the list.
 * -ENOMEM.
 */
int environment_make(const struct profile *profile, const char *user, char ***ret);

/* The line for the user at login, NULL if the profile has notice = false. Malloced. -ENOMEM. */
int environment_notice(const struct profile *profile, const char *user, char **ret);

#endif
