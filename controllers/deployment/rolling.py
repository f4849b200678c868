"""RollingUpdate: a few pods of the new ReplicaSet up, a few of the old ones down; pure but for the draft.

Never fewer than ``replicas - maxUnavailable`` available pods, never more than ``replicas + maxSurge`` in all.
"""

from __future__ import annotations

from controllers.deployment import spec
from controllers.deployment.draft import Draft
from controllers.deployment.replica_sets import active, desired, oldest_first, status_count, total, total_desired
from minikube_py.api.meta import Object


def new_replicas(deployment: Object, all_sets: list[Object], new: Object) -> int:
    """How many pods the new ReplicaSet may have now."""
    wanted = spec.replicas(deployment)
    if not spec.is_rolling_update(deployment):
        return wanted
    room = wanted + spec.max_surge(deployment) - total_desired(all_sets)
    if room <= 0:
        return desired(new)
    return desired(new) + min(room, wanted - desired(new))


def scale_new(draft: Draft, new: Object, old: list[Object]) -> bool:
    """Brings the new ReplicaSet up as far as there is room, or down where it is too large; whether it changed."""
    (new,) = draft.current([new])
    wanted = spec.replicas(draft.deployment)
    if desired(new) == wanted:
        return False
    if desired(new) > wanted:
        return draft.scale(new, wanted)
    replicas = new_replicas(draft.deployment, [*draft.current(old), new], new)
    return replicas != desired(new) and draft.scale(new, replicas)


def scale_old_down(draft: Draft, new: Object | None, old: list[Object]) -> bool:
    """Takes from the old ReplicaSets what may go: first pods that are not available anyway; whether any changed."""
    olds = active(draft.current(old))
    if not olds:
        return False
    everything = [*draft.current(old), *draft.current([new] if new else [])]
    min_available = spec.replicas(draft.deployment) - spec.max_unavailable(draft.deployment)
    new_unavailable = sum(
        desired(r) - status_count(r, "availableReplicas") for r in draft.current([new] if new else [])
    )
    removable = total_desired(everything) - min_available - new_unavailable
    if removable <= 0:
        return False
    cleaned = _clean_up_unhealthy(draft, olds, removable)
    everything = [*draft.current(olds), *draft.current([new] if new else [])]
    return _scale_down(draft, draft.current(olds), total(everything, "availableReplicas") - min_available) + cleaned > 0


def _clean_up_unhealthy(draft: Draft, olds: list[Object], removable: int) -> int:
    """Takes away pods that are not available, so that a broken rollout does not hold up the next."""
    cleaned = 0
    for replica_set in oldest_first(olds):
        size, available = desired(replica_set), status_count(replica_set, "availableReplicas")
        if cleaned >= removable:
            break
        if size == 0 or size == available:
            continue
        # More available than asked for: the ReplicaSet is being scaled down and has not got there.
        count = min(removable - cleaned, max(size - available, 0))
        if count:
            draft.scale(replica_set, size - count)
            cleaned += count
    return cleaned


def _scale_down(draft: Draft, olds: list[Object], surplus: int) -> int:
    """Takes away as many as there are available pods to spare; how many."""
    taken = 0
    for replica_set in oldest_first(olds):
        if taken >= surplus:
            break
        size = desired(replica_set)
        count = min(size, surplus - taken)
        if count:
            draft.scale(replica_set, size - count)
            taken += count
    return taken
