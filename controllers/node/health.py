"""Whether a node gives signs of life, and what its status says once it does not; pure.

A node's clock is never compared with ours: a sign of life is a change of its lease or of its Ready condition's
heartbeat, at the moment at which we saw it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from minikube_py.api.meta import Object, find_condition, metadata
from minikube_py.api.times import format_time

READY = "Ready"
WATCHED_CONDITIONS = (READY, "MemoryPressure", "DiskPressure", "PIDPressure")


@dataclass(frozen=True, slots=True)
class Sign:
    """The last sign of life: what was seen, and when (seconds of the monotonic clock)."""

    lease: str
    heartbeat: str
    seen_at: float


def observe(before: Sign | None, node: Object, lease: Object | None, now: float) -> Sign:
    """The sign before, unless lease or heartbeat have changed: then one of now."""
    renewed = str(((lease or {}).get("spec") or {}).get("renewTime") or "")
    heartbeat = str((find_condition(node, READY) or {}).get("lastHeartbeatTime") or "")
    if find_condition(node, READY) is not None and _is_silent(node):
        # Unknown is what this controller wrote; it is no sign of the node.
        heartbeat = before.heartbeat if before is not None else heartbeat
    if before is not None and (before.lease, before.heartbeat) == (renewed, heartbeat):
        return before
    return Sign(renewed, heartbeat, now)


def seconds_of_grace(sign: Sign, node: Object, grace_period: float, startup_grace_period: float, now: float) -> float:
    """How long the node may still be silent; 0 or less once it has been for too long."""
    never_reported = find_condition(node, READY) is None
    period = max(startup_grace_period, grace_period) if never_reported else grace_period
    return sign.seen_at + period - now


def _is_silent(node: Object) -> bool:
    return (find_condition(node, READY) or {}).get("status") == "Unknown"


def ready_status(node: Object) -> str:
    """``True``, ``False`` or ``Unknown``; the latter also where the node has never told."""
    return str((find_condition(node, READY) or {}).get("status") or "Unknown")


def silent_conditions(node: Object, now: datetime) -> list[Object]:
    """The node's conditions with those that only the kubelet can know turned Unknown."""
    present: list[Object] = list((node.get("status") or {}).get("conditions") or [])
    time = format_time(now)
    for condition_type in WATCHED_CONDITIONS:
        current = next((c for c in present if c.get("type") == condition_type), None)
        if current is None:
            present.append(
                {
                    "type": condition_type,
                    "status": "Unknown",
                    "lastHeartbeatTime": metadata(node).get("creationTimestamp"),
                    "lastTransitionTime": time,
                    "reason": "NodeStatusNeverUpdated",
                    "message": "Kubelet never posted node status.",
                }
            )
        elif current.get("status") != "Unknown":
            present[present.index(current)] = {
                **current,
                "status": "Unknown",
                "lastTransitionTime": time,
                "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
            }
    return present
