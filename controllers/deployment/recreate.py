"""Recreate: every old pod gone before the first new one comes; pure but for the draft."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from controllers.deployment.draft import Draft
from controllers.deployment.replica_sets import active, total
from minikube_py.api.meta import Object, uid_of
from minikube_py.api.pods import phase


def scale_old_to_zero(draft: Draft, old: list[Object]) -> bool:
    """Scales every old ReplicaSet to nothing; whether any changed."""
    changed = [draft.scale(replica_set, 0) for replica_set in active(draft.current(old))]
    return any(changed)


def old_pods_run(new: Object | None, old: Iterable[Object], pods: Mapping[str, tuple[Object, ...]]) -> bool:
    """Whether any pod of another ReplicaSet than the new one has not ended; ``pods`` are by their owner's uid."""
    if total(old, "replicas"):
        return True
    new_uid = uid_of(new) if new else ""
    return any(
        phase(pod) not in ("Succeeded", "Failed") for uid, owned in pods.items() if uid != new_uid for pod in owned
    )
