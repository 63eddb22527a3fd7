/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "doctor.h"
#include "exit.h"
#include "util.h"

#define CONNECT_MS 1000
#define TCP_LISTEN 0x0a

struct address {
	struct sockaddr_storage storage;
	socklen_t length;
};

static struct address address_of(const struct endpoint *endpoint)
{
	struct address address = { .length = sizeof(struct sockaddr_in) };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address.storage;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address.storage;

	address.storage.ss_family = endpoint->addr.family;
	if (endpoint->addr.family == AF_INET) {
		v4->sin_addr = endpoint->addr.v4;
		v4->sin_port = htons(endpoint->port);
	} else {
		v6->sin6_addr = endpoint->addr.v6;
		v6->sin6_port = htons(endpoint->port);
		address.length = sizeof(*v6);
	}
	return address;
}

static bool is_loopback(const struct addr *addr)
{
	if (addr->family == AF_INET)
		return ntohl(addr->v4.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&addr->v6);
}

/* 0 or a negative errno. */
static int connect_to(const struct endpoint *endpoint)
{
	struct address address = address_of(endpoint);
	AUTO_CLOSE int fd = socket(endpoint->addr.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t length = sizeof(error);

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address.storage, address.length) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if (poll(&wait, 1, CONNECT_MS) <= 0)
		return -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		return -errno;
	return -error;
}

/* Who listens on a port; /proc/net/tcp as text. */
struct listener {
	const struct endpoint *endpoint;
	bool found;
	uid_t uid;
};

static bool is_address(const char *text, const struct addr *addr)
{
	char wanted[40] = "";
	const unsigned char *bytes = (const unsigned char *)&addr->v6;

	if (strspn(text, "0:") >= strlen(text))
		return true; /* any address */
	for (unsigned int i = 0; i < addr_bits(addr->family) / 32; i++) {
		uint32_t word;

		memcpy(&word, bytes + 4 * i, sizeof(word));
		snprintf(wanted + 8 * i, sizeof(wanted) - 8 * i, "%08X", word);
	}
	return strcmp(text, wanted) == 0;
}

/* "0: 0100007F:0C38 00000000:0000 0A 00000000:00000000 00:00000000 00000000  2001 ..." */
static bool is_listener(char *line, void *data)
{
	struct listener *listener = data;
	char address[40];
	unsigned int port, state, uid;

	if (sscanf(line, " %*u: %39[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %u", address,
		   &port, &state, &uid) != 4)
		return false;
	if (state != TCP_LISTEN || port != listener->endpoint->port ||
	    !is_address(address, &listener->endpoint->addr))
		return false;
	listener->uid = uid;
	listener->found = true;
	return true;
}

static bool find_listener(struct listener *listener)
{
	static const char *const files[] = { "/proc/self/net/tcp", "/proc/self/net/tcp6" };

	for (size_t i = 0; i < ARRAY_SIZE(files) && !listener->found; i++) {
		AUTO_FREE char *text = NULL;

		/* An IPv4 proxy may listen on [::]; of an IPv4 address tcp6 tells nothing else. */
		if (i == 0 && listener->endpoint->addr.family == AF_INET6)
			continue;
		text = doctor_read(files[i]);
		if (text)
			doctor_lines(text, is_listener, listener);
	}
	return listener->found;
}

static bool is_proxy_user(const struct profile *profile, uid_t uid)
{
	const struct passwd *passwd = profile->proxy_user ? getpwnam(profile->proxy_user) : NULL;

	return uid == 0 || (passwd && passwd->pw_uid == uid);
}

static void look_at_owner(struct doctor *doctor, const struct profile *profile,
			  const struct endpoint *endpoint,
			  const char *text)
{
	struct listener listener = { .endpoint = endpoint };
	char start[64] = "1024";
	long privileged;

	doctor_sysctl("net.ipv4.ip_unprivileged_port_start", start);
	privileged = strtol(start, NULL, 10);
	if (endpoint->port < privileged) {
		doctor_found(doctor, DOCTOR_PASS, "port", "%s: only root may bind the port", text);
		return;
	}
	if (find_listener(&listener) && is_proxy_user(profile, listener.uid)) {
		doctor_found(doctor, DOCTOR_PASS, "port", "%s: bound by uid %u", text, listener.uid);
		return;
	}
	if (listener.found && doctor->user && listener.uid == doctor->ids.uid)
		doctor_found(doctor, DOCTOR_FAIL, "port", "%s: bound by the account itself", text);
	else if (listener.found)
		doctor_found(doctor, DOCTOR_WARN, "port",
			     "%s: bound by uid %u, who is neither root nor proxy_user", text,
			     listener.uid);
	else
		doctor_found(doctor, DOCTOR_FAIL, "port", "%s: everybody may bind the port", text);
	doctor_remedy(doctor, "sysctl -w net.ipv4.ip_unprivileged_port_start=%u", endpoint->port + 1U);
}

static bool is_own(const struct addr *addr)
{
	struct ifaddrs *all = NULL;
	bool own = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (struct ifaddrs *each = all; each && !own; each = each->ifa_next) {
		struct addr other = { .family = each->ifa_addr ? each->ifa_addr->sa_family : AF_UNSPEC };

		if (other.family == AF_INET)
			other.v4 = ((struct sockaddr_in *)each->ifa_addr)->sin_addr;
		else if (other.family == AF_INET6)
			other.v6 = ((struct sockaddr_in6 *)each->ifa_addr)->sin6_addr;
		else
			continue;
		own = addr_equal(addr, &other);
	}
	freeifaddrs(all);
	return own;
}

struct translation {
	char port[40];
	char *line;
};

static bool translates(char *line, void *data)
{
	struct translation *wanted = data;
	const char *at = strstr(line, wanted->port);

	if (!at || (at[strlen(wanted->port)] >= '0' && at[strlen(wanted->port)] <= '9'))
		return false;
	if (!strstr(line, "DNAT") && !strstr(line, "REDIRECT") && !strstr(line, "dnat") &&
	    !strstr(line, "redirect"))
		return false;
	wanted->line = must(strdup(line + strspn(line, " \t")));
	return true;
}

/* Filters see the address after the translation: the proxy would not be reached as it is named. */
static void look_at_translation(struct doctor *doctor, const struct endpoint *endpoint, const char *text)
{
	static const char *const commands[][4] = {
		{ "/usr/sbin/iptables-legacy-save", NULL },
		{ "/usr/sbin/ip6tables-legacy-save", NULL },
		{ "/usr/sbin/nft", "list", "ruleset", NULL },
	};
	struct translation wanted = { .line = NULL };

	if (!doctor->root) {
		doctor_found(doctor, DOCTOR_SKIP, "translation",
			     "%s: whether the port is translated: needs root", text);
		return;
	}
	snprintf(wanted.port, sizeof(wanted.port), "dport %u", endpoint->port);
	for (size_t i = 0; i < ARRAY_SIZE(commands) && !wanted.line; i++) {
		AUTO_FREE char *rules = NULL;

		if (doctor_run((char *const *)commands[i], false, &rules) == 0)
			doctor_lines(rules, translates, &wanted);
	}
	if (wanted.line) {
		doctor_found(doctor, DOCTOR_WARN, "translation",
			     "%s: a rule translates this port: %s", text, wanted.line);
		doctor_remedy(doctor, "nft -a list ruleset; iptables-save -t nat   # then list both addresses as proxy");
	} else {
		doctor_found(doctor, DOCTOR_PASS, "translation", "%s: no rule translates the port", text);
	}
	free(wanted.line);
}

static void look_at_proxy(struct doctor *doctor, const struct profile *profile,
			  const struct endpoint *endpoint)
{
	char text[ENDPOINT_TEXT_MAX];
	int error = connect_to(endpoint);
	bool local = is_loopback(&endpoint->addr), own = !local && is_own(&endpoint->addr);

	addr_print_endpoint(endpoint, text);
	if (error && !doctor->root) {
		doctor_found(doctor, DOCTOR_SKIP, "answer", "%s: whether it answers: needs root", text);
	} else if (error) {
		doctor_found(doctor, DOCTOR_FAIL, "answer", "%s: does not answer: %s", text,
			     strerror(-error));
		doctor_remedy(doctor, "ss -ltnp 'sport = :%u'   # then start the proxy", endpoint->port);
	} else {
		doctor_found(doctor, DOCTOR_PASS, "answer", "%s: answers", text);
	}
	if (local || own)
		look_at_owner(doctor, profile, endpoint, text);
	if (own) {
		doctor_found(doctor, DOCTOR_WARN, "address",
			     "%s: an address of the host's own: a socket that is bound to a card still sends to the wire", text);
		doctor_remedy(doctor, "editor %s   # let the proxy listen on 127.0.0.1",
			      egress_ctx_config(doctor->ctx));
	}
	look_at_translation(doctor, endpoint, text);
}

static void look_at_profile(struct doctor *doctor, const struct profile *profile)
{
	for (size_t i = 0; i < profile->proxy_count; i++)
		look_at_proxy(doctor, profile, &profile->proxies[i].endpoint);
}

void doctor_proxies(struct doctor *doctor)
{
	if (doctor->profile)
		look_at_profile(doctor, doctor->profile);
	for (size_t i = 0; !doctor->user && doctor->view.conf && i < doctor->view.conf->profile_count; i++)
		look_at_profile(doctor, doctor->view.conf->profiles[i]);
}
