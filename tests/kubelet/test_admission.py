from __future__ import annotations

from typing import Any

import pytest

from kubelet.admission import Rejection, admit
from minikube_py.api.meta import Object

from .pods import container, pod

ALLOCATABLE = {"cpu": "2", "memory": "1Gi", "pods": "3"}
NODE: Object = {"metadata": {"name": "node-1", "labels": {"disk": "ssd"}}, "spec": {}}


def asking(cpu: str = "100m", memory: str = "1Mi", **spec: Any) -> Object:
    return pod("p", container(resources={"requests": {"cpu": cpu, "memory": memory}}), **spec)


@pytest.mark.parametrize(
    ("wanted", "others", "node", "expected"),
    [
        pytest.param(asking(), [asking()], NODE, None, id="it fits"),
        pytest.param(
            asking("1"),
            [asking("1500m")],
            NODE,
            Rejection(
                "OutOfcpu",
                "Node didn't have enough resource: cpu, requested: 1000, used: 1500, capacity: 2000",
            ),
            id="too little CPU",
        ),
        pytest.param(
            asking(memory="2Gi"),
            [],
            NODE,
            Rejection(
                "OutOfmemory",
                "Node didn't have enough resource: memory, requested: 2147483648, used: 0, capacity: 1073741824",
            ),
            id="too little memory",
        ),
        pytest.param(
            asking(),
            [asking()] * 3,
            NODE,
            Rejection("OutOfpods", "Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3"),
            id="too many pods",
        ),
        pytest.param(
            asking(nodeSelector={"disk": "hdd"}),
            [],
            NODE,
            Rejection(
                "NodeAffinity",
                "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
            ),
            id="another node is asked for",
        ),
        pytest.param(asking(nodeSelector={"disk": "hdd"}), [], None, None, id="a node that is not known yet"),
        pytest.param(
            asking(),
            [],
            {**NODE, "spec": {"taints": [{"key": "k", "effect": "NoExecute"}]}},
            Rejection("TaintToleration", "Predicate TaintToleration failed: node(s) had untolerated taint(s)"),
            id="a taint that is not tolerated",
        ),
        pytest.param(
            asking(),
            [],
            {**NODE, "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}},
            None,
            id="NoSchedule is the scheduler's",
        ),
    ],
)
def test_admission(wanted: Object, others: list[Object], node: Object | None, expected: Rejection | None) -> None:
    assert admit(wanted, others, ALLOCATABLE, node) == expected
