/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "render.h"

#include "util.h"
#include "words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What does not fit is cut off; RULE_TEXT_MAX has room for every rule. */
static void __attribute__((format(printf, 2, 3)))
append(char text[RULE_TEXT_MAX], const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, RULE_TEXT_MAX - used, format, args);
	va_end(args);
}

static const char *family_name(sa_family_t family)
{
	switch (family) {
	case AF_INET:
		return "ipv4";
	case AF_INET6:
		return "ipv6";
	default:
		return "both";
	}
}

static const char *verdict_name(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_ALLOW:
		return "allow";
	case VERDICT_LOG:
		return "log";
	case VERDICT_REJECT_RESET:
	case VERDICT_REJECT_PROHIBITED:
		return "reject";
	case VERDICT_DROP:
		return "drop";
	}
	return "?";
}

static void append_proto(char text[RULE_TEXT_MAX], const struct rule *rule)
{
	const char *word = word_text(words_proto, rule->proto);

	/* "both log" is enough: to log everything is what it is for. */
	if (rule->verdict == VERDICT_LOG && rule->proto == PROTO_ANY)
		return;
	if (rule->proto == IPPROTO_ICMPV6)
		append(text, " icmpv6");
	else if (word)
		append(text, " %s", word);
	else
		append(text, " protocol %u", rule->proto);
}

static void append_destination(char text[RULE_TEXT_MAX], const struct rule *rule)
{
	char prefix[PREFIX_TEXT_MAX], ports[PORT_RANGE_TEXT_MAX];

	if (rule->family != AF_UNSPEC && !rule_is_forged(rule))
		append(text, " %s", addr_print_prefix(&rule->to, prefix));
	if (rule->ports.first > 1 || rule->ports.last < UINT16_MAX)
		append(text, " port %s", addr_print_port_range(rule->ports, ports));
}

static const char *match_suffix(enum match match)
{
	switch (match) {
	case MATCH_ALL:
		return "";
	case MATCH_REPLIES:
		return " replies";
	case MATCH_OPTIONS:
		return " options";
	case MATCH_ROUTING:
		return " routing-header";
	}
	return " ?";
}

static void append_log(char text[RULE_TEXT_MAX], const struct log_rule *log)
{
	const char *period = word_text(words_period, (int)log->period);

	append(text, " group %u rate %u", log->group, log->rate);
	if (period)
		append(text, "/%s", period);
	else
		append(text, " in %u s", log->period);
}

char *render_rule(const struct rule *rule, const struct log_rule *log, char text[RULE_TEXT_MAX])
{
	text[0] = '\0';
	append(text, "%s %s", family_name(rule->family), verdict_name(rule->verdict));
	append_proto(text, rule);
	append_destination(text, rule);
	append(text, "%s", match_suffix(rule->match));
	if (rule->verdict == VERDICT_LOG)
		append_log(text, log);
	else if (rule->verdict == VERDICT_REJECT_RESET)
		append(text, " with reset");
	else if (rule->verdict == VERDICT_REJECT_PROHIBITED)
		append(text, " with prohibited");
	return text;
}

int render_plan(const struct plan *plan, char **ret)
{
	char uids[UID_RANGE_TEXT_MAX], rule[RULE_TEXT_MAX];
	AUTO_FREE char *text = NULL;
	size_t size, i;
	FILE *stream;
	bool failed;

	stream = open_memstream(&text, &size);
	if (!stream)
		return -ENOMEM;
	fprintf(stream, "hold %s\n", addr_print_uid_range(plan->uids, uids));
	for (i = 0; i < plan->rule_count; i++)
		fprintf(stream, "%s\n", render_rule(&plan->rules[i], &plan->log, rule));
	failed = ferror(stream);
	if (fclose(stream) != 0 || failed)
		return -ENOMEM;
	*ret = util_steal(text);
	return 0;
}
