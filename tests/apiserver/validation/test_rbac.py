from __future__ import annotations

from typing import Any

import pytest

from minikube_py.api import resources

ACCOUNT = {"kind": "ServiceAccount", "name": "a"}


def binding(*subjects: Any) -> dict[str, Any]:
    return {"roleRef": {"kind": "ClusterRole", "name": "r"}, "subjects": list(subjects)}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        pytest.param(resources.ROLE_BINDINGS, [], id="in a namespace"),
        pytest.param(
            resources.CLUSTER_ROLE_BINDINGS, ["Required subjects[0].namespace: Required value"], id="in the cluster"
        ),
    ],
)
def test_an_account_without_a_namespace(rules: Any, short: Any, resource: Any, expected: list[str]) -> None:
    assert short(rules.create(resource, binding(ACCOUNT))) == expected


def test_a_binding_keeps_its_role(rules: Any, short: Any) -> None:
    other = {**binding(), "roleRef": {"kind": "ClusterRole", "name": "other"}}
    (error,) = short(rules.update(resources.ROLE_BINDINGS, other, binding()))
    assert error.startswith("Invalid roleRef: Invalid value: {")
    assert error.endswith("cannot change roleRef")
