"""A Deployment's status and its conditions; pure.

Reasons and messages are upstream's; ``kubectl rollout status`` and ``kubectl wait`` read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from controllers import conditions
from controllers.deployment import spec
from controllers.deployment.replica_sets import total, total_desired
from minikube_py.api.meta import Object, generation_of, name_of
from minikube_py.api.times import format_time, parse_time

AVAILABLE = "Available"
PROGRESSING = "Progressing"
REPLICA_FAILURE = "ReplicaFailure"

NEW_REPLICA_SET = "NewReplicaSetCreated"
FOUND_NEW_REPLICA_SET = "FoundNewReplicaSet"
REPLICA_SET_UPDATED = "ReplicaSetUpdated"
FAILED_CREATE = "ReplicaSetCreateError"
NEW_REPLICA_SET_AVAILABLE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"
PAUSED = "DeploymentPaused"
RESUMED = "DeploymentResumed"


def condition(condition_type: str, status: str, reason: str, message: str, now: datetime) -> Object:
    """A condition that has just come to be; a Deployment's tell of their last update too."""
    time = format_time(now)
    return {
        "type": condition_type,
        "status": status,
        "lastUpdateTime": time,
        "lastTransitionTime": time,
        "reason": reason,
        "message": message,
    }


def put(present: Sequence[Object], new: Object) -> list[Object]:
    """The conditions with ``new`` last, unless the one of its type has the same status and reason already."""
    old = conditions.find(present, new["type"])
    if old is not None and (old.get("status"), old.get("reason")) == (new["status"], new["reason"]):
        return list(present)
    if old is not None and old.get("status") == new["status"]:
        new = {**new, "lastTransitionTime": old.get("lastTransitionTime", new["lastTransitionTime"])}
    return [*conditions.without(present, new["type"]), new]


def compute(
    deployment: Object, all_sets: Sequence[Object], new: Object | None, present: Sequence[Object], now: datetime
) -> Object:
    """The counts, ``present`` conditions and Available; counts of zero are left out."""
    available = total(all_sets, "availableReplicas")
    counts = {
        "replicas": total(all_sets, "replicas"),
        "updatedReplicas": total([new] if new else [], "replicas"),
        "readyReplicas": total(all_sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(total_desired(all_sets) - available, 0),
    }
    status: Object = {name: count for name, count in counts.items() if count}
    if generation_of(deployment):
        status["observedGeneration"] = generation_of(deployment)
    collisions = (deployment.get("status") or {}).get("collisionCount")
    if collisions is not None:
        status["collisionCount"] = collisions
    if available >= spec.replicas(deployment) - spec.max_unavailable(deployment):
        told = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        told = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    status["conditions"] = put(present, condition(AVAILABLE, *told, now))
    return status


def compute_rollout(
    deployment: Object, all_sets: Sequence[Object], new: Object | None, present: Sequence[Object], now: datetime
) -> Object:
    """The status with Progressing, and with ReplicaFailure as the ReplicaSets tell it."""
    status = compute(deployment, all_sets, new, present, now)
    told: list[Object] = status["conditions"]
    if spec.progress_deadline(deployment) is None:
        told = conditions.without(told, PROGRESSING)
    else:
        told = _with_progress(deployment, status, told, new, now)
    failure = _replica_failure(all_sets, new)
    status["conditions"] = conditions.without(told, REPLICA_FAILURE) if failure is None else put(told, failure)
    return status


def _with_progress(
    deployment: Object, status: Object, told: list[Object], new: Object | None, now: datetime
) -> list[Object]:
    current = conditions.find(told, PROGRESSING)
    settled = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    if settled and current is not None and current.get("reason") == NEW_REPLICA_SET_AVAILABLE:
        return told
    subject = f'Deployment "{name_of(deployment)}"' if new is None else f'ReplicaSet "{name_of(new)}"'
    if is_complete(deployment, status):
        message = f"{subject} has successfully progressed."
        return put(told, condition(PROGRESSING, "True", NEW_REPLICA_SET_AVAILABLE, message, now))
    if _progresses(deployment, status):
        progress = condition(PROGRESSING, "True", REPLICA_SET_UPDATED, f"{subject} is progressing.", now)
        if current is not None and current.get("status") == "True":
            progress["lastTransitionTime"] = current["lastTransitionTime"]
        # Replaced even if nothing but lastUpdateTime differs: the deadline counts from there.
        return [*conditions.without(told, PROGRESSING), progress]
    if has_timed_out(deployment, told, now):
        message = f"{subject} has timed out progressing."
        return put(told, condition(PROGRESSING, "False", TIMED_OUT, message, now))
    return told


def is_complete(deployment: Object, status: Object) -> bool:
    """Whether every pod is of the new template and available, and no old one is left."""
    wanted = spec.replicas(deployment)
    counts = (status.get(name, 0) for name in ("updatedReplicas", "replicas", "availableReplicas"))
    return all(count == wanted for count in counts) and status.get("observedGeneration", 0) >= generation_of(deployment)


def _progresses(deployment: Object, status: Object) -> bool:
    """Whether the counts moved towards completion since the last status."""
    before = deployment.get("status") or {}

    def old(counts: Object) -> int:
        return int(counts.get("replicas", 0)) - int(counts.get("updatedReplicas", 0))

    return old(status) < old(before) or any(
        status.get(name, 0) > before.get(name, 0) for name in ("updatedReplicas", "readyReplicas", "availableReplicas")
    )


def has_timed_out(deployment: Object, told: Sequence[Object], now: datetime) -> bool:
    """Whether the rollout has stood still for longer than its deadline."""
    deadline = spec.progress_deadline(deployment)
    current = conditions.find(told, PROGRESSING)
    if deadline is None or current is None or current.get("reason") == NEW_REPLICA_SET_AVAILABLE:
        return False
    if current.get("reason") == TIMED_OUT:
        return True
    return parse_time(current["lastUpdateTime"]) + timedelta(seconds=deadline) < now


def seconds_to_deadline(deployment: Object, status: Object, now: datetime) -> float | None:
    """When to look whether the deadline has passed; None where there is nothing to wait for."""
    deadline = spec.progress_deadline(deployment)
    current = conditions.find(status.get("conditions") or [], PROGRESSING)
    if deadline is None or current is None or is_complete(deployment, status) or current.get("reason") == TIMED_OUT:
        return None
    if current.get("reason") == NEW_REPLICA_SET_AVAILABLE:
        return None
    due = parse_time(current["lastUpdateTime"]) + timedelta(seconds=deadline)
    # A second more, because times are kept in whole seconds.
    return max((due - now).total_seconds(), 0.0) + 1.0


def _replica_failure(all_sets: Sequence[Object], new: Object | None) -> Object | None:
    for replica_set in [*([new] if new else []), *all_sets]:
        for told in (replica_set.get("status") or {}).get("conditions") or []:
            if told.get("type") == REPLICA_FAILURE:
                return {**told, "lastUpdateTime": told.get("lastTransitionTime")}
    return None
