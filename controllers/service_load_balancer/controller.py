"""The interpreter of the service load balancer controller: informers in, requests out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controllers.perform import Performer
from controllers.service_load_balancer.sync import (
    EXCLUDED_NODE,
    Observation,
    ingress_of,
    ports_of,
    reserved_ports,
    sync,
    wants_load_balancer,
)
from minikube_py.api.meta import Object, key_of, labels_of, namespace_of
from minikube_py.api.nodes import internal_ip, is_ready
from minikube_py.api.resources import ENDPOINT_SLICES, NODES, SERVICES
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

NAME = "service-lb-controller"


class ServiceLoadBalancerController:
    """Gives Services of type LoadBalancer the addresses of the ready nodes, and takes them away again."""

    def __init__(self, context: ControllerContext) -> None:
        self._services = context.informers.informer(SERVICES)
        self._nodes = context.informers.informer(NODES)
        self._slices = context.informers.informer(ENDPOINT_SLICES)
        self._queue = WorkQueue("service", context.clock)
        writes = Writes(context.clock, self._services)
        self._performer = Performer(context.client, context.recorder("service-controller"), writes)
        self._services.add_handler(self._on_service)
        self._nodes.add_handler(self._on_node)
        self._slices.add_handler(self._on_slice)
        context.add(Controller(NAME, self._queue, self._reconcile, context.clock, writes=writes))

    def _on_service(self, old: Object | None, new: Object | None) -> None:
        if new is not None and (wants_load_balancer(new) or ingress_of(new)):
            self._queue.add(key_of(new))
        if old is not None and _claim(old) != (_claim(new) if new is not None else None):
            # A port may have become free for a Service that waits for it.
            self._wake_all()

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if _part(old) != _part(new):
            self._wake_all()

    def _on_slice(self, old: Object | None, new: Object | None) -> None:
        if _is_of_api_server(old) or _is_of_api_server(new):
            self._wake_all()

    def _wake_all(self) -> None:
        for service in self._services.list():
            if wants_load_balancer(service):
                self._queue.add(key_of(service))

    async def _reconcile(self, key: str) -> float | None:
        service = self._services.get(key)
        if service is None:
            return None
        nodes = tuple(self._nodes.list())
        api_slices = filter(_is_of_api_server, self._slices.list("default"))
        observation = Observation(service, nodes, tuple(self._services.list()), reserved_ports(nodes, api_slices))
        return await self._performer.perform(key, sync(observation))


def _claim(service: Object) -> object:
    """What of a Service bears on others."""
    return wants_load_balancer(service) and (ports_of(service), bool(ingress_of(service)))


def _part(node: Object | None) -> object:
    """What of a node bears on load balancers."""
    if node is None:
        return None
    takes_part = is_ready(node) and EXCLUDED_NODE not in labels_of(node)
    return takes_part and internal_ip(node), reserved_ports((node,), ())


def _is_of_api_server(endpoint_slice: Object | None) -> bool:
    return (
        endpoint_slice is not None
        and namespace_of(endpoint_slice) == "default"
        and labels_of(endpoint_slice).get("kubernetes.io/service-name") == "kubernetes"
    )
