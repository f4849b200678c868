"""Endpoints' subsets in their canonical form; pure.

Follows ``k8s.io/kubernetes/pkg/api/v1/endpoints`` (``RepackSubsets``): addresses that have the same ports are in one
subset, an address that is ready anywhere for a port is not listed as not ready for it, and everything is sorted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from minikube_py.api.meta import Object

AddressKey = tuple[str, str]
PortKey = tuple[tuple[str, object], ...]


@dataclass
class _Addresses:
    ready: set[AddressKey] = field(default_factory=set)
    not_ready: set[AddressKey] = field(default_factory=set)


def repack(entries: Iterable[tuple[Object, Object | None, bool]]) -> list[Object]:
    """Subsets of ``(address, port or None, ready)`` triples; None is an address of a Service without ports."""
    known: dict[AddressKey, Object] = {}
    by_port: dict[PortKey | None, _Addresses] = {}
    for address, port, ready in entries:
        key = (address["ip"], (address.get("targetRef") or {}).get("uid", ""))
        known[key] = address
        addresses = by_port.setdefault(None if port is None else tuple(sorted(port.items())), _Addresses())
        (addresses.ready if ready else addresses.not_ready).add(key)
    grouped: dict[tuple[frozenset[AddressKey], frozenset[AddressKey]], list[PortKey]] = {}
    for port_key, addresses in by_port.items():
        group = frozenset(addresses.ready), frozenset(addresses.not_ready - addresses.ready)
        ports = grouped.setdefault(group, [])
        if port_key is not None:
            ports.append(port_key)
    subsets = []
    for (ready_keys, not_ready_keys), ports in grouped.items():
        subset: Object = {}
        if ready_keys:
            subset["addresses"] = [known[key] for key in sorted(ready_keys, key=_address_order)]
        if not_ready_keys:
            subset["notReadyAddresses"] = [known[key] for key in sorted(not_ready_keys, key=_address_order)]
        if ports:
            subset["ports"] = [dict(port) for port in sorted(ports, key=repr)]
        subsets.append(subset)
    return sorted(subsets, key=repr)


def _address_order(key: AddressKey) -> tuple[int, int, str]:
    address = ip_address(key[0])
    return address.version, int(address), key[1]


def truncate(subsets: Sequence[Object], maximum: int) -> tuple[list[Object], bool]:
    """At most ``maximum`` addresses, ready ones first, shared out among the subsets; and whether any were cut off."""
    ready = sum(len(subset.get("addresses") or []) for subset in subsets)
    not_ready = sum(len(subset.get("notReadyAddresses") or []) for subset in subsets)
    if ready + not_ready <= maximum:
        return list(subsets), False
    left = {"addresses": min(ready, maximum), "notReadyAddresses": max(maximum - ready, 0)}
    cut = []
    for subset in subsets:
        kept = {name: value for name, value in subset.items() if name not in left}
        for name, room in left.items():
            addresses = (subset.get(name) or [])[:room]
            left[name] = room - len(addresses)
            if addresses:
                kept[name] = addresses
        if kept.get("addresses") or kept.get("notReadyAddresses"):
            cut.append(kept)
    return cut, True
