/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "environment.h"

#include "drift.h"
#include "egress.h"
#include "fault.h"
#include "util.h"
#include "words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define POLICY_MAX 2048 /* of as many destinations and ports as are named, and a login name */
#define DESTINATIONS_MAX 8 /* that are named; a profile may have hundreds */

/* curl knows http_proxy in small letters only, others know only the capitals. */
static const char *const proxy_names[] = {
	"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy",
};

/* Empty, not unset: what an administrator has put there for everybody would walk around the proxy, into a refusal. */
static const char *const no_proxy_names[] = { "NO_PROXY", "no_proxy" };

static const char *const ca_names[] = {
	"SSL_CERT_FILE",     /* OpenSSL's default, Go, Ruby, rustls */
	"CURL_CA_BUNDLE",    /* curl */
	"REQUESTS_CA_BUNDLE", /* Python's requests */
	"PIP_CERT",
	"NODE_EXTRA_CA_CERTS",
	"GIT_SSL_CAINFO",
	"CARGO_HTTP_CAINFO",
	"AWS_CA_BUNDLE",
	"DENO_CERT",
};

static void __attribute__((format(printf, 2, 3))) append(char text[POLICY_MAX], const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, POLICY_MAX - used, format, args);
	va_end(args);
}

/* "192.0.2.10/32 tcp 443,8000-8010" */
static void append_allow(char text[POLICY_MAX], const struct allow *allow)
{
	char to[PREFIX_TEXT_MAX], ports[PORT_RANGE_TEXT_MAX];

	append(text, "%s %s", addr_print_prefix(&allow->to, to), word_text(words_proto, allow->proto));
	for (size_t i = 0; i < allow->port_count && i < DESTINATIONS_MAX; i++)
		append(text, "%s%s", i ? "," : " ", addr_print_port_range(allow->ports[i], ports));
	if (allow->port_count > DESTINATIONS_MAX)
		append(text, ",...");
}

/* One line, whatever is in the names. */
static void print_policy(const struct profile *profile, const char *user, char text[POLICY_MAX])
{
	size_t count = profile->proxy_count + profile->allow_count;

	text[0] = '\0';
	append(text, "this account reaches only the proxy");
	for (size_t i = 0; i < count && i < DESTINATIONS_MAX; i++) {
		char endpoint[ENDPOINT_TEXT_MAX];

		append(text, "%s ", i ? "," : "");
		if (i < profile->proxy_count)
			append(text, "%s", addr_print_endpoint(&profile->proxies[i].endpoint, endpoint));
		else
			append_allow(text, &profile->allows[i - profile->proxy_count]);
	}
	if (count > DESTINATIONS_MAX)
		append(text, " and %zu more", count - DESTINATIONS_MAX);
	/* By its path: few accounts have sbin in theirs. */
	append(text, "; why: " EGRESS_SBINDIR "/egressctl explain %s DESTINATION", user);
	fault_clean_line(text);
}

static int add_all(char ***lines, const char *const *names, size_t count, const char *value)
{
	int r = 0;

	for (size_t i = 0; !r && i < count; i++)
		r = lines_add(lines, "%s=%s", names[i], value);
	return r;
}

static int add_proxy(char ***lines, const struct profile *profile)
{
	char url[sizeof("http://") + ENDPOINT_TEXT_MAX], endpoint[ENDPOINT_TEXT_MAX];
	int r;

	snprintf(url, sizeof(url), "http://%s", addr_print_endpoint(&profile->proxies[0].endpoint, endpoint));
	r = add_all(lines, proxy_names, ARRAY_SIZE(proxy_names), profile->proxy_url ? profile->proxy_url : url);
	if (!r)
		r = add_all(lines, no_proxy_names, ARRAY_SIZE(no_proxy_names), "");
	return r ? r : lines_add(lines, "NODE_USE_ENV_PROXY=1");
}

int environment_make(const struct profile *profile, const char *user, char ***ret)
{
	char **lines = calloc(1, sizeof(*lines));
	char policy[POLICY_MAX];
	int r = 0;

	if (!lines)
		return -ENOMEM;
	if (profile->env) {
		print_policy(profile, user, policy);
		r = add_proxy(&lines, profile);
		if (!r && profile->ca_file)
			r = add_all(&lines, ca_names, ARRAY_SIZE(ca_names), profile->ca_file);
		if (!r)
			r = lines_add(&lines, "EGRESS_POLICY=%s", policy);
	}
	if (r) {
		egress_lines_free(lines);
		return r;
	}
	*ret = lines;
	return 0;
}

int environment_notice(const struct profile *profile, const char *user, char **ret)
{
	char policy[POLICY_MAX];
	char *line = NULL;

	if (profile->notice) {
		print_policy(profile, user, policy);
		if (asprintf(&line, "egress: %s", policy) < 0)
			return -ENOMEM;
	}
	*ret = line;
	return 0;
}
