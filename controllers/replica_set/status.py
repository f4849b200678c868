"""A ReplicaSet's status; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from controllers import conditions
from controllers.pod_availability import is_available
from minikube_py.api.meta import Object, generation_of, labels_of
from minikube_py.api.pods import is_ready
from minikube_py.api.selectors import LabelSelector

REPLICA_FAILURE = "ReplicaFailure"


@dataclass(frozen=True, slots=True)
class Failure:
    """Creating or deleting pods failed."""

    reason: str
    message: str


FAILED_CREATE = "FailedCreate"
FAILED_DELETE = "FailedDelete"


def compute_status(replica_set: Object, pods: Sequence[Object], failure: Failure | None, now: datetime) -> Object:
    """The status that ``pods``, active and its own, amount to; counts of zero are left out but ``replicas``."""
    spec = replica_set["spec"]
    template_labels = LabelSelector.from_labels(labels_of(spec.get("template") or {}))
    min_ready_seconds = spec.get("minReadySeconds") or 0
    counts = {
        "fullyLabeledReplicas": sum(template_labels.matches(labels_of(pod)) for pod in pods),
        "readyReplicas": sum(is_ready(pod) for pod in pods),
        "availableReplicas": sum(is_available(pod, min_ready_seconds, now) for pod in pods),
    }
    status: Object = {"replicas": len(pods), **{name: count for name, count in counts.items() if count}}
    if generation_of(replica_set):
        status["observedGeneration"] = generation_of(replica_set)
    present = (replica_set.get("status") or {}).get("conditions") or []
    told = _conditions(present, failure, now)
    if told:
        status["conditions"] = told
    return status


def _conditions(present: Sequence[Object], failure: Failure | None, now: datetime) -> Sequence[Object]:
    if failure is None:
        return conditions.without(present, REPLICA_FAILURE)
    if conditions.find(present, REPLICA_FAILURE) is not None:
        return present
    return [*present, conditions.condition(REPLICA_FAILURE, "True", failure.reason, failure.message, now)]
