/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "doctor.h"

/*
 * Persistent tun and tap devices, by rtnetlink: /sys shows those of the network namespace in which it was mounted.
 * What an account writes to one is forwarded, or answered, as if it came from a wire.
 */
struct taps {
	struct doctor *doctor;
	unsigned int found;
	bool hidden;
};

static int take_attribute(const struct nlattr *attribute, void *data)
{
	const struct nlattr **table = data;
	unsigned int type = mnl_attr_get_type(attribute);

	if (type < 64)
		table[type] = attribute;
	return MNL_CB_OK;
}

/* As the kernel judges: an owner or group that is set must fit; with neither, everybody fits. */
static bool may_attach(const struct doctor *doctor, const struct nlattr *owner, const struct nlattr *group)
{
	bool in_group = false;

	if (owner && mnl_attr_get_u32(owner) != doctor->ids.uid)
		return false;
	for (size_t i = 0; group && i < doctor->ids.group_count; i++)
		in_group = in_group || doctor->ids.groups[i] == mnl_attr_get_u32(group);
	return !group || in_group;
}

static int take_link(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *link[64] = { NULL }, *info[64] = { NULL }, *tun[64] = { NULL };
	struct taps *taps = data;
	const char *name;

	mnl_attr_parse(message, sizeof(struct ifinfomsg), take_attribute, link);
	if (!link[IFLA_LINKINFO] || !link[IFLA_IFNAME])
		return MNL_CB_OK;
	mnl_attr_parse_nested(link[IFLA_LINKINFO], take_attribute, info);
	if (!info[IFLA_INFO_KIND] || strcmp(mnl_attr_get_str(info[IFLA_INFO_KIND]), "tun") != 0)
		return MNL_CB_OK;
	if (!info[IFLA_INFO_DATA]) {
		taps->hidden = true;
		return MNL_CB_OK;
	}
	mnl_attr_parse_nested(info[IFLA_INFO_DATA], take_attribute, tun);
	name = mnl_attr_get_str(link[IFLA_IFNAME]);
	if (!may_attach(taps->doctor, tun[IFLA_TUN_OWNER], tun[IFLA_TUN_GROUP]))
		return MNL_CB_OK;
	taps->found++;
	doctor_found(taps->doctor, DOCTOR_FAIL, "tap",
		     "may use the network card %s: what it sends there is forwarded",
		     name);
	doctor_remedy(taps->doctor, "ip link delete %s", name);
	return MNL_CB_OK;
}

static int ask(struct mnl_socket *socket, struct taps *taps)
{
	char buffer[32768] __attribute__((aligned(8)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	ssize_t n;
	int r = MNL_CB_OK;

	message->nlmsg_type = RTM_GETLINK;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -errno;
	while (r > MNL_CB_STOP) {
		n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		r = n < 0 ? MNL_CB_ERROR : mnl_cb_run(buffer, (size_t)n, 0, 0, take_link, taps);
	}
	return r == MNL_CB_ERROR ? -errno : 0;
}

void doctor_taps(struct doctor *doctor)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct taps taps = { .doctor = doctor };
	int error = socket ? ask(socket, &taps) : -errno;

	if (socket)
		mnl_socket_close(socket);
	if (error || taps.hidden)
		doctor_found(doctor, DOCTOR_SKIP, "tap", "network cards: %s", error ?
			     strerror(-error) : "kept from us");
	else if (taps.found == 0)
		doctor_found(doctor, DOCTOR_PASS, "tap", "no network card that the account may use");
}
