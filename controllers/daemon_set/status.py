"""A DaemonSet's status; pure."""

from __future__ import annotations

from controllers.actions import RequeueAfter, Update
from controllers.daemon_set import spec
from controllers.daemon_set.placement import placement
from controllers.daemon_set.sync import Observation
from controllers.pod_availability import seconds_until_available
from minikube_py.api.meta import Object, generation_of, name_of
from minikube_py.api.pods import is_ready
from minikube_py.api.resources import DAEMON_SETS

_ALWAYS_TOLD = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")


def compute_status(observation: Observation) -> Object:
    """The status that nodes and pods amount to; optional counts of zero are left out."""
    daemon_set = observation.daemon_set
    by_node = observation.by_node()
    counts = dict.fromkeys(_ALWAYS_TOLD, 0)
    updated = available = 0
    for node in observation.nodes:
        pods = by_node.get(name_of(node))
        if not placement(daemon_set, node).should_run:
            counts["numberMisscheduled"] += bool(pods)
            continue
        counts["desiredNumberScheduled"] += 1
        if pods:
            counts["currentNumberScheduled"] += 1
            oldest = spec.oldest_first(pods)[0]
            counts["numberReady"] += is_ready(oldest)
            available += observation.is_available(oldest)
            updated += spec.is_updated(daemon_set, oldest, observation.revision_hash)
    present = daemon_set.get("status") or {}
    optional = {
        "updatedNumberScheduled": updated,
        "numberAvailable": available,
        "numberUnavailable": counts["desiredNumberScheduled"] - available,
        "observedGeneration": generation_of(daemon_set),
        "collisionCount": present.get("collisionCount"),
        "conditions": present.get("conditions"),
    }
    return {**counts, **{name: value for name, value in optional.items() if value}}


def sync_status(observation: Observation) -> tuple[Update | RequeueAfter, ...]:
    """The status to write where it differs, and when to look again because a pod will have become available."""
    daemon_set = observation.daemon_set
    status = compute_status(observation)
    actions: list[Update | RequeueAfter] = []
    if status != _comparable(daemon_set.get("status") or {}):
        actions.append(Update(DAEMON_SETS, {**daemon_set, "status": status}, "status"))
    waits = [
        seconds_until_available(pod, spec.min_ready_seconds(daemon_set), observation.now) for pod in observation.pods
    ]
    soonest = min((wait for wait in waits if wait), default=None)
    if soonest is not None:
        actions.append(RequeueAfter(soonest))
    return tuple(actions)


def _comparable(status: Object) -> Object:
    """The status without optional zeros, which say the same as what is absent."""
    return {name: value for name, value in status.items() if value or name in _ALWAYS_TOLD}
