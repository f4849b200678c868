"""When a pod has to leave its node because of NoExecute taints; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from controllers import conditions
from controllers.actions import Delete, Emit, Patch, RequeueAfter, delete, merge_patch_of
from minikube_py.api.meta import Object, key_of, metadata
from minikube_py.api.nodes import NO_EXECUTE, tolerates
from minikube_py.api.resources import PODS
from minikube_py.api.times import parse_time

Action = Delete | Emit | Patch | RequeueAfter
REASON = "TaintManagerEviction"


@dataclass(frozen=True, slots=True)
class Observation:
    """A pod on a node, the node's NoExecute taints, and since when those without ``timeAdded`` have been seen."""

    pod: Object
    taints: Sequence[Object]
    seen_since: datetime
    marked: bool
    """Whether its deletion was planned before."""
    now: datetime


def no_execute(taints: Sequence[Object]) -> list[Object]:
    """The taints that make pods leave."""
    return [taint for taint in taints if taint.get("effect") == NO_EXECUTE]


def eviction_time(observation: Observation) -> datetime | None:
    """When the pod has to leave, which may be in the past; None if it may stay.

    A taint counts from when it was added, or from when the pod came if that is later; the shortest of the matching
    tolerations decides, and a taint that nothing tolerates makes the pod leave at once.
    """
    tolerations = (observation.pod.get("spec") or {}).get("tolerations") or []
    leave: list[datetime] = []
    for taint in observation.taints:
        matching = [toleration for toleration in tolerations if tolerates([toleration], taint)]
        if not matching:
            return observation.now
        seconds = [t["tolerationSeconds"] for t in matching if t.get("tolerationSeconds") is not None]
        if seconds:
            leave.append(_since(observation, taint) + timedelta(seconds=max(min(seconds), 0)))
    return min(leave, default=None)


def _since(observation: Observation, taint: Object) -> datetime:
    added = parse_time(taint["timeAdded"]) if taint.get("timeAdded") else observation.seen_since
    created = metadata(observation.pod).get("creationTimestamp")
    return max(added, parse_time(created)) if created else added


def sync(observation: Observation) -> tuple[Action, ...]:
    """Deletes the pod when its time has come, having said why in its status; before that, looks again then."""
    pod, leave = observation.pod, eviction_time(observation)
    if leave is None:
        if observation.marked:
            return (Emit(pod, "Normal", REASON, f"Cancelling deletion of Pod {key_of(pod)}"),)
        return ()
    wait = (leave - observation.now).total_seconds()
    if wait > 0:
        return (RequeueAfter(wait),)
    target = conditions.condition(
        "DisruptionTarget",
        "True",
        "DeletionByTaintManager",
        "Taint manager: deleting due to NoExecute taint",
        observation.now,
    )
    told = conditions.put((pod.get("status") or {}).get("conditions") or [], target)
    return (
        Emit(pod, "Normal", REASON, f"Marking for deletion Pod {key_of(pod)}"),
        merge_patch_of(PODS, pod, {"status": {"conditions": told}}, subresource="status"),
        delete(PODS, pod),
    )
