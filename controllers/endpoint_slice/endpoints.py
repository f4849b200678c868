"""Pods as the endpoints and ports of slices; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from controllers.service_pods import (
    addresses_of,
    hostname_in,
    is_headless,
    may_be_endpoint,
    publishes_not_ready,
    target_port,
    target_reference,
)
from minikube_py.api.meta import Object, is_deleting, labels_of
from minikube_py.api.pods import is_ready, node_name

ZONE_LABEL = "topology.kubernetes.io/zone"

Ports = tuple[tuple[tuple[str, object], ...], ...]
"""The ports of a slice in a form that can be a key."""


def endpoint(service: Object, pod: Object, node: Object | None, address_type: str) -> Object:
    """The pod as an endpoint: ready while it serves and is not on its way out."""
    serving, terminating = is_ready(pod), is_deleting(pod)
    built: Object = {
        "addresses": list(addresses_of(pod, address_type)),
        "conditions": {
            "ready": publishes_not_ready(service) or (serving and not terminating),
            "serving": serving,
            "terminating": terminating,
        },
        "targetRef": target_reference(pod),
    }
    if node_name(pod):
        built["nodeName"] = node_name(pod)
    zone = labels_of(node).get(ZONE_LABEL) if node is not None else None
    if zone:
        built["zone"] = zone
    hostname = hostname_in(service, pod)
    if hostname:
        built["hostname"] = hostname
    if zone and (service.get("spec") or {}).get("trafficDistribution") == "PreferClose":
        built["hints"] = {"forZones": [{"name": zone}]}
    return built


def ports_of(service: Object, pod: Object) -> Ports:
    """The Service's ports as this pod has them; those it lacks are left out."""
    ports = []
    for service_port in (service.get("spec") or {}).get("ports") or []:
        number = target_port(pod, service_port)
        if number is None:
            continue
        port: Object = {
            "name": service_port.get("name") or "",
            "port": number,
            "protocol": service_port.get("protocol", "TCP"),
        }
        if service_port.get("appProtocol"):
            port["appProtocol"] = service_port["appProtocol"]
        ports.append(tuple(sorted(port.items())))
    return tuple(sorted(ports))


def ports_key(slice_: Object) -> Ports:
    """The ports of an existing slice in the same form."""
    return tuple(sorted(tuple(sorted(port.items())) for port in slice_.get("ports") or []))


def desired_endpoints(
    service: Object, pods: Iterable[Object], nodes: Mapping[str, Object], address_type: str
) -> dict[Ports, list[Object]]:
    """The endpoints by the ports they have: named target ports may mean other numbers in other pods.

    A pod whose node is not known is left out until it is (the pod may be a leftover), unless the Service publishes
    whatever there is.
    """
    desired: dict[Ports, list[Object]] = {}
    for pod in pods:
        if not may_be_endpoint(pod, include_terminating=True) or not addresses_of(pod, address_type):
            continue
        node = nodes.get(node_name(pod))
        if node is None and node_name(pod) and not publishes_not_ready(service):
            continue
        ports = ports_of(service, pod)
        if ports or is_headless(service):
            desired.setdefault(ports, []).append(endpoint(service, pod, node, address_type))
    return desired
