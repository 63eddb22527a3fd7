/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_ARGS_H
#define EGRESSCTL_ARGS_H

/* From words of the command line to what the library takes. */
#include <stdbool.h>

#include "exit.h"

/* USER is a name, taken as it is, or a number, turned into that uid's name. Malloced in *ret. */
enum exit_code args_user(const char *user, char **ret);

/* False only if the user database says for certain that there is no such user. */
bool args_user_exists(const char *name);

/* Makes FILE, relative to the working directory, the context's configuration, on trial. */
enum exit_code args_config(struct egress_ctx *ctx, const char *file);

#endif
