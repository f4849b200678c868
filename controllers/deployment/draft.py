"""A plan as it is drawn up: the ReplicaSets and the status as they will be, and what led there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from controllers.actions import Emit
from controllers.deployment import revisions
from controllers.deployment.replica_sets import desired
from minikube_py.api.meta import Object, annotations_of, metadata, name_of


@dataclass
class Draft:
    """What one sync works on.

    Decisions are made on ``replica_sets`` as changed so far; what differs from the observation in the end is written
    once. ``conditions`` are the Deployment's, ``progressed`` those of them that a decision has set by the way.
    """

    deployment: Object
    now: datetime
    replica_sets: dict[str, Object]
    """By name; with the one to create, if any."""
    conditions: list[Object]
    created: str = ""
    """The name of the ReplicaSet that is to be created."""
    deleted: list[str] = field(default_factory=list)
    events: list[Emit] = field(default_factory=list)
    revision: int | None = None
    """The revision annotation that the Deployment is to have."""

    def current(self, replica_sets: Iterable[Object]) -> list[Object]:
        """These ReplicaSets as changed so far."""
        return [self.replica_sets[name_of(replica_set)] for replica_set in replica_sets]

    def put(self, replica_set: Object) -> Object:
        """Takes in a changed, or a new, ReplicaSet."""
        self.replica_sets[name_of(replica_set)] = replica_set
        return replica_set

    def scale(self, replica_set: Object, replicas: int) -> bool:
        """Scales a ReplicaSet and tells of it; whether its size changed. The annotations follow in any case."""
        replica_set = self.replica_sets[name_of(replica_set)]
        before = desired(replica_set)
        meta = {
            **metadata(replica_set),
            "annotations": annotations_of(replica_set) | revisions.replica_counts(self.deployment),
        }
        self.put({**replica_set, "metadata": meta, "spec": {**replica_set["spec"], "replicas": replicas}})
        if before == replicas:
            return False
        self.tell_scaled(name_of(replica_set), before, replicas)
        return True

    def tell_scaled(self, name: str, before: int, after: int) -> None:
        """The event that a ReplicaSet was scaled."""
        direction = "up" if before < after else "down"
        message = f"Scaled {direction} replica set {name} from {before} to {after}"
        self.events.append(Emit(self.deployment, "Normal", "ScalingReplicaSet", message))
