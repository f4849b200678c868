"""The slices that a Service needs; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controllers.actions import delete
from controllers.endpoint_slice.endpoints import desired_endpoints
from controllers.endpoint_slice.reconcile import Action, SliceTemplate, plan_slices
from controllers.service_pods import HEADLESS_LABEL, has_selector, is_headless
from minikube_py.api.meta import Object, is_deleting, labels_of, name_of
from minikube_py.api.resources import ENDPOINT_SLICES

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"


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
    """The fewest writes that make the slices right. A Service that is going is left alone."""
    service = observation.service
    if is_deleting(service):
        return ()
    if not has_selector(service):
        return tuple(delete(ENDPOINT_SLICES, present) for present in observation.slices)
    template = SliceTemplate(
        service,
        slice_labels(service),
        observation.trigger_time,
        observation.max_endpoints_per_slice,
        placeholder=True,
    )
    actions: list[Action] = []
    types = address_types(service)
    for address_type in types:
        slices = [present for present in observation.slices if present.get("addressType") == address_type]
        desired = desired_endpoints(service, observation.pods, observation.nodes, address_type)
        actions += plan_slices(template, slices, desired, address_type)
    actions += (delete(ENDPOINT_SLICES, s) for s in observation.slices if s.get("addressType") not in types)
    return tuple(actions)


def slice_labels(service: Object) -> dict[str, str]:
    """The Service's labels and those that lead from a slice to its Service and to this controller."""
    labels = {name: value for name, value in labels_of(service).items() if name != HEADLESS_LABEL}
    if is_headless(service):
        labels[HEADLESS_LABEL] = ""
    return {**labels, SERVICE_NAME: name_of(service), MANAGED_BY: MANAGER}
