from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from minikube_py.api.meta import Object, find_condition
from minikube_py.api.resources import EVENTS, POD_DISRUPTION_BUDGETS, PODS, REPLICA_SETS
from minikube_py.api.times import format_time

BUDGET = {"minAvailable": 2}


def budget(**spec: Any) -> Object:
    return {
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
    }


@pytest.fixture
async def disruption(harness):
    await harness.start("disruption-controller")
    return harness


def pod(harness, name: str, *, ready: bool = True, owners: tuple[Object, ...] = (), **status: Any) -> Object:
    meta = {"name": name, "namespace": "default", "uid": name, "labels": {"app": "web"}, "ownerReferences": [*owners]}
    harness.client.seed(PODS, {"metadata": meta, "spec": {"containers": []}, "status": {"phase": "Pending", **status}})
    harness.run(harness.client.object(PODS, name, "default"), ready=ready)
    return harness.client.object(PODS, name, "default")


def replica_set(harness, replicas: int) -> Object:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {}}
    meta = {"name": "web", "namespace": "default", "uid": "set"}
    harness.client.seed(REPLICA_SETS, {"metadata": meta, "spec": {"replicas": replicas, "template": template}})
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "set", "controller": True}


def stored(harness) -> Object:
    return harness.client.object(POD_DISRUPTION_BUDGETS, "web", "default")


def numbers(harness) -> tuple[int, int, int, int]:
    """Allowed, healthy, desired healthy and expected."""
    status = stored(harness)["status"]
    return tuple(status[key] for key in ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"))


def events(harness) -> list[str]:
    return [event["reason"] for event in harness.client.objects(EVENTS)]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"minAvailable": 2}, (1, 3, 2, 3), id="a number available"),
        pytest.param({"minAvailable": 3}, (0, 3, 3, 3), id="all available"),
        pytest.param({"minAvailable": "50%"}, (1, 3, 2, 4), id="a part available, of what is wanted, rounded up"),
        pytest.param({"maxUnavailable": 2}, (1, 3, 2, 4), id="a number unavailable, of what is wanted"),
        pytest.param({"maxUnavailable": "30%"}, (1, 3, 2, 4), id="a part unavailable, rounded up"),
        pytest.param({"maxUnavailable": 9}, (3, 3, 0, 4), id="all unavailable"),
        pytest.param({}, (0, 3, 0, 0), id="nothing said"),
    ],
)
async def test_the_numbers(disruption, spec, expected):
    owner = replica_set(disruption, 4)
    for number in range(3):
        pod(disruption, f"web-{number}", owners=(owner,))
    pod(disruption, "other", owners=(owner,))
    disruption.client.seed(PODS, {**disruption.client.object(PODS, "other", "default"), "metadata": {
        "name": "other", "namespace": "default", "uid": "other", "labels": {"app": "other"}}})  # fmt: skip
    await disruption.client.create(POD_DISRUPTION_BUDGETS, budget(**spec))
    await disruption.settle()
    assert numbers(disruption) == expected
    condition = find_condition(stored(disruption), "DisruptionAllowed")
    assert condition["status"] == str(expected[0] > 0)
    assert condition["reason"] == ("SufficientPods" if expected[0] else "InsufficientPods")
    assert condition["observedGeneration"] == stored(disruption)["status"]["observedGeneration"] == 1


async def test_a_budget_without_pods_allows_nothing(disruption):
    await disruption.client.create(POD_DISRUPTION_BUDGETS, budget(minAvailable=0))
    await disruption.settle()
    assert numbers(disruption) == (0, 0, 0, 0)
    assert "NoPods" in events(disruption)


async def test_pods_are_followed(disruption):
    await disruption.client.create(POD_DISRUPTION_BUDGETS, budget(minAvailable=1))
    first, second = pod(disruption, "web-1"), pod(disruption, "web-2", ready=False)
    await disruption.settle()
    assert numbers(disruption) == (0, 1, 1, 2)
    disruption.set_ready(second, True)
    await disruption.settle()
    assert numbers(disruption) == (1, 2, 1, 2)
    disruption.client.remove(PODS, first["metadata"]["name"], "default")
    await disruption.settle()
    assert numbers(disruption) == (0, 1, 1, 1)


async def test_a_scaling_is_followed(disruption):
    owner = replica_set(disruption, 2)
    for number in range(2):
        pod(disruption, f"web-{number}", owners=(owner,))
    await disruption.client.create(POD_DISRUPTION_BUDGETS, budget(maxUnavailable=1))
    await disruption.settle()
    assert numbers(disruption) == (1, 2, 1, 2)
    replica_set(disruption, 3)
    await disruption.settle()
    assert numbers(disruption) == (0, 2, 2, 3)


async def test_nothing_is_written_where_nothing_differs(disruption):
    pod(disruption, "web-1")
    await disruption.client.create(POD_DISRUPTION_BUDGETS, budget(minAvailable=1))
    await disruption.settle()
    before = stored(disruption)["metadata"]["resourceVersion"]
    disruption.context.controllers[0][0].queue.add("default/web")
    await disruption.settle()
    assert stored(disruption)["metadata"]["resourceVersion"] == before


async def test_pods_of_nobody_are_warned_of(disruption):
    pod(disruption, "web-1")
    await disruption.client.create(POD_DISRUPTION_BUDGETS, budget(maxUnavailable=1))
    await disruption.settle()
    assert numbers(disruption) == (0, 1, 0, 0)
    assert "UnmanagedPods" in events(disruption)


async def test_a_controller_without_a_number_allows_nothing_and_is_told(disruption):
    pod(
        disruption,
        "web-1",
        owners=({"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "j", "controller": True},),
    )
    await disruption.client.create(POD_DISRUPTION_BUDGETS, budget(maxUnavailable=1))
    await disruption.settle()
    assert numbers(disruption)[0] == 0
    assert disruption.condition_of(stored(disruption), "DisruptionAllowed") == (
        "False",
        "SyncFailed",
        "jobs.batch does not implement the scale subresource",
    )
    assert "CalculateExpectedPodCountFailed" in events(disruption)


async def evicted(harness, name: str) -> None:
    """What the API server notes on the budget when it allows an eviction."""
    changed = deepcopy(stored(harness))
    changed["status"]["disruptionsAllowed"] -= 1
    changed["status"]["disruptedPods"] = {name: format_time(harness.clock.now())}
    harness.client.seed(POD_DISRUPTION_BUDGETS, changed)
    await harness.settle()


async def test_a_pod_whose_eviction_was_allowed_counts_as_gone_until_it_is(disruption):
    first = pod(disruption, "web-1")
    pod(disruption, "web-2")
    await disruption.client.create(POD_DISRUPTION_BUDGETS, budget(minAvailable=1))
    await disruption.settle()
    await evicted(disruption, "web-1")
    assert numbers(disruption) == (0, 1, 1, 2)
    assert set(stored(disruption)["status"]["disruptedPods"]) == {"web-1"}
    disruption.client.remove(PODS, first["metadata"]["name"], "default")
    await disruption.settle()
    assert "disruptedPods" not in stored(disruption)["status"]
    assert numbers(disruption) == (0, 1, 1, 1)


async def test_a_pod_that_was_not_deleted_after_all_counts_again(disruption):
    pod(disruption, "web-1")
    pod(disruption, "web-2")
    await disruption.client.create(POD_DISRUPTION_BUDGETS, budget(minAvailable=1))
    await disruption.settle()
    await evicted(disruption, "web-1")
    await disruption.advance(122)
    assert numbers(disruption) == (1, 2, 1, 2)
    assert "disruptedPods" not in stored(disruption)["status"]
    assert "NotDeleted" in events(disruption)


@pytest.mark.parametrize(
    ("reason", "after"),
    [
        pytest.param("EvictionByEvictionAPI", "False", id="by the API server"),
        pytest.param("TerminationByKubelet", "True", id="by the kubelet, which may take its time"),
    ],
)
async def test_a_disruption_that_did_not_come_is_taken_back(disruption, reason, after):
    seeded = deepcopy(pod(disruption, "web-1"))
    target = {"type": "DisruptionTarget", "status": "True", "reason": reason}
    target["lastTransitionTime"] = format_time(disruption.clock.now() - timedelta(seconds=60))
    seeded["status"]["conditions"].append(target)
    disruption.client.seed(PODS, seeded)
    await disruption.settle()

    def now() -> str:
        return find_condition(disruption.client.object(PODS, "web-1", "default"), "DisruptionTarget")["status"]

    assert now() == "True"
    await disruption.advance(61)
    assert now() == after
