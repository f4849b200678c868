"""The annotations that a Deployment and its ReplicaSets keep of each other; pure."""

from __future__ import annotations

from controllers.deployment import spec
from controllers.deployment.replica_sets import (
    DESIRED_REPLICAS,
    MAX_REPLICAS,
    REVISION,
    REVISION_HISTORY,
    revision_of,
)
from minikube_py.api.meta import Object, annotations_of

MAX_HISTORY_LENGTH = 2000
"""Characters of the revision history; the oldest are cut off."""
_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        REVISION,
        REVISION_HISTORY,
        DESIRED_REPLICAS,
        MAX_REPLICAS,
    }
)


def of_new_replica_set(
    deployment: Object, annotations: dict[str, str], revision: int, *, exists: bool
) -> dict[str, str]:
    """The annotations of the ReplicaSet with the Deployment's template: the Deployment's own, and a higher revision.

    A ReplicaSet that is made new again by a rollback remembers the revision it had.
    """
    new = dict(annotations)
    new.update({name: value for name, value in annotations_of(deployment).items() if name not in _NOT_COPIED})
    old_revision = new.get(REVISION, "")
    if old_revision and not _is_integer(old_revision):
        return new
    if int(old_revision or 0) < revision:
        if old_revision:
            new[REVISION_HISTORY] = _history(new.get(REVISION_HISTORY, ""), old_revision)
        new[REVISION] = str(revision)
    if not exists:
        new.update(replica_counts(deployment))
    return new


def replica_counts(deployment: Object) -> dict[str, str]:
    """What proportional scaling needs to know of the size that a ReplicaSet was last scaled for."""
    total = spec.replicas(deployment)
    return {DESIRED_REPLICAS: str(total), MAX_REPLICAS: str(total + spec.max_surge(deployment))}


def desired_replicas(replica_set: Object) -> int | None:
    """The Deployment's size when the ReplicaSet was last scaled, or None."""
    return _integer(replica_set, DESIRED_REPLICAS)


def max_replicas(replica_set: Object) -> int | None:
    """The same with the surge, or None."""
    return _integer(replica_set, MAX_REPLICAS)


def next_revision(old_replica_sets: list[Object]) -> int:
    """One more than the highest revision of the old ReplicaSets."""
    return max((revision_of(replica_set) for replica_set in old_replica_sets), default=0) + 1


def _history(history: str, revision: str) -> str:
    revisions = [*filter(None, history.split(",")), revision]
    while len(revisions) > 1 and len(",".join(revisions)) > MAX_HISTORY_LENGTH:
        del revisions[0]
    return ",".join(revisions)


def _is_integer(text: str) -> bool:
    return text.lstrip("-").isdecimal()


def _integer(replica_set: Object, annotation: str) -> int | None:
    text = annotations_of(replica_set).get(annotation, "")
    return int(text) if _is_integer(text) else None
