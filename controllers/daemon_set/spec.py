"""Reading a DaemonSet's spec and the pods that are its own; pure."""

from __future__ import annotations

from collections.abc import Sequence

from controllers.daemon_set.placement import TEMPLATE_GENERATION_LABEL, template_generation
from controllers.revisions import REVISION_LABEL
from minikube_py.api.intstr import scaled_value
from minikube_py.api.meta import Object, labels_of, metadata, name_of
from minikube_py.api.pods import node_name

ROLLING_UPDATE = "RollingUpdate"
DEFAULT_REVISION_HISTORY_LIMIT = 10


def min_ready_seconds(daemon_set: Object) -> int:
    """``spec.minReadySeconds``, by default 0."""
    return int(daemon_set["spec"].get("minReadySeconds") or 0)


def revision_history_limit(daemon_set: Object) -> int:
    """``spec.revisionHistoryLimit``, by default 10."""
    limit = daemon_set["spec"].get("revisionHistoryLimit")
    return DEFAULT_REVISION_HISTORY_LIMIT if limit is None else int(limit)


def is_rolling_update(daemon_set: Object) -> bool:
    """Whether the controller replaces pods of an older template; with ``OnDelete`` their user does."""
    strategy = daemon_set["spec"].get("updateStrategy") or {}
    return bool(strategy.get("type", ROLLING_UPDATE) == ROLLING_UPDATE)


def allows_surge(daemon_set: Object) -> bool:
    """Whether a new pod may be on a node beside the old one."""
    return _scaled(daemon_set, "maxSurge", 100) > 0


def surge_and_unavailable(daemon_set: Object, desired: int) -> tuple[int, int]:
    """``maxSurge`` and ``maxUnavailable`` of so many nodes, rounded up; never both zero where there is a node."""
    surge, unavailable = _scaled(daemon_set, "maxSurge", desired), _scaled(daemon_set, "maxUnavailable", desired)
    return surge, 1 if desired and not surge and not unavailable else unavailable


def _scaled(daemon_set: Object, field: str, total: int) -> int:
    if not is_rolling_update(daemon_set):
        return 0
    rolling = (daemon_set["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    return scaled_value(rolling.get(field) or 0, total, round_up=True)


def is_updated(daemon_set: Object, pod: Object, revision_hash: str) -> bool:
    """Whether the pod is of the current template."""
    labels = labels_of(pod)
    generation = template_generation(daemon_set)
    return labels.get(REVISION_LABEL) == revision_hash or (
        bool(generation) and labels.get(TEMPLATE_GENERATION_LABEL) == generation
    )


def oldest_first(pods: Sequence[Object]) -> list[Object]:
    """Bound pods before those that are not, then by age, then by name."""
    return sorted(pods, key=lambda pod: (not node_name(pod), metadata(pod).get("creationTimestamp", ""), name_of(pod)))
