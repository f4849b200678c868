"""The host's forwarding, routes and FORWARD rules: what pods need beside the Services' rules.

The ``ip`` program does the netlink work: it runs a few times in a process's life, and a netlink library would cost more
memory than the rest of the proxy's code.
"""

from __future__ import annotations

import ipaddress
import json
import shutil
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

from minikube_py.api.meta import Object, name_of
from minikube_py.api.nodes import internal_ip
from proxy.programs import ProgramError, run

ROUTE_PROTOCOL = 109
"""Marks our routes, as routing daemons mark theirs; 109 stands for nothing else."""
FALLBACK_METRIC = 4096
SERVICE_ROUTE_MTU = 1500
IP_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
BRIDGE_NETFILTER = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")

log = structlog.get_logger("proxy")


@dataclass(frozen=True, slots=True, order=True)
class Route:
    """A route of ours. ``kind`` is ``unicast`` or ``unreachable``."""

    destination: str
    kind: str = "unicast"
    via: str = ""
    device: str = ""
    source: str = ""
    metric: int = 0
    mtu: int = 0

    def words(self) -> tuple[str, ...]:
        """As ``ip route`` takes it."""
        words = [self.kind, self.destination]
        for name, value in (("via", self.via), ("dev", self.device), ("src", self.source)):
            words += [name, value] if value else []
        for name, number in (("metric", self.metric), ("mtu", self.mtu)):
            words += [name, str(number)] if number else []
        return (*words, "proto", str(ROUTE_PROTOCOL))


@dataclass(frozen=True, slots=True)
class Peer:
    """Another node: the address it is reached at and the pods that are there."""

    address: str
    pod_cidr: str


def peers(nodes: Iterable[Object], node_name: str) -> tuple[Peer, ...]:
    """The other nodes that have an IPv4 address and pod CIDR."""
    found = []
    for node in nodes:
        address, pod_cidr = internal_ip(node), pod_cidr_of(node)
        if name_of(node) != node_name and pod_cidr and _is_ipv4(address):
            found.append(Peer(address, pod_cidr))
    return tuple(sorted(found, key=lambda peer: peer.pod_cidr))


def pod_cidr_of(node: Object) -> str:
    """The node's IPv4 pod CIDR, or the empty string."""
    spec = node.get("spec") or {}
    return next((cidr for cidr in spec.get("podCIDRs") or [spec.get("podCIDR") or ""] if ":" not in cidr), "")


def desired_routes(others: Iterable[Peer], *, cluster_cidr: str, service_cidr: str, source: str) -> tuple[Route, ...]:
    """Other nodes' pods by these nodes' addresses; pods that nobody has are unreachable, not the default route's.

    The service CIDR can't be unreachable as well: a connection of this host is routed before nftables sees it, and
    would fail. It is routed to ``lo`` instead, from the node's address ``source`` (empty: the kernel's choice), so that
    such a connection finds a route even where the host has no default one; nftables then sends it on or rejects it.
    """
    return (
        Route(cluster_cidr, "unreachable", metric=FALLBACK_METRIC),
        Route(service_cidr, device="lo", source=source, metric=FALLBACK_METRIC, mtu=SERVICE_ROUTE_MTU),
        *(Route(peer.pod_cidr, via=peer.address) for peer in others),
    )


def parse_routes(text: str) -> tuple[Route, ...]:
    """The routes in what ``ip -json -details route show`` writes; a gateway's device is left out, it follows."""
    routes = []
    for item in json.loads(text or "[]"):
        via = item.get("gateway", "")
        kind = item.get("type", "unicast")
        device = "" if via or kind != "unicast" else item.get("dev", "")
        mtu = next((m["mtu"] for m in item.get("metrics") or () if "mtu" in m), 0)
        source, metric = item.get("prefsrc", ""), int(item.get("metric", 0))
        routes.append(Route(_cidr(item["dst"]), kind, via, device, source, metric, mtu))
    return tuple(routes)


def is_ours(route: Route, cluster_cidr: str, service_cidr: str) -> bool:
    """Whether a route with our protocol number is of this cluster, not of another one on the same host."""
    destination = ipaddress.IPv4Network(route.destination)
    return destination.subnet_of(ipaddress.IPv4Network(cluster_cidr)) or destination == ipaddress.IPv4Network(
        service_cidr
    )


def forward_rules(table: str, cluster_cidr: str) -> tuple[tuple[str, ...], ...]:
    """iptables' arguments after the chain: pods' traffic is accepted whatever FORWARD's policy (Docker's: DROP)."""
    comment = ("-m", "comment", "--comment", f"minikube-py pods ({table})", "-j", "ACCEPT")
    return tuple((direction, cluster_cidr, *comment) for direction in ("-s", "-d"))


def bridge_netfilter() -> bool:
    """Whether frames that pass a bridge are shown to nftables."""
    try:
        return BRIDGE_NETFILTER.read_text().strip() == "1"
    except OSError:
        return False


def is_local_address(address: str) -> bool:
    """Whether this host has the address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


class NodeNetwork:
    """Brings the host to what is desired. What fails is logged, and tried again by the next call; nothing is raised."""

    def __init__(self, *, table: str, cluster_cidr: str, service_cidr: str, node_ip: str) -> None:
        self._table = table
        self._cluster_cidr = cluster_cidr
        self._service_cidr = service_cidr
        self._node_ip = node_ip
        self._failed: frozenset[str] = frozenset()

    async def ensure(self, others: Iterable[Peer]) -> None:
        """Forwarding, FORWARD rules and routes. Each failure is logged once until it changes."""
        failures = [*self._forwarding(), *await self._accept(), *await self._route(others)]
        for failure in failures:
            if failure not in self._failed:
                log.warning("Host network is not as it should be", error=failure)
        self._failed = frozenset(failures)

    def _forwarding(self) -> list[str]:
        try:
            if IP_FORWARD.read_text().strip() != "1":
                IP_FORWARD.write_text("1\n")
        except OSError as error:
            return [f"net.ipv4.ip_forward: {error.strerror}"]
        return []

    async def _accept(self) -> list[str]:
        if shutil.which("iptables") is None:
            return []
        failures = []
        for rule in forward_rules(self._table, self._cluster_cidr):
            try:
                await run("iptables", "-w", "-C", "FORWARD", *rule)
            except ProgramError:
                try:
                    await run("iptables", "-w", "-I", "FORWARD", *rule)
                except ProgramError as error:
                    failures.append(str(error))
        return failures

    async def _route(self, others: Iterable[Peer]) -> list[str]:
        source = self._node_ip if is_local_address(self._node_ip) else ""
        desired = desired_routes(
            others, cluster_cidr=self._cluster_cidr, service_cidr=self._service_cidr, source=source
        )
        failures = []
        try:
            actual = [r for r in await show_routes() if is_ours(r, self._cluster_cidr, self._service_cidr)]
        except ProgramError as error:
            return [str(error)]
        for route in actual:
            if route not in desired:
                failures += await _attempt_route("del", route)
        for route in desired:
            if route not in actual:
                failures += await _attempt_route("replace", route)
        return failures


async def show_routes() -> tuple[Route, ...]:
    """Every route with our protocol number. Raises ProgramError."""
    return parse_routes(
        await run("ip", "-json", "-details", "-4", "route", "show", "table", "main", "proto", str(ROUTE_PROTOCOL))
    )


async def _attempt_route(verb: str, route: Route) -> list[str]:
    try:
        await run("ip", "-4", "route", verb, *route.words())
    except ProgramError as error:
        return [str(error)]
    return []


def _cidr(destination: str) -> str:
    """``ip`` writes a host route without its length."""
    return destination if "/" in destination else f"{destination}/32"


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True
