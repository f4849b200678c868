"""Building ``status.conditions``; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from minikube_py.api.meta import Object
from minikube_py.api.times import format_time


def find(conditions: Sequence[Object], condition_type: str) -> Object | None:
    """The condition of that type, or None."""
    return next((condition for condition in conditions if condition.get("type") == condition_type), None)


def without(conditions: Sequence[Object], condition_type: str) -> list[Object]:
    """The conditions but the one of that type."""
    return [condition for condition in conditions if condition.get("type") != condition_type]


def condition(condition_type: str, status: str, reason: str, message: str, now: datetime) -> Object:
    """A condition that has just come to be."""
    return {
        "type": condition_type,
        "status": status,
        "lastTransitionTime": format_time(now),
        "reason": reason,
        "message": message,
    }


def put(conditions: Sequence[Object], new: Object) -> list[Object]:
    """The conditions with ``new`` in its type's place; the transition's time is kept where the status is the same."""
    old = find(conditions, new["type"])
    if old is None:
        return [*conditions, new]
    if old.get("status") == new["status"] and "lastTransitionTime" in old:
        new = {**new, "lastTransitionTime": old["lastTransitionTime"]}
    return [new if present is old else present for present in conditions]
