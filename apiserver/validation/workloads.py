"""Validation of Deployment and ReplicaSet."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.meta import immutable, label_selector, object_meta, object_meta_update
from apiserver.validation.names import non_negative, percent
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
    yield from _selector_and_template(spec)
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
    yield from _counts(status, _DEPLOYMENT_COUNTS)
    for key in ("updatedReplicas", "readyReplicas", "availableReplicas"):
        if (status.get(key) or 0) > (status.get("replicas") or 0):
            yield field_invalid(f"status.{key}", status[key], "cannot be greater than status.replicas")
    if (status.get("availableReplicas") or 0) > (status.get("readyReplicas") or 0):
        detail = "cannot be greater than readyReplicas"
        yield field_invalid("status.availableReplicas", status["availableReplicas"], detail)
    if (status.get("collisionCount") or 0) < (old_status.get("collisionCount") or 0):
        yield field_invalid("status.collisionCount", status.get("collisionCount"), "cannot be decremented")


def replica_set(obj: Object) -> Iterator[FieldError]:
    """A ReplicaSet about to be stored."""
    yield from object_meta(obj, namespaced=True)
    spec = obj.get("spec") or {}
    yield from non_negative("spec.replicas", spec.get("replicas"))
    yield from non_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    yield from _selector_and_template(spec)


def replica_set_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed ReplicaSet, whose selector stays."""
    yield from object_meta_update(new, old)
    yield from replica_set(new)
    yield from _selector_immutable(new, old)


def replica_set_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status: consistent counts."""
    yield from object_meta_update(new, old)
    status = new.get("status") or {}
    yield from _counts(status, _REPLICA_SET_COUNTS)
    for key in ("fullyLabeledReplicas", "readyReplicas", "availableReplicas"):
        if (status.get(key) or 0) > (status.get("replicas") or 0):
            yield field_invalid(f"status.{key}", status[key], "cannot be greater than status.replicas")


def scale(obj: Object) -> Iterator[FieldError]:
    """A Scale that a client sends."""
    yield from non_negative("spec.replicas", (obj.get("spec") or {}).get("replicas"))


def _selector_immutable(new: Object, old: Object) -> Iterator[FieldError]:
    new_selector, old_selector = (new.get("spec") or {}).get("selector"), (old.get("spec") or {}).get("selector")
    yield from immutable("spec.selector", new_selector, old_selector)


def _counts(status: Object, keys: tuple[str, ...]) -> Iterator[FieldError]:
    for key in keys:
        yield from non_negative(f"status.{key}", status.get(key))


def _selector_and_template(spec: Object) -> Iterator[FieldError]:
    selector, template = spec.get("selector"), spec.get("template")
    errors: list[FieldError] = []
    if selector is None:
        yield field_required("spec.selector")
    else:
        errors = list(label_selector("spec.selector", selector))
        yield from errors
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            yield field_invalid("spec.selector", selector, "empty selector is invalid for deployment")
    if template is None:
        yield field_required("spec.template")
        return
    if selector and not errors and not LabelSelector.from_object(selector).matches(labels_of(template)):
        detail = "`selector` does not match template `labels`"
        yield field_invalid("spec.template.metadata.labels", labels_of(template), detail)
    yield from pod_template("spec.template", template)
    pod_spec = template.get("spec") or {}
    policy = pod_spec.get("restartPolicy")
    if policy in ("Never", "OnFailure"):
        yield field_not_supported("spec.template.spec.restartPolicy", policy, ("Always",))
    if pod_spec.get("activeDeadlineSeconds") is not None:
        detail = "activeDeadlineSeconds in ReplicaSet is not Supported"
        yield field_forbidden("spec.template.spec.activeDeadlineSeconds", detail)


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
    yield from _integer_or_percent(f"{path}.maxUnavailable", unavailable)
    yield from _integer_or_percent(f"{path}.maxSurge", surge)
    if _is_zero(unavailable) and _is_zero(surge):
        yield field_invalid(f"{path}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0")
    if isinstance(unavailable, str) and unavailable[:-1].isdecimal() and int(unavailable[:-1]) > 100:
        yield field_invalid(f"{path}.maxUnavailable", unavailable, "must not be greater than 100%")


def _integer_or_percent(path: str, value: int | str | None) -> Iterator[FieldError]:
    if isinstance(value, str):
        yield from percent(path, value)
    else:
        yield from non_negative(path, value)


def _is_zero(value: int | str | None) -> bool:
    return value in (None, 0) or (isinstance(value, str) and value.removesuffix("%").strip("0") == "")
