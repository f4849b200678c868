"""What a ReplicaSet, or a ReplicationController, needs next; pure."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime

from controllers.actions import RequeueAfter, Update
from controllers.pod_availability import seconds_until_available
from controllers.replica_set.ranking import pods_to_delete
from controllers.replica_set.status import Failure, compute_status
from minikube_py.api.meta import Object, controller_reference, is_deleting, name_of, namespace_of
from minikube_py.api.resources import Resource

LONGEST_NAME = 253
BURST_REPLICAS = 500
"""At most so many pods are created or deleted in one go."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A ReplicaSet with the active pods that are its own, and the active pods of all its owner's ReplicaSets."""

    replica_set: Object
    pods: tuple[Object, ...]
    related_pods: tuple[Object, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class CreatePods:
    """Create so many pods from the template, in batches that grow while they succeed."""

    count: int


@dataclass(frozen=True, slots=True)
class DeletePods:
    """Delete these pods, all at once."""

    pods: tuple[Object, ...]


def desired_replicas(replica_set: Object) -> int:
    """``spec.replicas``, by default 1."""
    replicas = replica_set["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def sync_pods(observation: Observation) -> CreatePods | DeletePods | None:
    """The pods to create or to delete; nothing for a ReplicaSet that is being deleted."""
    if is_deleting(observation.replica_set):
        return None
    surplus = len(observation.pods) - desired_replicas(observation.replica_set)
    if surplus < 0:
        return CreatePods(min(-surplus, BURST_REPLICAS))
    if surplus > 0:
        count = min(surplus, BURST_REPLICAS)
        return DeletePods(pods_to_delete(observation.pods, observation.related_pods, count, observation.now))
    return None


def sync_status(
    resource: Resource, observation: Observation, failure: Failure | None
) -> tuple[Update | RequeueAfter, ...]:
    """The status to write where it differs, and when to look again because a pod will have become available."""
    replica_set = observation.replica_set
    status = compute_status(replica_set, observation.pods, failure, observation.now)
    actions: list[Update | RequeueAfter] = []
    if status != _comparable(replica_set.get("status") or {}):
        actions.append(Update(resource, {**replica_set, "status": status}, "status"))
    min_ready_seconds = replica_set["spec"].get("minReadySeconds") or 0
    waits = [seconds_until_available(pod, min_ready_seconds, observation.now) for pod in observation.pods]
    soonest = min((wait for wait in waits if wait), default=None)
    if soonest is not None:
        actions.append(RequeueAfter(soonest))
    return tuple(actions)


def _comparable(status: Object) -> Object:
    """The status without zeros and empty lists, which say the same as what is absent."""
    return {name: value for name, value in status.items() if value or name == "replicas"}


def pod_from_template(template: Object, owner: Object) -> Object:
    """A pod to create: the template's labels, annotations, finalizers and spec, named after and owned by ``owner``."""
    given = template.get("metadata") or {}
    base = f"{name_of(owner)}-"
    metadata: Object = {
        "generateName": base if len(base) <= LONGEST_NAME else name_of(owner),
        "namespace": namespace_of(owner),
        "ownerReferences": [controller_reference(owner)],
    }
    for field in ("labels", "annotations", "finalizers"):
        if given.get(field):
            metadata[field] = deepcopy(given[field])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": deepcopy(template.get("spec") or {})}
