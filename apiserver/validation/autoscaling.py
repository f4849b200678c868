"""Validation of HorizontalPodAutoscaler, in the shape of ``autoscaling/v2``."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from apiserver.validation.meta import label_selector, object_meta, object_meta_update
from apiserver.validation.names import dns_label, each_message, non_negative, path_segment
from apiserver.validation.resources import container_resource_name
from minikube_py.api.errors import (
    FieldError,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
)
from minikube_py.api.meta import Object
from minikube_py.api.quantity import ZERO, Quantity

_MAX_PERIOD_SECONDS = 1800
_MAX_WINDOW_SECONDS = 3600
_SELECT_POLICIES = ("Disabled", "Max", "Min")
_POLICY_TYPES = ("Percent", "Pods")
_TARGET_TYPES = ("Utilization", "Value", "AverageValue")


def horizontal_pod_autoscaler(obj: Object) -> Iterator[FieldError]:
    """An autoscaler about to be created."""
    yield from object_meta(obj, namespaced=True)
    yield from _spec(obj.get("spec") or {})


def horizontal_pod_autoscaler_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed autoscaler."""
    yield from object_meta_update(new, old)
    yield from _spec(new.get("spec") or {})


def horizontal_pod_autoscaler_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status: counts that are not negative."""
    yield from object_meta_update(new, old)
    for key in ("currentReplicas", "desiredReplicas"):
        yield from non_negative(f"status.{key}", (new.get("status") or {}).get(key))


def _spec(spec: Object) -> Iterator[FieldError]:
    lowest, highest = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    if lowest is not None and lowest < 1:
        yield field_invalid("spec.minReplicas", lowest, "must be greater than or equal to 1")
    if highest < 1:
        yield field_invalid("spec.maxReplicas", highest, "must be greater than 0")
    if lowest is not None and highest < lowest:
        yield field_invalid("spec.maxReplicas", highest, "must be greater than or equal to `minReplicas`")
    yield from _reference("spec.scaleTargetRef", spec.get("scaleTargetRef") or {})
    for index, metric in enumerate(spec.get("metrics") or []):
        yield from _metric(f"spec.metrics[{index}]", metric)
    for key in ("scaleUp", "scaleDown"):
        rules = (spec.get("behavior") or {}).get(key)
        if rules is not None:
            yield from _scaling_rules(f"spec.behavior.{key}", rules)


def _reference(path: str, reference: Object) -> Iterator[FieldError]:
    for key in ("kind", "name"):
        if not reference.get(key):
            yield field_required(f"{path}.{key}")
        else:
            yield from each_message(f"{path}.{key}", reference[key], path_segment(reference[key]))


def _scaling_rules(path: str, rules: Object) -> Iterator[FieldError]:
    window, select = rules.get("stabilizationWindowSeconds"), rules.get("selectPolicy")
    if window is not None and window < 0:
        yield field_invalid(f"{path}.stabilizationWindowSeconds", window, "must be greater than or equal to zero")
    if window is not None and window > _MAX_WINDOW_SECONDS:
        detail = f"must be less than or equal to {_MAX_WINDOW_SECONDS}"
        yield field_invalid(f"{path}.stabilizationWindowSeconds", window, detail)
    if select is not None and select not in _SELECT_POLICIES:
        yield field_not_supported(f"{path}.selectPolicy", select, _SELECT_POLICIES)
    if not rules.get("policies"):
        yield field_required(f"{path}.policies", "must specify at least one Policy")
    for index, policy in enumerate(rules.get("policies") or []):
        yield from _scaling_policy(f"{path}.policies[{index}]", policy)


def _scaling_policy(path: str, policy: Object) -> Iterator[FieldError]:
    value, period = policy.get("value") or 0, policy.get("periodSeconds") or 0
    if policy.get("type") not in _POLICY_TYPES:
        yield field_not_supported(f"{path}.type", policy.get("type") or "", _POLICY_TYPES)
    if value <= 0:
        yield field_invalid(f"{path}.value", value, "must be greater than zero")
    if period <= 0:
        yield field_invalid(f"{path}.periodSeconds", period, "must be greater than zero")
    if period > _MAX_PERIOD_SECONDS:
        yield field_invalid(f"{path}.periodSeconds", period, f"must be less than or equal to {_MAX_PERIOD_SECONDS}")


def _metric(path: str, metric: Object) -> Iterator[FieldError]:
    metric_type = metric.get("type") or ""
    if not metric_type:
        yield field_required(f"{path}.type", "must specify a metric source type")
    if metric_type not in _FIELDS:
        yield field_not_supported(f"{path}.type", metric_type, _FIELDS)
    expected = _FIELDS.get(metric_type, "")
    present = [key for key in _SOURCES if metric.get(key) is not None]
    for key in present[:1]:
        yield from _SOURCES[key](f"{path}.{key}", metric[key])
    if expected and expected not in present:
        yield field_required(f"{path}.{expected}", "must populate information for the given metric source")
    if len(present) != 1:
        for key in present:
            if key != expected:
                yield field_forbidden(f"{path}.{key}", "must populate the given metric source only")


def _object_source(path: str, source: Object) -> Iterator[FieldError]:
    target = source.get("target") or {}
    yield from _reference(f"{path}.describedObject", source.get("describedObject") or {})
    yield from _identifier(f"{path}.metric", source.get("metric") or {})
    yield from _target(f"{path}.target", target)
    if target.get("value") is None and target.get("averageValue") is None:
        yield field_required(f"{path}.target.averageValue", "must set either a target value or averageValue")


def _external_source(path: str, source: Object) -> Iterator[FieldError]:
    target = source.get("target") or {}
    yield from _identifier(f"{path}.metric", source.get("metric") or {})
    yield from _target(f"{path}.target", target)
    if target.get("value") is None and target.get("averageValue") is None:
        detail = "must set either a target value for metric or a per-pod target"
        yield field_required(f"{path}.target.averageValue", detail)
    if target.get("value") is not None and target.get("averageValue") is not None:
        detail = "may not set both a target value for metric and a per-pod target"
        yield field_forbidden(f"{path}.target.value", detail)


def _pods_source(path: str, source: Object) -> Iterator[FieldError]:
    target = source.get("target") or {}
    yield from _identifier(f"{path}.metric", source.get("metric") or {})
    yield from _target(f"{path}.target", target)
    if target.get("averageValue") is None:
        yield field_required(f"{path}.target.averageValue", "must specify a positive target averageValue")


def _container_resource_source(path: str, source: Object) -> Iterator[FieldError]:
    if not source.get("name"):
        yield field_required(f"{path}.name", "must specify a resource name")
    else:
        yield from container_resource_name(f"{path}.name", source["name"])
    if not source.get("container"):
        yield field_required(f"{path}.container", "must specify a container")
    else:
        yield from dns_label(f"{path}.container", source["container"])
    yield from _resource_target(f"{path}.target", source.get("target") or {})


def _resource_source(path: str, source: Object) -> Iterator[FieldError]:
    if not source.get("name"):
        yield field_required(f"{path}.name", "must specify a resource name")
    yield from _resource_target(f"{path}.target", source.get("target") or {})


def _resource_target(path: str, target: Object) -> Iterator[FieldError]:
    yield from _target(path, target)
    utilization, value = target.get("averageUtilization"), target.get("averageValue")
    if utilization is None and value is None:
        detail = "must set either a target raw value or a target utilization"
        yield field_required(f"{path}.averageUtilization", detail)
    if utilization is not None and value is not None:
        detail = "may not set both a target raw value and a target utilization"
        yield field_forbidden(f"{path}.averageValue", detail)


def _identifier(path: str, identifier: Object) -> Iterator[FieldError]:
    name = identifier.get("name") or ""
    if not name:
        yield field_required(f"{path}.name", "must specify a metric name")
    else:
        yield from each_message(f"{path}.name", name, path_segment(name))
    yield from label_selector(f"{path}.selector", identifier.get("selector"))


def _target(path: str, target: Object) -> Iterator[FieldError]:
    target_type = target.get("type") or ""
    if not target_type:
        yield field_required(f"{path}.type", "must specify a metric target type")
    if target_type not in _TARGET_TYPES:
        detail = "must be either Utilization, Value, or AverageValue"
        yield field_invalid(f"{path}.type", target_type, detail)
    for key in ("value", "averageValue"):
        if target.get(key) is not None and Quantity.parse(target[key]) <= ZERO:
            yield field_invalid(f"{path}.{key}", target[key], "must be positive")
    utilization = target.get("averageUtilization")
    if utilization is not None and utilization < 1:
        yield field_invalid(f"{path}.averageUtilization", utilization, "must be greater than 0")


_FIELDS = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_SOURCES: dict[str, Callable[[str, Object], Iterator[FieldError]]] = {
    "object": _object_source,
    "external": _external_source,
    "pods": _pods_source,
    "resource": _resource_source,
    "containerResource": _container_resource_source,
}
