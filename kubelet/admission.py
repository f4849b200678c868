"""Whether this node takes a pod that is bound to it. Pure; follows upstream's ``lifecycle/predicate.go``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from minikube_py.api.meta import Object
from minikube_py.api.nodes import NO_EXECUTE, matches_node_affinity, untolerated
from minikube_py.api.pods import requests
from minikube_py.api.quantity import Quantity

_SHOWN_IN_MILLI = ("cpu",)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a pod is not admitted: the status's reason, and its message without upstream's prefix."""

    reason: str
    message: str


def admit(
    pod: Object, others: Iterable[Object], allocatable: Mapping[str, str], node: Object | None
) -> Rejection | None:
    """None where the pod fits beside ``others``, which are on the node and not over.

    ``node`` is the Node object where it is known; its taints of effect NoExecute and its labels are heeded.
    """
    wanted = requests(pod)
    others = list(others)
    most_pods = int(allocatable.get("pods", "0"))
    if most_pods and len(others) + 1 > most_pods:
        return _lacking("pods", 1, len(others), most_pods)
    for resource, amount in wanted.items():
        if resource == "pods" or amount == Quantity.parse("0"):
            continue
        has = allocatable.get(resource)
        if has is None:
            return _lacking(resource, _number(resource, amount), 0, 0)
        used = sum(_number(resource, requests(other).get(resource)) for other in others)
        asked, total = _number(resource, amount), _number(resource, Quantity.parse(has))
        if asked + used > total:
            return _lacking(resource, asked, used, total)
    if node is None:
        return None
    if not matches_node_affinity(pod, node):
        return Rejection(
            "NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
        )
    taints = (node.get("spec") or {}).get("taints") or []
    if untolerated(taints, pod["spec"].get("tolerations") or [], (NO_EXECUTE,)):
        return Rejection("TaintToleration", "Predicate TaintToleration failed: node(s) had untolerated taint(s)")
    return None


def _number(resource: str, amount: Quantity | None) -> int:
    if amount is None:
        return 0
    return amount.milli() if resource in _SHOWN_IN_MILLI else amount.value()


def _lacking(resource: str, asked: int, used: int, total: int) -> Rejection:
    return Rejection(
        f"OutOf{resource}",
        f"Node didn't have enough resource: {resource}, requested: {asked}, used: {used}, capacity: {total}",
    )
