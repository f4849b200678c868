"""The slices that mirror Endpoints; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from controllers.actions import delete
from controllers.endpoint_slice.endpoints import Ports
from controllers.endpoint_slice.reconcile import Action, SliceTemplate, plan_slices
from controllers.endpoint_slice.sync import MANAGED_BY, SERVICE_NAME
from controllers.endpoints.sync import LEADER_ANNOTATION
from controllers.service_pods import HEADLESS_LABEL, LAST_CHANGE_TRIGGER_TIME, has_selector
from minikube_py.api.meta import Object, annotations_of, is_deleting, labels_of, name_of
from minikube_py.api.resources import ENDPOINT_SLICES

MANAGER = "endpointslicemirroring-controller.k8s.io"
SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror"
ADDRESS_TYPES = ("IPv4", "IPv6")
_NOT_COPIED = (LAST_CHANGE_TRIGGER_TIME, "kubectl.kubernetes.io/last-applied-configuration")


@dataclass(frozen=True, slots=True)
class Observation:
    """Endpoints and the Service of that name, each None where there is none, and the slices that mirror them."""

    endpoints: Object | None
    service: Object | None
    slices: tuple[Object, ...]
    max_endpoints_per_slice: int = 100
    max_endpoints_per_subset: int = 1000


def is_mirrored(endpoints: Object, service: Object | None) -> bool:
    """Whether these Endpoints are somebody's own: of a Service without selector, no lock, and not marked otherwise."""
    return (
        service is not None
        and not has_selector(service)
        and not is_deleting(endpoints)
        and labels_of(endpoints).get(SKIP_MIRROR) != "true"
        and LEADER_ANNOTATION not in annotations_of(endpoints)
    )


def sync(observation: Observation) -> tuple[Action, ...]:
    """The fewest writes that make the mirror true."""
    endpoints = observation.endpoints
    if endpoints is None or not is_mirrored(endpoints, observation.service):
        return tuple(delete(ENDPOINT_SLICES, present) for present in observation.slices)
    copied = {name: value for name, value in annotations_of(endpoints).items() if name not in _NOT_COPIED}
    labels = {name: value for name, value in labels_of(endpoints).items() if name != HEADLESS_LABEL}
    template = SliceTemplate(
        endpoints,
        {**labels, SERVICE_NAME: name_of(endpoints), MANAGED_BY: MANAGER},
        annotations_of(endpoints).get(LAST_CHANGE_TRIGGER_TIME, ""),
        observation.max_endpoints_per_slice,
        placeholder=False,
        annotations=copied,
    )
    actions: list[Action] = []
    for address_type in ADDRESS_TYPES:
        slices = [present for present in observation.slices if present.get("addressType") == address_type]
        desired: dict[Ports, list[Object]] = {}
        for subset in endpoints.get("subsets") or []:
            addresses = list(_endpoints(subset, address_type))[: observation.max_endpoints_per_subset]
            if addresses:
                desired.setdefault(_ports(subset), []).extend(addresses)
        actions += plan_slices(template, slices, desired, address_type)
    return tuple(actions)


def _endpoints(subset: Object, address_type: str) -> Iterator[Object]:
    version = 4 if address_type == "IPv4" else 6
    for field, ready in (("addresses", True), ("notReadyAddresses", False)):
        for address in subset.get(field) or []:
            if ip_address(address["ip"]).version != version:
                continue
            endpoint: Object = {"addresses": [address["ip"]], "conditions": {"ready": ready}}
            for name in ("hostname", "nodeName", "targetRef"):
                if address.get(name):
                    endpoint[name] = address[name]
            yield endpoint


def _ports(subset: Object) -> Ports:
    ports = []
    for given in subset.get("ports") or []:
        port: Object = {
            "name": given.get("name") or "",
            "port": given["port"],
            "protocol": given.get("protocol", "TCP"),
        }
        if given.get("appProtocol"):
            port["appProtocol"] = given["appProtocol"]
        ports.append(tuple(sorted(port.items())))
    return tuple(sorted(ports))
