/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_CONFORMANCE_PACKETS_H
#define EGRESS_CONFORMANCE_PACKETS_H

/* What a packet meets: over loopback, UDP mostly, sent by processes of the accounts. */
#include <stdbool.h>
#include <sys/types.h>

/* One packet with one byte, of UID to ADDRESS. 0 or the errno of sending it. */
int packet_send(uid_t uid, const char *address, unsigned int port);

/* The same, with a route that leads on from ADDRESS: IPv4's source route, IPv6's routing header. */
int packet_forge(uid_t uid, const char *address, unsigned int port);

/* A process of UID that answers each connection with a byte. */
pid_t listener_start(uid_t uid, const char *address, unsigned int port);
void listener_end(pid_t pid);
/* UID connects to it, from the port FROM if not 0, and waits for the byte. 0 or the errno. */
int tcp_ask(uid_t uid, unsigned int from, const char *address, unsigned int port);

/* An ear on ADDRESS: what arrived there, so far and since the last time. */
struct ear {
	int fd;
	const char *address;
	unsigned int port;
};

struct ear ear_open(const char *address, unsigned int port);
unsigned int ear_heard(const struct ear *ear);

/* A process of UID that sends to all of the ears for as long as it is not ended. */
struct sender {
	pid_t pid;
	volatile struct sender_tells {
		unsigned long tries, sent;
		bool enough;
	} *tells;
};

struct sender sender_start(uid_t uid, const struct ear *ears, unsigned int count);
/* Waits until it has tried TRIES times in all. */
void sender_wait(const struct sender *sender, unsigned long tries);
/* How many it was able to send, by its own word. */
unsigned long sender_end(struct sender *sender);

#endif
