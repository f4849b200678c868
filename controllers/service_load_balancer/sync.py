"""Which addresses a Service of type LoadBalancer is to have; pure.

There is no cloud: the nodes are the load balancer, each answering on its own address at the Service's port, as the
proxy programs it for ``ipMode: VIP``. So two Services can't have the same port; the one that has it keeps it, and among
those that have none the older one gets it. And none can have a port by which the cluster itself reaches a node: the API
server's and the kubelets'.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from controllers.actions import NORMAL, WARNING, Emit, Patch
from minikube_py.api.meta import Object, is_deleting, key_of, labels_of, metadata, name_of, namespace_of, uid_of
from minikube_py.api.nodes import internal_ip, is_ready
from minikube_py.api.resources import SERVICES

EXCLUDED_NODE = "node.kubernetes.io/exclude-from-external-load-balancers"
IP_MODE = "VIP"

Port = tuple[str, int]
"""Protocol and number."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A Service, every node, and every Service, of which those with a load balancer compete for ports."""

    service: Object
    nodes: tuple[Object, ...]
    services: tuple[Object, ...]
    reserved: Mapping[Port, str] = field(default_factory=lambda: MappingProxyType({}))
    """The ports that no Service can have, and what has each."""


def reserved_ports(nodes: Iterable[Object], api_slices: Iterable[Object]) -> dict[Port, str]:
    """The ports of kubelets, and of API servers by the EndpointSlices of the Service ``kubernetes``."""
    reserved: dict[Port, str] = {}
    for node in nodes:
        endpoints = (node.get("status") or {}).get("daemonEndpoints") or {}
        if port := (endpoints.get("kubeletEndpoint") or {}).get("Port"):
            reserved["TCP", int(port)] = "the kubelet"
    for endpoint_slice in api_slices:
        for item in endpoint_slice.get("ports") or []:
            if port := item.get("port"):
                reserved[item.get("protocol") or "TCP", int(port)] = "the API server"
    return reserved


def wants_load_balancer(service: Object) -> bool:
    """Whether the Service is this controller's: of the type, and of no class, which would be somebody else's."""
    spec = service.get("spec") or {}
    return spec.get("type") == "LoadBalancer" and not spec.get("loadBalancerClass") and not is_deleting(service)


def ingress_of(service: Object) -> list[Object]:
    """``status.loadBalancer.ingress``, or an empty list."""
    return list(((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or [])


def addresses(nodes: Iterable[Object]) -> list[str]:
    """The sorted internal addresses of the nodes that take part: ready ones without the label that excludes them."""
    taking_part = (node for node in nodes if is_ready(node) and EXCLUDED_NODE not in labels_of(node))
    return sorted({address for node in taking_part if (address := internal_ip(node))})


def ports_of(service: Object) -> frozenset[Port]:
    """Protocol and number of each port."""
    ports = (service.get("spec") or {}).get("ports") or []
    return frozenset((port.get("protocol") or "TCP", int(port["port"])) for port in ports)


def obstacle(service: Object, services: Iterable[Object], reserved: Mapping[Port, str]) -> str:
    """Which port of ``service`` belongs to what or whom else, in words; empty where none does."""
    for protocol, port in sorted(ports_of(service) & reserved.keys()):
        return f"port {port}/{protocol} of the nodes belongs to {reserved[protocol, port]}"
    for other in sorted(services, key=key_of):
        if (
            key_of(other) == key_of(service)
            or not wants_load_balancer(other)
            or ports_of(other) & reserved.keys()
            or _seniority(service) < _seniority(other)
        ):
            continue
        for protocol, port in sorted(ports_of(service) & ports_of(other)):
            return f"port {port}/{protocol} of the nodes belongs to Service {key_of(other)}"
    return ""


def _seniority(service: Object) -> tuple[bool, str, str]:
    """Sorts first who keeps a port."""
    return not ingress_of(service), metadata(service).get("creationTimestamp") or "", key_of(service)


def sync(observation: Observation) -> tuple[Patch | Emit, ...]:
    """Put the Service's ingress addresses right, and tell of it."""
    service = observation.service
    present = ingress_of(service)
    if not wants_load_balancer(service):
        if not present or is_deleting(service) or (service.get("spec") or {}).get("type") == "LoadBalancer":
            return ()
        return (
            Emit(service, NORMAL, "DeletingLoadBalancer", "Deleting load balancer"),
            _patch(service, []),
            Emit(service, NORMAL, "DeletedLoadBalancer", "Deleted load balancer"),
        )
    if reason := obstacle(service, observation.services, observation.reserved):
        message = f"Error syncing load balancer: failed to ensure load balancer: {reason}"
        failed = Emit(service, WARNING, "SyncLoadBalancerFailed", message)
        return (failed, _patch(service, [])) if present else (failed,)
    wanted = [{"ip": address, "ipMode": IP_MODE} for address in addresses(observation.nodes)]
    if present == wanted:
        return ()
    if not wanted:
        unavailable = "There are no available nodes for LoadBalancer"
        return (Emit(service, WARNING, "UnAvailableLoadBalancer", unavailable), _patch(service, []))
    if present:
        updated = "Updated load balancer with new hosts"
        return (_patch(service, wanted), Emit(service, NORMAL, "UpdatedLoadBalancer", updated))
    return (
        Emit(service, NORMAL, "EnsuringLoadBalancer", "Ensuring load balancer"),
        _patch(service, wanted),
        Emit(service, NORMAL, "EnsuredLoadBalancer", "Ensured load balancer"),
    )


def _patch(service: Object, ingress: list[Object]) -> Patch:
    status = {"loadBalancer": {"ingress": ingress or None}}
    patch = {"metadata": {"uid": uid_of(service)}, "status": status}
    return Patch(SERVICES, namespace_of(service), name_of(service), patch, subresource="status")
