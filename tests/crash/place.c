/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "place.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <unistd.h>

#define UIDS_MAX 64
#define PORT 7777
#define ARRIVAL_MS 200
#define TOKEN_DIGITS 32

enum { FAMILIES = 2 };

static struct {
	int ears[FAMILIES];
	uid_t uids[UIDS_MAX];
	size_t count;
} place;

/* ---- packets ------------------------------------------------------------------------------------- */

static socklen_t address(int family, struct sockaddr_storage *ret)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (family == 0) {
		four->sin_family = AF_INET;
		four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		four->sin_port = htons(PORT);
		return sizeof(*four);
	}
	six->sin6_family = AF_INET6;
	six->sin6_addr = in6addr_loopback;
	six->sin6_port = htons(PORT);
	return sizeof(*six);
}

static int new_socket(int family)
{
	int fd = socket(family == 0 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		err(2, "socket");
	return fd;
}

void place_begin(const uid_t *uids, size_t count)
{
	struct sockaddr_storage to;

	for (int family = 0; family < FAMILIES; family++) {
		socklen_t length = address(family, &to);

		place.ears[family] = new_socket(family);
		if (bind(place.ears[family], (struct sockaddr *)&to, length))
			err(2, "bind");
	}
	memcpy(place.uids, uids, count * sizeof(*uids));
	place.count = count;
}

static bool hears(int ear, unsigned int number)
{
	struct pollfd wait = { .fd = ear, .events = POLLIN };
	unsigned int heard;

	while (poll(&wait, 1, ARRIVAL_MS) == 1)
		if (recv(ear, &heard, sizeof(heard), 0) == sizeof(heard) && heard == number)
			return true;
	return false;
}

/* The owner match asks who made the socket. One that stays open would be a leftover of his. */
static int new_mouth(uid_t uid, int family)
{
	int fd;

	setfsuid(uid);
	fd = new_socket(family);
	setfsuid(0);
	return fd;
}

static enum verdict probe_family(uid_t uid, int family)
{
	static unsigned int number;
	struct sockaddr_storage to;
	socklen_t length = address(family, &to);
	int mouth = new_mouth(uid, family), error;
	ssize_t sent;

	number++;
	sent = sendto(mouth, &number, sizeof(number), 0, (struct sockaddr *)&to, length);
	error = errno;
	close(mouth);
	if (sent == sizeof(number))
		return hears(place.ears[family], number) ? ARRIVES : MIXED;
	return error == EPERM || error == EACCES ? REFUSED : MIXED;
}

enum verdict place_probe(uid_t uid)
{
	for (size_t i = 0; i < place.count; i++) {
		enum verdict four, six;

		if (place.uids[i] != uid)
			continue;
		four = probe_family(uid, 0);
		six = probe_family(uid, 1);
		return four == six ? four : MIXED;
	}
	errx(2, "no socket of uid %u", uid);
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = { "is refused", "gets out", "gets out in one family" };

	return names[verdict];
}

/* ---- files --------------------------------------------------------------------------------------- */

static char *list_text;
static size_t list_top; /* length of the folder's own path */
static bool list_is_lib;

static bool may_stay(const char *path, const char *name)
{
	if (list_is_lib)
		return strncmp(name, ".new-", 5) != 0;
	return strcmp(path, "lock") == 0 || strcmp(name, "pidns") == 0 ||
	       (strncmp(path, "net-", 4) == 0 && !strchr(path, '/'));
}

static bool is_token(const char *name)
{
	return strlen(name) == TOKEN_DIGITS && strspn(name, "0123456789abcdef") == TOKEN_DIGITS;
}

static int list_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	const char *below = path + list_top + 1, *name = path + at->base;
	size_t length = strlen(list_text);

	(void)st;
	(void)type;
	if (at->level > 0 && !may_stay(below, name))
		snprintf(list_text + length, PLACE_LIST_MAX - length, "%.*s%s\n", (int)(name - below), below,
			 is_token(name) ? "TOKEN" : name);
	return 0;
}

/* Of a file system that keeps its order, so that two lists can be compared line by line if sorted. */
static void sort_lines(char *text)
{
	char copy[PLACE_LIST_MAX], *lines[256], *rest = copy, *line;
	size_t count = 0;

	strcpy(copy, text);
	while (count < 256 && (line = strsep(&rest, "\n")) && *line) {
		size_t i = count++;

		for (; i > 0 && strcmp(lines[i - 1], line) > 0; i--)
			lines[i] = lines[i - 1];
		lines[i] = line;
	}
	for (size_t i = 0; i < count; i++)
		text += sprintf(text, "%s\n", lines[i]);
}

void place_list(const char *statedir, const char *libdir, char text[PLACE_LIST_MAX])
{
	const char *const folders[] = { statedir, libdir };

	text[0] = '\0';
	list_text = text;
	for (int i = 0; i < 2; i++) {
		list_is_lib = i == 1;
		list_top = strlen(folders[i]);
		nftw(folders[i], list_one, 16, FTW_PHYS);
	}
	sort_lines(text);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void place_remove(const char *statedir, const char *libdir)
{
	nftw(statedir, remove_one, 16, FTW_PHYS | FTW_DEPTH);
	nftw(libdir, remove_one, 16, FTW_PHYS | FTW_DEPTH);
}

bool place_lock_is_free(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_free = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0;

	if (fd >= 0)
		close(fd);
	return is_free;
}

/* ---- tables -------------------------------------------------------------------------------------- */

char *place_tables(const char *backend)
{
	FILE *pipe = popen(strcmp(backend, "iptables") == 0 ?
				   "iptables-legacy-save; ip6tables-legacy-save" :
				   "nft list ruleset", "re");
	char *text = NULL;
	size_t size = 0;

	if (!pipe || getdelim(&text, &size, '\0', pipe) < 0) {
		free(text);
		text = strdup("");
	}
	if (pipe)
		pclose(pipe);
	return text;
}
