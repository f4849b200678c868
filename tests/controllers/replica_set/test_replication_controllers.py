from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from minikube_py.api import errors
from minikube_py.api.meta import Object
from minikube_py.api.resources import EVENTS, PODS, REPLICATION_CONTROLLERS


def replication_controller(**spec: Any) -> Object:
    return {
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": 2,
            "selector": {"app": "web"},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web"}]},
            },
            **spec,
        },
    }


@pytest.fixture
async def controllers(harness):
    await harness.start("replicationcontroller-controller")
    return harness


def stored(harness) -> Object:
    return harness.client.object(REPLICATION_CONTROLLERS, "web", "default")


async def test_pods_are_made_of_the_template_and_told_of(controllers):
    await controllers.client.create(REPLICATION_CONTROLLERS, replication_controller())
    await controllers.run_pods()
    pods = controllers.client.objects(PODS)
    assert len(pods) == 2
    (owner,) = pods[0]["metadata"]["ownerReferences"]
    assert (owner["apiVersion"], owner["kind"], owner["name"]) == ("v1", "ReplicationController", "web")
    created = [event for event in controllers.client.objects(EVENTS) if event["reason"] == "SuccessfulCreate"]
    assert {event["source"]["component"] for event in created} == {"replication-controller"}
    assert stored(controllers)["status"] == {
        "replicas": 2,
        "fullyLabeledReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "observedGeneration": 1,
    }


async def test_orphans_are_adopted_and_pods_of_other_labels_released(controllers):
    stray = {"metadata": {"name": "stray", "namespace": "default", "labels": {"app": "web"}}, "spec": {}}
    controllers.client.seed(PODS, stray)
    await controllers.client.create(REPLICATION_CONTROLLERS, replication_controller())
    await controllers.settle()
    adopted = controllers.client.object(PODS, "stray", "default")
    assert adopted["metadata"]["ownerReferences"][0]["uid"] == stored(controllers)["metadata"]["uid"]
    assert len(controllers.client.objects(PODS)) == 2

    other = deepcopy(adopted)
    other["metadata"]["labels"] = {"app": "other"}
    await controllers.client.update(PODS, other)
    await controllers.settle()
    assert not controllers.client.object(PODS, "stray", "default")["metadata"].get("ownerReferences")
    assert len(controllers.client.objects(PODS)) == 3


async def test_a_failure_is_told_until_it_is_over(controllers):
    def refuse(action):
        raise errors.forbidden("", "pods", "", "exceeded quota")

    end = controllers.client.react("create", PODS, refuse)
    await controllers.client.create(REPLICATION_CONTROLLERS, replication_controller())
    await controllers.settle()
    assert controllers.condition_of(stored(controllers), "ReplicaFailure")[:2] == ("True", "FailedCreate")
    end()
    await controllers.advance(1)
    assert controllers.condition_of(stored(controllers), "ReplicaFailure") is None


async def test_without_a_selector_nothing_is_adopted(controllers):
    stray = {"metadata": {"name": "stray", "namespace": "default", "labels": {"app": "web"}}, "spec": {}}
    controllers.client.seed(PODS, stray)
    await controllers.client.create(REPLICATION_CONTROLLERS, replication_controller(selector=None, replicas=0))
    await controllers.settle()
    assert not controllers.client.object(PODS, "stray", "default")["metadata"].get("ownerReferences")


async def test_the_pods_of_a_replica_set_are_left_alone(harness):
    await harness.start("replicaset-controller", "replicationcontroller-controller")
    await harness.client.create(REPLICATION_CONTROLLERS, replication_controller(replicas=0))
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "other", "controller": True}
    meta = {"name": "theirs", "namespace": "default", "labels": {"app": "web"}, "ownerReferences": [owner]}
    harness.client.seed(PODS, {"metadata": meta, "spec": {}})
    await harness.settle()
    assert harness.client.object(PODS, "theirs", "default")["metadata"]["ownerReferences"] == [owner]
