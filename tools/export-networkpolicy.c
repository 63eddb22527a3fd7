/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Kubernetes NetworkPolicy, as JSON, which is YAML too: what pods with the label egress-account may reach. What it
 * selects is denied all that it does not list, name servers included. It never lists more than the profile does.
 */
#include "config.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "output.h"

#define LABEL "egress-account"
#define LABEL_MAX 63 /* of a label's value, and enough for a name */

/* What a label's value may be: letters, digits and "-_." inside. What is not that is named by its uids. */
static bool is_label(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > LABEL_MAX || !isalnum((unsigned char)text[0]) ||
	    !isalnum((unsigned char)text[length - 1]))
		return false;
	for (; *text; text++) {
		if ((unsigned char)*text >= 0x80 || (!isalnum((unsigned char)*text) && !strchr("-_.", *text)))
			return false;
	}
	return true;
}

static void label_of(const struct egress_plan *plan, char text[LABEL_MAX + 1])
{
	char uids[TEXT_RANGE_MAX];

	if (is_label(plan->account) && !isdigit((unsigned char)plan->account[0]))
		snprintf(text, LABEL_MAX + 1, "%s", plan->account);
	else
		snprintf(text, LABEL_MAX + 1, "uid-%s", export_uids(plan, uids));
}

/* Names are of small letters, digits and "-"; the uids keep two apart that become one by that. */
static json_t *name_json(const struct egress_plan *plan)
{
	char name[LABEL_MAX + sizeof("egress-") + TEXT_RANGE_MAX] = "egress-", uids[TEXT_RANGE_MAX];
	char *at = name + strlen(name);
	bool changed = false;

	label_of(plan, at);
	for (; *at; at++) {
		if (islower((unsigned char)*at) || isdigit((unsigned char)*at) || *at == '-')
			continue;
		*at = isupper((unsigned char)*at) ? (char)tolower((unsigned char)*at) : '-';
		changed = true;
	}
	if (changed)
		sprintf(at, "-%s", export_uids(plan, uids));
	return json_string(name);
}

/* --- Rules --- */

enum fate {
	FATE_LISTED,
	FATE_NOTHING,  /* refused or logged: what is not listed is denied; or an answer, which no policy refuses */
	FATE_LOOPBACK, /* no policy is asked about a pod's own loopback */
	FATE_PROTOCOL, /* nor has a policy a word for it */
};

static enum fate fate_of(const struct egress_rule *rule)
{
	if (rule->action != EGRESS_RULE_ALLOW || rule->match == EGRESS_MATCH_REPLIES)
		return FATE_NOTHING;
	if (rule->loopback)
		return FATE_LOOPBACK;
	if (rule->protocol != 0 && rule->protocol != IPPROTO_TCP && rule->protocol != IPPROTO_UDP)
		return FATE_PROTOCOL;
	return FATE_LISTED;
}

static json_t *port_json(const struct egress_rule *rule)
{
	json_t *port = must(json_pack("{s:s}", "protocol", rule->protocol == IPPROTO_TCP ? "TCP" : "UDP"));

	if (export_has_ports(rule) &&
	    json_object_set_new(port, "port", json_integer(rule->port_first)) < 0)
		must(NULL);
	if (export_has_ports(rule) && rule->port_last > rule->port_first &&
	    json_object_set_new(port, "endPort", json_integer(rule->port_last)) < 0)
		must(NULL);
	return port;
}

static json_t *rule_json(const struct egress_rule *rule)
{
	json_t *object = must(json_pack("{s:[{s:{s:s}}]}", "to", "ipBlock", "cidr", rule->to));

	/* Without ports it is every protocol that the network plugin knows. */
	if (rule->protocol != 0 &&
	    json_object_set_new(object, "ports", json_pack("[o]", port_json(rule))) < 0)
		must(NULL);
	return object;
}

static json_t *rules_json(const struct egress_plan *plan)
{
	json_t *array = must(json_array());

	for (struct egress_rule **rule = plan->rules; *rule; rule++) {
		if (fate_of(*rule) == FATE_LISTED && json_array_append_new(array, rule_json(*rule)) < 0)
			must(NULL);
	}
	return array;
}

/* --- What cannot be in it --- */

/* "icmp to 192.0.2.9/32, tcp to 127.0.0.1/32 port 5432"; malloced, "" if all is in it. */
static char *left_out(const struct egress_plan *plan)
{
	char *text = NULL, protocol[EXPORT_PROTOCOL_MAX];
	FILE *stream;
	size_t size;
	const char *comma = "";

	stream = must(open_memstream(&text, &size));
	for (struct egress_rule **at = plan->rules; *at; at++) {
		const struct egress_rule *rule = *at;

		if (fate_of(rule) != FATE_LOOPBACK && fate_of(rule) != FATE_PROTOCOL)
			continue;
		fprintf(stream, "%s%s to %s", comma, export_protocol(rule, protocol), rule->to);
		if (export_has_ports(rule))
			fprintf(stream, " port %u", rule->port_first);
		if (export_has_ports(rule) && rule->port_last > rule->port_first)
			fprintf(stream, "-%u", rule->port_last);
		comma = ", ";
	}
	if (fclose(stream) != 0)
		must(NULL);
	return text;
}

static const struct egress_rule *loopback_proxy(const struct egress_plan *plan)
{
	for (struct egress_rule **rule = plan->rules; *rule; rule++) {
		if ((*rule)->proxy && (*rule)->loopback)
			return *rule;
	}
	return NULL;
}

static json_t *annotations_json(const struct egress_plan *plan, const char *missing)
{
	json_t *object = must(json_pack("{s:o, s:o}", "egress/account", output_json_string(plan->account),
					"egress/profile", output_json_string(plan->profile)));

	if (*missing && json_object_set_new(object, "egress/left-out", output_json_string(missing)) < 0)
		must(NULL);
	return object;
}

static void print_policy(const struct egress_plan *plan, const char *missing, FILE *out)
{
	char label[LABEL_MAX + 1];

	label_of(plan, label);
	output_json(out, json_pack("{s:s, s:s, s:{s:o, s:o}, s:{s:{s:{s:s}}, s:[s], s:o}}",
				   "apiVersion", "networking.k8s.io/v1",
				   "kind", "NetworkPolicy",
				   "metadata", "name", name_json(plan), "annotations", annotations_json(plan, missing),
				   "spec", "podSelector", "matchLabels", LABEL, label,
				   "policyTypes", "Egress",
				   "egress", rules_json(plan)));
}

enum exit_code export_networkpolicy(const struct egress_plan *plan, FILE *out)
{
	const struct egress_rule *proxy = loopback_proxy(plan);
	char *missing;

	if (proxy) {
		complain("%s: proxy %s port %u: cannot be a NetworkPolicy: a pod's loopback is its own, give the "
			 "profile an address that pods reach",
			 plan->profile, proxy->to, proxy->port_first);
		return EXIT_FAILED;
	}
	missing = left_out(plan);
	if (*missing)
		complain("%s: left out: %s: a NetworkPolicy has no word for it", plan->profile, missing);
	print_policy(plan, missing, out);
	free(missing);
	return EXIT_DONE;
}
