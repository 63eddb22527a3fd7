/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drift.h"

#include "egress.h"
#include "plan-compare.h"
#include "render.h"
#include "util.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static size_t lines_count(char **lines)
{
	size_t count = 0;

	while (lines && lines[count])
		count++;
	return count;
}

static int lines_grow(char ***lines, size_t count)
{
	char **grown = reallocarray(*lines, count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	grown[count] = NULL;
	*lines = grown;
	return 0;
}

int lines_add(char ***lines, const char *format, ...)
{
	size_t count = lines_count(*lines);
	char *line;
	va_list args;
	int length;

	if (lines_grow(lines, count + 1))
		return -ENOMEM;
	(*lines)[count] = NULL;
	va_start(args, format);
	length = vasprintf(&line, format, args);
	va_end(args);
	if (length < 0)
		return -ENOMEM;
	(*lines)[count] = line;
	return 0;
}

/* As one family meets it, so that equal rules have equal texts. */
static const char *show_rule(const struct plan *plan, const struct rule *rule, sa_family_t family,
			     char text[RULE_TEXT_MAX])
{
	struct rule seen;

	if (!rule)
		return "nothing";
	seen = *rule;
	if (seen.family == AF_UNSPEC)
		seen.to = (struct prefix){ .addr.family = family };
	seen.family = family;
	return render_rule(&seen, &plan->log, text);
}

static int compare_family(const struct plan *plan, const struct plan *stands, sa_family_t family,
			  char ***lines)
{
	const char *name = family == AF_INET ? "ipv4" : "ipv6";
	size_t want_index = 0, is_index = 0;
	const struct rule *want, *is;
	int r = 0;

	for (size_t i = 0; !r; i++) {
		char want_text[RULE_TEXT_MAX], is_text[RULE_TEXT_MAX];
		const char *want_shown, *is_shown;

		want = plan_next_rule(plan, family, &want_index);
		is = plan_next_rule(stands, family, &is_index);
		if (!want && !is)
			break;
		want_shown = show_rule(plan, want, family, want_text);
		is_shown = show_rule(stands, is, family, is_text);
		if (strcmp(want_shown, is_shown) != 0)
			r = lines_add(lines, "%s: rule %zu: must be \"%s\", is \"%s\"", name, i + 1,
				      want_shown, is_shown);
	}
	return r;
}

/* A family of which nothing stands is one that the kernel lacks: elsewhere that is drift already. */
static int compare_rules(const struct plan *plan, const struct plan *stands, char ***lines)
{
	size_t before = lines_count(*lines);
	int r = 0;

	if (plan_same_rules(plan, stands))
		return 0;
	if (plan_has_family(stands, AF_INET))
		r = compare_family(plan, stands, AF_INET, lines);
	if (!r && plan_has_family(stands, AF_INET6))
		r = compare_family(plan, stands, AF_INET6, lines);
	if (!r && lines_count(*lines) == before)
		r = lines_add(lines, "the rules differ");
	return r;
}

int drift_compare(const struct plan *plan, const struct standing *standing, char ***ret)
{
	char **lines = NULL;
	int r = lines_grow(&lines, 0);

	if (!r && !standing)
		r = lines_add(&lines, "no rules stand");
	for (char **line = standing ? standing->drift : NULL; !r && line && *line; line++)
		r = lines_add(&lines, "%s", *line);
	if (!r && standing)
		r = compare_rules(plan, &standing->plan, &lines);
	if (r) {
		egress_lines_free(lines);
		return r;
	}
	*ret = lines;
	return 0;
}
