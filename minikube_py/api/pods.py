"""What a pod asks for and how it stands; follows ``k8s.io/component-helpers/resource`` and ``…/qos``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from minikube_py.api.meta import Object, condition_is_true, is_deleting
from minikube_py.api.quantity import Quantity

Resources = dict[str, Quantity]
_QOS_RESOURCES = ("cpu", "memory")


def _spec(pod: Object) -> Object:
    return cast(Object, pod.get("spec") or {})


def _containers(pod: Object, field: str) -> list[Object]:
    return cast(list[Object], _spec(pod).get(field) or [])


def all_containers(pod: Object) -> list[Object]:
    """Init containers, containers and ephemeral containers, in that order."""
    return [
        *_containers(pod, "initContainers"),
        *_containers(pod, "containers"),
        *_containers(pod, "ephemeralContainers"),
    ]


def is_sidecar(init_container: Object) -> bool:
    """Whether an init container keeps running beside the containers (``restartPolicy: Always``)."""
    return init_container.get("restartPolicy") == "Always"


def host_network(pod: Object) -> bool:
    """Whether the pod uses its node's network."""
    return bool(_spec(pod).get("hostNetwork"))


def node_name(pod: Object) -> str:
    """The node the pod is bound to, or the empty string."""
    return cast(str, _spec(pod).get("nodeName") or "")


def phase(pod: Object) -> str:
    """``status.phase``, or the empty string."""
    return cast(str, (pod.get("status") or {}).get("phase") or "")


def is_ready(pod: Object) -> bool:
    """Whether the ``Ready`` condition is true."""
    return condition_is_true(pod, "Ready")


def is_terminal(pod: Object) -> bool:
    """Whether the pod has ended for good: ``Succeeded`` or ``Failed``."""
    return phase(pod) in ("Succeeded", "Failed")


def is_active(pod: Object) -> bool:
    """Whether the pod counts as a replica: neither ended nor being deleted."""
    return not is_terminal(pod) and not is_deleting(pod)


def requests(pod: Object) -> Resources:
    """What the scheduler reserves: the larger of what runs together and of each init step, plus overhead."""
    total = _effective(pod, "requests")
    for name, amount in (_spec(pod).get("overhead") or {}).items():
        total[name] = total.get(name, Quantity(0)) + Quantity.parse(amount)
    return total


def limits(pod: Object) -> Resources:
    """The pod's limits, summed as :func:`requests`; overhead counts only towards a resource that has a limit."""
    total = _effective(pod, "limits")
    for name, amount in (_spec(pod).get("overhead") or {}).items():
        if name in total:
            total[name] += Quantity.parse(amount)
    return total


def _effective(pod: Object, which: str) -> Resources:
    total: Resources = {}
    for container in _containers(pod, "containers"):
        _add(total, _amounts(container, which))
    sidecars: Resources = {}
    largest_step: Resources = {}
    for container in _containers(pod, "initContainers"):
        step = dict(_amounts(container, which))
        if is_sidecar(container):
            _add(total, step)
            _add(sidecars, step)
            step = dict(sidecars)
        else:
            _add(step, sidecars)
        _raise_to(largest_step, step)
    _raise_to(total, largest_step)
    declared = (_spec(pod).get("resources") or {}).get(which) or {}
    total.update({name: Quantity.parse(amount) for name, amount in declared.items()})
    return total


def _amounts(container: Object, which: str) -> Resources:
    declared: dict[str, Any] = (container.get("resources") or {}).get(which) or {}
    amounts = {name: Quantity.parse(amount) for name, amount in declared.items()}
    if which == "requests":
        # The API server fills these in; a pod that did not pass through it is read the same way.
        for name, amount in ((container.get("resources") or {}).get("limits") or {}).items():
            amounts.setdefault(name, Quantity.parse(amount))
    return amounts


def _add(total: Resources, amounts: Resources) -> None:
    for name, amount in amounts.items():
        total[name] = total[name] + amount if name in total else amount


def _raise_to(total: Resources, amounts: Resources) -> None:
    for name, amount in amounts.items():
        if name not in total or total[name] < amount:
            total[name] = amount


def qos_class(pod: Object) -> str:
    """``Guaranteed``, ``Burstable`` or ``BestEffort``, from the CPU and memory of containers and init containers."""
    containers = [*_containers(pod, "containers"), *_containers(pod, "initContainers")]
    return _qos_of((_amounts(c, "requests"), _amounts(c, "limits")) for c in containers)


def _qos_of(containers: Iterable[tuple[Resources, Resources]]) -> str:
    any_amount, guaranteed = False, True
    for requested, limited in containers:
        for name in _QOS_RESOURCES:
            request, limit = requested.get(name), limited.get(name)
            any_amount = any_amount or bool(request) or bool(limit)
            guaranteed = guaranteed and bool(limit) and request == limit
    if not any_amount:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"
