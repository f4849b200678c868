from __future__ import annotations

from typing import Any

import pytest

from minikube_py.api import resources

SERVICE = {"namespace": "d", "name": "s"}


def api_service(name: str = "v1.x.y", **spec: Any) -> dict[str, Any]:
    base = {"group": "x.y", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1}
    return {"metadata": {"name": name}, "spec": {**base, **spec}}


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(api_service(), [], id="local"),
        pytest.param(api_service(service=SERVICE, insecureSkipTLSVerify=True), [], id="of a service"),
        pytest.param(api_service("v1.", group=""), [], id="the core group"),
        pytest.param(
            api_service("other"),
            ['Invalid metadata.name: Invalid value: "other": must be `spec.version+"."+spec.group`: "v1.x.y"'],
            id="another name",
        ),
        pytest.param(
            api_service("v2.", group="", version="v2"),
            ["Required spec.group: Required value: only v1 may have an empty group and it better be legacy kube"],
            id="a version of no group",
        ),
        pytest.param(
            api_service(groupPriorityMinimum=20001, versionPriority=0),
            [
                "Invalid spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000",
                "Invalid spec.versionPriority: Invalid value: 0: must be positive and less than 1000",
            ],
            id="priorities out of range",
        ),
        pytest.param(
            api_service(caBundle="eHl6", insecureSkipTLSVerify=True),
            [
                'Invalid spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle',
                "Invalid spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have "
                "insecureSkipTLSVerify",
            ],
            id="trust for a local one",
        ),
        pytest.param(
            api_service(service={"name": "s", "port": 70000}),
            [
                "Required spec.service.namespace: Required value",
                "Invalid spec.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, "
                "inclusive",
            ],
            id="a crooked service",
        ),
        pytest.param(
            api_service(service=SERVICE, caBundle="eHl6", insecureSkipTLSVerify=True),
            ["Invalid spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present"],
            id="trust and no trust",
        ),
    ],
)
def test_an_api_service(rules: Any, short: Any, obj: dict[str, Any], expected: list[str]) -> None:
    assert short(rules.create(resources.API_SERVICES, obj)) == expected


def test_a_local_one_is_available_and_a_service_has_a_port(rules: Any) -> None:
    (condition,) = rules.created(resources.API_SERVICES, api_service())["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Available", "True", "Local")
    made = rules.created(resources.API_SERVICES, api_service(service=SERVICE))
    assert (made["spec"]["service"]["port"], made["status"]) == (443, {})


def test_a_condition_has_a_known_status(rules: Any, short: Any) -> None:
    new = {**api_service(), "status": {"conditions": [{"type": "Available", "status": "Yes"}]}}
    assert short(rules.update(resources.API_SERVICES, new, api_service(), "status")) == [
        'NotSupported status.conditions[0].status: Unsupported value: "Yes": supported values: "False", "True", '
        '"Unknown"'
    ]
