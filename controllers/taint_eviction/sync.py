"""When a pod has to leave its node; pure. Follows ``k8s.io/kubernetes/pkg/controller/tainteviction``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from controllers import conditions
from controllers.actions import NORMAL, Delete, Emit, Patch, RequeueAfter, delete
from minikube_py.api.meta import Object, find_condition, is_deleting, key_of, metadata, name_of, namespace_of, uid_of
from minikube_py.api.nodes import NO_EXECUTE, taints_of, tolerates
from minikube_py.api.resources import PODS
from minikube_py.api.times import parse_time
from minikube_py.client.protocol import PatchType

REASON = "TaintManagerEviction"
TaintId = tuple[str, str]
"""Key and value of a NoExecute taint."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A pod and its node's NoExecute taints.

    ``first_seen`` tells since when a taint is there that does not tell itself, as those that people add;
    ``scheduled`` is whether the pod's eviction was announced before.
    """

    pod: Object
    taints: Sequence[Object]
    first_seen: Mapping[TaintId, datetime]
    scheduled: bool
    now: datetime


def no_execute_taints(node: Object | None) -> list[Object]:
    """The node's taints of that effect."""
    return [] if node is None else [taint for taint in taints_of(node) if taint.get("effect") == NO_EXECUTE]


def taint_id(taint: Object) -> TaintId:
    """What tells a NoExecute taint from others."""
    return str(taint.get("key") or ""), str(taint.get("value") or "")


def eviction_time(observation: Observation) -> datetime | None:
    """When the pod is to be deleted: the past or now at once, None where it tolerates its node for ever."""
    bound = _bound_since(observation.pod)
    deadlines = []
    for taint in observation.taints:
        tolerations = (observation.pod.get("spec") or {}).get("tolerations") or []
        toleration = next((t for t in tolerations if tolerates([t], taint)), None)
        if toleration is None:
            return observation.now
        seconds = toleration.get("tolerationSeconds")
        if seconds is not None:
            since = max(_since(taint, observation), bound) if bound else _since(taint, observation)
            deadlines.append(since + timedelta(seconds=max(seconds, 0)))
    return min(deadlines, default=None)


def sync(observation: Observation) -> tuple[Emit | Patch | Delete | RequeueAfter, ...]:
    """Evict the pod, wait until its time has come, or take back what was announced."""
    pod, now = observation.pod, observation.now
    if is_deleting(pod):
        return ()
    due = eviction_time(observation)
    if due is None:
        cancelled = Emit(pod, NORMAL, REASON, f"Cancelling deletion of Pod {key_of(pod)}")
        return (cancelled,) if observation.scheduled else ()
    if due > now:
        return (RequeueAfter((due - now).total_seconds()),)
    disruption = conditions.condition(
        "DisruptionTarget",
        "True",
        "DeletionByTaintManager",
        "Taint manager: deleting due to NoExecute taint",
        now,
    )
    patch = {"metadata": {"uid": uid_of(pod)}, "status": {"conditions": [disruption]}}
    return (
        Emit(pod, NORMAL, REASON, f"Marking for deletion Pod {key_of(pod)}"),
        Patch(PODS, namespace_of(pod), name_of(pod), patch, PatchType.STRATEGIC, "status"),
        delete(PODS, pod),
    )


def _since(taint: Object, observation: Observation) -> datetime:
    added = taint.get("timeAdded")
    return parse_time(added) if added else observation.first_seen.get(taint_id(taint), observation.now)


def _bound_since(pod: Object) -> datetime | None:
    scheduled = find_condition(pod, "PodScheduled") or {}
    text = scheduled.get("lastTransitionTime") or metadata(pod).get("creationTimestamp")
    return parse_time(text) if text else None
