"""Connection tracking: flows over UDP that still go where a Service no longer sends them.

TCP needs none of this: a connection to an endpoint that is gone ends by itself. A UDP flow lasts as long as a client
keeps sending from the same port, so the kernel must be told to forget it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from proxy.endpoints import Backend, ServicePort
from proxy.programs import attempt, run


@dataclass(frozen=True, slots=True, order=True)
class Flow:
    """Every tracked flow from anybody to one address and port that is answered by one address and port."""

    destination: str
    port: int
    answered_by: Backend


@dataclass(frozen=True, slots=True)
class UdpTargets:
    """Where UDP for a Service may go: by address and port, and by node port."""

    addresses: Mapping[tuple[str, int], frozenset[Backend]] = field(default_factory=dict)
    node_ports: Mapping[int, frozenset[Backend]] = field(default_factory=dict)


class Conntrack(Protocol):
    """The kernel's table of UDP flows over IPv4."""

    async def flows(self) -> frozenset[Flow]:
        """The flows there are now. Raises ProgramError."""
        ...

    async def forget(self, flow: Flow) -> None:
        """Removes it; one that is gone already is no error. Raises ProgramError."""
        ...


class ProgramConntrack:
    """The ``conntrack`` program."""

    async def flows(self) -> frozenset[Flow]:
        """``conntrack -L``."""
        return parse_flows(await run("conntrack", "-L", "-f", "ipv4", "-p", "udp"))

    async def forget(self, flow: Flow) -> None:
        """``conntrack -D``; its exit code is 1 where nothing matched."""
        await attempt(
            "conntrack", "-D", "-f", "ipv4", "-p", "udp",
            "--orig-dst", flow.destination, "--orig-port-dst", str(flow.port),
            "--reply-src", flow.answered_by.address, "--reply-port-src", str(flow.answered_by.port),
        )  # fmt: skip


def parse_flows(text: str) -> frozenset[Flow]:
    """The flows in what ``conntrack -L`` writes; a line tells each address twice: as sent, then as answered."""
    found = set()
    for line in text.splitlines():
        values: dict[str, list[str]] = {}
        for word in line.split():
            name, separator, value = word.partition("=")
            if separator:
                values.setdefault(name, []).append(value)
        try:
            backend = Backend(values["src"][1], int(values["sport"][1]))
            found.add(Flow(values["dst"][0], int(values["dport"][0]), backend))
        except (KeyError, IndexError, ValueError):
            continue
    return frozenset(found)


def udp_targets(ports: Iterable[ServicePort]) -> UdpTargets:
    """The targets of every UDP port."""
    addresses: dict[tuple[str, int], frozenset[Backend]] = {}
    node_ports: dict[int, frozenset[Backend]] = {}
    for port in ports:
        if port.protocol != "udp":
            continue
        for address in (port.cluster_ip, *port.load_balancer_ips, *port.external_ips):
            addresses.setdefault((address, port.port), port.backends)
        if port.node_port:
            node_ports.setdefault(port.node_port, port.backends)
    return UdpTargets(addresses, node_ports)


def changed_targets(old: UdpTargets, new: UdpTargets) -> UdpTargets:
    """The targets of which flows may be stale: those that differ, and with no backend those that are gone."""
    nothing: frozenset[Backend] = frozenset()
    return UdpTargets(
        {
            key: new.addresses.get(key, nothing)
            for key in old.addresses.keys() | new.addresses.keys()
            if old.addresses.get(key) != new.addresses.get(key)
        },
        {
            key: new.node_ports.get(key, nothing)
            for key in old.node_ports.keys() | new.node_ports.keys()
            if old.node_ports.get(key) != new.node_ports.get(key)
        },
    )


def stale_flows(flows: Iterable[Flow], targets: UdpTargets, is_local: Callable[[str], bool]) -> tuple[Flow, ...]:
    """The flows to one of the targets that are answered by none of its backends.

    ``is_local`` tells this host's addresses: a node port is one of ours only there.
    """
    stale = []
    for flow in flows:
        backends = targets.addresses.get((flow.destination, flow.port))
        if backends is None and flow.port in targets.node_ports and is_local(flow.destination):
            backends = targets.node_ports[flow.port]
        if backends is not None and flow.answered_by not in backends:
            stale.append(flow)
    return tuple(sorted(stale))
