"""Ports that this host itself listens on, and the load balancers that would take them over.

A load balancer's address is often the node's own. A Service of type LoadBalancer with port 22 must not turn ssh away:
where the host listens, its port stays its own, and the Service goes without that address on this node.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from proxy.endpoints import ServicePort

_TABLES = (("tcp", "tcp"), ("tcp", "tcp6"), ("udp", "udp"), ("udp", "udp6"))
_STATES = {"tcp": "0A", "udp": "07"}
"""As the kernel writes "listens", and "bound but not connected"."""
_ANY = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True, order=True)
class Listener:
    """A socket that takes in what is sent to ``port``; an empty address is every address."""

    protocol: str
    address: str
    port: int


@dataclass(frozen=True, slots=True, order=True)
class Conflict:
    """A service port that does not get ``address``, because the host listens there."""

    service: str
    """``namespace/name``."""
    protocol: str
    address: str
    port: int


def host_listeners(directory: Path = Path("/proc/thread-self/net")) -> frozenset[Listener]:
    """Every socket of this network namespace that listens. Raises OSError."""
    found: set[Listener] = set()
    for protocol, name in _TABLES:
        table = directory / name
        if table.exists():
            found.update(parse_listeners(table.read_text(encoding="ascii"), protocol))
    return frozenset(found)


def parse_listeners(text: str, protocol: str) -> Iterator[Listener]:
    """What listens of a ``/proc/net/tcp`` or ``udp`` table, or their IPv6 counterpart."""
    state = _STATES[protocol]
    for line in text.splitlines()[1:]:
        fields = line.split(maxsplit=4)
        if len(fields) > 3 and fields[3] == state:
            address, _, port = fields[1].partition(":")
            yield Listener(protocol, _address(address), int(port, 16))


def without_conflicts(
    ports: Iterable[ServicePort], listeners: frozenset[Listener], is_local: Callable[[str], bool]
) -> tuple[tuple[ServicePort, ...], tuple[Conflict, ...]]:
    """The ports without those load balancer addresses of this host at which it listens itself, and what they lack."""
    kept: list[ServicePort] = []
    conflicts: list[Conflict] = []
    for port in ports:
        lacking = [address for address in port.load_balancer_ips if _listens(port, address, listeners, is_local)]
        if lacking:
            service = f"{port.namespace}/{port.name}"
            conflicts += [Conflict(service, port.protocol, address, port.port) for address in lacking]
            addresses = tuple(address for address in port.load_balancer_ips if address not in lacking)
            port = replace(port, load_balancer_ips=addresses)
        kept.append(port)
    return tuple(kept), tuple(conflicts)


def has_local_load_balancer(ports: Iterable[ServicePort], is_local: Callable[[str], bool]) -> bool:
    """Whether any load balancer's address is this host's."""
    return any(is_local(address) for address in {address for port in ports for address in port.load_balancer_ips})


def _listens(port: ServicePort, address: str, listeners: frozenset[Listener], is_local: Callable[[str], bool]) -> bool:
    taken = any(Listener(port.protocol, where, port.port) in listeners for where in ("", address))
    return taken and is_local(address)


def _address(text: str) -> str:
    """The kernel writes an address in words of four bytes, each in this machine's byte order: little-endian."""
    raw = b"".join(bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8))
    address = ipaddress.ip_address(raw)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return "" if str(address) in _ANY else str(address)
