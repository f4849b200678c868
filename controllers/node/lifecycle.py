"""What the node lifecycle controller does about one node; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from controllers import conditions
from controllers.actions import Emit, Patch, RequeueAfter, Update, merge_patch_of
from controllers.node.health import ready_status, silent_conditions
from controllers.node.taints import desired_taints, eviction_key, has_eviction_taint, without_eviction
from minikube_py.api.meta import Object, find_condition, name_of
from minikube_py.api.nodes import taints_of
from minikube_py.api.resources import NODES, PODS
from minikube_py.api.times import format_time

Action = Update | Patch | Emit | RequeueAfter


@dataclass(frozen=True, slots=True)
class Observation:
    """A node and how it stands.

    ``seconds_of_grace`` is how long it may still be silent. ``seconds_to_eviction`` is when its zone's rate lets it be
    tainted NoExecute: 0 is now, None never. ``all_disrupted`` says that no node of the cluster is ready. ``pods`` are
    those bound to it that are still told to be ready, to be told otherwise if the node was lost.
    """

    node: Object
    seconds_of_grace: float
    seconds_to_eviction: float | None
    all_disrupted: bool
    lost: bool
    pods: tuple[Object, ...]
    now: datetime


def sync(observation: Observation) -> tuple[Action, ...]:
    """First the conditions, and with the next look the taints that follow from them."""
    node, now = observation.node, observation.now
    if observation.seconds_of_grace <= 0:
        told = silent_conditions(node, now)
        if told != ((node.get("status") or {}).get("conditions") or []):
            return _turn_silent(node, told)
    actions: list[Action] = list(_not_ready_pods(observation))
    if observation.all_disrupted:
        taints = without_eviction(node, now)
    else:
        taints = desired_taints(node, evict=observation.seconds_to_eviction == 0, now=now)
        wait = observation.seconds_to_eviction
        if wait and eviction_key(node) and not has_eviction_taint(node):
            actions.append(RequeueAfter(wait))
    if taints != taints_of(node):
        actions.append(merge_patch_of(NODES, node, {"spec": {"taints": taints or None}}))
    if observation.seconds_of_grace > 0:
        actions.append(RequeueAfter(observation.seconds_of_grace))
    return tuple(actions)


def is_tainting_for_eviction(observation: Observation) -> bool:
    """Whether the plan uses up one eviction of the zone's rate."""
    silent_now = observation.seconds_of_grace <= 0 and ready_status(observation.node) != "Unknown"
    return (
        not observation.all_disrupted
        and not silent_now
        and observation.seconds_to_eviction == 0
        and bool(eviction_key(observation.node))
        and not has_eviction_taint(observation.node)
    )


def _turn_silent(node: Object, told: list[Object]) -> tuple[Action, ...]:
    status = {**(node.get("status") or {}), "conditions": told}
    actions: list[Action] = [Update(NODES, {**node, "status": status}, "status")]
    if ready_status(node) == "True":
        actions.append(_node_not_ready(node))
    return tuple(actions)


def _node_not_ready(node: Object) -> Emit:
    return Emit(node, "Normal", "NodeNotReady", f"Node {name_of(node)} status is now: NodeNotReady")


def _not_ready_pods(observation: Observation) -> tuple[Action, ...]:
    """Pods of a node that is lost are not ready, whatever they last said, so that no Service sends anything there."""
    actions: list[Action] = []
    for pod in observation.pods if observation.lost else ():
        present = (pod.get("status") or {}).get("conditions") or []
        current = find_condition(pod, "Ready") or {}
        not_ready = {**current, "status": "False", "lastTransitionTime": format_time(observation.now)}
        told = conditions.put(present, not_ready)
        actions.append(Emit(pod, "Warning", "NodeNotReady", "Node is not ready"))
        actions.append(merge_patch_of(PODS, pod, {"status": {"conditions": told}}, subresource="status"))
    return tuple(actions)


def registered(node: Object) -> Emit:
    """The event for a node that is seen for the first time."""
    return _node_event(node, "RegisteredNode", f"Registered Node {name_of(node)} in Controller")


def removing(node: Object) -> Emit:
    """The event for a node that is gone."""
    return _node_event(node, "RemovingNode", f"Removing Node {name_of(node)} from Controller")


def _node_event(node: Object, reason: str, what: str) -> Emit:
    return Emit(node, "Normal", reason, f"Node {name_of(node)} event: {what}")
