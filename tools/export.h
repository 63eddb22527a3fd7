/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_EXPORT_H
#define EGRESSCTL_EXPORT_H

/* One plan for another engine. A format is one file, one line here and one in verb-export.c. */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>

#include "egress.h"
#include "exit.h"
#include "text.h"

typedef enum exit_code export_fn(const struct egress_plan *plan, FILE *out);

export_fn export_nft, export_iptables, export_networkpolicy, export_json;

/* Of the account itself: what its tables and chains are called. */
char *export_uids(const struct egress_plan *plan, char text[TEXT_RANGE_MAX]);

/* Some lines of comment: whose plan it is, where it came from, what is not in it, and its subordinate uids. */
void export_header(const struct egress_plan *plan, FILE *out);

bool export_has_ports(const struct egress_rule *rule);   /* does it name some? */
bool export_has_address(const struct egress_rule *rule); /* or one, and not all of a family? */

#define EXPORT_PROTOCOL_MAX 16
/* "any", "tcp", "udp", "icmp", "ipv6-icmp", or the number. */
char *export_protocol(const struct egress_rule *rule, char text[EXPORT_PROTOCOL_MAX]);

/* "second", "minute", "hour", "day". */
const char *export_period(const struct egress_plan *plan);

#endif
