/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "doctor.h"
#include "output.h"
#include "person.h"
#include "text.h"
#include "tool.h"
#include "util.h"

#define NOBODY 65534

static const struct {
	const char *area;
	doctor_look_fn *look;
	bool account; /* asks about an account only */
} looks[] = {
	{ "account", doctor_account, true }, { "host", doctor_programs, false }, { "host", doctor_modules, false },
	{ "host", doctor_sysctls, false },   { "host", doctor_taps, true },	  { "host", doctor_upkeep, false },
	{ "PAM", doctor_pam, false },	     { "sshd", doctor_sshd, false },	  { "proxy", doctor_proxies, false },
	{ "deputies", doctor_deputies, false },
};

static const struct {
	const char *word, *json;
	enum colour colour;
} verdicts[] = {
	[DOCTOR_PASS] = { "PASS", "pass", COLOUR_GREEN },
	[DOCTOR_WARN] = { "WARN", "warn", COLOUR_YELLOW },
	[DOCTOR_FAIL] = { "FAIL", "fail", COLOUR_RED },
	[DOCTOR_SKIP] = { "SKIP", "skip", COLOUR_CYAN },
};

void doctor_found(struct doctor *doctor, enum doctor_verdict verdict, const char *check, const char *format, ...)
{
	struct finding *finding;
	va_list list;

	doctor->findings = must(reallocarray(doctor->findings, doctor->count + 1, sizeof(*finding)));
	finding = &doctor->findings[doctor->count++];
	*finding = (struct finding){ .area = doctor->area, .check = check, .verdict = verdict };
	va_start(list, format);
	if (vasprintf(&finding->text, format, list) < 0)
		must(NULL);
	va_end(list);
}

void doctor_remedy(struct doctor *doctor, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	if (vasprintf(&doctor->findings[doctor->count - 1].remedy, format, list) < 0)
		must(NULL);
	va_end(list);
}

static unsigned int count_of(const struct doctor *doctor, enum doctor_verdict verdict)
{
	unsigned int count = 0;

	for (size_t i = 0; i < doctor->count; i++)
		count += doctor->findings[i].verdict == verdict;
	return count;
}

static void print_line(FILE *out, const char *before, const char *text)
{
	char *safe = text_escape(text, 0);

	fprintf(out, "%s%s\n", before, safe);
	free(safe);
}

static void print_text(const struct tool *tool, const struct doctor *doctor)
{
	const char *area = "";

	for (size_t i = 0; i < doctor->count; i++) {
		const struct finding *finding = &doctor->findings[i];

		if (strcmp(area, finding->area) != 0)
			fprintf(tool->out, "%s%s\n", *area ? "\n" : "", finding->area);
		area = finding->area;
		fputs("  ", tool->out);
		output_coloured_text(tool->out, verdicts[finding->verdict].word,
				     verdicts[finding->verdict].colour,
				     tool->coloured);
		print_line(tool->out, "  ", finding->text);
		if (finding->remedy)
			print_line(tool->out, "        # ", finding->remedy);
	}
	if (!tool->legend)
		return;
	fprintf(tool->out, "\n%u passed, %u warnings, %u failed, %u not looked at\n",
		count_of(doctor, DOCTOR_PASS), count_of(doctor, DOCTOR_WARN),
		count_of(doctor, DOCTOR_FAIL), count_of(doctor, DOCTOR_SKIP));
	if (!doctor->user)
		fputs("Without USER: the host only. With one: what the account can do there.\n", tool->out);
}

static json_t *finding_json(const struct finding *finding)
{
	json_t *remedy = finding->remedy ? output_json_string(finding->remedy) : json_null();

	return must(json_pack("{s:s,s:s,s:s,s:o,s:o}", "area", finding->area, "check", finding->check,
			      "verdict", verdicts[finding->verdict].json,
			      "text", output_json_string(finding->text), "remedy", remedy));
}

static void print_json(const struct tool *tool, const struct doctor *doctor)
{
	json_t *account = doctor->user ? output_json_string(doctor->user) : json_null();
	json_t *summary = must(json_object());
	json_t *array = must(json_array());

	for (size_t i = 0; i < doctor->count; i++) {
		if (json_array_append_new(array, finding_json(&doctor->findings[i])) < 0)
			must(NULL);
	}
	for (enum doctor_verdict i = DOCTOR_PASS; i <= DOCTOR_SKIP; i++) {
		if (json_object_set_new(summary, verdicts[i].json, json_integer(count_of(doctor, i))) < 0)
			must(NULL);
	}
	output_json(tool->out,
		    json_pack("{s:o,s:o,s:o}", "account", account, "findings", array, "summary", summary));
}

/* Who is asked about: uid, groups, and the profile that covers him. */
static enum exit_code meet(struct doctor *doctor, const char *user)
{
	AUTO_PERSON struct person person = { .login = NULL };
	const struct account *account = NULL;
	struct fault fault = { .error = 0 };
	int r = person_by_name(user, &fault, &person);

	if (!r && !person.exists) {
		complain("\"%s\": no such user", user);
		return EXIT_FAILED;
	}
	if (!r && doctor->view.conf)
		r = person_match(&person, doctor->view.conf, &fault, &account);
	if (r < 0) {
		complain("%s", fault.line);
		return EXIT_FAILED;
	}
	doctor->ids.uid = person.uid;
	doctor->ids.gid = person.gid;
	doctor->profile = account ? account->profile : NULL;
	doctor->in_range = account && account->by == ACCOUNT_BY_UID && account->uids.first != account->uids.last;
	ids_take_groups(&doctor->ids, user);
	return EXIT_DONE;
}

static void tell_configuration(struct doctor *doctor)
{
	doctor->area = "account";
	if (doctor->view.from != CONF_FROM_FILE) {
		doctor_found(doctor, DOCTOR_FAIL, "configuration", "%s%s", doctor->view.broken.line,
			     doctor->view.conf ? " (the last good configuration stays in force)" : "");
		doctor_remedy(doctor, "egressctl check-config");
	}
	if (!doctor->view.conf)
		return;
	if (doctor->user && doctor->ids.uid == 0) {
		doctor_found(doctor, DOCTOR_FAIL, "covered", "uid 0 is never covered");
	} else if (doctor->user && !doctor->profile) {
		doctor_found(doctor, DOCTOR_FAIL, "covered",
			     "no entry of the configuration covers %s", doctor->user);
		doctor_remedy(doctor, "editor %s && egressctl check-config", egress_ctx_config(doctor->ctx));
	} else if (doctor->user) {
		doctor_found(doctor, DOCTOR_PASS, "covered", "profile %s", doctor->profile->name);
	} else if (doctor->view.from == CONF_FROM_FILE) {
		doctor_found(doctor, DOCTOR_PASS, "configuration", "%s", egress_ctx_config(doctor->ctx));
	}
}

static enum exit_code examine(const struct tool *tool, struct doctor *doctor)
{
	tell_configuration(doctor);
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++) {
		doctor->area = looks[i].area;
		if (doctor->user || !looks[i].account)
			looks[i].look(doctor);
	}
	if (tool->json)
		print_json(tool, doctor);
	else
		print_text(tool, doctor);
	return count_of(doctor, DOCTOR_FAIL) > 0 ? EXIT_NO : EXIT_DONE;
}

static void dismiss(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->count; i++) {
		free(doctor->findings[i].text);
		free(doctor->findings[i].remedy);
	}
	free(doctor->findings);
	ids_clear(&doctor->ids);
	free(doctor->quoted);
	conf_view_clear(&doctor->view);
}

enum exit_code verb_doctor(struct tool *tool, char **args)
{
	struct doctor doctor = { .ctx = tool->ctx, .root = geteuid() == 0, .ids = { NOBODY, NOBODY, NULL, 0 } };
	struct fault fault = { .error = 0 };
	AUTO_FREE char *user = NULL;
	enum exit_code code = args[0] ? args_user(args[0], &user) : EXIT_DONE;

	if (code)
		return code;
	/* What is in force, as elsewhere: the last good one is root's to read. */
	if (conf_view_load(egress_ctx_config(tool->ctx), doctor.root ? EGRESS_LIBDIR : NULL, &fault, &doctor.view)) {
		complain("%s", fault.line);
		return EXIT_FAILED;
	}
	doctor.user = user;
	doctor.quoted = doctor_quote(user ? user : "USER");
	if (user)
		code = meet(&doctor, user);
	if (!code)
		code = examine(tool, &doctor);
	dismiss(&doctor);
	return code;
}
