"""What a StatefulSet asks for, its defaults filled in; pure."""

from __future__ import annotations

import re

from minikube_py.api.intstr import scaled_value
from minikube_py.api.meta import Object, name_of

_ORDINAL = re.compile(r"(0|[1-9][0-9]*)", re.ASCII)
_INT32 = 2**31


def replicas(stateful_set: Object) -> int:
    """``spec.replicas``, by default 1."""
    found = stateful_set["spec"].get("replicas")
    return 1 if found is None else int(found)


def start(stateful_set: Object) -> int:
    """The ordinal of the first replica."""
    return int((stateful_set["spec"].get("ordinals") or {}).get("start") or 0)


def ordinals(stateful_set: Object) -> range:
    """The ordinals of all replicas, in ascending order."""
    first = start(stateful_set)
    return range(first, first + replicas(stateful_set))


def ordinal_of(stateful_set: Object, pod_name: str) -> int | None:
    """The ordinal in the name of one of the set's pods; None for any other name."""
    prefix = f"{name_of(stateful_set)}-"
    number = pod_name.removeprefix(prefix)
    if not pod_name.startswith(prefix) or not _ORDINAL.fullmatch(number) or int(number) >= _INT32:
        return None
    return int(number)


def is_ordered(stateful_set: Object) -> bool:
    """Whether pods start and stop one after the other."""
    return bool(stateful_set["spec"].get("podManagementPolicy") != "Parallel")


def min_ready_seconds(stateful_set: Object) -> int:
    """``spec.minReadySeconds``, by default 0."""
    return int(stateful_set["spec"].get("minReadySeconds") or 0)


def is_rolling_update(stateful_set: Object) -> bool:
    """Whether pods of older revisions are replaced without being asked."""
    return bool(_strategy(stateful_set).get("type") != "OnDelete")


def partition(stateful_set: Object) -> int:
    """How many replicas, the first ones, stay at the current revision."""
    return int(_rolling(stateful_set).get("partition") or 0)


def max_unavailable(stateful_set: Object) -> int:
    """How many replicas an update may make unavailable; at least 1."""
    given = _rolling(stateful_set).get("maxUnavailable")
    return 1 if given is None else max(scaled_value(given, replicas(stateful_set), round_up=True), 1)


def revision_history_limit(stateful_set: Object) -> int:
    """How many revisions that are not in use are kept, by default 10; all of them where negative."""
    limit = stateful_set["spec"].get("revisionHistoryLimit")
    return 10 if limit is None else int(limit)


def claims_go_with_the_set(stateful_set: Object) -> bool:
    """Whether the claims are deleted with the StatefulSet."""
    return _retention(stateful_set, "whenDeleted") == "Delete"


def claims_go_with_their_pods(stateful_set: Object) -> bool:
    """Whether a claim is deleted when scaling down takes its pod away."""
    return _retention(stateful_set, "whenScaled") == "Delete"


def claim_templates(stateful_set: Object) -> list[Object]:
    """``spec.volumeClaimTemplates``."""
    return list(stateful_set["spec"].get("volumeClaimTemplates") or [])


def _strategy(stateful_set: Object) -> Object:
    return stateful_set["spec"].get("updateStrategy") or {}


def _rolling(stateful_set: Object) -> Object:
    return _strategy(stateful_set).get("rollingUpdate") or {}


def _retention(stateful_set: Object, when: str) -> str:
    policy = stateful_set["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    return str(policy.get(when) or "Retain")
