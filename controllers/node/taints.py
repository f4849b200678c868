"""The taints that a node's conditions call for; pure."""

from __future__ import annotations

from datetime import datetime

from controllers.node.health import READY, ready_status
from minikube_py.api.meta import Object, find_condition
from minikube_py.api.nodes import NO_EXECUTE, NO_SCHEDULE, is_unschedulable, taints_of
from minikube_py.api.times import format_time

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
_BY_CONDITION = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
}
_NO_SCHEDULE_KEYS = {NOT_READY, UNREACHABLE, UNSCHEDULABLE, *_BY_CONDITION.values()}
_NO_EXECUTE_KEYS = {NOT_READY, UNREACHABLE}


def no_schedule_keys(node: Object) -> list[str]:
    """The keys of the NoSchedule taints that the node is to have."""
    keys = []
    if readiness := _readiness_key(node):
        keys.append(readiness)
    elif find_condition(node, READY) is None:
        # The taint that the API server gave it stays until it tells of itself.
        keys += [NOT_READY for taint in taints_of(node) if _identity(taint) == (NOT_READY, NO_SCHEDULE)]
    for condition_type, key in _BY_CONDITION.items():
        if (find_condition(node, condition_type) or {}).get("status") == "True":
            keys.append(key)
    if is_unschedulable(node):
        keys.append(UNSCHEDULABLE)
    return keys


def _readiness_key(node: Object) -> str:
    if find_condition(node, READY) is None:
        return ""
    return {"False": NOT_READY, "Unknown": UNREACHABLE}.get(ready_status(node), "")


def eviction_key(node: Object) -> str:
    """The key of the NoExecute taint that the node is to have, or the empty string."""
    return _readiness_key(node)


def has_eviction_taint(node: Object) -> bool:
    """Whether the node has that NoExecute taint."""
    key = eviction_key(node)
    return any(taint.get("key") == key and taint.get("effect") == NO_EXECUTE for taint in taints_of(node))


def desired_taints(node: Object, *, evict: bool, now: datetime) -> list[Object]:
    """The node's taints as they are to be; those of others, and those that are right already, stay as they are.

    With ``evict`` a node that is not ready gets its NoExecute taint. Without, it gets none, but keeps the one it has if
    that is still right.
    """
    wanted = [(key, NO_SCHEDULE) for key in no_schedule_keys(node)]
    key = eviction_key(node)
    if key and (evict or has_eviction_taint(node)):
        wanted.append((key, NO_EXECUTE))
    return _with(node, wanted, now)


def without_eviction(node: Object, now: datetime) -> list[Object]:
    """The node's taints as they are to be while nothing is evicted anywhere."""
    return _with(node, [(key, NO_SCHEDULE) for key in no_schedule_keys(node)], now)


def _with(node: Object, wanted: list[tuple[str, str]], now: datetime) -> list[Object]:
    kept = [taint for taint in taints_of(node) if not _is_ours(taint) or _identity(taint) in wanted]
    present = {_identity(taint) for taint in kept}
    added = [
        {"key": key, "effect": effect, "timeAdded": format_time(now)}
        for key, effect in wanted
        if (key, effect) not in present
    ]
    return [*kept, *added]


def _identity(taint: Object) -> tuple[str, str]:
    return taint.get("key", ""), taint.get("effect", "")


def _is_ours(taint: Object) -> bool:
    key, effect = _identity(taint)
    return key in (_NO_SCHEDULE_KEYS if effect == NO_SCHEDULE else _NO_EXECUTE_KEYS if effect == NO_EXECUTE else ())
