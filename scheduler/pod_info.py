"""What the scheduler needs of a pod, read once per version of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minikube_py.api import pods
from minikube_py.api.meta import Object, key_of, labels_of, namespace_of, uid_of
from minikube_py.api.quantity import Quantity
from scheduler.terms import PodTerms, SpreadConstraint, pod_terms, spread_constraints

DEFAULT_SCHEDULER = "default-scheduler"
DEFAULT_MILLI_CPU = 100
DEFAULT_MEMORY = 200 * 1024 * 1024
"""What a container that asks for nothing is taken to use when nodes are compared, as upstream."""

Amounts = Mapping[str, int]
"""Resources by name: CPU in thousandths, everything else in whole units."""


@dataclass(frozen=True, slots=True, order=True)
class HostPort:
    """A port of the node that a pod takes; the address ``0.0.0.0`` means all of them."""

    address: str
    protocol: str
    port: int

    def conflicts(self, other: HostPort) -> bool:
        """Whether both can't be taken on one node."""
        if (self.protocol, self.port) != (other.protocol, other.port):
            return False
        return self.address == other.address or "0.0.0.0" in (self.address, other.address)


@dataclass(frozen=True, slots=True, eq=False)
class PodInfo:
    """One version of a pod. ``node_name`` is where it is bound, or assumed to be; empty while it is pending."""

    pod: Object
    key: str
    uid: str
    namespace: str
    labels: Mapping[str, str]
    priority: int
    node_name: str
    requests: Amounts
    scoring_requests: Amounts
    """CPU and memory with the defaults of containers that ask for none."""
    host_ports: tuple[HostPort, ...]
    terms: PodTerms
    spread_constraints: tuple[SpreadConstraint, ...]

    @classmethod
    def of(cls, pod: Object, node_name: str = "") -> PodInfo:
        """Reads a pod; ``node_name`` stands for the node it has not got yet."""
        spec = pod.get("spec") or {}
        namespace, labels = namespace_of(pod), labels_of(pod)
        return cls(
            pod=pod,
            key=key_of(pod),
            uid=uid_of(pod),
            namespace=namespace,
            labels=labels,
            priority=int(spec.get("priority") or 0),
            node_name=node_name or pods.node_name(pod),
            requests=amounts(pods.requests(pod)),
            scoring_requests=amounts(pods.requests(_with_defaults(pod))),
            host_ports=tuple(_host_ports(spec)),
            terms=pod_terms(spec, namespace, labels),
            spread_constraints=spread_constraints(spec, labels),
        )

    @property
    def spec(self) -> Object:
        """The pod's ``spec``."""
        spec: Object = self.pod.get("spec") or {}
        return spec


def amounts(quantities: Mapping[str, Quantity]) -> Amounts:
    """Quantities as the integers that are compared."""
    return {name: q.milli() if name == "cpu" else q.value() for name, q in quantities.items()}


def amounts_of(texts: Mapping[str, Any] | None) -> Amounts:
    """The same of a resource list as it is written."""
    return amounts({name: Quantity.parse(text) for name, text in (texts or {}).items()})


def _with_defaults(pod: Object) -> Object:
    spec = pod.get("spec") or {}
    lists = {name: [_defaulted(c) for c in spec.get(name) or []] for name in ("containers", "initContainers")}
    return {**pod, "spec": {**spec, **lists}}


def _defaulted(container: Object) -> Object:
    resources = container.get("resources") or {}
    asked = {"cpu": f"{DEFAULT_MILLI_CPU}m", "memory": str(DEFAULT_MEMORY)}
    asked |= resources.get("limits") or {}
    asked |= resources.get("requests") or {}
    return {**container, "resources": {"requests": asked}}


def _host_ports(spec: Object) -> list[HostPort]:
    containers = [*(spec.get("containers") or []), *filter(pods.is_sidecar, spec.get("initContainers") or [])]
    return [
        HostPort(port.get("hostIP") or "0.0.0.0", port.get("protocol") or "TCP", int(port["hostPort"]))
        for container in containers
        for port in container.get("ports") or []
        if port.get("hostPort")
    ]
