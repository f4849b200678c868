"""Whether a pod has been ready for long enough to count as available; pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from minikube_py.api.meta import Object, find_condition
from minikube_py.api.pods import is_ready
from minikube_py.api.times import parse_time


def ready_since(pod: Object) -> datetime | None:
    """When the pod last became ready; None where it is not, or that is not told."""
    condition = find_condition(pod, "Ready")
    if condition is None or condition.get("status") != "True" or not condition.get("lastTransitionTime"):
        return None
    return parse_time(condition["lastTransitionTime"])


def seconds_until_available(pod: Object, min_ready_seconds: int, now: datetime) -> float | None:
    """0 for an available pod, the seconds that are missing for a ready one, None for one that is not ready."""
    if not is_ready(pod):
        return None
    if min_ready_seconds == 0:
        return 0.0
    since = ready_since(pod)
    if since is None:
        return None
    return max((since + timedelta(seconds=min_ready_seconds) - now).total_seconds(), 0.0)


def is_available(pod: Object, min_ready_seconds: int, now: datetime) -> bool:
    """Whether the pod has been ready for ``min_ready_seconds``."""
    return seconds_until_available(pod, min_ready_seconds, now) == 0.0
