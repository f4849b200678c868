from __future__ import annotations

from typing import Any

import pytest

from minikube_py.api import resources

CLAIM, TEMPLATE = resources.RESOURCE_CLAIMS, resources.RESOURCE_CLAIM_TEMPLATES
CLASS, SLICE = resources.DEVICE_CLASSES, resources.RESOURCE_SLICES
EXACTLY = {"name": "gpu", "exactly": {"deviceClassName": "c"}}


def claim(*requests: Any, **devices: Any) -> dict[str, Any]:
    return {"spec": {"devices": {"requests": list(requests or [EXACTLY]), **devices}}}


def cards(*devices: Any, **spec: Any) -> dict[str, Any]:
    pool = {"name": "p", "resourceSliceCount": 1, "generation": 0}
    return {"spec": {"driver": "a.b", "pool": pool, "nodeName": "n", "devices": list(devices), **spec}}


REQUEST = "spec.devices.requests[0]"


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(claim(), [], id="one device"),
        pytest.param(
            claim({"name": "a", "firstAvailable": [{"name": "b", "deviceClassName": "c"}]}), [], id="a choice"
        ),
        pytest.param(
            claim({"name": "a"}),
            [f"Required {REQUEST}: Required value: exactly one of `exactly` or `firstAvailable` is required"],
            id="nothing in particular",
        ),
        pytest.param(
            claim({"name": "", "exactly": {"deviceClassName": "", "allocationMode": "All", "count": 2}}),
            [
                f"Required {REQUEST}.name: Required value",
                f"Required {REQUEST}.exactly.deviceClassName: Required value",
                f"Invalid {REQUEST}.exactly.count: Invalid value: 2: must not be specified when allocationMode is "
                "'All'",
            ],
            id="crooked",
        ),
        pytest.param(
            claim(EXACTLY, EXACTLY),
            ['Duplicate spec.devices.requests[1].name: Duplicate value: "gpu"'],
            id="one name twice",
        ),
        pytest.param(
            claim(constraints=[{"requests": ["other"], "matchAttribute": "x"}]),
            [
                'Invalid spec.devices.constraints[0].requests[0]: Invalid value: "other": must be the name of a '
                "request in the claim",
                'Invalid spec.devices.constraints[0].matchAttribute: Invalid value: "x": must include a domain',
            ],
            id="a constraint on nothing",
        ),
    ],
)
def test_a_claim(rules: Any, short: Any, obj: dict[str, Any], expected: list[str]) -> None:
    assert short(rules.create(CLAIM, obj)) == expected


def test_a_claim_asks_for_one_unless_told(rules: Any) -> None:
    (request,) = rules.created(CLAIM, claim())["spec"]["devices"]["requests"]
    assert request["exactly"] == {"deviceClassName": "c", "allocationMode": "ExactCount", "count": 1}


def test_a_claim_keeps_its_spec(rules: Any) -> None:
    (error,) = rules.update(CLAIM, claim({**EXACTLY, "name": "b"}), claim())
    assert error.startswith("FieldValueInvalid spec: Invalid value:")
    assert error.endswith("field is immutable")


def test_a_claim_is_reserved_when_allocated(rules: Any, short: Any) -> None:
    status = {"reservedFor": [{"resource": "pods", "name": "p", "uid": "u"}]}
    assert short(rules.update(CLAIM, {**claim(), "status": status}, claim(), "status")) == [
        "Forbidden status.reservedFor: Forbidden: may not be specified when `allocated` is not set"
    ]


def test_a_template_has_labels_only(rules: Any, short: Any) -> None:
    obj = {"spec": {"metadata": {"name": "x", "labels": {"a": "b"}}, **claim()}}
    assert short(rules.create(TEMPLATE, obj)) == ["Forbidden spec.metadata.name: Forbidden: cannot be set"]


def test_a_class(rules: Any, short: Any) -> None:
    assert rules.create(CLASS, {"spec": {"selectors": [{"cel": {"expression": "true"}}]}}) == []
    assert short(rules.create(CLASS, {"spec": {"selectors": [{}], "config": [{}]}})) == [
        "Required spec.selectors[0].cel: Required value",
        "Required spec.config[0].opaque: Required value",
    ]


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(cards({"name": "d", "attributes": {"a": {"int": 1}}}), [], id="a card"),
        pytest.param(
            cards(nodeName=""),
            [
                "Required spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, "
                "`perDeviceNodeSelection` is required"
            ],
            id="nowhere",
        ),
        pytest.param(
            cards(allNodes=True),
            [
                'Invalid spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, '
                "`allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set"
            ],
            id="here and everywhere",
        ),
        pytest.param(
            cards({"name": "d", "attributes": {"a": {}, "b": {"int": 1, "bool": True}, "v": {"version": "one"}}}),
            [
                "Required spec.devices[0].attributes[a]: Required value: exactly one value must be specified",
                'Invalid spec.devices[0].attributes[b]: Invalid value: {"int":1,"bool":true}: exactly one value must '
                "be specified",
                'Invalid spec.devices[0].attributes[v].version: Invalid value: "one": must be a string compatible '
                "with semver.org spec 2.0.0",
            ],
            id="crooked attributes",
        ),
    ],
)
def test_a_slice(rules: Any, short: Any, obj: dict[str, Any], expected: list[str]) -> None:
    assert short(rules.create(SLICE, obj)) == expected


def test_a_slice_keeps_its_driver(rules: Any, short: Any) -> None:
    expected = ['Invalid spec.driver: Invalid value: "c.d": field is immutable']
    assert short(rules.update(SLICE, cards(driver="c.d"), cards())) == expected
