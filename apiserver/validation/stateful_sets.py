"""Validation of StatefulSet. As upstream's, it leaves the spec of the pod template to the creation of the pods."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.int_or_percent import at_most_hundred_percent, number_of, positive_int_or_percent
from apiserver.validation.meta import annotation_values, labels, object_meta, object_meta_update
from apiserver.validation.names import non_negative
from apiserver.validation.pods import pod_annotations
from apiserver.validation.workloads import at_most, collision_count, counts, runs_for_ever, selector_and_template
from minikube_py.api import names
from minikube_py.api.errors import FieldError, field_forbidden, field_invalid, field_not_supported, field_required
from minikube_py.api.meta import Object

_POLICIES = ("OrderedReady", "Parallel")
_STRATEGIES = ("RollingUpdate", "OnDelete")
_RETENTION = ("Delete", "Retain")
_COUNTS = (
    "replicas",
    "readyReplicas",
    "currentReplicas",
    "updatedReplicas",
    "availableReplicas",
    "observedGeneration",
    "collisionCount",
)
_MUTABLE = frozenset(
    {
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    }
)
_IMMUTABLE_MESSAGE = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


def stateful_set(obj: Object) -> Iterator[FieldError]:
    """A StatefulSet about to be stored, whose name is part of its pods' host names."""
    yield from object_meta(obj, namespaced=True, name=names.dns1123_label)
    yield from _spec(obj.get("spec") or {})


def stateful_set_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed StatefulSet: what its pods and claims are found by stays."""
    yield from object_meta_update(new, old)
    yield from _spec(new.get("spec") or {})
    new_spec, old_spec = new.get("spec") or {}, old.get("spec") or {}
    if any(new_spec.get(key) != old_spec.get(key) for key in {*new_spec, *old_spec} - _MUTABLE):
        yield field_forbidden("spec", _IMMUTABLE_MESSAGE)


def stateful_set_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status: consistent counts."""
    yield from object_meta_update(new, old)
    status = new.get("status") or {}
    yield from counts(status, _COUNTS)
    bounded = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
    yield from at_most(status, bounded, "replicas", "status.replicas")
    yield from at_most(status, ("availableReplicas",), "readyReplicas", "status.readyReplicas")
    yield from collision_count(status, old.get("status") or {})


def _spec(spec: Object) -> Iterator[FieldError]:
    policy = spec.get("podManagementPolicy") or ""
    if not policy:
        yield field_required("spec.podManagementPolicy")
    elif policy not in _POLICIES:
        yield field_invalid("spec.podManagementPolicy", policy, _must_be(_POLICIES))
    yield from _update_strategy(spec.get("updateStrategy") or {})
    for key in ("whenDeleted", "whenScaled"):
        retention = (spec.get("persistentVolumeClaimRetentionPolicy") or {}).get(key) or ""
        if retention not in _RETENTION and spec.get("persistentVolumeClaimRetentionPolicy") is not None:
            yield field_not_supported(f"spec.persistentVolumeClaimRetentionPolicy.{key}", retention, _RETENTION)
    yield from non_negative("spec.replicas", spec.get("replicas"))
    yield from non_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    yield from non_negative("spec.ordinals.start", (spec.get("ordinals") or {}).get("start"))
    yield from selector_and_template(spec, empty="empty selector is invalid for statefulset")
    template = spec.get("template") or {}
    meta = template.get("metadata") or {}
    yield from labels("spec.template.labels", meta.get("labels"))
    yield from annotation_values("spec.template.annotations", meta.get("annotations"))
    yield from pod_annotations("spec.template.annotations", template)
    yield from runs_for_ever("spec.template", template, "StatefulSet")


def _update_strategy(strategy: Object) -> Iterator[FieldError]:
    strategy_type, rolling = strategy.get("type") or "", strategy.get("rollingUpdate")
    if not strategy_type:
        yield field_required("spec.updateStrategy")
    elif strategy_type not in _STRATEGIES:
        yield field_invalid("spec.updateStrategy", strategy, _must_be(_STRATEGIES))
    elif strategy_type == "OnDelete" and rolling is not None:
        detail = "only allowed for updateStrategy 'RollingUpdate'"
        yield field_invalid("spec.updateStrategy.rollingUpdate", rolling, detail)
    elif rolling is not None:
        yield from _rolling_update("spec.updateStrategy.rollingUpdate", rolling)


def _rolling_update(path: str, rolling: Object) -> Iterator[FieldError]:
    yield from non_negative(f"{path}.partition", rolling.get("partition"))
    unavailable = rolling.get("maxUnavailable")
    if unavailable is not None:
        yield from positive_int_or_percent(f"{path}.maxUnavailable", unavailable)
        if number_of(unavailable) == 0:
            yield field_invalid(f"{path}.maxUnavailable", unavailable, "cannot be 0")
        yield from at_most_hundred_percent(f"{path}.maxUnavailable", unavailable)


def _must_be(values: tuple[str, str]) -> str:
    return f"must be '{values[0]}' or '{values[1]}'"
