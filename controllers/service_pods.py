"""What Endpoints and EndpointSlices have in common: pods as the endpoints of a Service; pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from minikube_py.api.meta import Object, is_deleting, labels_of, name_of, namespace_of, uid_of
from minikube_py.api.pods import is_ready, is_sidecar, is_terminal
from minikube_py.api.selectors import LabelSelector

HEADLESS_LABEL = "service.kubernetes.io/headless"
LAST_CHANGE_TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"


def has_selector(service: Object) -> bool:
    """Whether the Service finds its pods itself; without, somebody else makes its Endpoints."""
    spec = service.get("spec") or {}
    return bool(spec.get("selector")) and spec.get("type") != "ExternalName"


def selects(service: Object, pod: Object) -> bool:
    """Whether the pod carries what the Service's selector asks for."""
    selector = (service.get("spec") or {}).get("selector") or {}
    return bool(selector) and LabelSelector.from_labels(selector).matches(labels_of(pod))


def is_headless(service: Object) -> bool:
    """Whether the Service has no virtual address of its own."""
    return (service.get("spec") or {}).get("clusterIP") == "None"


def publishes_not_ready(service: Object) -> bool:
    """Whether pods that are not ready are to be found as well."""
    return bool((service.get("spec") or {}).get("publishNotReadyAddresses"))


def addresses_of(pod: Object, address_type: str) -> tuple[str, ...]:
    """The pod's addresses of that type, ``IPv4`` or ``IPv6``."""
    status = pod.get("status") or {}
    told = [entry.get("ip") for entry in status.get("podIPs") or []] or [status.get("podIP")]
    version = 4 if address_type == "IPv4" else 6
    return tuple(address for address in told if address and ip_address(address).version == version)


def may_be_endpoint(pod: Object, *, include_terminating: bool) -> bool:
    """Whether the pod has an address and has not ended."""
    status = pod.get("status") or {}
    if is_terminal(pod) or not (status.get("podIP") or status.get("podIPs")):
        return False
    return include_terminating or not is_deleting(pod)


def target_reference(pod: Object) -> Object:
    """The ``targetRef`` that names the pod."""
    return {"kind": "Pod", "namespace": namespace_of(pod), "name": name_of(pod), "uid": uid_of(pod)}


def hostname_in(service: Object, pod: Object) -> str:
    """The host name under which DNS knows the pod within the Service, or the empty string."""
    spec = pod.get("spec") or {}
    if spec.get("subdomain") == name_of(service) and namespace_of(pod) == namespace_of(service):
        return str(spec.get("hostname") or "")
    return ""


def target_port(pod: Object, service_port: Object) -> int | None:
    """The number of the port that ``targetPort`` means in this pod; None where no container has one of that name."""
    target = service_port.get("targetPort")
    if target in (None, "", 0):
        return int(service_port["port"])
    if isinstance(target, int):
        return target
    protocol = service_port.get("protocol", "TCP")
    for container in _serving_containers(pod):
        for port in container.get("ports") or []:
            if port.get("name") == target and port.get("protocol", "TCP") == protocol:
                return int(port["containerPort"])
    return None


def _serving_containers(pod: Object) -> Iterable[Object]:
    spec = pod.get("spec") or {}
    yield from spec.get("containers") or []
    yield from filter(is_sidecar, spec.get("initContainers") or [])


def is_relevant_change(old: Object | None, new: Object | None) -> bool:
    """Whether a change of a pod may change the endpoints of the Services that select it."""
    if old is None or new is None:
        return True
    return _endpoint_facts(old) != _endpoint_facts(new)


def _endpoint_facts(pod: Object) -> tuple[object, ...]:
    status, spec = pod.get("status") or {}, pod.get("spec") or {}
    return (
        status.get("podIP"),
        status.get("podIPs"),
        is_ready(pod),
        is_terminal(pod),
        is_deleting(pod),
        spec.get("nodeName"),
        spec.get("hostname"),
        spec.get("subdomain"),
        labels_of(pod),
    )
