#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""networkpolicy.py FILE EXPRESSION: is FILE a NetworkPolicy, and is EXPRESSION true of it?

Read by Debian's Kubernetes client library (python3-kubernetes) into V1NetworkPolicy "p". It drops what it does not
know: so it must write the same document again. What an API server refuses beyond that is asked as well.
"""
import ipaddress
import json
import re
import sys
import types

from kubernetes import client

with open(sys.argv[1], encoding="ascii") as file:
    text = file.read()
api = client.ApiClient()
p = api.deserialize(types.SimpleNamespace(data=text), "V1NetworkPolicy")
again = api.sanitize_for_serialization(p)
if again != json.loads(text):
    sys.exit(f"the client library does not know all of it: {again}")
if not isinstance(p, client.V1NetworkPolicy) or (p.api_version, p.kind) != ("networking.k8s.io/v1", "NetworkPolicy"):
    sys.exit("no NetworkPolicy")
if not re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", p.metadata.name) or len(p.metadata.name) > 253:
    sys.exit(f"not a name: {p.metadata.name}")
for key, value in p.spec.pod_selector.match_labels.items():
    if not re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?", value) or len(value) > 63:
        sys.exit(f"not a label: {key}={value}")
for rule in p.spec.egress:
    for peer in rule.to:
        ipaddress.ip_network(peer.ip_block.cidr)
    for port in rule.ports or []:
        if port.protocol not in ("TCP", "UDP") or (port.end_port and not port.port < port.end_port <= 65535):
            sys.exit(f"not a port: {port}")


def allows():
    """(cidr, protocol, port, end port) of each rule; None: all."""
    return [(peer.ip_block.cidr, *((port.protocol, port.port, port.end_port) if port else (None, None, None)))
            for rule in p.spec.egress for peer in rule.to for port in rule.ports or [None]]


label = p.spec.pod_selector.match_labels["egress-account"]
notes = p.metadata.annotations
if not eval(f"({sys.argv[2]})"):
    sys.exit(f"not so: {sys.argv[2]}\n{p}")
