"""Where a ``proxy`` subresource leads: to a node, a pod, or one of a Service's endpoints. Pure.

Follows upstream's ``ResourceLocation`` of each kind. Only addresses of nodes and pods are led to, never loopback,
link-local or multicast ones, so that nobody reaches through the server what only it can reach.
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from apiserver.streaming.kubelet import address_of
from minikube_py.api.errors import BadRequest, ServiceUnavailable
from minikube_py.api.meta import Object, name_of


class Security(enum.Enum):
    """How a backend is spoken to."""

    PLAIN = "http"
    UNVERIFIED = "https"
    """TLS, whoever answers: pods have no certificates that the server could verify."""
    KUBELET = "kubelet"
    """TLS with the server's client certificate, verified by the kubelets' CA."""


@dataclass(frozen=True, slots=True)
class Target:
    """``scheme:name:port`` taken apart; scheme and port may be empty."""

    scheme: str
    name: str
    port: str


@dataclass(frozen=True, slots=True)
class Location:
    """A backend."""

    host: str
    port: int
    security: Security

    @property
    def authority(self) -> str:
        """``host:port`` as a URL has it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return "http" if self.security is Security.PLAIN else "https"


def parse_target(kind: str, text: str) -> Target:
    """``name``, ``name:port`` or ``scheme:name:port``. Raises BadRequest."""
    parts = text.split(":")
    scheme, name, port = "", parts[0], ""
    if len(parts) == 2:
        name, port = parts
    elif len(parts) == 3:
        scheme, name, port = parts
    if not name or len(parts) > 3 or scheme not in ("", "http", "https"):
        raise BadRequest(f'invalid {kind} request "{text}"')
    return Target(scheme, name, port)


def node_location(node: Object, target: Target, preferred: Sequence[str]) -> Location:
    """The node's kubelet, or another port of the node. Raises BadRequest, InternalError."""
    kubelet = address_of(node, preferred)
    if target.port in ("", str(kubelet.port)):
        return Location(kubelet.host, kubelet.port, Security.KUBELET)
    return Location(_allowed(kubelet.host), _port(target.port), _security(target.scheme))


def pod_location(pod: Object, target: Target) -> Location:
    """The pod's address, at the first port that it declares where none is asked for. Raises BadRequest."""
    declared = (
        port["containerPort"]
        for container in (pod.get("spec") or {}).get("containers") or ()
        for port in (container.get("ports") or ())[:1]
    )
    default = 443 if target.scheme == "https" else 80
    port = _port(target.port) if target.port else next(declared, default)
    addresses = (pod.get("status") or {}).get("podIPs") or [{}]
    return Location(_allowed(addresses[0].get("ip") or ""), port, _security(target.scheme))


def service_location(
    service: Object, slices: Iterable[Object], target: Target, pod_ips: Callable[[str], Sequence[str]], random: Random
) -> Location:
    """One of the ready endpoints that are pods with that address now. Raises ServiceUnavailable.

    ``pod_ips`` gives the addresses of the pod of a name in the Service's namespace, none where there is no such pod.
    """
    port_name = target.port
    if port_name.isdigit():
        ports = (service.get("spec") or {}).get("ports") or ()
        found = next((port for port in ports if port["port"] == int(port_name)), None)
        if found is None:
            raise ServiceUnavailable(f'no service port {port_name} found for service "{target.name}"')
        port_name = found.get("name") or ""
    candidates = [
        (address, port["port"])
        for one in slices
        for port in one.get("ports") or ()
        if (port.get("name") or "") == port_name and port.get("port")
        for endpoint in one.get("endpoints") or ()
        if (endpoint.get("conditions") or {}).get("ready") is not False
        for address in endpoint.get("addresses") or ()
        if _is_pod(endpoint, address, pod_ips)
    ]
    if not candidates:
        raise ServiceUnavailable(f'no endpoints available for service "{name_of(service)}"')
    address, port = random.choice(candidates)
    return Location(address, port, _security(target.scheme))


def _is_pod(endpoint: Object, address: str, pod_ips: Callable[[str], Sequence[str]]) -> bool:
    target = endpoint.get("targetRef") or {}
    return target.get("kind") == "Pod" and address in pod_ips(target.get("name") or "")


def _security(scheme: str) -> Security:
    return Security.UNVERIFIED if scheme == "https" else Security.PLAIN


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise BadRequest(f'invalid port "{text}"')
    return int(text)


def _allowed(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise BadRequest("address not allowed") from None
    if parsed.is_loopback or parsed.is_link_local or parsed.is_multicast or parsed.is_unspecified:
        raise BadRequest("address not allowed")
    return address
