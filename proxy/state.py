"""The service ports of every Service, kept up to date one Service at a time. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from minikube_py.api.meta import Object
from proxy.endpoints import ServicePort, creation_order, service_ports


@dataclass(frozen=True, slots=True)
class _Entry:
    order: tuple[str, str, str]
    ports: tuple[ServicePort, ...]


class ServiceState:
    """What was observed of Services and EndpointSlices, reduced to what rules are made of."""

    def __init__(self, node_name: str) -> None:
        self._node_name = node_name
        self._entries: dict[str, _Entry] = {}
        self._ports: tuple[ServicePort, ...] | None = ()

    def observe(self, key: str, service: Object | None, slices: Iterable[Object]) -> None:
        """Takes in a Service (None: it is gone) with all its slices."""
        ports = service_ports(service, slices, self._node_name) if service is not None else ()
        if service is None or not ports:
            if self._entries.pop(key, None) is not None:
                self._ports = None
            return
        entry = _Entry(creation_order(service), ports)
        if self._entries.get(key) != entry:
            self._entries[key] = entry
            self._ports = None

    def ports(self) -> tuple[ServicePort, ...]:
        """Every port, those of the oldest Service first; the same object while nothing has changed."""
        if self._ports is None:
            ordered = sorted(self._entries.values(), key=lambda entry: entry.order)
            self._ports = tuple(port for entry in ordered for port in entry.ports)
        return self._ports


def without_local_endpoints(ports: Iterable[ServicePort]) -> tuple[int, int]:
    """How many ports have endpoints, but none here although their internal, or external, policy is Local."""
    lacking = [port for port in ports if port.has_any_endpoint and not port.local_endpoints]
    return sum(port.internal_local for port in lacking), sum(port.external_local for port in lacking)
