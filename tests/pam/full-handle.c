/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An LD_PRELOAD library: the PAM handle has no room for what pam_egress keeps on it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <security/pam_modules.h>
#include <string.h>

typedef int set_fn(pam_handle_t *, const char *, void *, void (*)(pam_handle_t *, void *, int));

int pam_set_data(pam_handle_t *pamh, const char *name, void *data, void (*cleanup)(pam_handle_t *, void *, int))
{
	set_fn *real = (set_fn *)dlsym(RTLD_NEXT, "pam_set_data");

	return strcmp(name, "pam_egress_opened") == 0 ? PAM_BUF_ERR : real(pamh, name, data, cleanup);
}
