"""Validation of DaemonSet."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.int_or_percent import at_most_hundred_percent, number_of, positive_int_or_percent
from apiserver.validation.meta import immutable, label_selector, object_meta, object_meta_update
from apiserver.validation.names import non_negative
from apiserver.validation.workloads import (
    collision_count,
    counts,
    is_empty_selector,
    long_running_template,
    matching_template,
)
from minikube_py.api.errors import FieldError, field_invalid, field_not_supported, field_required
from minikube_py.api.meta import Object

_COUNTS = (
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "observedGeneration",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
    "collisionCount",
)


def daemon_set(obj: Object) -> Iterator[FieldError]:
    """A DaemonSet about to be stored."""
    yield from object_meta(obj, namespaced=True)
    spec = obj.get("spec") or {}
    selector, template = spec.get("selector"), spec.get("template") or {}
    errors = list(label_selector("spec.selector", selector))
    yield from errors
    if not errors:
        yield from matching_template("spec.template", template, selector)
    if selector is not None and is_empty_selector(selector):
        yield field_invalid("spec.selector", selector, "empty selector is invalid for daemonset")
    yield from long_running_template("spec.template", template, "DaemonSet")
    yield from non_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    yield from _update_strategy("spec.updateStrategy", spec.get("updateStrategy") or {})
    yield from non_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))


def daemon_set_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed DaemonSet, whose selector stays."""
    yield from object_meta_update(new, old)
    yield from daemon_set(new)
    selector, old_selector = (new.get("spec") or {}).get("selector"), (old.get("spec") or {}).get("selector")
    yield from immutable("spec.selector", selector, old_selector)


def daemon_set_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status: counts that are not negative."""
    yield from object_meta_update(new, old)
    status = new.get("status") or {}
    yield from counts(status, _COUNTS)
    yield from collision_count(status, old.get("status") or {})


def _update_strategy(path: str, strategy: Object) -> Iterator[FieldError]:
    strategy_type, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    if strategy_type == "OnDelete":
        return
    if strategy_type != "RollingUpdate":
        yield field_not_supported(path, strategy, ("RollingUpdate", "OnDelete"))
    elif rolling is None:
        yield field_required(f"{path}.rollingUpdate")
    else:
        yield from _rolling_update(f"{path}.rollingUpdate", rolling)


def _rolling_update(path: str, rolling: Object) -> Iterator[FieldError]:
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    for check in (positive_int_or_percent, at_most_hundred_percent):
        yield from check(f"{path}.maxUnavailable", unavailable)
        yield from check(f"{path}.maxSurge", surge)
    if number_of(unavailable) and number_of(surge):
        yield field_invalid(f"{path}.maxSurge", surge, "may not be set when maxUnavailable is non-zero")
    elif not number_of(unavailable) and not number_of(surge):
        yield field_required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0")
