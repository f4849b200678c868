"""The strategies of HorizontalPodAutoscaler and PodDisruptionBudget."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies.defaults import autoscaling as defaults
from apiserver.strategies.ruled import Rules, StatusWithMetadata
from apiserver.validation import autoscaling, disruption
from minikube_py.api.meta import Object

_NO_METRICS = {"currentMetrics": None, "desiredReplicas": 0}
_NO_PODS = {"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0}


class HorizontalPodAutoscalerStrategy(StatusWithMetadata):
    """An autoscaler, in the shape of ``autoscaling/v2``."""

    rules: ClassVar[Rules] = Rules(
        autoscaling.horizontal_pod_autoscaler,
        autoscaling.horizontal_pod_autoscaler_update,
        autoscaling.horizontal_pod_autoscaler_status_update,
        default=defaults.default,
    )
    initial_status: ClassVar[Object | None] = _NO_METRICS


class PodDisruptionBudgetStrategy(StatusWithMetadata):
    """A budget, which is never written without naming the version that the write is based on."""

    allow_unconditional_update: ClassVar[bool] = False
    rules: ClassVar[Rules] = Rules(
        disruption.pod_disruption_budget,
        disruption.pod_disruption_budget_update,
        disruption.pod_disruption_budget_status_update,
    )
    initial_status: ClassVar[Object | None] = _NO_PODS
