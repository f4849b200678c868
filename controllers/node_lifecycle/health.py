"""The conditions of a node that has stopped reporting; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from controllers import conditions
from minikube_py.api.meta import Object, find_condition, metadata
from minikube_py.api.times import format_time

REPORTED_CONDITIONS = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
"""What every kubelet reports; of other conditions nothing is known here."""


@dataclass(frozen=True, slots=True)
class GracePeriods:
    """Seconds without a sign of life that are allowed to a node, and to one that has never reported."""

    monitor: float
    startup: float

    def of(self, node: Object) -> float:
        """The one that applies to the node."""
        return self.startup if find_condition(node, "Ready") is None else self.monitor


def overdue_conditions(node: Object, now: datetime) -> list[Object]:
    """The conditions that are to be set on a node whose grace period is over; empty where they are set already."""
    changed = []
    for condition_type in REPORTED_CONDITIONS:
        present = find_condition(node, condition_type)
        if present is None:
            never = conditions.condition(
                condition_type, "Unknown", "NodeStatusNeverUpdated", "Kubelet never posted node status.", now
            )
            created = metadata(node).get("creationTimestamp") or format_time(now)
            changed.append({**never, "lastHeartbeatTime": created})
        elif present.get("status") != "Unknown":
            stopped = conditions.condition(
                condition_type, "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", now
            )
            changed.append({**present, **stopped})
    return changed


def with_conditions(node: Object, changed: Sequence[Object]) -> Object:
    """The node as it will be once ``changed`` is written."""
    if not changed:
        return node
    status = node.get("status") or {}
    merged: Sequence[Object] = status.get("conditions") or []
    for condition in changed:
        merged = conditions.put(merged, condition)
    return {**node, "status": {**status, "conditions": merged}}


def ready_status(node: Object) -> str:
    """``True``, ``False`` or ``Unknown``; the empty string for a node that has never reported."""
    condition = find_condition(node, "Ready")
    return "" if condition is None else str(condition.get("status", ""))
