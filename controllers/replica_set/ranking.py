"""Which pods go first when there are too many; pure.

Follows upstream's ``ActivePodsWithRanks``: not assigned before assigned; pending, unknown, running; not ready before
ready; lower deletion cost; more pods of the same kin on the node; ready for a shorter time; more restarts; newer. Times
are compared by their order of magnitude, so that among pods of like age the choice is arbitrary (by uid).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cmp_to_key

from controllers.pod_availability import ready_since
from minikube_py.api.meta import Object, annotations_of, metadata, uid_of
from minikube_py.api.pods import is_ready, node_name, phase
from minikube_py.api.times import parse_time

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}
_INT32 = 2**31
_INTEGER = re.compile("-?(0|[1-9][0-9]*)", re.ASCII)


def pods_to_delete(pods: Sequence[Object], related: Iterable[Object], count: int, now: datetime) -> tuple[Object, ...]:
    """The ``count`` of ``pods`` that go first; ``related`` are the active pods of all ReplicaSets of one owner."""
    if count >= len(pods):
        return tuple(pods)
    on_node = Counter(node_name(pod) for pod in related)

    def compare(left: Object, right: Object) -> int:
        for difference in (
            bool(node_name(left)) - bool(node_name(right)),
            _PHASES.get(phase(left), 0) - _PHASES.get(phase(right), 0),
            is_ready(left) - is_ready(right),
            deletion_cost(left) - deletion_cost(right),
            on_node[node_name(right)] - on_node[node_name(left)],
        ):
            if difference:
                return difference
        if is_ready(left) and is_ready(right):
            by_age = _compare_ages(ready_since(left), ready_since(right), left, right, now)
            if by_age:
                return by_age
        return _compare_restarts(left, right) or _compare_ages(_created(left), _created(right), left, right, now)

    return tuple(sorted(pods, key=cmp_to_key(compare))[:count])


def deletion_cost(pod: Object) -> int:
    """The pod's deletion cost; 0 where it gives none, or none that is a 32-bit integer."""
    text = annotations_of(pod).get(DELETION_COST, "0")
    cost = int(text) if _INTEGER.fullmatch(text) else 0
    return cost if -_INT32 <= cost < _INT32 else 0


def _created(pod: Object) -> datetime | None:
    text = metadata(pod).get("creationTimestamp")
    return parse_time(text) if text else None


def _compare_ages(
    left_since: datetime | None, right_since: datetime | None, left: Object, right: Object, now: datetime
) -> int:
    """Negative where ``left`` goes first: no time at all, then the younger."""
    if left_since == right_since:
        return 0
    if left_since is None:
        return -1
    if right_since is None:
        return 1
    difference = _magnitude(left_since, now) - _magnitude(right_since, now)
    return difference or (-1 if uid_of(left) < uid_of(right) else 1)


def _magnitude(since: datetime, now: datetime) -> int:
    """The binary logarithm of the age in nanoseconds, rounded down; -1 where there is no age."""
    age = (now - since).total_seconds() * 1e9
    return int(math.log2(age)) if age > 0 else -1


def _compare_restarts(left: Object, right: Object) -> int:
    """More restarts first; sidecars decide where the containers do not."""
    left_sidecars, left_containers = _most_restarts(left)
    right_sidecars, right_containers = _most_restarts(right)
    return right_containers - left_containers or right_sidecars - left_sidecars


def _most_restarts(pod: Object) -> tuple[int, int]:
    status, spec = pod.get("status") or {}, pod.get("spec") or {}
    sidecars = {c.get("name") for c in spec.get("initContainers") or [] if c.get("restartPolicy") == "Always"}
    init = [s.get("restartCount", 0) for s in status.get("initContainerStatuses") or [] if s.get("name") in sidecars]
    return max(init, default=0), max(
        (s.get("restartCount", 0) for s in status.get("containerStatuses") or []), default=0
    )
