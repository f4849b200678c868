"""The service load balancer controller: a Service of type LoadBalancer is found at the nodes' own addresses.

There is no balancer outside the cluster: the proxy of every node takes what is sent to the node's address and the
Service's port. So the addresses of the ready nodes are what ``status.loadBalancer`` tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from controllers.actions import Emit, Update
from controllers.perform import Performer
from minikube_py.api.meta import Object, is_deleting, key_of, labels_of
from minikube_py.api.nodes import is_ready
from minikube_py.api.resources import NODES, SERVICES
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"


@dataclass(frozen=True, slots=True)
class Observation:
    """A Service and all nodes."""

    service: Object
    nodes: tuple[Object, ...]


def wants_load_balancer(service: Object) -> bool:
    """Whether the Service is of type LoadBalancer, and not of a class that another implementation serves."""
    spec = service.get("spec") or {}
    return spec.get("type") == "LoadBalancer" and not spec.get("loadBalancerClass") and not is_deleting(service)


def node_addresses(node: Object) -> list[str]:
    """A node's external addresses, or its internal ones where it has no external."""
    addresses = (node.get("status") or {}).get("addresses") or []
    by_type = {
        kind: [a["address"] for a in addresses if a.get("type") == kind] for kind in ("ExternalIP", "InternalIP")
    }
    return by_type["ExternalIP"] or by_type["InternalIP"]


def desired_ingress(observation: Observation) -> list[Object]:
    """An entry for every address, of the Service's IP families, of every node that may be sent to."""
    families = (observation.service.get("spec") or {}).get("ipFamilies") or ["IPv4"]
    versions = {4 if family == "IPv4" else 6 for family in families}
    usable = (n for n in observation.nodes if is_ready(n) and not is_deleting(n) and EXCLUDE_LABEL not in labels_of(n))
    addresses = {ip_address(address) for node in usable for address in node_addresses(node)}
    ordered = sorted((a for a in addresses if a.version in versions), key=lambda a: (a.version, int(a)))
    return [{"ip": str(address), "ipMode": "VIP"} for address in ordered]


def sync(observation: Observation) -> tuple[Update | Emit, ...]:
    """The status of a Service that has a balancer, or has one no longer. While no node is ready, nothing is changed."""
    service = observation.service
    status = service.get("status") or {}
    present = (status.get("loadBalancer") or {}).get("ingress") or []
    if wants_load_balancer(service):
        ingress = desired_ingress(observation)
        if ingress == present or not ingress:
            return ()
        return (
            Emit(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer"),
            _update(service, ingress),
            Emit(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer"),
        )
    if not present or is_deleting(service) or (service.get("spec") or {}).get("type") == "LoadBalancer":
        return ()
    return (
        Emit(service, "Normal", "DeletingLoadBalancer", "Deleting load balancer"),
        _update(service, []),
        Emit(service, "Normal", "DeletedLoadBalancer", "Deleted load balancer"),
    )


def _update(service: Object, ingress: list[Object]) -> Update:
    balancer: Object = {"ingress": ingress} if ingress else {}
    return Update(
        SERVICES, {**service, "status": {**(service.get("status") or {}), "loadBalancer": balancer}}, "status"
    )


class ServiceLoadBalancerController:
    """Works Service by Service; a node that becomes ready, or ceases to be, concerns all of them."""

    def __init__(self, context: ControllerContext) -> None:
        self._services = context.informers.informer(SERVICES)
        self._nodes = context.informers.informer(NODES)
        self._queue = WorkQueue("service", context.clock)
        writes = Writes(context.clock, self._services)
        self._performer = Performer(context.client, context.recorder("service-controller"), writes)
        self._services.add_handler(self._on_service)
        self._nodes.add_handler(self._on_node)
        context.add(Controller("service-lb-controller", self._queue, self._reconcile, context.clock, writes=writes))

    def _on_service(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if _facts(old) == _facts(new):
            return
        for service in self._services.list():
            if wants_load_balancer(service):
                self._queue.add(key_of(service))

    async def _reconcile(self, key: str) -> float | None:
        service = self._services.get(key)
        if service is None:
            return None
        return await self._performer.perform(key, sync(Observation(service, tuple(self._nodes.list()))))


def _facts(node: Object | None) -> tuple[object, ...]:
    if node is None:
        return ()
    return is_ready(node), is_deleting(node), EXCLUDE_LABEL in labels_of(node), node_addresses(node)
