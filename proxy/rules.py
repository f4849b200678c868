"""The nftables rules that make Services work on this node. Pure; the shape is that of kube-proxy's nftables mode.

A packet's way: the ``services`` chain (hooked at prerouting for what arrives, at output for what this host sends) looks
address, protocol and port up in one verdict map, so its cost does not grow with the number of Services. A service
port's chain picks an endpoint at random, the endpoint's chain rewrites the destination. What needs this host's address
as its source is marked on the way and masqueraded at postrouting. After that, at forward and output, whatever is still
addressed to the service CIDR is nobody's, and is rejected: it never leaves by the default route.

NodePorts answer on every address of the host but 127.0.0.0/8, as in kube-proxy's nftables mode.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from proxy.endpoints import Backend, ServicePort
from proxy.ruleset import Chain, Ruleset

MASQUERADE_MARK = 0x4000
SERVICE_IPS = "service-ips"
SERVICE_NODE_PORTS = "service-nodeports"
NO_ENDPOINT_SERVICES = "no-endpoint-services"
NO_ENDPOINT_NODE_PORTS = "no-endpoint-nodeports"
MARK = "mark-for-masquerade"
REJECT = "reject-chain"
CACHED_PORTS = 4096

_ADDRESS_MAP = "type ipv4_addr . inet_proto . inet_service : verdict"
_PORT_MAP = "type inet_proto . inet_service : verdict"
_MAPS = {
    SERVICE_IPS: _ADDRESS_MAP,
    SERVICE_NODE_PORTS: _PORT_MAP,
    NO_ENDPOINT_SERVICES: _ADDRESS_MAP,
    NO_ENDPOINT_NODE_PORTS: _PORT_MAP,
}
_BY_ADDRESS = "ip daddr . meta l4proto . th dport vmap"
_BY_PORT = "meta l4proto . th dport vmap"
_NOT_LOOPBACK = "ip daddr != 127.0.0.0/8"


@dataclass(frozen=True, slots=True)
class Network:
    """What the rules need to know of the node and the cluster.

    ``pod_cidr`` is this node's share of the cluster CIDR, empty while it has none. ``bridge_netfilter`` tells whether
    frames between two pods on the bridge pass through nftables (``net.bridge.bridge-nf-call-iptables``).
    """

    table: str
    cluster_cidr: str
    service_cidr: str
    pod_cidr: str = ""
    bridge_netfilter: bool = True


@dataclass(frozen=True, slots=True)
class PortRules:
    """What one service port adds to the table: chains, sets, and elements as (map, key, verdict)."""

    chains: tuple[tuple[str, Chain], ...]
    sets: tuple[tuple[str, str], ...]
    elements: tuple[tuple[str, str, str], ...]


def ruleset(ports: Iterable[ServicePort], network: Network) -> Ruleset:
    """The whole table. Where two ports claim the same address, protocol and port, the one that comes first has it."""
    chains = dict(_base_chains(network))
    sets: dict[str, str] = {}
    elements: dict[str, dict[str, str]] = {name: {} for name in _MAPS}
    for port in ports:
        rules = port_rules(port, network.cluster_cidr)
        chains.update(rules.chains)
        sets.update(rules.sets)
        for map_name, key, verdict in rules.elements:
            elements[map_name].setdefault(key, verdict)
    return Ruleset(table=network.table, chains=chains, maps=_MAPS, elements=elements, sets=sets)


@lru_cache(maxsize=CACHED_PORTS)
def port_rules(port: ServicePort, cluster_cidr: str) -> PortRules:
    """The part of the table that one service port needs."""
    suffix = _suffix(port)
    cluster_chain, local_chain, external_chain = f"service-{suffix}", f"local-{suffix}", f"external-{suffix}"
    chains: list[tuple[str, Chain]] = []
    sets: list[tuple[str, str]] = []
    if port.cluster_endpoints:
        chains.append((cluster_chain, _balancing(port, port.cluster_endpoints)))
    if port.local_endpoints:
        chains.append((local_chain, _balancing(port, port.local_endpoints)))
    for backend in sorted(port.backends):
        chains.append((_endpoint_chain(port, backend), _endpoint(port, backend)))
        if port.affinity_seconds:
            declaration = f"type ipv4_addr; flags dynamic,timeout; timeout {port.affinity_seconds}s"
            sets.append((_affinity_set(port, backend), declaration))

    elements: list[tuple[str, str, str]] = []
    internal = port.local_endpoints if port.internal_local else port.cluster_endpoints
    cluster_key = _key(port.cluster_ip, port)
    if internal:
        chain = local_chain if port.internal_local else cluster_chain
        elements.append((SERVICE_IPS, cluster_key, f"goto {chain}"))
    else:
        elements.append((NO_ENDPOINT_SERVICES, cluster_key, "drop" if port.has_any_endpoint else f"goto {REJECT}"))
    if port.is_external:
        if port.cluster_endpoints:
            chains.append((external_chain, _external(port, cluster_cidr, cluster_chain, local_chain)))
        balancer = f"goto {external_chain}"
        if port.source_ranges and port.cluster_endpoints:
            firewall = f"firewall-{suffix}"
            chains.append(
                (firewall, Chain((f"ip saddr {_networks(port.source_ranges)} goto {external_chain}", "drop")))
            )
            balancer = f"goto {firewall}"
        elements += _external_elements(port, balancer, f"goto {external_chain}")
    return PortRules(tuple(chains), tuple(sets), tuple(elements))


def _external_elements(port: ServicePort, balancer: str, other: str) -> Iterable[tuple[str, str, str]]:
    addresses, node_ports = SERVICE_IPS, SERVICE_NODE_PORTS
    if not port.cluster_endpoints:
        addresses, node_ports = NO_ENDPOINT_SERVICES, NO_ENDPOINT_NODE_PORTS
        balancer = other = f"goto {REJECT}"
    yield from ((addresses, _key(address, port), balancer) for address in port.load_balancer_ips)
    yield from ((addresses, _key(address, port), other) for address in port.external_ips)
    if port.node_port:
        yield node_ports, f"{port.protocol} . {port.node_port}", other


def _external(port: ServicePort, cluster_cidr: str, cluster_chain: str, local_chain: str) -> Chain:
    """Under the policy Cluster the answer must come back through this node, so the source becomes this node's.

    Under Local the client's address is kept; pods and the node itself are no outsiders and reach every endpoint.
    """
    if not port.external_local:
        return Chain((f"jump {MARK}", f"goto {cluster_chain}"))
    return Chain(
        (
            f"ip saddr {cluster_cidr} goto {cluster_chain}",
            f"fib saddr type local jump {MARK}",
            f"fib saddr type local goto {cluster_chain}",
            f"goto {local_chain}" if port.local_endpoints else "drop",
        )
    )


def _balancing(port: ServicePort, backends: tuple[Backend, ...]) -> Chain:
    rules = []
    if port.affinity_seconds:
        rules = [f"ip saddr @{_affinity_set(port, b)} goto {_endpoint_chain(port, b)}" for b in backends]
    choices = ", ".join(f"{number} : goto {_endpoint_chain(port, b)}" for number, b in enumerate(backends))
    return Chain((*rules, f"numgen random mod {len(backends)} vmap {{ {choices} }}"))


def _endpoint(port: ServicePort, backend: Backend) -> Chain:
    """A pod that is sent to itself must see another source, or it would answer itself directly."""
    rules = [f"ip saddr {backend.address} jump {MARK}"]
    if port.affinity_seconds:
        rules.append(f"update @{_affinity_set(port, backend)} {{ ip saddr }}")
    rules.append(f"meta l4proto {port.protocol} dnat to {backend.address}:{backend.port}")
    return Chain(tuple(rules))


def _base_chains(network: Network) -> Iterable[tuple[str, Chain]]:
    service_cidr, cluster_cidr = network.service_cidr, network.cluster_cidr
    yield MARK, Chain((f"meta mark set meta mark or {MASQUERADE_MARK:#x}",))
    # A reset, because this host's own connections, routed to lo, do not hear of an ICMP error there.
    yield REJECT, Chain(("meta l4proto tcp reject with tcp reset", "reject"))
    yield (
        "services",
        Chain(
            (
                f"ip daddr {service_cidr} ip saddr != {cluster_cidr} jump {MARK}",
                f"{_BY_ADDRESS} @{SERVICE_IPS}",
                f"{_NOT_LOOPBACK} fib daddr type local {_BY_PORT} @{SERVICE_NODE_PORTS}",
            )
        ),
    )
    yield "masquerading", Chain(tuple(_masquerading(network)))
    yield "nat-prerouting", Chain(("jump services",), "type nat hook prerouting priority -100; policy accept")
    yield "nat-output", Chain(("jump services",), "type nat hook output priority -100; policy accept")
    yield "nat-postrouting", Chain(("jump masquerading",), "type nat hook postrouting priority 100; policy accept")
    no_endpoint = f"ct state new {_BY_ADDRESS} @{NO_ENDPOINT_SERVICES}"
    nobodys = f"ip daddr {service_cidr} goto {REJECT}"
    # A little before the usual filter priority 0, so that a client is refused even where another table would drop.
    yield (
        "filter-input",
        Chain(
            (no_endpoint, f"ct state new {_NOT_LOOPBACK} {_BY_PORT} @{NO_ENDPOINT_NODE_PORTS}"),
            "type filter hook input priority -5; policy accept",
        ),
    )
    yield "filter-forward", Chain((no_endpoint, nobodys), "type filter hook forward priority -5; policy accept")
    yield "filter-output", Chain((no_endpoint, nobodys), "type filter hook output priority -5; policy accept")


def _masquerading(network: Network) -> Iterable[str]:
    masquerade = "masquerade fully-random"
    marked = f"meta mark and {MASQUERADE_MARK:#x} == {MASQUERADE_MARK:#x}"
    yield f"{marked} meta mark set meta mark xor {MASQUERADE_MARK:#x} {masquerade}"
    if network.pod_cidr and not network.bridge_netfilter:
        # The answer would go from pod to pod over the bridge, past nftables, and come from the wrong address.
        yield f"ct status dnat ip saddr {network.pod_cidr} ip daddr {network.pod_cidr} {masquerade}"
    yield f"ip saddr {network.cluster_cidr} ip daddr != {{ {network.cluster_cidr}, 224.0.0.0/4 }} {masquerade}"


def _networks(ranges: Iterable[str]) -> str:
    """A set of address ranges; nft refuses ranges that overlap."""
    networks = ipaddress.collapse_addresses(ipaddress.IPv4Network(text, strict=False) for text in ranges)
    return "{ " + ", ".join(str(network) for network in networks) + " }"


def _key(address: str, port: ServicePort) -> str:
    return f"{address} . {port.protocol} . {port.port}"


def _suffix(port: ServicePort) -> str:
    return f"{_hash(port.label, port.protocol)}-{port.namespace}/{port.name}/{port.protocol}/{port.port_name}"


def _endpoint_chain(port: ServicePort, backend: Backend) -> str:
    return f"endpoint-{_suffix(port)}__{backend.address}/{backend.port}"


def _affinity_set(port: ServicePort, backend: Backend) -> str:
    """The time-out is in the name, because a set's time-out can't be changed."""
    return f"affinity-{port.affinity_seconds}-{_suffix(port)}__{backend.address}/{backend.port}"


def _hash(*parts: str) -> str:
    """Eight characters that keep names apart which the readable part alone would not."""
    return base64.b32encode(hashlib.sha256("\0".join(parts).encode()).digest())[:8].decode()
