"""The Endpoints that a Service needs; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from controllers.actions import Create, Delete, Update, delete
from controllers.endpoints.subsets import repack, truncate
from controllers.service_pods import (
    HEADLESS_LABEL,
    LAST_CHANGE_TRIGGER_TIME,
    addresses_of,
    has_selector,
    hostname_in,
    is_headless,
    may_be_endpoint,
    publishes_not_ready,
    target_port,
    target_reference,
)
from minikube_py.api.meta import Object, annotations_of, is_deleting, labels_of, metadata, name_of, namespace_of
from minikube_py.api.pods import is_ready, node_name
from minikube_py.api.resources import ENDPOINTS

MAX_ADDRESSES = 1000
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
TRUNCATED = "truncated"
LEADER_ANNOTATION = "control-plane.alpha.kubernetes.io/leader"
"""On Endpoints that are somebody's lock and no Service's."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A Service, or None where it is gone; the pods it selects; its Endpoints; and the trigger time."""

    service: Object | None
    pods: tuple[Object, ...]
    endpoints: Object | None
    trigger_time: str


def sync(observation: Observation) -> tuple[Create | Update | Delete, ...]:
    """The one write that makes the Endpoints right. A Service without selector keeps what somebody else made."""
    service, present = observation.service, observation.endpoints
    if service is None:
        if present is None or LEADER_ANNOTATION in annotations_of(present):
            return ()
        return (delete(ENDPOINTS, present),)
    if not has_selector(service) or is_deleting(service):
        return ()
    subsets, cut = truncate(repack(_entries(service, observation.pods)), MAX_ADDRESSES)
    labels = _labels(service)
    if present is None:
        meta: Object = {"name": name_of(service), "namespace": namespace_of(service), "labels": labels}
        annotations = _annotations({}, observation.trigger_time, cut)
        created: Object = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {**meta, "annotations": annotations}}
        return (Create(ENDPOINTS, created | ({"subsets": subsets} if subsets else {})),)
    same_capacity = (annotations_of(present).get(OVER_CAPACITY) == TRUNCATED) == cut
    if (present.get("subsets") or []) == subsets and labels_of(present) == labels and same_capacity:
        return ()
    annotations = _annotations(annotations_of(present), observation.trigger_time, cut)
    meta = {**metadata(present), "labels": labels, "annotations": annotations}
    return (Update(ENDPOINTS, {**present, "metadata": meta, "subsets": subsets}),)


def _entries(service: Object, pods: tuple[Object, ...]) -> Iterator[tuple[Object, Object | None, bool]]:
    lenient = publishes_not_ready(service)
    spec = service.get("spec") or {}
    family = next(iter(spec.get("ipFamilies") or ["IPv4"]))
    for pod in pods:
        if not may_be_endpoint(pod, include_terminating=lenient):
            continue
        for ip in addresses_of(pod, family)[:1]:
            address = _address(service, pod, ip)
            ready = lenient or is_ready(pod)
            if not spec.get("ports"):
                if is_headless(service):
                    yield address, None, ready
                continue
            for service_port in spec["ports"]:
                number = target_port(pod, service_port)
                if number is not None:
                    yield address, _port(service_port, number), ready


def _address(service: Object, pod: Object, ip: str) -> Object:
    address: Object = {"ip": ip, "targetRef": target_reference(pod)}
    if node_name(pod):
        address["nodeName"] = node_name(pod)
    if hostname := hostname_in(service, pod):
        address["hostname"] = hostname
    return address


def _port(service_port: Object, number: int) -> Object:
    port: Object = {"port": number, "protocol": service_port.get("protocol", "TCP")}
    for field in ("name", "appProtocol"):
        if service_port.get(field):
            port[field] = service_port[field]
    return port


def _labels(service: Object) -> dict[str, str]:
    labels = {name: value for name, value in labels_of(service).items() if name != HEADLESS_LABEL}
    return labels | ({HEADLESS_LABEL: ""} if is_headless(service) else {})


def _annotations(present: dict[str, str], trigger_time: str, cut: bool) -> dict[str, str]:
    annotations = {k: v for k, v in present.items() if k not in (LAST_CHANGE_TRIGGER_TIME, OVER_CAPACITY)}
    if trigger_time:
        annotations[LAST_CHANGE_TRIGGER_TIME] = trigger_time
    if cut:
        annotations[OVER_CAPACITY] = TRUNCATED
    return annotations
