"""``autoscaling/v1 HorizontalPodAutoscaler`` in front of ``autoscaling/v2``.

What version 1 has no field for travels in annotations, as upstream: metrics other than CPU utilisation, the behavior,
conditions and current metrics. An annotation that cannot be read is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from apiserver.conversion.autoscaling_metrics import spec_to_v1, spec_to_v2, status_to_v1, status_to_v2
from apiserver.conversion.converter import Converter
from minikube_py.api.meta import Object, annotations_of, metadata

METRICS = "autoscaling.alpha.kubernetes.io/metrics"
BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"
CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
CURRENT_METRICS = "autoscaling.alpha.kubernetes.io/current-metrics"
_ROUND_TRIP = frozenset({METRICS, BEHAVIOR, CONDITIONS, CURRENT_METRICS})
DEFAULT_CPU_UTILIZATION = 80


def to_stored(autoscaler: Object) -> Object:
    """The autoscaler as version 2; one without any metric gets version 1's implied one, 80 % of CPU."""
    annotations = annotations_of(autoscaler)
    spec = dict(autoscaler.get("spec") or {})
    metrics = [spec_to_v2(metric) for metric in _items(annotations.get(METRICS))]
    utilization = spec.pop("targetCPUUtilizationPercentage", None)
    if utilization is not None or not metrics:
        metrics.append(_cpu_target(DEFAULT_CPU_UTILIZATION if utilization is None else utilization))
    spec["metrics"] = metrics
    behavior = _behavior_to_v2(_parsed(annotations.get(BEHAVIOR)))
    if behavior:
        spec["behavior"] = behavior
    stored = {**autoscaler, "apiVersion": "autoscaling/v2", "metadata": _with_annotations(autoscaler, {}), "spec": spec}
    status = _stored_status(autoscaler.get("status") or {}, annotations)
    if status:
        stored["status"] = status
    return stored


def _stored_status(status: Object, annotations: Mapping[str, str]) -> Object:
    stored = {key: value for key, value in status.items() if key != "currentCPUUtilizationPercentage"}
    utilization = status.get("currentCPUUtilizationPercentage")
    if CURRENT_METRICS in annotations and (metrics := _items(annotations[CURRENT_METRICS])):
        stored["currentMetrics"] = [status_to_v2(metric) for metric in metrics]
    elif utilization is not None:
        resource = {"name": "cpu", "current": {"averageUtilization": utilization}}
        stored["currentMetrics"] = [{"type": "Resource", "resource": resource}]
    if conditions := _items(annotations.get(CONDITIONS)):
        stored["conditions"] = conditions
    return stored


def to_presented(autoscaler: Object) -> Object:
    """The autoscaler as version 1."""
    spec, status = dict(autoscaler.get("spec") or {}), dict(autoscaler.get("status") or {})
    metrics, behavior = spec.pop("metrics", None) or [], spec.pop("behavior", None)
    current, conditions = status.pop("currentMetrics", None) or [], status.pop("conditions", None) or []
    added: dict[str, str] = {}
    if others := [metric for metric in metrics if not _is_cpu_utilization(metric)]:
        added[METRICS] = _encoded([spec_to_v1(metric) for metric in others])
    if current:
        added[CURRENT_METRICS] = _encoded([status_to_v1(metric) for metric in current])
    if behavior:
        added[BEHAVIOR] = _encoded(_behavior_to_v1(behavior))
    if conditions:
        added[CONDITIONS] = _encoded(conditions)
    cpu: Object = next((metric["resource"] for metric in metrics if _is_cpu(metric)), {})
    if (utilization := (cpu.get("target") or {}).get("averageUtilization")) is not None:
        spec["targetCPUUtilizationPercentage"] = utilization
    for metric in current:
        if _is_cpu(metric):
            utilization = (metric["resource"].get("current") or {}).get("averageUtilization")
            if utilization is not None:
                status["currentCPUUtilizationPercentage"] = utilization
    presented = {
        **autoscaler,
        "apiVersion": "autoscaling/v1",
        "metadata": _with_annotations(autoscaler, added),
        "spec": spec,
    }
    if status or "status" in autoscaler:
        presented["status"] = status
    return presented


def _cpu_target(utilization: int) -> Object:
    target = {"type": "Utilization", "averageUtilization": utilization}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _is_cpu(metric: Object) -> bool:
    return metric.get("type") == "Resource" and (metric.get("resource") or {}).get("name") == "cpu"


def _is_cpu_utilization(metric: Object) -> bool:
    return _is_cpu(metric) and (metric["resource"].get("target") or {}).get("averageUtilization") is not None


def _with_annotations(autoscaler: Object, added: dict[str, str]) -> Object:
    meta = dict(metadata(autoscaler))
    kept = {key: value for key, value in annotations_of(autoscaler).items() if key not in _ROUND_TRIP}
    annotations = {**kept, **added}
    if annotations:
        meta["annotations"] = annotations
    else:
        meta.pop("annotations", None)
    return meta


_BEHAVIOR_NAMES = (
    "scaleUp",
    "scaleDown",
    "stabilizationWindowSeconds",
    "selectPolicy",
    "policies",
    "tolerance",
    "type",
    "value",
    "periodSeconds",
)
_BEHAVIOR_FIELDS = {name.lower(): name for name in _BEHAVIOR_NAMES}


def _behavior_to_v1(behavior: Any) -> Any:
    """The behavior as the annotation has it: upstream writes Go's field names there, ``ScaleUp`` for ``scaleUp``."""
    if isinstance(behavior, list):
        return [_behavior_to_v1(item) for item in behavior]
    if isinstance(behavior, dict):
        return {key[:1].upper() + key[1:]: _behavior_to_v1(value) for key, value in behavior.items()}
    return behavior


def _behavior_to_v2(behavior: Any) -> Any:
    """The annotation's behavior with its names in any case, as Go reads them; null and unknown fields left out."""
    if isinstance(behavior, list):
        return [_behavior_to_v2(item) for item in behavior]
    if isinstance(behavior, dict):
        return {
            name: _behavior_to_v2(value)
            for key, value in behavior.items()
            if value is not None and (name := _BEHAVIOR_FIELDS.get(key.lower())) is not None
        }
    return behavior


def _encoded(value: Any) -> str:
    return orjson.dumps(value).decode()


def _parsed(text: str | None) -> Any:
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _items(text: str | None) -> list[Object]:
    value = _parsed(text)
    return value if isinstance(value, list) and all(isinstance(item, dict) for item in value) else []


CONVERTER = Converter(to_stored, to_presented)
