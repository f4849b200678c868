"""HorizontalPodAutoscaler and PodDisruptionBudget."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.strategies import strategy_for
from minikube_py.api.resources import HORIZONTAL_POD_AUTOSCALERS, POD_DISRUPTION_BUDGETS, Resource

REFERENCE = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}
UTILIZATION = {"type": "Utilization", "averageUtilization": 50}


def an_autoscaler(**spec: Any) -> dict[str, Any]:
    fields = {"scaleTargetRef": REFERENCE, "maxReplicas": 3, **spec}
    return strategy_for(HORIZONTAL_POD_AUTOSCALERS).default(
        {"metadata": {"name": "h", "namespace": "d"}, "spec": fields}
    )


def measuring(**metric: Any) -> dict[str, Any]:
    return an_autoscaler(metrics=[metric])


def scaling(**rules: Any) -> dict[str, Any]:
    return an_autoscaler(behavior={"scaleUp": rules})


def a_budget(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "b", "namespace": "d"}, "spec": spec}


def errors_of(resource: Resource, obj: dict[str, Any]) -> list[str]:
    return [str(error) for error in strategy_for(resource).validate(obj)]


def test_defaults() -> None:
    spec = an_autoscaler(behavior={"scaleDown": {"selectPolicy": "Min"}})["spec"]
    assert spec["minReplicas"] == 1
    assert spec["metrics"] == [
        {
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
        }
    ]
    assert spec["behavior"] == {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": [
                {"type": "Pods", "value": 4, "periodSeconds": 15},
                {"type": "Percent", "value": 100, "periodSeconds": 15},
            ],
        },
        "scaleDown": {
            "selectPolicy": "Min",
            "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
        },
    }
    assert "behavior" not in an_autoscaler()["spec"]


@pytest.mark.parametrize(
    "obj",
    [
        pytest.param(an_autoscaler(), id="the smallest"),
        pytest.param(scaling(stabilizationWindowSeconds=30), id="scaling rules"),
        pytest.param(
            measuring(
                type="Pods", pods={"metric": {"name": "m"}, "target": {"type": "AverageValue", "averageValue": "1"}}
            ),
            id="a metric of pods",
        ),
        pytest.param(
            measuring(
                type="Object",
                object={
                    "describedObject": REFERENCE,
                    "metric": {"name": "m"},
                    "target": {"type": "Value", "value": "1"},
                },
            ),
            id="a metric of an object",
        ),
        pytest.param(
            measuring(type="External", external={"metric": {"name": "m"}, "target": {"type": "Value", "value": "1"}}),
            id="an external metric",
        ),
        pytest.param(
            measuring(
                type="ContainerResource", containerResource={"name": "cpu", "container": "c", "target": UTILIZATION}
            ),
            id="a container's resource",
        ),
    ],
)
def test_a_good_autoscaler_has_no_errors(obj: dict[str, Any]) -> None:
    assert errors_of(HORIZONTAL_POD_AUTOSCALERS, obj) == []


METRIC = "spec.metrics[0]"
UP = "spec.behavior.scaleUp"


@pytest.mark.parametrize(
    ("obj", "error"),
    [
        pytest.param(
            an_autoscaler(minReplicas=0),
            "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
            id="no replicas",
        ),
        pytest.param(
            an_autoscaler(minReplicas=5),
            "spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`",
            id="the least above the most",
        ),
        pytest.param(
            an_autoscaler(scaleTargetRef={"kind": "D"}), "spec.scaleTargetRef.name: Required value", id="target"
        ),
        pytest.param(
            an_autoscaler(scaleTargetRef={"kind": "D", "name": "a/b"}),
            "spec.scaleTargetRef.name: Invalid value: \"a/b\": may not contain '/'",
            id="a target that is a path",
        ),
        pytest.param(
            measuring(type="Pods"),
            f"{METRIC}.pods: Required value: must populate information for the given metric source",
            id="no source",
        ),
        pytest.param(
            measuring(type="Some"),
            f'{METRIC}.type: Unsupported value: "Some": supported values: "ContainerResource", "External", "Object", '
            '"Pods", "Resource"',
            id="a source of another type",
        ),
        pytest.param(
            measuring(type="Resource", resource={"name": "cpu", "target": UTILIZATION}, pods={}),
            f"{METRIC}.pods: Forbidden: must populate the given metric source only",
            id="two sources",
        ),
        pytest.param(
            measuring(type="Resource", resource={"name": "cpu", "target": {"type": "Utilization"}}),
            f"{METRIC}.resource.target.averageUtilization: Required value: must set either a target raw value or a "
            "target utilization",
            id="no target",
        ),
        pytest.param(
            measuring(type="Resource", resource={"name": "cpu", "target": {**UTILIZATION, "averageUtilization": 0}}),
            f"{METRIC}.resource.target.averageUtilization: Invalid value: 0: must be greater than 0",
            id="a target of nothing",
        ),
        pytest.param(
            measuring(type="Resource", resource={"name": "cpu", "target": {**UTILIZATION, "averageValue": "-1"}}),
            f'{METRIC}.resource.target.averageValue: Invalid value: "-1": must be positive',
            id="a negative target",
        ),
        pytest.param(
            scaling(stabilizationWindowSeconds=3601),
            f"{UP}.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600",
            id="a long window",
        ),
        pytest.param(
            scaling(selectPolicy="Some"),
            f'{UP}.selectPolicy: Unsupported value: "Some": supported values: "Disabled", "Max", "Min"',
            id="the choice of a policy",
        ),
        pytest.param(
            scaling(policies=[]), f"{UP}.policies: Required value: must specify at least one Policy", id="no policies"
        ),
        pytest.param(
            scaling(policies=[{"type": "Pods", "value": 0, "periodSeconds": 1}]),
            f"{UP}.policies[0].value: Invalid value: 0: must be greater than zero",
            id="a policy of nothing",
        ),
        pytest.param(
            scaling(policies=[{"type": "Pods", "value": 1, "periodSeconds": 1801}]),
            f"{UP}.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800",
            id="a policy of a long time",
        ),
    ],
)
def test_one_error_of_an_autoscaler(obj: dict[str, Any], error: str) -> None:
    assert error in errors_of(HORIZONTAL_POD_AUTOSCALERS, obj)


def test_a_budget() -> None:
    assert errors_of(POD_DISRUPTION_BUDGETS, a_budget(maxUnavailable="50%", selector={})) == []
    assert errors_of(POD_DISRUPTION_BUDGETS, a_budget(minAvailable=1, unhealthyPodEvictionPolicy="AlwaysAllow")) == []


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        pytest.param(
            {"minAvailable": 1, "maxUnavailable": 1},
            'spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be '
            "both set",
            id="both",
        ),
        pytest.param(
            {"minAvailable": -1},
            "spec.minAvailable: Invalid value: -1: must be greater than or equal to 0",
            id="negative",
        ),
        pytest.param(
            {"maxUnavailable": "200%"},
            'spec.maxUnavailable: Invalid value: "200%": must not be greater than 100%',
            id="more than all",
        ),
        pytest.param(
            {"unhealthyPodEvictionPolicy": "Never"},
            'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", '
            '"IfHealthyBudget"',
            id="eviction policy",
        ),
        pytest.param(
            {"selector": {"matchLabels": {"a": "b c"}}}, "spec.selector.matchLabels: Invalid value", id="selector"
        ),
    ],
)
def test_one_error_of_a_budget(spec: dict[str, Any], error: str) -> None:
    (found,) = errors_of(POD_DISRUPTION_BUDGETS, a_budget(**spec))
    assert found.startswith(error)
