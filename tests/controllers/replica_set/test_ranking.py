from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controllers.replica_set.ranking import deletion_cost, pods_to_delete
from minikube_py.api.times import format_time

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def pod(
    name: str,
    *,
    node: str = "n",
    phase: str = "Running",
    ready_for: float | None = 3600,
    age: float = 7200,
    restarts: int = 0,
    cost: str | None = None,
) -> dict[str, Any]:
    conditions = []
    if ready_for is not None:
        since = format_time(NOW - timedelta(seconds=ready_for))
        conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": since}]
    return {
        "metadata": {
            "name": name,
            "uid": name,
            "creationTimestamp": format_time(NOW - timedelta(seconds=age)),
            "annotations": {"controller.kubernetes.io/pod-deletion-cost": cost} if cost is not None else {},
        },
        "spec": {"nodeName": node},
        "status": {
            "phase": phase,
            "conditions": conditions,
            "containerStatuses": [{"name": "c", "restartCount": restarts}],
        },
    }


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param({"node": ""}, {"node": "n", "ready_for": None}, id="not assigned before assigned"),
        pytest.param({"phase": "Pending"}, {"phase": "Unknown", "ready_for": None}, id="pending before unknown"),
        pytest.param({"phase": "Unknown"}, {"phase": "Running", "ready_for": None}, id="unknown before running"),
        pytest.param({"ready_for": None, "cost": "9"}, {"cost": "-9"}, id="not ready before ready"),
        pytest.param({"cost": "-1", "ready_for": 5000}, {"ready_for": 10}, id="lower deletion cost before higher"),
        pytest.param({"ready_for": 10, "restarts": 0}, {"restarts": 9}, id="ready for a shorter time before longer"),
        pytest.param({"restarts": 3, "age": 9999}, {"restarts": 1, "age": 10}, id="more restarts before fewer"),
        pytest.param({"age": 100}, {"age": 9000}, id="newer before older"),
    ],
)
def test_order(first, then):
    for names in (("a", "b"), ("b", "a")):
        pods = [pod(names[1], **then), pod(names[0], **first)]
        assert [p["metadata"]["name"] for p in pods_to_delete(pods, pods, 1, NOW)] == [names[0]]


def test_of_pods_of_like_age_the_uid_decides():
    pods = [pod("b", ready_for=3600), pod("a", ready_for=3900)]
    assert pods_to_delete(pods, pods, 1, NOW)[0]["metadata"]["name"] == "a"


def test_the_node_with_more_pods_of_the_same_kin_loses_one_first():
    pods = [pod("a", node="lonely", ready_for=10), pod("b", node="crowded", ready_for=9000)]
    related = [*pods, pod("c", node="crowded")]
    assert pods_to_delete(pods, related, 1, NOW)[0]["metadata"]["name"] == "b"


def test_all_of_them_go_where_there_are_no_more():
    pods = [pod("a"), pod("b")]
    assert pods_to_delete(pods, pods, 5, NOW) == tuple(pods)


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        pytest.param("10", 10, id="an integer"),
        pytest.param("-10", -10, id="a negative one"),
        pytest.param("+10", 0, id="a plus sign is not taken"),
        pytest.param("007", 0, id="leading zeros are not taken"),
        pytest.param("3000000000", 0, id="more than 32 bits are not taken"),
        pytest.param("cheap", 0, id="a word is not taken"),
    ],
)
def test_deletion_cost(text, cost):
    assert deletion_cost(pod("a", cost=text)) == cost
