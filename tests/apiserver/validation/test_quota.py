from __future__ import annotations

from typing import Any

import pytest

from minikube_py.api import resources

RANGE, QUOTA = resources.LIMIT_RANGES, resources.RESOURCE_QUOTAS
HERE = "spec.limits[0]"


def limits(limit_type: str = "Container", **bounds: Any) -> dict[str, Any]:
    return {"spec": {"limits": [{"type": limit_type, **bounds}]}}


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(limits(max={"cpu": "2"}, min={"cpu": "1"}), [], id="bounds"),
        pytest.param(limits("PersistentVolumeClaim", max={"storage": "1Gi"}), [], id="a claim's size"),
        pytest.param(limits("example.com/thing"), [], id="a type of one's own"),
        pytest.param(
            limits("Thing"),
            [f'Invalid {HERE}.type: Invalid value: "Thing": must be a standard limit type or fully qualified'],
            id="an unknown type",
        ),
        pytest.param(
            {"spec": {"limits": [{"type": "Pod"}, {"type": "Pod"}]}},
            ['Duplicate spec.limits[1].type: Duplicate value: "Pod"'],
            id="a type twice",
        ),
        pytest.param(
            limits("Pod", default={"cpu": "1"}, defaultRequest={"cpu": "1"}),
            [
                f"Forbidden {HERE}.default: Forbidden: may not be specified when `type` is 'Pod'",
                f"Forbidden {HERE}.defaultRequest: Forbidden: may not be specified when `type` is 'Pod'",
            ],
            id="defaults of a pod",
        ),
        pytest.param(
            limits("PersistentVolumeClaim"),
            [
                f"Required {HERE}.limits: Required value: either minimum or maximum storage value is required, but "
                "neither was provided"
            ],
            id="a claim without a size",
        ),
        pytest.param(
            limits("Pod", max={"cpu": "1"}, min={"cpu": "2"}),
            [f'Invalid {HERE}.min[cpu]: Invalid value: "2": min value 2 is greater than max value 1'],
            id="bounds the wrong way round",
        ),
        pytest.param(
            limits(max={"cpu": "4"}, min={"cpu": "2"}, default={"cpu": "5"}, defaultRequest={"cpu": "1"}),
            [
                f'Invalid {HERE}.defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default request '
                "value 1",
                f'Invalid {HERE}.default[cpu]: Invalid value: "4": default value 5 is greater than max value 4',
            ],
            id="defaults out of bounds",
        ),
        pytest.param(
            limits("Pod", maxLimitRequestRatio={"cpu": "500m"}, max={"cpu": "1"}),
            [f'Invalid {HERE}.maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1'],
            id="a ratio below 1",
        ),
        pytest.param(
            limits("Pod", maxLimitRequestRatio={"cpu": "3"}, max={"cpu": "2"}, min={"cpu": "1"}),
            [
                f'Invalid {HERE}.maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = '
                "2.000000"
            ],
            id="a ratio that nothing reaches",
        ),
    ],
)
def test_a_limit_range(rules: Any, short: Any, obj: dict[str, Any], expected: list[str]) -> None:
    assert short(rules.create(RANGE, obj)) == expected


def test_the_defaults_of_a_limit_range(rules: Any) -> None:
    bounds = {"max": {"cpu": "2"}, "min": {"cpu": "1", "memory": "1Mi"}, "default": {"memory": "2Mi"}}
    (item,) = rules.created(RANGE, limits(**bounds))["spec"]["limits"]
    assert item["default"] == {"cpu": "2", "memory": "2Mi"}
    assert item["defaultRequest"] == {"cpu": "2", "memory": "2Mi"}
    (item,) = rules.created(RANGE, limits(min={"cpu": "1"}))["spec"]["limits"]
    assert item == {"type": "Container", "min": {"cpu": "1"}, "defaultRequest": {"cpu": "1"}}


def quota(*scopes: str, selector: Any = None, **hard: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"hard": hard, "scopes": list(scopes)}
    return {"spec": spec if selector is None else {**spec, "scopeSelector": {"matchExpressions": [selector]}}}


SELECTOR = "spec.scopeSelector.matchExpressions"


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(quota(pods="1", **{"count/jobs.batch": "2", "requests.nvidia.com/gpu": "1"}), [], id="counts"),
        pytest.param(quota("Terminating", cpu="1"), [], id="a scope"),
        pytest.param(
            quota(selector={"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}, pods="1"),
            [],
            id="a priority",
        ),
        pytest.param(
            quota(foo="1"),
            [
                'Invalid spec.hard[foo]: Invalid value: "foo": must be a standard resource type or fully qualified',
                'Invalid spec.hard[foo]: Invalid value: "foo": must be a standard resource for quota',
            ],
            id="an unknown resource",
        ),
        pytest.param(
            quota(pods="1500m", cpu="-1"),
            [
                'Invalid spec.hard[pods]: Invalid value: "1500m": must be an integer',
                'Invalid spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0',
            ],
            id="crooked amounts",
        ),
        pytest.param(
            quota("BestEffort", cpu="1"),
            ['Invalid spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
            id="cpu at best effort",
        ),
        pytest.param(
            quota("Wild", "Terminating", "NotTerminating"),
            [
                'Invalid spec.scopes: Invalid value: ["Wild","Terminating","NotTerminating"]: unsupported scope',
                'Invalid spec.scopes: Invalid value: ["Wild","Terminating","NotTerminating"]: conflicting scopes',
            ],
            id="scopes that exclude each other",
        ),
        pytest.param(
            quota(selector={"scopeName": "PriorityClass", "operator": "In"}),
            [
                f"Required {SELECTOR}.values: Required value: must be at least one value when `operator` is 'In' or "
                "'NotIn' for scope selector"
            ],
            id="in nothing",
        ),
        pytest.param(
            quota(selector={"scopeName": "Wild", "operator": "Exists", "values": ["x"]}),
            [
                f'Invalid {SELECTOR}.scopeName: Invalid value: "Wild": unsupported scope',
                f"Invalid {SELECTOR}.values: Invalid value: [\"x\"]: must be no value when `operator` is 'Exist' or "
                "'DoesNotExist' for scope selector",
            ],
            id="an unknown scope with values",
        ),
    ],
)
def test_a_quota(rules: Any, short: Any, obj: dict[str, Any], expected: list[str]) -> None:
    assert short(rules.create(QUOTA, obj)) == expected


def test_a_quota_keeps_its_scopes(rules: Any, short: Any) -> None:
    assert short(rules.update(QUOTA, quota("BestEffort", pods="2"), quota(pods="1"))) == [
        'Invalid spec.scopes: Invalid value: ["BestEffort"]: field is immutable'
    ]
    assert rules.update(QUOTA, quota(pods="2"), quota(pods="1")) == []


def test_a_quota_status(rules: Any, short: Any) -> None:
    new = {**quota(pods="1"), "status": {"hard": {"pods": "1"}, "used": {"pods": "500m"}}}
    assert short(rules.update(QUOTA, new, quota(pods="1"), "status")) == [
        'Invalid status.used[pods]: Invalid value: "500m": must be an integer'
    ]
