"""Validation of Deployment and ReplicaSet."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.int_or_percent import at_most_hundred_percent, number_of, positive_int_or_percent
from apiserver.validation.meta import immutable, label_selector, object_meta, object_meta_update
from apiserver.validation.names import non_negative
from apiserver.validation.pods import pod_template
from minikube_py.api.errors import (
    FieldError,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
)
from minikube_py.api.meta import Object, labels_of
from minikube_py.api.selectors import LabelSelector

_DEPLOYMENT_COUNTS = (
    "replicas",
    "readyReplicas",
    "availableReplicas",
    "updatedReplicas",
    "unavailableReplicas",
    "observedGeneration",
    "collisionCount",
)
_REPLICA_SET_COUNTS = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration")


def deployment(obj: Object) -> Iterator[FieldError]:
    """A Deployment about to be stored."""
    yield from object_meta(obj, namespaced=True)
    spec = obj.get("spec") or {}
    yield from non_negative("spec.replicas", spec.get("replicas"))
    yield from selector_and_template(spec, empty="empty selector is invalid for deployment")
    yield from long_running_template("spec.template", spec.get("template") or {}, "ReplicaSet")
    yield from _strategy("spec.strategy", spec.get("strategy") or {})
    yield from non_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    yield from non_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None:
        yield from non_negative("spec.progressDeadlineSeconds", deadline)
        if deadline <= (spec.get("minReadySeconds") or 0):
            yield field_invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def deployment_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed Deployment, whose selector stays."""
    yield from object_meta_update(new, old)
    yield from deployment(new)
    yield from _selector_immutable(new, old)


def deployment_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status: consistent counts, and a collision count that never falls."""
    yield from object_meta_update(new, old)
    status, old_status = new.get("status") or {}, old.get("status") or {}
    yield from counts(status, _DEPLOYMENT_COUNTS)
    yield from at_most(status, ("updatedReplicas", "readyReplicas", "availableReplicas"), "replicas", "status.replicas")
    yield from at_most(status, ("availableReplicas",), "readyReplicas", "readyReplicas")
    yield from collision_count(status, old_status)


def replica_set(obj: Object) -> Iterator[FieldError]:
    """A ReplicaSet about to be stored."""
    yield from object_meta(obj, namespaced=True)
    spec = obj.get("spec") or {}
    yield from non_negative("spec.replicas", spec.get("replicas"))
    yield from non_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    yield from selector_and_template(spec, empty="empty selector is invalid for deployment")
    yield from long_running_template("spec.template", spec.get("template") or {}, "ReplicaSet")


def replica_set_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed ReplicaSet, whose selector stays."""
    yield from object_meta_update(new, old)
    yield from replica_set(new)
    yield from _selector_immutable(new, old)


def replica_set_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status: consistent counts."""
    yield from object_meta_update(new, old)
    status = new.get("status") or {}
    yield from replica_counts(status)


def replica_counts(status: Object) -> Iterator[FieldError]:
    """The numbers in the status of a ReplicaSet or ReplicationController."""
    yield from counts(status, _REPLICA_SET_COUNTS)
    bounded = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")
    yield from at_most(status, bounded, "replicas", "status.replicas")
    yield from at_most(status, ("availableReplicas",), "readyReplicas", "readyReplicas")


def scale(obj: Object) -> Iterator[FieldError]:
    """A Scale that a client sends."""
    yield from object_meta(obj, namespaced=True)
    yield from non_negative("spec.replicas", (obj.get("spec") or {}).get("replicas"))


def selector_and_template(spec: Object, *, empty: str) -> Iterator[FieldError]:
    """A selector that selects something, and a template it matches; ``empty`` says what an empty selector is."""
    selector, template = spec.get("selector"), spec.get("template") or {}
    errors: list[FieldError] = []
    if selector is None:
        yield field_required("spec.selector")
    else:
        errors = list(label_selector("spec.selector", selector))
        yield from errors
        if is_empty_selector(selector):
            yield field_invalid("spec.selector", selector, empty)
    if not errors:
        yield from matching_template("spec.template", template, selector)


def is_empty_selector(selector: Object) -> bool:
    """Whether a selector names nothing, and so selects everything."""
    return not selector.get("matchLabels") and not selector.get("matchExpressions")


def matching_template(path: str, template: Object, selector: Object | None) -> Iterator[FieldError]:
    """A template whose labels the selector matches; no selector matches none. The selector is sound."""
    if not LabelSelector.from_object(selector).matches(labels_of(template)):
        detail = "`selector` does not match template `labels`"
        yield field_invalid(f"{path}.metadata.labels", labels_of(template) or None, detail)


def long_running_template(path: str, template: Object, kind: str) -> Iterator[FieldError]:
    """A template of pods that are to run for ever."""
    yield from pod_template(path, template)
    yield from runs_for_ever(path, template, kind)


def runs_for_ever(path: str, template: Object, kind: str) -> Iterator[FieldError]:
    """Pods that are always restarted and have no deadline."""
    spec = template.get("spec") or {}
    if spec.get("restartPolicy") != "Always":
        yield field_not_supported(f"{path}.spec.restartPolicy", spec.get("restartPolicy") or "", ("Always",))
    if spec.get("activeDeadlineSeconds") is not None:
        detail = f"activeDeadlineSeconds in {kind} is not Supported"
        yield field_forbidden(f"{path}.spec.activeDeadlineSeconds", detail)


def counts(status: Object, keys: tuple[str, ...]) -> Iterator[FieldError]:
    """Numbers of a status that are not negative."""
    for key in keys:
        yield from non_negative(f"status.{key}", status.get(key))


def at_most(status: Object, keys: tuple[str, ...], bound: str, shown: str) -> Iterator[FieldError]:
    """Numbers of a status that are not above that of ``bound``, which messages call ``shown``."""
    for key in keys:
        if (status.get(key) or 0) > (status.get(bound) or 0):
            yield field_invalid(f"status.{key}", status.get(key) or 0, f"cannot be greater than {shown}")


def collision_count(status: Object, old_status: Object) -> Iterator[FieldError]:
    """A count of collisions that never falls."""
    if (status.get("collisionCount") or 0) < (old_status.get("collisionCount") or 0):
        yield field_invalid("status.collisionCount", status.get("collisionCount") or 0, "cannot be decremented")


def _selector_immutable(new: Object, old: Object) -> Iterator[FieldError]:
    new_selector, old_selector = (new.get("spec") or {}).get("selector"), (old.get("spec") or {}).get("selector")
    yield from immutable("spec.selector", new_selector, old_selector)


def _strategy(path: str, strategy: Object) -> Iterator[FieldError]:
    strategy_type, rolling = strategy.get("type") or "", strategy.get("rollingUpdate")
    if strategy_type not in ("Recreate", "RollingUpdate"):
        yield field_not_supported(f"{path}.type", strategy_type, ("Recreate", "RollingUpdate"))
    elif strategy_type == "Recreate":
        if rolling is not None:
            detail = "may not be specified when strategy `type` is 'Recreate'"
            yield field_forbidden(f"{path}.rollingUpdate", detail)
    elif rolling is None:
        yield field_required(f"{path}.rollingUpdate", "this should be defaulted and never be nil")
    else:
        yield from _rolling_update(f"{path}.rollingUpdate", rolling)


def _rolling_update(path: str, rolling: Object) -> Iterator[FieldError]:
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    yield from positive_int_or_percent(f"{path}.maxUnavailable", unavailable)
    yield from positive_int_or_percent(f"{path}.maxSurge", surge)
    if number_of(unavailable) == 0 == number_of(surge):
        yield field_invalid(f"{path}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0")
    yield from at_most_hundred_percent(f"{path}.maxUnavailable", unavailable)
