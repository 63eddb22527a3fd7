# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Where packets are tried; to be sourced after tests/kernel/kernel.bash. Whatever is no loopback leaves by a card with
# nobody at its other end: any destination can be tried.
ip link add wire type veth peer name far && ip link set wire arp off && ip link set wire addrgenmode none &&
	ip link set far addrgenmode none && ip link set far up && ip link set wire up &&
	ip addr add 10.99.0.1/24 dev wire && ip addr add fd00:99::1/64 dev wire nodad &&
	ip route add default dev wire && ip -6 route add default dev wire &&
	echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range || exit 1
