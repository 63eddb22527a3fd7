/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host.h"

#include "unit.h"

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is handed out stays reachable: the process is the owner. */
static struct kept {
	struct kept *next;
	char *text;
} *all_kept;

static const char *keep(char *text)
{
	struct kept *kept = calloc(1, sizeof(*kept));

	if (!kept)
		abort();
	*kept = (struct kept){ .next = all_kept, .text = text };
	all_kept = kept;
	return text;
}

/* "NAME.so" as libtool leaves it beside this program. */
static void find_shim(const char *name, char path[4096])
{
	char self[2048];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		abort();
	self[length] = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(path, 4096, "%s/../shim/.libs/%s.so", self, name);
	if (access(path, R_OK))
		snprintf(path, 4096, "%s/../shim/%s.so", self, name);
}

static void load_shims(char **argv)
{
	char fault[4096], netlink[4096], both[9000];

	if (getenv("CONFORMANCE_SHIMS"))
		return;
	find_shim("fault-shim", fault);
	find_shim("netlink-shim", netlink);
	snprintf(both, sizeof(both), "%s:%s", fault, netlink);
	setenv("LD_PRELOAD", both, 1);
	/* The sanitizer's runtime wants to be first. */
	setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 0);
	setenv("CONFORMANCE_SHIMS", "loaded", 1);
	execv("/proc/self/exe", argv);
	abort();
}

void host_prepare(char **argv)
{
	load_shims(argv);
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/run", "tmpfs", 0, "mode=755")) {
		perror("conformance: a /run of its own");
		exit(EXIT_FAILURE);
	}
}

void host_enter_network(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	ck_assert_msg(unshare(CLONE_NEWNET) == 0, "unshare: %m");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_msg(ioctl(fd, SIOCSIFFLAGS, &request) == 0, "lo: %m");
	close(fd);
}

const struct backend_ops *host_ops(const struct host *tested)
{
	if (tested->ops)
		return tested->ops;
	for (size_t i = 0; backends[i]; i++) {
		if (strcmp(backends[i]->name, tested->name) == 0)
			return backends[i]->open ? backends[i] : NULL;
	}
	return NULL;
}

static FILE *start(const char *command)
{
	char line[8192];
	FILE *pipe;

	snprintf(line, sizeof(line), "unset LD_PRELOAD EGRESS_SHIM EGRESS_NETLINK_SHIM; exec 2>&1; %s", command);
	pipe = popen(line, "re");
	ck_assert_ptr_nonnull(pipe);
	return pipe;
}

static int collect(const char *command, const char **ret)
{
	FILE *pipe = start(command);
	char *text = NULL;
	size_t size = 0;

	if (getdelim(&text, &size, '\0', pipe) < 0) {
		free(text);
		text = strdup("");
	}
	*ret = keep(text);
	return pclose(pipe);
}

int host_status(const char *command)
{
	const char *said;

	return collect(command, &said);
}

const char *host_output(const char *command)
{
	const char *said;
	int status = collect(command, &said);

	ck_assert_msg(status == 0, "%s: status %d: %s", command, status, said);
	return said;
}

void host_run(const char *command)
{
	host_output(command);
}

const char *host_dump(void)
{
	return host->dump ? host_output(host->dump) : keep(host->text());
}

/* "[1:29]" and "packets 1 bytes 29" become "[:]" and "packets bytes". */
const char *host_rules(void)
{
	char *text = strdup(host_dump()), *to = text;
	bool counts = false;

	ck_assert_ptr_nonnull(text);
	for (const char *from = text; *from; from++) {
		if (*from == '[' || strncmp(from, "packets ", 8) == 0)
			counts = true;
		else if (*from == ']' || *from == '\n')
			counts = false;
		if (!counts || *from < '0' || *from > '9')
			*to++ = *from;
	}
	*to = '\0';
	return keep(text);
}

/* Every kind of thing that tables can hold, and counters that count. */
static const char foreign[] =
	"set -e; for tool in iptables-legacy ip6tables-legacy; do\n"
	"$tool -N AAA; $tool -N FGH; $tool -N EGRESS-other; $tool -N zzz\n"
	"$tool -A INPUT -i lo -j ACCEPT\n"
	"$tool -A OUTPUT -o lo -m comment --comment \"the host's own\" -j FGH\n"
	"$tool -A FGH -p udp -m multiport --dports 7,9 -j AAA\n"
	"$tool -A FGH -m owner --uid-owner 1234 -j MARK --set-mark 7\n"
	"$tool -A AAA -m limit --limit 5/min -g zzz\n"
	"$tool -A EGRESS-other -j DROP\n"
	"$tool -P FORWARD DROP\n"
	"done\n"
	"nft -f - <<'END'\n"
	"table inet theirs {\n"
	"	comment \"egress\"\n"
	"	counter seen { }\n"
	"	set uids { typeof meta skuid; counter; elements = { 1234, 2001, 20005 }; }\n"
	"	set ranges { typeof meta skuid; flags interval; elements = { 20000-29999 }; }\n"
	"	map ports { type inet_service : verdict; elements = { 7 : return }; }\n"
	"	chain egress { counter; }\n"
	"	chain output {\n"
	"		type filter hook output priority filter - 5; policy accept;\n"
	"		meta skuid @uids counter name seen jump egress\n"
	"		meta skuid @ranges counter\n"
	"		udp dport vmap @ports\n"
	"	}\n"
	"}\n"
	"table ip egress {\n"
	"	set held { type ipv4_addr; flags timeout; }\n"
	"	chain output { type filter hook output priority 0; policy accept; counter; }\n"
	"}\n"
	"END\n";

void foreign_add(void)
{
	host_run(foreign);
}

const char *foreign_dump(void)
{
	return host_output("for tool in iptables-legacy ip6tables-legacy; do $tool-save -c -t filter; done |"
			   " awk '!/^#/ && (!/EGRESS/ || /EGRESS-other/)';"
			   "nft -a list table inet theirs && nft -a list table ip egress");
}
