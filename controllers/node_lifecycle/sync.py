"""What a node's health calls for next; pure. Follows ``k8s.io/kubernetes/pkg/controller/nodelifecycle``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from controllers.actions import NORMAL, WARNING, Emit, Patch, RequeueAfter, merge_patch_of
from controllers.node_lifecycle.health import GracePeriods, overdue_conditions, ready_status, with_conditions
from controllers.node_lifecycle.taints import compute_taints
from minikube_py.api.meta import Object, find_condition, is_deleting, name_of, namespace_of, uid_of
from minikube_py.api.pods import is_ready
from minikube_py.api.resources import NODES, PODS
from minikube_py.api.times import format_time
from minikube_py.client.protocol import PatchType


@dataclass(frozen=True, slots=True)
class Observation:
    """A node, its pods, and what is known of it beyond the object.

    ``silent_seconds`` have passed since the last sign of life. ``eviction_wait`` are the seconds until the node's zone
    may have another node tainted NoExecute; None where that is not to be at all for now.
    """

    node: Object
    pods: tuple[Object, ...]
    silent_seconds: float
    grace_periods: GracePeriods
    eviction_wait: float | None
    all_disrupted: bool
    now: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, and whether that uses up the zone's turn to evict."""

    actions: tuple[Patch | Emit | RequeueAfter, ...]
    evicts: bool


def sync(observation: Observation) -> Plan:
    """Mark a node that is silent, put its taints right, and take its pods out of service."""
    node = observation.node
    wait = observation.grace_periods.of(node) - observation.silent_seconds
    overdue = overdue_conditions(node, observation.now) if wait <= 0 else []
    actions: list[Patch | Emit | RequeueAfter] = []
    if overdue:
        if ready_status(node) == "True":
            message = f"Node {name_of(node)} status is now: NodeNotReady"
            actions.append(Emit(node, NORMAL, "NodeNotReady", message))
        patch = {"metadata": {"uid": uid_of(node)}, "status": {"conditions": overdue}}
        actions.append(Patch(NODES, "", name_of(node), patch, PatchType.STRATEGIC, "status"))
    marked = with_conditions(node, overdue)
    taints = compute_taints(
        marked,
        may_evict=observation.eviction_wait == 0,
        all_disrupted=observation.all_disrupted,
        now=observation.now,
    )
    if taints.changed:
        # The list of taints is replaced as a whole: it must not have changed meanwhile, but by the patch just before.
        spec = {"spec": {"taints": taints.taints or None}}
        if overdue:
            actions.append(RequeueAfter(0))
        else:
            actions.append(merge_patch_of(NODES, node, spec))
    if ready_status(marked) == "Unknown":
        for pod in observation.pods:
            actions.extend(_take_out_of_service(pod, observation.now))
    if taints.awaits_eviction and observation.eviction_wait:
        actions.append(RequeueAfter(observation.eviction_wait))
    if wait > 0:
        actions.append(RequeueAfter(wait))
    return Plan(tuple(actions), evicts=taints.evicts and taints.changed and not overdue)


def _take_out_of_service(pod: Object, now: datetime) -> Iterator[Patch | Emit]:
    if not is_ready(pod) or is_deleting(pod):
        return
    condition = {**(find_condition(pod, "Ready") or {}), "status": "False", "lastTransitionTime": format_time(now)}
    patch = {"metadata": {"uid": uid_of(pod)}, "status": {"conditions": [condition]}}
    yield Emit(pod, WARNING, "NodeNotReady", "Node is not ready")
    yield Patch(PODS, namespace_of(pod), name_of(pod), patch, PatchType.STRATEGIC, "status")
