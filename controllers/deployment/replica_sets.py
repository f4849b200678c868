"""Finding and counting a Deployment's ReplicaSets; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from minikube_py.api.meta import Object, annotations_of, is_deleting, labels_of, metadata, name_of

POD_TEMPLATE_HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"


def desired(replica_set: Object) -> int:
    """``spec.replicas``, by default 1."""
    value = replica_set["spec"].get("replicas")
    return 1 if value is None else int(value)


def status_count(replica_set: Object, field: str) -> int:
    """A count of the status: ``replicas``, ``readyReplicas``, ``availableReplicas``."""
    return int((replica_set.get("status") or {}).get(field) or 0)


def total_desired(replica_sets: Iterable[Object]) -> int:
    """The sum of what the ReplicaSets ask for."""
    return sum(desired(replica_set) for replica_set in replica_sets)


def total(replica_sets: Iterable[Object], field: str) -> int:
    """The sum of a count of the status."""
    return sum(status_count(replica_set, field) for replica_set in replica_sets)


def active(replica_sets: Iterable[Object]) -> list[Object]:
    """Those that ask for pods."""
    return [replica_set for replica_set in replica_sets if desired(replica_set) > 0]


def _age(replica_set: Object) -> tuple[str, str]:
    return metadata(replica_set).get("creationTimestamp") or "", name_of(replica_set)


def oldest_first(replica_sets: Iterable[Object]) -> list[Object]:
    """By creation, names deciding between those of the same second."""
    return sorted(replica_sets, key=_age)


def newest_first(replica_sets: Iterable[Object]) -> list[Object]:
    """By creation, backwards."""
    return sorted(replica_sets, key=_age, reverse=True)


def largest_first(replica_sets: Iterable[Object], *, newer_first: bool) -> list[Object]:
    """By what they ask for; among equals by age."""
    ordered = newest_first(replica_sets) if newer_first else oldest_first(replica_sets)
    return sorted(ordered, key=desired, reverse=True)


def revision_of(obj: Object) -> int:
    """The revision annotation; 0 where there is none that can be read."""
    try:
        return int(annotations_of(obj).get(REVISION, "0"))
    except ValueError:
        return 0


def find_new(deployment: Object, replica_sets: Iterable[Object]) -> Object | None:
    """The ReplicaSet with the Deployment's template; the oldest should there be several."""
    wanted = _comparable_template(deployment)
    for replica_set in oldest_first(replica_sets):
        if _comparable_template(replica_set) == wanted:
            return replica_set
    return None


def has_template_of(deployment: Object, replica_set: Object) -> bool:
    """Whether the two have the same template, the hash label apart."""
    return bool(_comparable_template(deployment) == _comparable_template(replica_set))


def _comparable_template(obj: Object) -> Any:
    template = obj["spec"].get("template") or {}
    labels = {name: value for name, value in labels_of(template).items() if name != POD_TEMPLATE_HASH}
    return _without_absent({**template, "metadata": {**metadata(template), "labels": labels}})


def _without_absent(value: Any) -> Any:
    """The value without nulls and empty lists, and without empty labels and annotations: Go can't tell them apart."""
    if isinstance(value, dict):
        return {
            name: _without_absent(field)
            for name, field in value.items()
            if field is not None and field != [] and not (name in ("labels", "annotations", "metadata") and not field)
        }
    if isinstance(value, list):
        return [_without_absent(item) for item in value]
    return value


def cleanable(replica_sets: Sequence[Object]) -> list[Object]:
    """Those that are not being deleted, the lowest revision first."""
    return sorted((r for r in replica_sets if not is_deleting(r)), key=lambda r: (revision_of(r), _age(r)))
