from __future__ import annotations

import json
from typing import Any

import pytest

from apiserver.conversion import to_presented, to_stored
from minikube_py.api.resources import HORIZONTAL_POD_AUTOSCALERS, HORIZONTAL_POD_AUTOSCALERS_V1

PREFIX = "autoscaling.alpha.kubernetes.io/"
TARGET = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}


def v1(spec: dict[str, Any], **annotations: str) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": "web"}
    if annotations:
        meta["annotations"] = {PREFIX + key.replace("_", "-"): value for key, value in annotations.items()}
    kind = {"kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v1"}
    return {**kind, "metadata": meta, "spec": {"scaleTargetRef": TARGET, "maxReplicas": 3, **spec}}


def v2(metrics: list[dict[str, Any]], **spec: Any) -> dict[str, Any]:
    kind = {"kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v2"}
    spec = {"scaleTargetRef": TARGET, "maxReplicas": 3, "metrics": metrics, **spec}
    return {**kind, "metadata": {"name": "web"}, "spec": spec}


def resource(name: str, **target: Any) -> dict[str, Any]:
    return {"type": "Resource", "resource": {"name": name, "target": target}}


CPU = resource("cpu", type="Utilization", averageUtilization=50)
METRIC = {"name": "hits", "selector": {"matchLabels": {"a": "b"}}}
METRICS = [
    pytest.param(CPU, id="processor time"),
    pytest.param(resource("cpu", type="AverageValue", averageValue="500m"), id="an amount of processor time"),
    pytest.param(resource("memory", type="Utilization", averageUtilization=60), id="memory"),
    pytest.param(
        {
            "type": "ContainerResource",
            "containerResource": {
                "name": "cpu",
                "container": "c",
                "target": {"type": "Utilization", "averageUtilization": 5},
            },
        },
        id="a container's resource",
    ),
    pytest.param(
        {"type": "Pods", "pods": {"metric": METRIC, "target": {"type": "AverageValue", "averageValue": "10"}}},
        id="pods",
    ),
    pytest.param(
        {
            "type": "Object",
            "object": {
                "describedObject": {"kind": "Service", "name": "s"},
                "metric": METRIC,
                "target": {"type": "Value", "value": "10"},
            },
        },
        id="an object",
    ),
    pytest.param(
        {
            "type": "Object",
            "object": {
                "describedObject": {"kind": "Service", "name": "s"},
                "metric": METRIC,
                "target": {"type": "AverageValue", "averageValue": "10"},
            },
        },
        id="an object's average",
    ),
    pytest.param(
        {"type": "External", "external": {"metric": METRIC, "target": {"type": "Value", "value": "1"}}},
        id="outside",
    ),
    pytest.param(
        {"type": "External", "external": {"metric": METRIC, "target": {"type": "AverageValue", "averageValue": "1"}}},
        id="an average outside",
    ),
]


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_survives_the_way_through_version_1(metric: dict[str, Any]) -> None:
    stored = v2([metric])
    presented = to_presented(HORIZONTAL_POD_AUTOSCALERS_V1, stored)
    assert "metrics" not in presented["spec"]
    assert to_stored(HORIZONTAL_POD_AUTOSCALERS_V1, presented) == stored


def test_cpu_utilisation_is_a_field_and_the_rest_an_annotation() -> None:
    memory = resource("memory", type="Utilization", averageUtilization=60)
    presented = to_presented(HORIZONTAL_POD_AUTOSCALERS_V1, v2([CPU, memory]))
    assert presented["apiVersion"] == "autoscaling/v1"
    assert presented["spec"]["targetCPUUtilizationPercentage"] == 50
    annotation = json.loads(presented["metadata"]["annotations"][f"{PREFIX}metrics"])
    assert annotation == [{"type": "Resource", "resource": {"name": "memory", "targetAverageUtilization": 60}}]


def test_one_without_metrics_gets_the_implied_one() -> None:
    stored = to_stored(HORIZONTAL_POD_AUTOSCALERS_V1, v1({}))
    assert stored["spec"]["metrics"] == [resource("cpu", type="Utilization", averageUtilization=80)]


def test_a_behavior_is_written_with_gos_names_and_read_in_any_case() -> None:
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 5, "policies": [{"type": "Pods", "value": 1}]}}
    presented = to_presented(HORIZONTAL_POD_AUTOSCALERS_V1, v2([CPU], behavior=behavior))
    annotation = json.loads(presented["metadata"]["annotations"][f"{PREFIX}behavior"])
    assert annotation == {"ScaleDown": {"StabilizationWindowSeconds": 5, "Policies": [{"Type": "Pods", "Value": 1}]}}
    assert to_stored(HORIZONTAL_POD_AUTOSCALERS_V1, presented)["spec"]["behavior"] == behavior


@pytest.mark.parametrize("text", ["no json", "{}", "[1]"], ids=["no JSON", "no list", "a list of numbers"])
def test_an_annotation_that_cannot_be_read_is_ignored(text: str) -> None:
    stored = to_stored(HORIZONTAL_POD_AUTOSCALERS_V1, v1({"targetCPUUtilizationPercentage": 9}, metrics=text))
    assert stored["spec"]["metrics"] == [resource("cpu", type="Utilization", averageUtilization=9)]
    assert "annotations" not in stored["metadata"]


def test_a_status_survives() -> None:
    current = [
        {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 7, "averageValue": "1"}}}
    ]
    conditions = [{"type": "AbleToScale", "status": "True"}]
    status = {"currentReplicas": 2, "currentMetrics": current, "conditions": conditions}
    stored = {**v2([CPU]), "status": status}
    presented = to_presented(HORIZONTAL_POD_AUTOSCALERS_V1, stored)
    assert presented["status"] == {"currentReplicas": 2, "currentCPUUtilizationPercentage": 7}
    assert to_stored(HORIZONTAL_POD_AUTOSCALERS_V1, presented) == stored


def test_the_stored_version_is_left_alone() -> None:
    stored = v2([CPU])
    assert to_stored(HORIZONTAL_POD_AUTOSCALERS, stored) is stored
    assert to_presented(HORIZONTAL_POD_AUTOSCALERS, stored) is stored
