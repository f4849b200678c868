from __future__ import annotations

from typing import Any

import pytest

from apiserver.strategies import strategy_for
from minikube_py.api import resources

NODE, LEASE = resources.NODES, resources.LEASES
ADDRESS = {"type": "InternalIP", "address": "10.0.0.1"}


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param({"spec": {"podCIDRs": ["10.0.0.0/24", "fd00::/64"]}}, [], id="both families"),
        pytest.param(
            {"spec": {"podCIDRs": ["10.0.0.0/24", "10.0.1.0/24"]}},
            [
                'Invalid spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.1.0/24"]: may specify no more than one '
                "CIDR for each IP family"
            ],
            id="one family twice",
        ),
        pytest.param(
            {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}, {"key": "a", "effect": "NoSchedule"}]}},
            ['Duplicate spec.taints[1]: Duplicate value: {"key":"a","effect":"NoSchedule"}'],
            id="a taint twice",
        ),
    ],
)
def test_a_node(rules: Any, short: Any, obj: dict[str, Any], expected: list[str]) -> None:
    assert short(rules.create(NODE, obj)) == expected


def test_what_may_change_of_a_node(rules: Any, short: Any) -> None:
    status = {"status": {"addresses": [ADDRESS, ADDRESS]}}
    expected = ['Duplicate status.addresses[1]: Duplicate value: {"type":"InternalIP","address":"10.0.0.1"}']
    assert short(rules.update(NODE, status, {}, "status")) == expected
    assert short(rules.update(NODE, {"spec": {"externalID": "x"}}, {"spec": {}})) == [
        "Forbidden []: Forbidden: node updates may only change labels, taints, or capacity"
    ]
    assert strategy_for(NODE).warnings({"spec": {"externalID": "x"}}) == [
        "spec.externalID: this field is deprecated, and is unused by Kubernetes"
    ]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"holderIdentity": "me", "leaseDurationSeconds": 1}, [], id="held"),
        pytest.param(
            {"holderIdentity": "", "leaseDurationSeconds": 0, "leaseTransitions": -1},
            [
                "Invalid spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
                "Invalid spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
                'Invalid spec.holderIdentity: Invalid value: "": must not be empty',
            ],
            id="by nobody, for no time",
        ),
    ],
)
def test_a_lease(rules: Any, short: Any, spec: dict[str, Any], expected: list[str]) -> None:
    assert short(rules.create(LEASE, {"spec": spec})) == expected
