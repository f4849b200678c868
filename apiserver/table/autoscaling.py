"""The printers of HorizontalPodAutoscaler and PodDisruptionBudget."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiserver.table.columns import AGE, NAME, NONE, UNKNOWN, Column, Printer, age, documented
from minikube_py.api.meta import Object, name_of

_SPEC = "autoscaling.v2.HorizontalPodAutoscalerSpec"
_SHOWN_METRICS = 2
_NOT_APPLICABLE = "N/A"

AUTOSCALER_COLUMNS = (
    NAME,
    Column("Reference", documented(_SPEC, "scaleTargetRef")),
    Column("Targets", documented(_SPEC, "metrics")),
    Column("MinPods", documented(_SPEC, "minReplicas")),
    Column("MaxPods", documented(_SPEC, "maxReplicas")),
    Column("Replicas", documented("autoscaling.v2.HorizontalPodAutoscalerStatus", "currentReplicas")),
    AGE,
)

DISRUPTION_BUDGET_COLUMNS = (
    NAME,
    Column("Min Available", "The minimum number of pods that must be available."),
    Column("Max Unavailable", "The maximum number of pods that may be unavailable."),
    Column("Allowed Disruptions", "Calculated number of pods that may be disrupted at this time.", type="integer"),
    AGE,
)


def autoscaler_cells(autoscaler: Object, now: datetime) -> list[Any]:
    """Name, what is scaled, current and wanted metrics, smallest and greatest number, number now, age."""
    spec, status = autoscaler.get("spec") or {}, autoscaler.get("status") or {}
    target, least = spec.get("scaleTargetRef") or {}, spec.get("minReplicas")
    return [
        name_of(autoscaler),
        f"{target.get('kind', '')}/{target.get('name', '')}",
        _metrics(spec.get("metrics") or [], status.get("currentMetrics") or []),
        "<unset>" if least is None else str(least),
        spec.get("maxReplicas") or 0,
        status.get("currentReplicas") or 0,
        age(autoscaler, now),
    ]


def disruption_budget_cells(budget: Object, now: datetime) -> list[Any]:
    """Name, least available, most unavailable, disruptions allowed now, age."""
    spec, status = budget.get("spec") or {}, budget.get("status") or {}
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    return [
        name_of(budget),
        _NOT_APPLICABLE if least is None else str(least),
        _NOT_APPLICABLE if most is None else str(most),
        status.get("disruptionsAllowed") or 0,
        age(budget, now),
    ]


def _metrics(wanted: list[Object], current: list[Object]) -> str:
    shown = [_metric(metric, current[index] if index < len(current) else {}) for index, metric in enumerate(wanted)]
    if not shown:
        return NONE
    text = ", ".join(shown[:_SHOWN_METRICS])
    return f"{text} + {len(shown) - _SHOWN_METRICS} more..." if len(shown) > _SHOWN_METRICS else text


def _metric(wanted: Object, current: Object) -> str:
    kind = wanted.get("type", "")
    field = kind[:1].lower() + kind[1:]
    source = wanted.get(field)
    if source is None:
        return "<unknown type>"
    target, now = source.get("target") or {}, (current.get(field) or {}).get("current") or {}
    average = target.get("averageValue")
    if kind in ("Resource", "ContainerResource"):
        if average is not None:
            return f"{source.get('name')}: {now.get('averageValue') or UNKNOWN}/{average}"
        return f"{source.get('name')}: {_percent(now, UNKNOWN)}/{_percent(target, '<auto>')}"
    if kind == "Pods":
        return f"{now.get('averageValue') or UNKNOWN}/{average}"
    if average is not None:
        return f"{now.get('averageValue') or UNKNOWN}/{average} (avg)"
    return f"{now.get('value') or UNKNOWN}/{target.get('value')}"


def _percent(value: Object, otherwise: str) -> str:
    utilization = value.get("averageUtilization")
    return otherwise if utilization is None else f"{utilization}%"


SCALE_COLUMNS = (
    NAME,
    Column("Desired", documented("autoscaling.v1.ScaleSpec", "replicas"), type="integer"),
    Column("Available", documented("autoscaling.v1.ScaleStatus", "replicas"), type="integer"),
    AGE,
)


def scale_cells(scale: Object, now: datetime) -> list[Any]:
    """Name, wanted and present number, age."""
    spec, status = scale.get("spec") or {}, scale.get("status") or {}
    return [name_of(scale), spec.get("replicas", 0), status.get("replicas", 0), age(scale, now)]


PRINTERS = {
    ("autoscaling", "Scale"): Printer(SCALE_COLUMNS, scale_cells),
    ("autoscaling", "HorizontalPodAutoscaler"): Printer(AUTOSCALER_COLUMNS, autoscaler_cells),
    ("policy", "PodDisruptionBudget"): Printer(DISRUPTION_BUDGET_COLUMNS, disruption_budget_cells),
}
