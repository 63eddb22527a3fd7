/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Would it pass, by which entry, and what to do instead: from the configuration alone. */
#include "explain.h"

#include "coverage.h"
#include "destination.h"
#include "render.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

#define DNS_PORT 53

static int copy_text(const char *text, char **ret)
{
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

static int copy_place(const struct origin *origin, struct egress_place *ret)
{
	ret->line = origin->line;
	return copy_text(origin->file ? origin->file : "", &ret->file);
}

static int join_text(const char *before, const char *text, const char *after, char **ret)
{
	if (asprintf(ret, "%s%s%s", before, text, after) >= 0)
		return 0;
	*ret = NULL;
	return -ENOMEM;
}

/* A proxy carries what speaks TCP, and resolves names. */
static int tell_instead(const struct profile *profile, const struct packet *packet, char **ret)
{
	char text[ENDPOINT_TEXT_MAX];

	if (packet->proto != IPPROTO_TCP && packet->port != DNS_PORT)
		return copy_text("", ret);
	if (profile->proxy_url)
		return copy_text(profile->proxy_url, ret);
	return join_text("http://", addr_print_endpoint(&profile->proxies[0].endpoint, text), "", ret);
}

/* The line, and where it belongs: behind other entries, in a list that has none, as a list. */
static int tell_remedy(const struct profile *profile, const struct packet *packet, struct egress_explanation *out)
{
	const struct origin *after = &profile->origin;
	const char *before = "allow = ( ", *behind = " );";
	char entry[DESTINATION_ENTRY_MAX];
	int r;

	if (profile->allow_count) {
		after = &profile->allows[profile->allow_count - 1].origin;
		before = ", ";
		behind = "";
	} else if (profile->allow_origin.file) {
		after = &profile->allow_origin;
		before = behind = "";
	}
	destination_print_entry(packet, entry);
	r = join_text(before, entry, behind, &out->add);
	return r ? r : copy_place(after, &out->add_after);
}

static const char *reason_of(const struct profile *profile, const struct origin *origin)
{
	for (size_t i = 0; i < profile->allow_count; i++) {
		const struct allow *allow = &profile->allows[i];

		if (allow->origin.file == origin->file && allow->origin.line == origin->line && allow->reason)
			return allow->reason;
	}
	return "";
}

static int tell_rule(const struct profile *profile, const struct plan *plan, const struct rule *rule,
		     struct egress_explanation *out)
{
	char text[RULE_TEXT_MAX];
	int r = copy_text(render_rule(rule, &plan->log, text), &out->rule);

	if (!r)
		r = copy_place(rule->origin.file ? &rule->origin : &profile->origin, &out->decided_by);
	return r ? r : copy_text(reason_of(profile, &rule->origin), &out->reason);
}

static int judge(const struct profile *profile, const struct packet *packet, struct egress_explanation *out)
{
	struct plan plan = { 0 };
	const struct rule *rule;
	int r = plan_compile(profile, (struct uid_range){ out->uid, out->uid }, &plan);

	if (r)
		return r;
	rule = plan_decide(&plan, packet);
	if (!rule)
		r = -EIO; /* a plan without an end */
	else
		r = tell_rule(profile, &plan, rule, out);
	if (!r && rule->verdict == VERDICT_ALLOW) {
		out->verdict = EGRESS_ALLOWED;
	} else if (!r) {
		out->verdict = EGRESS_DENIED;
		r = tell_instead(profile, packet, &out->instead);
		if (!r)
			r = tell_remedy(profile, packet, out);
	}
	plan_clear(&plan);
	return r;
}

/* What it does not hold has no profile, and what passes needs no remedy: "". */
static int complete(struct egress_explanation *out)
{
	char **const texts[] = { &out->profile,	&out->rule,	     &out->reason,	   &out->instead,
				 &out->add,	&out->covered_by.file, &out->decided_by.file, &out->add_after.file };
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(texts); i++)
		if (!*texts[i])
			r = copy_text("", texts[i]);
	return r;
}

static int describe(const struct person *person, const struct account *account, const struct packet *packet,
		    struct egress_explanation *out)
{
	char text[DESTINATION_TEXT_MAX], uid[UID_RANGE_TEXT_MAX];
	int r = copy_text(destination_print(packet, text), &out->destination);

	out->uid = person->uid;
	addr_print_uid_range((struct uid_range){ person->uid, person->uid }, uid);
	if (!r)
		r = person->login ? copy_text(person->login, &out->account) : join_text("uid ", uid, "", &out->account);
	if (!r && account)
		r = copy_text(account->profile->name, &out->profile);
	if (!r && account)
		r = copy_place(&account->origin, &out->covered_by);
	if (!r && account)
		r = judge(account->profile, packet, out);
	return r ? r : complete(out);
}

int explain(struct egress_ctx *ctx, const char *user, const char *destination, struct egress_explanation **ret)
{
	AUTO_PERSON struct person person = { 0 };
	struct egress_explanation *out = NULL;
	const struct account *account = NULL;
	struct conf_view view = { 0 };
	struct packet packet;
	int r = destination_parse(destination, &ctx->fault, &packet);

	if (!r)
		r = subject_person(ctx, user, &person);
	if (!r)
		r = coverage_load(ctx, &view);
	if (!r && person.uid != 0)
		r = person_match(&person, view.conf, &ctx->fault, &account);
	if (r >= 0) {
		out = calloc(1, sizeof(*out));
		r = out ? describe(&person, account, &packet, out) : -ENOMEM;
		if (r)
			fault_set(&ctx->fault, r, "explain: %s", strerror(-r));
	}
	conf_view_clear(&view);
	if (r)
		egress_explanation_free(out);
	else
		*ret = out;
	return r;
}
