from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from minikube_py.api import errors
from minikube_py.api.resources import DEPLOYMENTS, EVENTS, PODS, REPLICA_SETS

REVISION = "deployment.kubernetes.io/revision"


def deployment(**spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
            **spec,
        },
    }


@pytest.fixture
async def rollout(harness):
    await harness.start("deployment-controller", "replicaset-controller")
    return harness


def stored(harness) -> dict[str, Any]:
    found = harness.client.object(DEPLOYMENTS, "web", "default")
    assert found is not None
    return found


def replica_sets(harness) -> dict[str, dict[str, Any]]:
    return {r["spec"]["template"]["spec"]["containers"][0]["image"]: r for r in harness.client.objects(REPLICA_SETS)}


async def update(harness, **spec: Any) -> None:
    current = stored(harness)
    current["spec"].update(spec)
    await harness.client.update(DEPLOYMENTS, current)


def template(image: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}}


async def test_a_new_deployment_becomes_available(rollout):
    await rollout.client.create(DEPLOYMENTS, deployment())
    await rollout.run_pods()
    found = stored(rollout)
    (replica_set,) = rollout.client.objects(REPLICA_SETS)
    status = found["status"]
    assert {name: status[name] for name in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")} == {
        "replicas": 3,
        "updatedReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
    }
    assert "unavailableReplicas" not in status
    assert status["observedGeneration"] == found["metadata"]["generation"] == 1
    assert found["metadata"]["annotations"][REVISION] == "1"
    name = replica_set["metadata"]["name"]
    assert name == f"web-{replica_set['metadata']['labels']['pod-template-hash']}"
    assert replica_set["metadata"]["annotations"] == {
        REVISION: "1",
        "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "4",
    }
    assert rollout.condition_of(found, "Available") == (
        "True",
        "MinimumReplicasAvailable",
        "Deployment has minimum availability.",
    )
    assert rollout.condition_of(found, "Progressing") == (
        "True",
        "NewReplicaSetAvailable",
        f'ReplicaSet "{name}" has successfully progressed.',
    )
    (event,) = [e for e in rollout.client.objects(EVENTS) if e["reason"] == "ScalingReplicaSet"]
    assert event["message"] == f"Scaled up replica set {name} from 0 to 3"


async def test_nothing_more_is_written_once_all_is_done(rollout):
    await rollout.client.create(DEPLOYMENTS, deployment())
    await rollout.run_pods()
    before = len(rollout.client.writes())
    await rollout.advance(3600)
    assert len(rollout.client.writes()) == before


async def test_a_rolling_update_never_goes_below_what_is_asked_for(rollout):
    await rollout.client.create(DEPLOYMENTS, deployment())
    await rollout.run_pods()
    await update(rollout, template=template("web:2"))
    for _ in range(40):
        await rollout.settle()
        pods = rollout.client.objects(PODS)
        live = [p for p in pods if not p["metadata"].get("deletionTimestamp")]
        assert sum(p["status"].get("phase") == "Running" for p in live) >= 3
        assert len(live) <= 4
        if not rollout.step_pods():
            break
    assert {p["spec"]["containers"][0]["image"] for p in rollout.client.objects(PODS)} == {"web:2"}
    assert stored(rollout)["metadata"]["annotations"][REVISION] == "2"
    assert replica_sets(rollout)["web:1"]["spec"]["replicas"] == 0


async def test_undo_makes_the_old_replica_set_new_again(rollout):
    await rollout.client.create(DEPLOYMENTS, deployment())
    await rollout.run_pods()
    await update(rollout, template=template("web:2"))
    await rollout.run_pods()
    await update(rollout, template=template("web:1"))
    await rollout.run_pods()
    assert len(rollout.client.objects(REPLICA_SETS)) == 2
    back = replica_sets(rollout)["web:1"]
    assert back["spec"]["replicas"] == 3
    assert back["metadata"]["annotations"][REVISION] == "3"
    assert back["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] == "1"
    assert stored(rollout)["metadata"]["annotations"][REVISION] == "3"


async def test_recreate_lets_every_old_pod_go_first(rollout):
    await rollout.client.create(DEPLOYMENTS, deployment(strategy={"type": "Recreate"}))
    await rollout.run_pods()
    await update(rollout, template=template("web:2"))
    await rollout.settle()
    assert {p["spec"]["containers"][0]["image"] for p in rollout.client.objects(PODS)} == {"web:1"}
    assert "web:2" not in replica_sets(rollout)
    rollout.step_pods()
    await rollout.run_pods()
    assert [p["spec"]["containers"][0]["image"] for p in rollout.client.objects(PODS)] == ["web:2"] * 3


async def test_scaling_in_the_middle_of_a_rollout_is_in_proportion(rollout):
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}}
    await rollout.client.create(DEPLOYMENTS, deployment(replicas=10, strategy=rolling))
    await rollout.run_pods()
    await update(rollout, template=template("web:2"))
    await rollout.settle()
    assert (replica_sets(rollout)["web:1"]["spec"]["replicas"], replica_sets(rollout)["web:2"]["spec"]["replicas"]) == (
        8,
        5,
    )
    await update(rollout, replicas=15)
    await rollout.settle()
    assert (replica_sets(rollout)["web:1"]["spec"]["replicas"], replica_sets(rollout)["web:2"]["spec"]["replicas"]) == (
        11,
        7,
    )


async def test_a_rollout_that_stands_still_exceeds_its_deadline(rollout):
    await rollout.client.create(DEPLOYMENTS, deployment(progressDeadlineSeconds=60))
    await rollout.run_pods(ready=False)
    await rollout.advance(59)
    assert rollout.condition_of(stored(rollout), "Progressing")[1] == "ReplicaSetUpdated"
    await rollout.advance(3)
    (replica_set,) = rollout.client.objects(REPLICA_SETS)
    assert rollout.condition_of(stored(rollout), "Progressing") == (
        "False",
        "ProgressDeadlineExceeded",
        f'ReplicaSet "{replica_set["metadata"]["name"]}" has timed out progressing.',
    )


async def test_pods_count_as_available_once_ready_long_enough(rollout):
    await rollout.client.create(DEPLOYMENTS, deployment(minReadySeconds=30))
    await rollout.run_pods()
    assert stored(rollout)["status"].get("availableReplicas", 0) == 0
    await rollout.advance(31)
    assert stored(rollout)["status"]["availableReplicas"] == 3


async def test_history_beyond_the_limit_is_deleted(rollout):
    await rollout.client.create(DEPLOYMENTS, deployment(revisionHistoryLimit=1))
    await rollout.run_pods()
    for number in (2, 3, 4):
        await update(rollout, template=template(f"web:{number}"))
        await rollout.run_pods()
    assert set(replica_sets(rollout)) == {"web:3", "web:4"}


async def test_a_paused_deployment_rolls_nothing_out(rollout):
    await rollout.client.create(DEPLOYMENTS, deployment())
    await rollout.run_pods()
    await update(rollout, paused=True, template=template("web:2"))
    await rollout.run_pods()
    assert set(replica_sets(rollout)) == {"web:1"}
    assert rollout.condition_of(stored(rollout), "Progressing") == (
        "Unknown",
        "DeploymentPaused",
        "Deployment is paused",
    )
    await update(rollout, paused=False)
    await rollout.run_pods()
    assert replica_sets(rollout)["web:2"]["spec"]["replicas"] == 3


async def test_a_name_taken_by_anothers_replica_set_is_a_collision(rollout):
    await rollout.client.create(DEPLOYMENTS, deployment())
    await rollout.run_pods()
    (taken,) = rollout.client.objects(REPLICA_SETS)
    rollout.client.remove(DEPLOYMENTS, "web", "default")
    foreign = deepcopy(taken)
    foreign["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "other", "uid": "x", "controller": True}
    ]
    rollout.client.seed(REPLICA_SETS, foreign)
    await rollout.client.create(DEPLOYMENTS, deployment())
    await rollout.advance(5)
    assert stored(rollout)["status"]["collisionCount"] == 1
    assert len(rollout.client.objects(REPLICA_SETS)) == 2


async def test_an_orphaned_replica_set_is_adopted(rollout):
    await rollout.client.create(DEPLOYMENTS, deployment())
    await rollout.run_pods()
    (orphan,) = rollout.client.objects(REPLICA_SETS)
    del orphan["metadata"]["ownerReferences"]
    rollout.client.seed(REPLICA_SETS, orphan)
    await rollout.settle()
    (adopted,) = rollout.client.objects(REPLICA_SETS)
    assert adopted["metadata"]["ownerReferences"][0]["name"] == "web"


async def test_a_refused_pod_is_told_in_both_statuses(rollout):
    def refuse(action):
        raise errors.forbidden("", "pods", "", "exceeded quota")

    rollout.client.react("create", PODS, refuse)
    await rollout.client.create(DEPLOYMENTS, deployment())
    await rollout.settle()
    (replica_set,) = rollout.client.objects(REPLICA_SETS)
    told = ("True", "FailedCreate", "pods is forbidden: exceeded quota")
    assert rollout.condition_of(replica_set, "ReplicaFailure") == told
    assert rollout.condition_of(stored(rollout), "ReplicaFailure") == told
    messages = {e["message"] for e in rollout.client.objects(EVENTS) if e["reason"] == "FailedCreate"}
    assert messages == {"Error creating: pods is forbidden: exceeded quota"}
