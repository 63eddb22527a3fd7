/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "socket-owner.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINK_MAX_LENGTH 64

/* The kernel's lists of sockets in /proc/net; those of IPv6 list what goes to IPv4 by a mapped address, too. */
static const struct {
	uint8_t protocol;
	const char *name;
} lists[] = {
	{ IPPROTO_TCP, "tcp" },	    { IPPROTO_TCP, "tcp6" },	     { IPPROTO_UDP, "udp" },
	{ IPPROTO_UDP, "udp6" },    { IPPROTO_UDPLITE, "udplite" },  { IPPROTO_UDPLITE, "udplite6" },
	{ IPPROTO_ICMP, "icmp" },   { IPPROTO_ICMPV6, "icmp6" },
};

/* One line of such a list; false if it is not about that port and uid, or if nobody has the socket open. */
static bool read_line(const char *line, uint16_t port, uid_t uid, uint64_t *ret_inode)
{
	unsigned int local, owner;
	uint64_t inode;

	return sscanf(line, " %*d: %*[0-9A-F]:%x %*s %*s %*s %*s %*s %u %*s %" SCNu64, &local, &owner, &inode) == 3 &&
	       local == port && owner == uid && inode != 0 && (*ret_inode = inode);
}

static bool find_in_list(const char *name, uint16_t port, uid_t uid, uint64_t *ret_inode)
{
	char path[64], line[512];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/net/%s", name);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = read_line(line, port, uid, ret_inode);
	fclose(file);
	return found;
}

static bool find_inode(const struct ip_packet *packet, uid_t uid, uint64_t *ret)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (lists[i].protocol == packet->protocol && find_in_list(lists[i].name, packet->from_port, uid, ret))
			return true;
	}
	return false;
}

static bool has_link(int folder, const char *wanted)
{
	char link[LINK_MAX_LENGTH];
	DIR *files = fdopendir(folder);
	struct dirent *entry;
	bool found = false;

	if (!files) {
		close(folder);
		return false;
	}
	while (!found && (entry = readdir(files))) {
		ssize_t length = readlinkat(dirfd(files), entry->d_name, link, sizeof(link) - 1);

		link[length > 0 ? length : 0] = '\0';
		found = strcmp(link, wanted) == 0;
	}
	closedir(files);
	return found;
}

static bool has_socket(int proc, const char *pid, const char *wanted)
{
	char path[64];
	int folder;

	snprintf(path, sizeof(path), "%.20s/fd", pid);
	folder = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder >= 0 && has_link(folder, wanted);
}

static void read_name(int proc, const char *pid, char name[OWNER_NAME_MAX])
{
	char path[64];
	ssize_t length = 0;
	int file;

	snprintf(path, sizeof(path), "%.20s/comm", pid);
	file = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (file >= 0) {
		length = read(file, name, OWNER_NAME_MAX - 1);
		close(file);
	}
	name[length > 0 ? length : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
}

struct socket_owner socket_owner_find(const struct ip_packet *packet, uid_t uid)
{
	struct socket_owner owner = { 0 };
	char wanted[LINK_MAX_LENGTH];
	struct dirent *entry;
	uint64_t inode;
	DIR *proc;

	if (!find_inode(packet, uid, &inode) || !(proc = opendir("/proc")))
		return owner;
	snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", inode);
	while (owner.pid == 0 && (entry = readdir(proc))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    !has_socket(dirfd(proc), entry->d_name, wanted))
			continue;
		owner.pid = atoi(entry->d_name);
		read_name(dirfd(proc), entry->d_name, owner.name);
	}
	closedir(proc);
	return owner;
}
