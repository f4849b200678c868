from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from minikube_py.api import errors
from minikube_py.api.meta import Object
from minikube_py.api.resources import EVENTS, PODS, REPLICA_SETS


def replica_set(name: str = "web", **spec: Any) -> Object:
    return {
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": {"note": "x"}, "finalizers": ["example.com/f"]},
                "spec": {"containers": [{"name": "web", "image": "web"}]},
            },
            **spec,
        },
    }


def lone_pod(name: str, labels: dict[str, str]) -> Object:
    return {"metadata": {"name": name, "namespace": "default", "labels": labels}, "spec": {"containers": []}}


@pytest.fixture
async def sets(harness):
    await harness.start("replicaset-controller")
    return harness


def stored(harness, name: str = "web") -> Object:
    found = harness.client.object(REPLICA_SETS, name, "default")
    assert found is not None
    return found


def pods(harness) -> list[Object]:
    return harness.client.objects(PODS)


def events(harness, reason: str) -> list[str]:
    return sorted(event["message"] for event in harness.client.objects(EVENTS) if event["reason"] == reason)


async def test_pods_are_made_of_the_template(sets):
    await sets.client.create(REPLICA_SETS, replica_set())
    await sets.settle()
    assert len(pods(sets)) == 2
    meta = pods(sets)[0]["metadata"]
    assert meta["name"].startswith("web-")
    assert (meta["labels"], meta["annotations"], meta["finalizers"]) == (
        {"app": "web"},
        {"note": "x"},
        ["example.com/f"],
    )
    (owner,) = meta["ownerReferences"]
    assert (owner["kind"], owner["controller"], owner["blockOwnerDeletion"]) == ("ReplicaSet", True, True)
    assert events(sets, "SuccessfulCreate") == [f"Created pod: {p['metadata']['name']}" for p in pods(sets)]
    assert stored(sets)["status"] == {"replicas": 2, "fullyLabeledReplicas": 2, "observedGeneration": 1}


async def test_a_deleted_or_ended_pod_is_replaced_at_once(sets):
    await sets.client.create(REPLICA_SETS, replica_set(template=plain_template()))
    await sets.settle()
    first, second = pods(sets)
    sets.run(first)
    await sets.client.delete(PODS, first["metadata"]["name"], "default")
    sets.client.seed(PODS, {**second, "status": {"phase": "Failed"}})
    await sets.settle()
    assert len(pods(sets)) == 4
    assert stored(sets)["status"]["replicas"] == 2


def plain_template() -> Object:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web"}]}}


async def test_scaling_down_deletes_and_tells(sets):
    await sets.client.create(REPLICA_SETS, replica_set(template=plain_template()))
    await sets.settle()
    running, pending = pods(sets)
    sets.run(running)
    await sets.settle()
    assert stored(sets)["status"]["readyReplicas"] == 1
    await sets.client.patch(REPLICA_SETS, "web", {"spec": {"replicas": 1}}, namespace="default")
    await sets.settle()
    assert [p["metadata"]["name"] for p in pods(sets)] == [running["metadata"]["name"]]
    assert events(sets, "SuccessfulDelete") == [f"Deleted pod: {pending['metadata']['name']}"]


async def test_an_orphan_that_matches_is_adopted_and_counts(sets):
    sets.client.seed(PODS, lone_pod("stray", {"app": "web"}))
    await sets.client.create(REPLICA_SETS, replica_set())
    await sets.settle()
    assert len(pods(sets)) == 2
    stray = sets.client.object(PODS, "stray", "default")
    assert stray["metadata"]["ownerReferences"][0]["uid"] == stored(sets)["metadata"]["uid"]


async def test_a_pod_whose_labels_no_longer_match_is_released_and_replaced(sets):
    await sets.client.create(REPLICA_SETS, replica_set())
    await sets.settle()
    changed = deepcopy(pods(sets)[0])
    changed["metadata"]["labels"] = {"app": "quarantine"}
    await sets.client.update(PODS, changed)
    await sets.settle()
    assert len(pods(sets)) == 3
    released = sets.client.object(PODS, changed["metadata"]["name"], "default")
    assert not released["metadata"].get("ownerReferences")


async def test_nothing_is_adopted_by_what_the_server_says_is_being_deleted(sets):
    created = await sets.client.create(REPLICA_SETS, replica_set(replicas=0))
    await sets.settle()
    gone = deepcopy(created)
    gone["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/f"]}

    async def get(resource, name, namespace=""):
        return gone

    sets.client.get = get
    sets.client.seed(PODS, lone_pod("stray", {"app": "web"}))
    await sets.settle()
    assert not sets.client.object(PODS, "stray", "default")["metadata"].get("ownerReferences")


async def test_creation_starts_slowly_and_stops_at_the_first_failure(sets):
    attempts = []

    def refuse(action):
        attempts.append(action)
        if len(attempts) > 3:
            raise errors.forbidden("", "pods", "", "exceeded quota")

    sets.client.react("create", PODS, refuse)
    await sets.client.create(REPLICA_SETS, replica_set(replicas=100))
    await sets.settle(40)
    # Batches of 1, 2 and 4 in the first round, of 1 in each later one.
    assert 7 <= len(attempts) <= 10


async def test_no_event_and_no_retry_in_a_namespace_that_goes(sets):
    def refuse(action):
        cause = {"reason": "NamespaceTerminating", "message": "namespace default is being terminated"}
        raise errors.Forbidden("forbidden", details={"causes": [cause]})

    sets.client.react("create", PODS, refuse)
    await sets.client.create(REPLICA_SETS, replica_set())
    await sets.advance(60)
    assert events(sets, "FailedCreate") == []
    assert sum(action.verb == "create" and action.resource is PODS for action in sets.client.actions) <= 2


async def test_the_failure_condition_goes_with_the_failure(sets):
    def refuse(action):
        raise errors.forbidden("", "pods", "", "exceeded quota")

    end = sets.client.react("create", PODS, refuse)
    await sets.client.create(REPLICA_SETS, replica_set())
    await sets.settle()
    assert sets.condition_of(stored(sets), "ReplicaFailure")[:2] == ("True", "FailedCreate")
    end()
    await sets.advance(1)
    assert sets.condition_of(stored(sets), "ReplicaFailure") is None
    assert len(pods(sets)) == 2


async def test_never_more_pods_than_asked_for_though_the_watch_lags(sets):
    await sets.client.create(REPLICA_SETS, replica_set(replicas=30))
    for _ in range(200):
        await sets.settle(1)
        sets.context.controllers[0][0].queue.add("default/web")
        assert len(pods(sets)) <= 30
    await sets.settle()
    assert len(pods(sets)) == 30


async def test_min_ready_seconds_are_waited_for(sets):
    await sets.client.create(REPLICA_SETS, replica_set(minReadySeconds=10))
    await sets.run_pods()
    assert "availableReplicas" not in stored(sets)["status"]
    await sets.advance(10)
    assert stored(sets)["status"]["availableReplicas"] == 2
