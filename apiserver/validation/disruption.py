"""Validation of PodDisruptionBudget."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.int_or_percent import at_most_hundred_percent, positive_int_or_percent
from apiserver.validation.meta import label_selector, object_meta, object_meta_update
from apiserver.validation.names import non_negative, path_segment
from minikube_py.api.errors import FieldError, field_invalid, field_not_supported
from minikube_py.api.meta import Object

_POLICIES = ("AlwaysAllow", "IfHealthyBudget")
_COUNTS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")


def pod_disruption_budget(obj: Object) -> Iterator[FieldError]:
    """A budget about to be stored."""
    yield from object_meta(obj, namespaced=True, name=path_segment)
    spec = obj.get("spec") or {}
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        yield field_invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")
    for key in ("minAvailable", "maxUnavailable"):
        yield from positive_int_or_percent(f"spec.{key}", spec.get(key))
        yield from at_most_hundred_percent(f"spec.{key}", spec.get(key))
    yield from label_selector("spec.selector", spec.get("selector"))
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None and policy not in _POLICIES:
        yield field_not_supported("spec.unhealthyPodEvictionPolicy", policy, _POLICIES)


def pod_disruption_budget_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed budget."""
    yield from object_meta_update(new, old)
    yield from pod_disruption_budget(new)


def pod_disruption_budget_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status: counts that are not negative."""
    yield from object_meta_update(new, old)
    for key in _COUNTS:
        yield from non_negative(f"status.{key}", (new.get("status") or {}).get(key))
