"""The taints that a node's conditions call for; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from controllers.node_lifecycle.health import ready_status
from minikube_py.api.meta import Object, find_condition
from minikube_py.api.nodes import NO_EXECUTE, NO_SCHEDULE, is_unschedulable, taints_of
from minikube_py.api.times import format_time

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
_BY_READY = {"False": NOT_READY, "Unknown": UNREACHABLE}
_BY_CONDITION = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
_NO_SCHEDULE_KEYS = frozenset((NOT_READY, UNREACHABLE, UNSCHEDULABLE, *_BY_CONDITION.values()))
_NO_EXECUTE_KEYS = frozenset((NOT_READY, UNREACHABLE))


@dataclass(frozen=True, slots=True)
class Taints:
    """The node's taints as they are to be, and whether a NoExecute taint is still to come when the rate allows it."""

    taints: list[Object]
    changed: bool
    evicts: bool
    awaits_eviction: bool


def compute_taints(node: Object, *, may_evict: bool, all_disrupted: bool, now: datetime) -> Taints:
    """The taints of this controller put right, all others kept.

    A NoExecute taint is added only with ``may_evict``; one that is there is exchanged for the other at any time, and
    taken away once the node is ready, or where all zones are disrupted and the fault is more likely the network's.
    """
    present = taints_of(node)
    no_schedule = _no_schedule_keys(node)
    key = _BY_READY.get(ready_status(node))
    evicting = any(_is_managed(taint, NO_EXECUTE) for taint in present)
    no_execute = {key} if key and not all_disrupted and (evicting or may_evict) else set()
    wanted = [*((key, NO_SCHEDULE) for key in no_schedule), *((key, NO_EXECUTE) for key in no_execute)]
    kept = [
        taint
        for taint in present
        if not (_is_managed(taint, NO_SCHEDULE) or _is_managed(taint, NO_EXECUTE))
        or (taint.get("key"), taint.get("effect")) in wanted
    ]
    there = {(taint.get("key"), taint.get("effect")) for taint in kept}
    added = [
        {"key": key, "effect": effect, "timeAdded": format_time(now)}
        for key, effect in wanted
        if (key, effect) not in there
    ]
    return Taints(
        [*kept, *added],
        changed=bool(added) or len(kept) != len(present),
        evicts=bool(no_execute) and not evicting,
        awaits_eviction=key is not None and not all_disrupted and not no_execute,
    )


def _no_schedule_keys(node: Object) -> list[str]:
    keys = []
    if key := _BY_READY.get(ready_status(node)):
        keys.append(key)
    elif not ready_status(node):
        # The API server's taint at birth holds until the kubelet has reported for the first time.
        keys.extend(
            NOT_READY for taint in taints_of(node) if (taint["key"], taint["effect"]) == (NOT_READY, NO_SCHEDULE)
        )
    for condition_type, key in _BY_CONDITION.items():
        if (find_condition(node, condition_type) or {}).get("status") == "True":
            keys.append(key)
    if is_unschedulable(node):
        keys.append(UNSCHEDULABLE)
    return keys


def _is_managed(taint: Object, effect: str) -> bool:
    keys = _NO_EXECUTE_KEYS if effect == NO_EXECUTE else _NO_SCHEDULE_KEYS
    return taint.get("effect") == effect and taint.get("key") in keys
