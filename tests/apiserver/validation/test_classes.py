from __future__ import annotations

from typing import Any

import pytest

from apiserver.strategies import strategy_for
from minikube_py.api import resources

PRIORITY, RUNTIME = resources.PRIORITY_CLASSES, resources.RUNTIME_CLASSES
RESERVED = (
    "Forbidden metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. "
    "error: "
)


def priority(name: str = "x", **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "value": 5, **fields}


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(priority(), [], id="a class"),
        pytest.param(priority("system-node-critical", value=2000001000), [], id="the system's own"),
        pytest.param(
            priority(value=1000000001),
            ["Forbidden value: Forbidden: maximum allowed value of a user defined priority is 1000000000"],
            id="too high",
        ),
        pytest.param(
            priority("system-mine"),
            [f"{RESERVED}system-mine is not a known system priority class"],
            id="a reserved name",
        ),
        pytest.param(
            priority("system-node-critical"),
            [f"{RESERVED}value of system-node-critical PriorityClass must be 2000001000"],
            id="the system's with another value",
        ),
        pytest.param(
            priority(preemptionPolicy="Sometimes"),
            [
                'NotSupported preemptionPolicy: Unsupported value: "Sometimes": supported values: "Never", '
                '"PreemptLowerPriority"'
            ],
            id="an unknown policy",
        ),
    ],
)
def test_a_priority_class(rules: Any, short: Any, obj: dict[str, Any], expected: list[str]) -> None:
    assert short(rules.create(PRIORITY, obj)) == expected


def test_a_priority_class_keeps_its_value(rules: Any, short: Any) -> None:
    assert short(rules.update(PRIORITY, priority(value=6, preemptionPolicy="Never"), priority())) == [
        "Forbidden value: Forbidden: may not be changed in an update.",
        'Invalid preemptionPolicy: Invalid value: "Never": field is immutable',
    ]
    assert rules.update(PRIORITY, priority(description="new"), priority()) == []


def test_a_new_priority_class(rules: Any) -> None:
    made = rules.created(PRIORITY, {})
    assert (made["value"], made["preemptionPolicy"], made["metadata"]["generation"]) == (0, "PreemptLowerPriority", 1)


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param({"handler": "runc", "overhead": {"podFixed": {"cpu": "1"}}}, [], id="a class"),
        pytest.param({"handler": "Run C"}, ["handler"], id="a bad handler"),
        pytest.param({"handler": "a", "overhead": {"podFixed": {"x": "1"}}}, ["overhead.limits[x]"] * 2, id="overhead"),
        pytest.param(
            {"handler": "a", "scheduling": {"tolerations": [{"operator": "Exists"}, {"operator": "Exists"}]}},
            ["scheduling.tolerations[1]"],
            id="a toleration twice",
        ),
        pytest.param(
            {"handler": "a", "scheduling": {"nodeSelector": {"a": "b c"}}},
            ["scheduling.nodeSelector"],
            id="a bad label",
        ),
    ],
)
def test_a_runtime_class(rules: Any, obj: dict[str, Any], expected: list[str]) -> None:
    assert [error.split()[1].rstrip(":") for error in rules.create(RUNTIME, obj)] == expected


def test_a_runtime_class_keeps_its_handler(rules: Any, short: Any) -> None:
    expected = ['Invalid handler: Invalid value: "b": field is immutable']
    assert short(rules.update(RUNTIME, {"handler": "b"}, {"handler": "a"})) == expected


def test_deprecated_labels_are_warned_about() -> None:
    selector = {"scheduling": {"nodeSelector": {"beta.kubernetes.io/os": "linux"}}}
    assert strategy_for(RUNTIME).warnings(selector) == [
        'scheduling.nodeSelector: beta.kubernetes.io/os is deprecated since v1.14; use "kubernetes.io/os" instead'
    ]
