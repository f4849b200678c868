"""Scaling a Deployment outside a rollout, or in the middle of one; pure but for the draft.

In the middle of a rollout every ReplicaSet is scaled in proportion to its size, so that scaling neither hastens the
rollout nor takes it back.
"""

from __future__ import annotations

from controllers.deployment import revisions, spec
from controllers.deployment.draft import Draft
from controllers.deployment.replica_sets import (
    active,
    desired,
    largest_first,
    newest_first,
    status_count,
    total_desired,
)
from minikube_py.api.meta import Object, name_of


def is_scaling_event(deployment: Object, replica_sets: list[Object]) -> bool:
    """Whether the Deployment's size is another than an active ReplicaSet was last scaled for."""
    sizes = (revisions.desired_replicas(replica_set) for replica_set in active(replica_sets))
    return any(size is not None and size != spec.replicas(deployment) for size in sizes)


def scale(draft: Draft, new: Object | None, old: list[Object]) -> None:
    """Brings the ReplicaSets to the Deployment's size."""
    wanted = spec.replicas(draft.deployment)
    only = _active_or_latest(new, old)
    if only is not None:
        if desired(only) != wanted:
            draft.scale(only, wanted)
    elif new is not None and _is_saturated(draft.deployment, new):
        for replica_set in active(old):
            draft.scale(replica_set, 0)
    elif spec.is_rolling_update(draft.deployment):
        _scale_in_proportion(draft, active([*old, *([new] if new else [])]))


def _active_or_latest(new: Object | None, old: list[Object]) -> Object | None:
    """The only ReplicaSet with pods or, if there is none, the latest; None where several have pods."""
    candidates = active([*newest_first(old), *([new] if new else [])])
    if len(candidates) > 1:
        return None
    if candidates:
        return candidates[0]
    return new if new is not None else next(iter(newest_first(old)), None)


def _is_saturated(deployment: Object, new: Object) -> bool:
    """Whether the new ReplicaSet has all that the Deployment wants, available."""
    wanted = spec.replicas(deployment)
    sizes = (desired(new), revisions.desired_replicas(new), status_count(new, "availableReplicas"))
    return all(size == wanted for size in sizes)


def _scale_in_proportion(draft: Draft, replica_sets: list[Object]) -> None:
    wanted = spec.replicas(draft.deployment)
    allowed = wanted + spec.max_surge(draft.deployment) if wanted else 0
    to_add = allowed - total_desired(replica_sets)
    if to_add:
        replica_sets = largest_first(replica_sets, newer_first=to_add > 0)
    added = 0
    sizes: dict[str, int] = {}
    for replica_set in replica_sets:
        share = _share(draft.deployment, replica_set, to_add, added)
        sizes[name_of(replica_set)] = desired(replica_set) + share
        added += share
    for index, replica_set in enumerate(replica_sets):
        size = sizes[name_of(replica_set)]
        if index == 0:
            size = max(size + to_add - added, 0)
        draft.scale(replica_set, size)


def _share(deployment: Object, replica_set: Object, to_add: int, added: int) -> int:
    """What of ``to_add`` falls to the ReplicaSet, never beyond what is left."""
    if desired(replica_set) == 0 or to_add in (0, added):
        return 0
    fraction = _fraction(deployment, replica_set)
    left = to_add - added
    return min(fraction, left) if to_add > 0 else max(fraction, left)


def _fraction(deployment: Object, replica_set: Object) -> int:
    size = desired(replica_set)
    if spec.replicas(deployment) == 0:
        return -size
    before = revisions.max_replicas(replica_set) or int((deployment.get("status") or {}).get("replicas") or 0)
    if before <= 0:
        return 0
    after = spec.replicas(deployment) + spec.max_surge(deployment)
    # Rounded half up, in whole numbers.
    return (2 * size * after + before) // (2 * before) - size
