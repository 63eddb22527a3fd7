/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists the held accounts: cc consumer.c $(pkg-config --cflags --libs libegress) */
#include <egress.h>
#include <stdio.h>

int main(void)
{
	struct egress_account **accounts, **account;
	struct egress_ctx *ctx;

	if (egress_ctx_new(&ctx) < 0)
		return 1;
	if (egress_list(ctx, &accounts) < 0) {
		fprintf(stderr, "consumer: %s\n", egress_ctx_error(ctx));
		egress_ctx_free(ctx);
		return 1;
	}
	for (account = accounts; *account; account++)
		printf("%s %s\n", (*account)->name, egress_state_name((*account)->state));
	egress_accounts_free(accounts);
	egress_ctx_free(ctx);
	return 0;
}
