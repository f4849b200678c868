"""A StatefulSet's status; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from controllers.pod_availability import is_available
from controllers.stateful_set import spec
from controllers.stateful_set.pods import is_running_and_ready, revision_of
from minikube_py.api.meta import Object, generation_of, is_deleting

_ALWAYS_TOLD = ("replicas", "availableReplicas", "collisionCount")


def compute_status(
    stateful_set: Object, pods: Sequence[Object], current: str, update: str, collision_count: int, now: datetime
) -> Object:
    """The status that the set's ``pods`` amount to; ``current`` and ``update`` name its revisions.

    Once every replica is ready and of the update revision, that is the current one too. Conditions stay as they are.
    """
    ready = [pod for pod in pods if is_running_and_ready(pod)]
    staying = [revision_of(pod) for pod in pods if not is_deleting(pod)]
    status: Object = {
        "observedGeneration": generation_of(stateful_set),
        "replicas": len(pods),
        "readyReplicas": len(ready),
        "availableReplicas": sum(is_available(pod, spec.min_ready_seconds(stateful_set), now) for pod in ready),
        "currentReplicas": staying.count(current),
        "updatedReplicas": staying.count(update),
        "currentRevision": current,
        "updateRevision": update,
        "collisionCount": collision_count,
    }
    counts = {status["updatedReplicas"], status["readyReplicas"], status["replicas"]}
    if spec.is_rolling_update(stateful_set) and counts == {spec.replicas(stateful_set)}:
        status |= {"currentReplicas": status["updatedReplicas"], "currentRevision": update}
    conditions = (stateful_set.get("status") or {}).get("conditions")
    if conditions:
        status["conditions"] = conditions
    return told(status)


def told(status: Object) -> Object:
    """The status without what says nothing, so that two can be compared."""
    return {name: value for name, value in status.items() if value or name in _ALWAYS_TOLD}
