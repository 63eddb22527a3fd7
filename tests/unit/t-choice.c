/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two fake kernels: which backend is chosen, and what makes it stay so. */
#include "engine-lab.h"

#include "choice.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

#define BACKEND(name) "backend = \"" name "\";\n"

/* Both are there, and nobody uses either. */
static void both(void)
{
	lab_begin();
	lab.other.absent = false;
	lab.other.presence = BACKEND_READY;
}

static const char *net_path(const char *name)
{
	static char path[256];
	char *net = NULL;

	ck_assert_uint_eq(folder_glob("state/net-*", &net), 1);
	snprintf(path, sizeof(path), "%s/%s", net, name);
	free(net);
	return path;
}

/* "NAME (REASON)", or what kept it from being told. */
static const char *chosen(void)
{
	static char text[1024];
	char *name = NULL, *reason = NULL;
	int r = egress_backend(lab.ctx, &name, &reason);

	if (r)
		snprintf(text, sizeof(text), "%d: %s", r, egress_ctx_error(lab.ctx));
	else
		snprintf(text, sizeof(text), "%s (%s)", name, reason);
	free(name);
	free(reason);
	return text;
}

static void ck_chosen(const char *wanted)
{
	ck_assert_str_eq(chosen(), wanted);
}

/* ---- auto, while nothing is held --------------------------------------------------------------- */

enum { ABSENT = -1 };

static const struct {
	int iptables, nftables; /* presence, or ABSENT */
	const char *chosen;
} rows[] = {
	{ BACKEND_IN_USE, BACKEND_IN_USE, "iptables (auto: legacy iptables tables are in use here)" },
	{ BACKEND_IN_USE, BACKEND_READY, "iptables (auto: legacy iptables tables are in use here)" },
	{ BACKEND_IN_USE, BACKEND_LOADABLE, "iptables (auto: legacy iptables tables are in use here)" },
	{ BACKEND_IN_USE, ABSENT, "iptables (auto: legacy iptables tables are in use here)" },
	{ BACKEND_READY, BACKEND_IN_USE, "nftables (auto: no legacy iptables tables are in use here)" },
	{ BACKEND_READY, BACKEND_READY, "nftables (auto: no legacy iptables tables are in use here)" },
	{ BACKEND_READY, BACKEND_LOADABLE, "iptables (auto: this kernel has not loaded nf_tables)" },
	{ BACKEND_READY, ABSENT, "iptables (auto: this kernel has no nf_tables)" },
	{ BACKEND_LOADABLE, BACKEND_READY, "nftables (auto: this kernel has not loaded legacy iptables tables)" },
	{ BACKEND_LOADABLE, BACKEND_LOADABLE,
	  "nftables (auto: this kernel has not loaded legacy iptables tables)" },
	{ BACKEND_LOADABLE, ABSENT, "iptables (auto: this kernel has no nf_tables)" },
	{ ABSENT, BACKEND_READY, "nftables (auto: this kernel has no legacy iptables tables)" },
	{ ABSENT, BACKEND_LOADABLE, "nftables (auto: this kernel has no legacy iptables tables)" },
	{ ABSENT, ABSENT, "-95: mem: no kernel; mem: no kernel" },
};

static void set_presence(struct mem_kernel *kernel, int presence)
{
	kernel->absent = presence == ABSENT;
	kernel->presence = presence == ABSENT ? BACKEND_LOADABLE : (enum backend_presence)presence;
}

START_TEST(auto_goes_by_what_the_host_uses)
{
	set_presence(&lab.kernel, rows[_i].iptables);
	set_presence(&lab.other, rows[_i].nftables);
	ck_chosen(rows[_i].chosen);
	if (rows[_i].iptables == BACKEND_LOADABLE || rows[_i].iptables == ABSENT)
		ck_assert_uint_eq(lab.kernel.script[MEM_LOOK].calls, 0);
	if (rows[_i].nftables == BACKEND_LOADABLE || rows[_i].nftables == ABSENT)
		ck_assert_uint_eq(lab.other.script[MEM_LOOK].calls, 0);
	ck_assert_uint_eq(lab.kernel.script[MEM_OPEN].calls + lab.other.script[MEM_OPEN].calls, 0);
}
END_TEST

/* What is chosen holds; the other one is touched by nothing but looks. */
START_TEST(auto_holds_by_the_chosen_one_alone)
{
	struct egress_session *session;
	bool by_iptables = strncmp(rows[_i].chosen, "iptables", 8) == 0;

	set_presence(&lab.kernel, rows[_i].iptables);
	set_presence(&lab.other, rows[_i].nftables);
	if (rows[_i].chosen[0] == '-') {
		lab_deny("agent1", -EOPNOTSUPP);
		lab_nothing_left();
		return;
	}
	session = lab_open("agent1");
	ck_assert_int_eq(lab_stands(AGENT1), by_iptables);
	ck_assert_int_eq(lab_stands_in_other(AGENT1), !by_iptables);
	ck_assert(folder_holds(net_path("backend"), session->backend));
	ck_assert_uint_eq((by_iptables ? &lab.other : &lab.kernel)->script[MEM_OPEN].calls, 0);
	ck_assert(!lab_close(session));
	ck_assert_uint_eq((by_iptables ? &lab.other : &lab.kernel)->script[MEM_OPEN].calls, 0);
	lab_nothing_left();
}
END_TEST

START_TEST(one_that_is_not_built_in_is_said_so)
{
	const struct backend_ops *const *all = lab.ctx->backends;
	const struct backend_ops *const alone[] = { all[0], NULL };
	char *text = NULL;

	lab.ctx->backends = alone;
	ck_chosen("iptables (auto: nftables is not built in)");
	lab_conf(BACKEND("nftables") LAB_CONF);
	ck_chosen("-95: backend \"nftables\": not built into this libegress");
	lab_deny("agent1", -EOPNOTSUPP);
	ck_assert_str_eq(egress_ctx_error(lab.ctx), "backend \"nftables\": not built into this libegress");
	ck_assert_int_eq(egress_check_config(lab.ctx, &text), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(egress_ctx_error(lab.ctx),
				     "egress.conf: backend \"nftables\": not built into this libegress"));
	lab_nothing_left();
}
END_TEST

START_TEST(a_configured_one_is_taken_whatever_else_is_there)
{
	lab.kernel.presence = BACKEND_IN_USE;
	lab_conf(BACKEND("nftables") LAB_CONF);
	ck_chosen("nftables (configured)");
	lab.other.absent = true;
	ck_chosen("-95: backend \"nftables\": mem: no kernel");
	lab_deny("agent1", -EOPNOTSUPP);
	lab_nothing_left();
}
END_TEST

START_TEST(a_probe_without_memory_denies)
{
	mem_fail_from(&lab.kernel, MEM_PROBE, 1, -ENOMEM);
	lab_deny("agent1", -ENOMEM);
	mem_fail(&lab.kernel, MEM_PROBE, 0, 0);
	mem_fail_from(&lab.kernel, MEM_LOOK, 1, -ENOMEM);
	lab_deny("agent1", -ENOMEM);
	lab_nothing_left();
}
END_TEST

/* ---- auto, while accounts are held ------------------------------------------------------------- */

static void session_is_by_iptables(void)
{
	struct egress_session *session = lab_open("agent1");

	ck_assert_str_eq(session->backend, "iptables");
	ck_assert(!lab_close(session));
}

START_TEST(what_holds_stays_whatever_is_loaded_later)
{
	struct egress_session *first = lab_open("agent1"), *second;

	ck_assert_str_eq(first->backend, "nftables");
	lab.kernel.presence = BACKEND_IN_USE;
	mem_fail_from(&lab.kernel, MEM_LOOK, 1, -EIO);
	ck_chosen("nftables (auto: accounts are held by it)");
	mem_fail(&lab.kernel, MEM_LOOK, 0, 0);
	second = lab_open("agent2");
	ck_assert_str_eq(second->backend, "nftables");
	ck_assert_uint_eq(lab_sync().held, 0);
	ck_assert(!lab_close(first));
	ck_assert(!lab_close(second));
	lab_nothing_left();
	/* Gone with the last account, and of no meaning if it were there. */
	ck_assert(!folder_has(net_path("backend")));
	folder_write(net_path("backend"), "nftables");
	ck_chosen("iptables (auto: legacy iptables tables are in use here)");
	session_is_by_iptables();
}
END_TEST

/* The ledger's word costs no look at the kernel, however much stands there. */
START_TEST(while_the_ledger_has_accounts_the_kernel_is_not_asked)
{
	struct egress_session *session = lab_open("agent1");

	lab.other.script[MEM_LOOK].calls = lab.kernel.script[MEM_LOOK].calls = 0;
	ck_chosen("nftables (auto: accounts are held by it)");
	ck_assert_uint_eq(lab.other.script[MEM_LOOK].calls + lab.kernel.script[MEM_LOOK].calls, 0);
	lab_close(session);
}
END_TEST

START_TEST(a_record_that_cannot_be_believed_is_told_and_the_kernel_asked)
{
	static const char *const texts[] = { "iptable", "", "\n\n", "ufw",
					     "a name that is longer than any backend's name would be" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct egress_session *session;

		set_presence(&lab.kernel, BACKEND_READY);
		session = lab_open("agent1");
		folder_write(net_path("backend"), texts[i]);
		set_presence(&lab.kernel, BACKEND_IN_USE);
		lab_log_clear();
		ck_chosen("nftables (auto: accounts are held by it)");
		ck_assert(lab_log_has("is no backend of this libegress"));
		egress_session_free(lab_open("agent1"));
		ck_assert(folder_holds(net_path("backend"), "nftables"));
		ck_assert(lab_close(session));
		lab_end();
		both();
	}
}
END_TEST

START_TEST(a_recorded_one_that_the_kernel_has_lost_is_left)
{
	struct egress_session *session = lab_open("agent1");

	mem_kernel_clear(&lab.other);
	lab.other.absent = true;
	ck_chosen("iptables (auto: this kernel has no nf_tables)");
	ck_assert(lab_log_has("no kernel"));
	ck_assert_uint_eq(lab_sync().held, 1);
	ck_assert(lab_stands(AGENT1));
	ck_assert(!lab_close(session));
	lab_nothing_left();
}
END_TEST

#define RANGE ((struct uid_range){ nss_first + NSS_RANGE, nss_first + NSS_RANGE + 9 })

/* Held always, without any record. */
static void hold_a_range(const char *head)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "%sprofiles = { default = { proxy = \"127.0.0.1:3128\"; }; "
		 "kept = { proxy = \"127.0.0.1:3128\"; hold = \"always\"; }; };\n"
		 "accounts = ( { user = \"agent1\"; }, { uid = \"%u-%u\"; profile = \"kept\"; } );\n",
		 head, RANGE.first, RANGE.last);
	lab_conf(text);
}

START_TEST(without_any_account_on_record_the_kernel_is_asked)
{
	hold_a_range("");
	ck_assert_uint_eq(lab_sync().held, 1);
	ck_assert_ptr_nonnull(mem_find(&lab.other, RANGE));
	set_presence(&lab.kernel, BACKEND_IN_USE);
	ck_assert(!folder_has(net_path("backend")));
	ck_chosen("nftables (auto: accounts are held by it)");
	ck_assert_uint_eq(lab_sync().held, 0);
	/* Who cannot be asked does not hold: what is chosen instead is read back. */
	mem_fail_from(&lab.other, MEM_LOOK, 1, -EIO);
	ck_chosen("iptables (auto: legacy iptables tables are in use here)");
	ck_assert(lab_log_has("cannot see what it holds"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("choice");
	TCase *tcase = tcase_create("choice");

	tcase_add_checked_fixture(tcase, both, lab_end);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, auto_goes_by_what_the_host_uses, 0, (int)ARRAY_SIZE(rows));
	tcase_add_loop_test(tcase, auto_holds_by_the_chosen_one_alone, 0, (int)ARRAY_SIZE(rows));
	tcase_add_test(tcase, one_that_is_not_built_in_is_said_so);
	tcase_add_test(tcase, a_configured_one_is_taken_whatever_else_is_there);
	tcase_add_test(tcase, a_probe_without_memory_denies);
	tcase_add_test(tcase, what_holds_stays_whatever_is_loaded_later);
	tcase_add_test(tcase, while_the_ledger_has_accounts_the_kernel_is_not_asked);
	tcase_add_test(tcase, a_record_that_cannot_be_believed_is_told_and_the_kernel_asked);
	tcase_add_test(tcase, a_recorded_one_that_the_kernel_has_lost_is_left);
	tcase_add_test(tcase, without_any_account_on_record_the_kernel_is_asked);
	suite_add_tcase(suite, tcase);
	return folder_run_as_root("t-choice", suite);
}
