"""Defaults of HorizontalPodAutoscaler, in the shape of ``autoscaling/v2``."""

from __future__ import annotations

from typing import Any

from apiserver.strategies.defaults.filling import filled, nested, within
from minikube_py.api.meta import Object

_CPU_AT_80_PERCENT: Object = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}
_UP: dict[str, Any] = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
# How long to look back before scaling down is left to the controller's own setting.
_DOWN: dict[str, Any] = {
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}


def default(autoscaler: Object) -> Object:
    """An autoscaler with every default: one replica at least, 80 % of the CPU requested, full scaling rules."""
    return nested(autoscaler, "spec", _default_spec)


def _default_spec(spec: Object) -> Object:
    spec = filled(spec, {"minReplicas": 1})
    if not spec.get("metrics"):
        spec = {**spec, "metrics": [_CPU_AT_80_PERCENT]}
    return within(spec, "behavior", _default_behavior)


def _default_behavior(behavior: Object) -> Object:
    behavior = nested(behavior, "scaleUp", lambda rules: filled(rules, _UP))
    return nested(behavior, "scaleDown", lambda rules: filled(rules, _DOWN))
