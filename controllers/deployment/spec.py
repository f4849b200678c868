"""Reading a Deployment's spec, with upstream's rounding; pure."""

from __future__ import annotations

from typing import cast

from minikube_py.api.intstr import scaled_value
from minikube_py.api.meta import Object

_UNLIMITED = 2**31 - 1


def replicas(deployment: Object) -> int:
    """``spec.replicas``, by default 1."""
    value = deployment["spec"].get("replicas")
    return 1 if value is None else int(value)


def is_rolling_update(deployment: Object) -> bool:
    """Whether pods are replaced a few at a time, and not all at once."""
    return bool((deployment["spec"].get("strategy") or {}).get("type", "RollingUpdate") == "RollingUpdate")


def is_paused(deployment: Object) -> bool:
    """Whether rollouts wait."""
    return bool(deployment["spec"].get("paused"))


def min_ready_seconds(deployment: Object) -> int:
    """``spec.minReadySeconds``, by default 0."""
    return int(deployment["spec"].get("minReadySeconds") or 0)


def progress_deadline(deployment: Object) -> int | None:
    """Seconds that a rollout may stand still; None is no limit."""
    value = deployment["spec"].get("progressDeadlineSeconds")
    return None if value is None or value == _UNLIMITED else int(value)


def revision_history_limit(deployment: Object) -> int | None:
    """How many old ReplicaSets are kept; None is all."""
    value = deployment["spec"].get("revisionHistoryLimit")
    return None if value is None or value == _UNLIMITED else int(value)


def _resolved(deployment: Object) -> tuple[int, int]:
    """``(maxSurge, maxUnavailable)`` in pods: the one rounded up, the other down, and not both 0."""
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    total = replicas(deployment)
    surge = scaled_value(cast(int | str, rolling.get("maxSurge", 0)), total, round_up=True)
    unavailable = scaled_value(cast(int | str, rolling.get("maxUnavailable", 0)), total, round_up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, unavailable


def max_surge(deployment: Object) -> int:
    """How many pods more than asked for there may be during a rollout."""
    return _resolved(deployment)[0] if is_rolling_update(deployment) else 0


def max_unavailable(deployment: Object) -> int:
    """How many pods fewer than asked for may be available during a rollout."""
    if not is_rolling_update(deployment) or replicas(deployment) == 0:
        return 0
    return min(_resolved(deployment)[1], replicas(deployment))
