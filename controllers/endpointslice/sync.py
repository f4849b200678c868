"""The slices that a Service needs; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controllers.actions import Create, Delete, Update, delete
from controllers.endpointslice.endpoints import Ports, desired_endpoints, ports_key
from controllers.endpointslice.packing import pack
from controllers.service_pods import HEADLESS_LABEL, LAST_CHANGE_TRIGGER_TIME, has_selector, is_headless
from minikube_py.api.meta import (
    Object,
    annotations_of,
    controller_reference,
    is_controlled_by,
    is_deleting,
    labels_of,
    metadata,
    name_of,
    namespace_of,
)
from minikube_py.api.resources import ENDPOINT_SLICES

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
LONGEST_BASE = 57
"""Characters of the Service's name in a slice's name, so that what follows does not make it too long."""

Action = Create | Update | Delete


@dataclass(frozen=True, slots=True)
class Observation:
    """A Service, the pods it selects, the nodes by name, its slices made by this controller, and the trigger time."""

    service: Object
    pods: tuple[Object, ...]
    nodes: Mapping[str, Object]
    slices: tuple[Object, ...]
    trigger_time: str
    max_endpoints_per_slice: int = 100


def address_types(service: Object) -> tuple[str, ...]:
    """The address types of the Service's slices, after its IP families."""
    families = (service.get("spec") or {}).get("ipFamilies") or ["IPv4"]
    return tuple(dict.fromkeys(families))


def sync(observation: Observation) -> tuple[Action, ...]:
    """The fewest writes that make the slices right. A Service without selector, or going, is left alone."""
    service = observation.service
    if is_deleting(service):
        return ()
    if not has_selector(service):
        return tuple(delete(ENDPOINT_SLICES, present) for present in observation.slices)
    actions: list[Action] = []
    types = address_types(service)
    for address_type in types:
        actions += _sync_address_type(observation, address_type)
    actions += (delete(ENDPOINT_SLICES, s) for s in observation.slices if s.get("addressType") not in types)
    return tuple(actions)


def _sync_address_type(observation: Observation, address_type: str) -> list[Action]:
    service, maximum = observation.service, observation.max_endpoints_per_slice
    by_ports: dict[Ports, list[Object]] = {}
    surplus: list[Object] = []
    for present in observation.slices:
        if present.get("addressType") == address_type and not is_deleting(present):
            owned = is_controlled_by(present, service)
            (by_ports.setdefault(ports_key(present), []) if owned else surplus).append(present)
    foreign = list(surplus)
    desired = desired_endpoints(service, observation.pods, observation.nodes, address_type)
    unchanged: list[tuple[Object, Ports, Sequence[Object]]] = []
    update: list[tuple[Object, Ports, Sequence[Object]]] = []
    create: list[tuple[Ports, Sequence[Object]]] = []
    for ports in sorted({*by_ports, *desired}, key=repr):
        packing = pack(by_ports.get(ports, []), desired.get(ports, []), maximum)
        unchanged += ((present, ports, present["endpoints"]) for present in packing.unchanged)
        update += ((present, ports, endpoints) for present, endpoints in packing.update)
        create += ((ports, endpoints) for endpoints in packing.create)
        surplus += packing.empty
    if not unchanged and not update and not create:
        # A slice without endpoints tells that the Service is known and has none.
        create.append(((), []))
    # What is to go and what is to come make one write.
    reusable = [present for present in surplus if present not in foreign]
    for present, (ports, endpoints) in zip(reusable, list(create), strict=False):
        surplus.remove(present)
        create.remove((ports, endpoints))
        update.append((present, ports, endpoints))
    actions: list[Action] = []
    for present, ports, endpoints in [*unchanged, *update]:
        wanted = _with_content(observation, present, ports, endpoints)
        if wanted is not None:
            actions.append(Update(ENDPOINT_SLICES, wanted))
    actions += (
        Create(ENDPOINT_SLICES, new_slice(observation, address_type, ports, endpoints)) for ports, endpoints in create
    )
    actions += (delete(ENDPOINT_SLICES, present) for present in surplus)
    return actions


def slice_labels(service: Object) -> dict[str, str]:
    """The Service's labels and those that lead from a slice to its Service and to this controller."""
    labels = {
        name: value
        for name, value in labels_of(service).items()
        if name not in (HEADLESS_LABEL, SERVICE_NAME, MANAGED_BY)
    }
    if is_headless(service):
        labels[HEADLESS_LABEL] = ""
    return {**labels, SERVICE_NAME: name_of(service), MANAGED_BY: MANAGER}


def _with_content(
    observation: Observation, present: Object, ports: Ports, endpoints: Sequence[Object]
) -> Object | None:
    """The slice as it is to be, or None where it is so already (the trigger time apart)."""
    labels = slice_labels(observation.service)
    same = (
        (present.get("endpoints") or []) == list(endpoints)
        and ports_key(present) == ports
        and labels_of(present) == labels
    )
    if same:
        return None
    annotations = _annotations(annotations_of(present), observation.trigger_time)
    meta = {**metadata(present), "labels": labels, "annotations": annotations}
    return {**present, "metadata": meta, "endpoints": list(endpoints), "ports": [dict(port) for port in ports]}


def _annotations(present: Mapping[str, str], trigger_time: str) -> dict[str, str]:
    annotations = {name: value for name, value in present.items() if name != LAST_CHANGE_TRIGGER_TIME}
    return annotations | ({LAST_CHANGE_TRIGGER_TIME: trigger_time} if trigger_time else {})


def new_slice(observation: Observation, address_type: str, ports: Ports, endpoints: Sequence[Object]) -> Object:
    """A slice to create, named after the Service and owned by it."""
    service = observation.service
    meta: Object = {
        "generateName": f"{name_of(service)[:LONGEST_BASE]}-",
        "namespace": namespace_of(service),
        "labels": slice_labels(service),
        "ownerReferences": [controller_reference(service)],
    }
    annotations = _annotations({}, observation.trigger_time)
    if annotations:
        meta["annotations"] = annotations
    return {
        "apiVersion": ENDPOINT_SLICES.api_version,
        "kind": ENDPOINT_SLICES.kind,
        "metadata": meta,
        "addressType": address_type,
        "endpoints": list(endpoints),
        "ports": [dict(port) for port in ports],
    }
