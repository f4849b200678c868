from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from controllers import revisions
from minikube_py.api import errors
from minikube_py.api.meta import Object
from minikube_py.api.resources import CONTROLLER_REVISIONS, EVENTS, PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS

FOREIGN = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "x", "controller": True}


def template(image: str = "web:1") -> Object:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}}


def stateful_set(**spec: Any) -> Object:
    return {
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": 2,
            "serviceName": "web-headless",
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(),
            **spec,
        },
    }


DATA = {"metadata": {"name": "data", "labels": {"kind": "disk"}}, "spec": {"accessModes": ["ReadWriteOnce"]}}


@pytest.fixture
async def sets(harness):
    await harness.start("statefulset-controller")
    return harness


async def create(sets, **spec: Any) -> None:
    await sets.client.create(STATEFUL_SETS, stateful_set(**spec))
    await sets.settle()


async def change(sets, **spec: Any) -> None:
    await sets.client.patch(STATEFUL_SETS, "web", {"spec": spec}, namespace="default")
    await sets.settle()


def status(sets) -> Object:
    found = sets.client.object(STATEFUL_SETS, "web", "default")
    assert found is not None
    return found["status"]


def names(sets) -> list[str]:
    return [pod["metadata"]["name"] for pod in sets.client.objects(PODS)]


def images(sets) -> dict[str, str]:
    return {pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"] for pod in sets.client.objects(PODS)}


def pod(sets, name: str) -> Object:
    found = sets.client.object(PODS, name, "default")
    assert found is not None
    return found


def history(sets) -> list[Object]:
    return revisions.in_order(sets.client.objects(CONTROLLER_REVISIONS))


def claims(sets) -> dict[str, list[tuple[str, str]]]:
    return {
        claim["metadata"]["name"]: [
            (owner["kind"], owner["name"]) for owner in claim["metadata"].get("ownerReferences") or []
        ]
        for claim in sets.client.objects(PERSISTENT_VOLUME_CLAIMS)
    }


def events(sets, reason: str) -> list[str]:
    return sorted(event["message"] for event in sets.client.objects(EVENTS) if event["reason"] == reason)


async def test_a_pod_is_made_of_the_template_and_has_its_identity(sets):
    await create(sets)
    assert names(sets) == ["web-0"]
    made = pod(sets, "web-0")
    [revision] = history(sets)
    assert made["metadata"]["labels"] == {
        "app": "web",
        "statefulset.kubernetes.io/pod-name": "web-0",
        "apps.kubernetes.io/pod-index": "0",
        "controller-revision-hash": revision["metadata"]["name"],
    }
    assert (made["spec"]["hostname"], made["spec"]["subdomain"]) == ("web-0", "web-headless")
    assert "generateName" not in made["metadata"]
    assert made["metadata"]["ownerReferences"][0]["kind"] == "StatefulSet"
    assert events(sets, "SuccessfulCreate") == ["create Pod web-0 in StatefulSet web successful"]


async def test_pods_start_in_order_and_the_status_counts_them(sets):
    await create(sets)
    assert status(sets)["replicas"] == 1
    sets.run(pod(sets, "web-0"))
    await sets.settle()
    assert names(sets) == ["web-0", "web-1"]
    sets.run(pod(sets, "web-1"))
    await sets.settle()
    [revision] = history(sets)
    assert status(sets) == {
        "observedGeneration": 1,
        "replicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "currentReplicas": 2,
        "updatedReplicas": 2,
        "currentRevision": revision["metadata"]["name"],
        "updateRevision": revision["metadata"]["name"],
        "collisionCount": 0,
    }


async def test_the_next_pod_waits_until_the_one_before_is_available(sets):
    await create(sets, minReadySeconds=10)
    sets.run(pod(sets, "web-0"))
    await sets.settle()
    assert names(sets) == ["web-0"]
    assert (status(sets)["readyReplicas"], status(sets)["availableReplicas"]) == (1, 0)
    await sets.advance(11)
    assert names(sets) == ["web-0", "web-1"]
    assert status(sets)["availableReplicas"] == 1


async def test_parallel_starts_and_stops_all_at_once(sets):
    await create(sets, podManagementPolicy="Parallel", replicas=5)
    assert names(sets) == [f"web-{n}" for n in range(5)]
    for each in sets.client.objects(PODS):
        sets.run(each, ready=False)
    await sets.settle()
    await change(sets, replicas=2)
    going = [one["metadata"]["name"] for one in sets.client.objects(PODS) if one["metadata"].get("deletionTimestamp")]
    assert going == ["web-2", "web-3", "web-4"]


async def test_ordinals_may_start_elsewhere(sets):
    await create(sets, ordinals={"start": 3})
    await sets.run_pods()
    assert names(sets) == ["web-3", "web-4"]
    await change(sets, ordinals={"start": 4})
    await sets.run_pods()
    assert names(sets) == ["web-4", "web-5"]


async def test_pods_stop_from_the_highest_each_waiting_for_the_one_above_to_be_gone(sets):
    await create(sets, replicas=3)
    await sets.run_pods()
    await change(sets, replicas=0)
    assert [name for name in names(sets) if pod(sets, name)["metadata"].get("deletionTimestamp")] == ["web-2"]
    sets.client.remove(PODS, "web-2", "default")
    await sets.settle()
    assert [name for name in names(sets) if pod(sets, name)["metadata"].get("deletionTimestamp")] == ["web-1"]
    await sets.run_pods()
    assert names(sets) == []
    assert events(sets, "SuccessfulDelete") == [f"delete Pod web-{n} in StatefulSet web successful" for n in range(3)]
    assert (status(sets)["replicas"], status(sets)["availableReplicas"]) == (0, 0)


async def test_scaling_in_order_halts_while_a_replica_is_unready(sets):
    await create(sets, replicas=3)
    await sets.run_pods()
    sets.set_ready(pod(sets, "web-0"), False)
    await change(sets, replicas=2)
    assert not pod(sets, "web-2")["metadata"].get("deletionTimestamp")
    await change(sets, replicas=4)
    assert "web-3" not in names(sets)
    sets.set_ready(pod(sets, "web-0"), True)
    await sets.settle()
    assert "web-3" in names(sets)


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
async def test_an_ended_pod_is_deleted_and_made_again(sets, phase):
    await create(sets)
    await sets.run_pods()
    before = pod(sets, "web-0")["metadata"]["uid"]
    sets.client.seed(PODS, {**pod(sets, "web-0"), "status": {"phase": phase}})
    await sets.run_pods()
    assert names(sets) == ["web-0", "web-1"]
    assert pod(sets, "web-0")["metadata"]["uid"] != before


async def test_a_pod_that_is_being_deleted_is_not_replaced_before_it_is_gone(sets):
    await create(sets)
    await sets.run_pods()
    await sets.client.delete(PODS, "web-0", "default")
    await sets.advance(3600)
    assert pod(sets, "web-0")["metadata"].get("deletionTimestamp")
    sets.client.remove(PODS, "web-0", "default")
    await sets.settle()
    assert "deletionTimestamp" not in pod(sets, "web-0")["metadata"]


async def test_a_new_template_rolls_from_the_highest_one_at_a_time(sets):
    await create(sets)
    await sets.run_pods()
    await change(sets, template=template("web:2"))
    first, second = (revision["metadata"]["name"] for revision in history(sets))
    assert pod(sets, "web-1")["metadata"].get("deletionTimestamp")
    sets.client.remove(PODS, "web-1", "default")
    await sets.settle()
    assert images(sets) == {"web-0": "web:1", "web-1": "web:2"}
    assert not pod(sets, "web-0")["metadata"].get("deletionTimestamp")
    told = status(sets)
    assert (told["currentRevision"], told["updateRevision"]) == (first, second)
    assert (told["currentReplicas"], told["updatedReplicas"]) == (1, 1)
    await sets.run_pods()
    assert images(sets) == {"web-0": "web:2", "web-1": "web:2"}
    assert status(sets)["currentRevision"] == second


async def test_rolling_back_takes_the_old_revision_up_again(sets):
    await create(sets)
    await sets.run_pods()
    old = history(sets)[0]["metadata"]["name"]
    await change(sets, template=template("web:2"))
    await sets.run_pods()
    await sets.client.patch(STATEFUL_SETS, "web", history(sets)[0]["data"], namespace="default")
    await sets.run_pods()
    assert set(images(sets).values()) == {"web:1"}
    assert [(one["metadata"]["name"] == old, one["revision"]) for one in history(sets)] == [(False, 2), (True, 3)]
    assert status(sets)["currentRevision"] == old


async def test_a_partition_keeps_the_lower_replicas_at_the_current_revision(sets):
    await create(sets, replicas=3)
    await sets.run_pods()
    await change(
        sets,
        template=template("web:2"),
        updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}},
    )
    await sets.run_pods()
    assert images(sets) == {"web-0": "web:1", "web-1": "web:1", "web-2": "web:2"}
    for name in ("web-0", "web-2"):
        await sets.client.delete(PODS, name, "default")
        await sets.run_pods()
    assert images(sets) == {"web-0": "web:1", "web-1": "web:1", "web-2": "web:2"}
    assert status(sets)["currentRevision"] != status(sets)["updateRevision"]
    await change(sets, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})
    await sets.run_pods()
    assert set(images(sets).values()) == {"web:2"}


async def test_on_delete_waits_for_somebody_to_delete(sets):
    await create(sets, updateStrategy={"type": "OnDelete"})
    await sets.run_pods()
    await change(sets, template=template("web:2"))
    await sets.run_pods()
    assert set(images(sets).values()) == {"web:1"}
    await sets.client.delete(PODS, "web-0", "default")
    await sets.run_pods()
    assert images(sets) == {"web-0": "web:2", "web-1": "web:1"}


async def test_the_history_holds_what_is_in_use_and_no_more_than_its_limit(sets):
    await create(sets, revisionHistoryLimit=1)
    await sets.run_pods()
    for number in range(2, 6):
        await change(sets, template=template(f"web:{number}"))
        await sets.run_pods()
    assert [revision["revision"] for revision in history(sets)] == [4, 5]


async def test_a_revisions_name_that_is_taken_counts_as_a_collision(sets):
    probe = {**stateful_set(), "apiVersion": "apps/v1", "kind": "StatefulSet"}
    data = revisions.data_of_template(template())
    taken = revisions.new_revision(probe, data, 1, collision_count=0, labels={"other": "x"}, annotations={})
    taken["metadata"]["ownerReferences"] = []
    taken["data"] = {"spec": {}}
    sets.client.seed(CONTROLLER_REVISIONS, taken)
    await create(sets)
    assert status(sets)["collisionCount"] == 1
    assert len(history(sets)) == 2
    assert names(sets) == ["web-0"]


async def test_an_orphan_of_the_right_name_and_labels_is_adopted(sets):
    lone = {"metadata": {"name": "web-0", "namespace": "default", "labels": {"app": "web"}}, "spec": {"containers": []}}
    other = deepcopy(lone)
    other["metadata"]["name"] = "other-0"
    sets.client.seed(PODS, lone, other)
    await create(sets, replicas=1)
    sets.run(pod(sets, "web-0"))
    await sets.settle()
    assert pod(sets, "web-0")["metadata"]["ownerReferences"][0]["kind"] == "StatefulSet"
    assert not pod(sets, "other-0")["metadata"].get("ownerReferences")


async def test_a_pod_whose_labels_no_longer_match_is_released(sets):
    await create(sets, replicas=1)
    changed = pod(sets, "web-0")
    changed["metadata"]["labels"]["app"] = "quarantine"
    await sets.client.update(PODS, changed)
    await sets.settle()
    assert not pod(sets, "web-0")["metadata"].get("ownerReferences")
    assert names(sets) == ["web-0"]
    assert events(sets, "FailedCreate") == []
    await sets.advance(300)
    sets.client.remove(PODS, "web-0", "default")
    await sets.settle()
    assert pod(sets, "web-0")["metadata"]["ownerReferences"]


async def test_identity_labels_are_put_back(sets):
    await create(sets, replicas=1)
    await sets.run_pods()
    changed = pod(sets, "web-0")
    del changed["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"]
    await sets.client.update(PODS, changed)
    await sets.settle()
    assert pod(sets, "web-0")["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] == "web-0"
    assert events(sets, "SuccessfulUpdate") == ["update Pod web-0 in StatefulSet web successful"]


async def test_a_failure_to_create_is_told_and_tried_again(sets):
    def refuse(action: Any) -> None:
        raise errors.Forbidden("exceeded quota")

    end = sets.client.react("create", PODS, refuse)
    await create(sets)
    assert events(sets, "FailedCreate")[0].startswith("create Pod web-0 in StatefulSet web failed error: ")
    assert status(sets)["replicas"] == 0
    end()
    await sets.advance(60)
    assert names(sets) == ["web-0"]


async def test_claims_are_made_before_their_pod_and_outlive_it(sets):
    await create(sets, volumeClaimTemplates=[DATA])
    await sets.run_pods()
    assert claims(sets) == {"data-web-0": [], "data-web-1": []}
    found = sets.client.object(PERSISTENT_VOLUME_CLAIMS, "data-web-0", "default")
    assert found["metadata"]["labels"] == {"app": "web", "kind": "disk"}
    assert found["spec"] == DATA["spec"]
    assert pod(sets, "web-0")["spec"]["volumes"] == [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}}
    ]
    assert "create Claim data-web-0 Pod web-0 in StatefulSet web success" in events(sets, "SuccessfulCreate")
    await change(sets, replicas=0)
    await sets.run_pods()
    assert names(sets) == []
    assert claims(sets) == {"data-web-0": [], "data-web-1": []}


async def test_a_claim_that_is_being_deleted_keeps_its_pod_from_being_made(sets):
    seeded = {"metadata": {"name": "data-web-0", "namespace": "default", "finalizers": ["x"]}, "spec": {}}
    seeded["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    sets.client.seed(PERSISTENT_VOLUME_CLAIMS, seeded)
    await create(sets, volumeClaimTemplates=[DATA])
    assert names(sets) == []
    assert set(events(sets, "FailedCreate")) == {
        "create Pod web-0 in StatefulSet web failed error: pvc data-web-0 is being deleted"
    }
    sets.client.remove(PERSISTENT_VOLUME_CLAIMS, "data-web-0", "default")
    await sets.settle()
    assert names(sets) == ["web-0"]


@pytest.mark.parametrize(
    ("policy", "kept", "scaled"),
    [
        pytest.param({}, [], [], id="both retained"),
        pytest.param({"whenDeleted": "Delete"}, [("StatefulSet", "web")], [("StatefulSet", "web")], id="with the set"),
        pytest.param({"whenScaled": "Delete"}, [], [("Pod", "web-1")], id="with the pod"),
        pytest.param(
            {"whenDeleted": "Delete", "whenScaled": "Delete"},
            [("StatefulSet", "web")],
            [("Pod", "web-1")],
            id="with either",
        ),
    ],
)
async def test_the_retention_policy_decides_who_owns_a_claim(sets, policy, kept, scaled):
    await create(sets, volumeClaimTemplates=[DATA], persistentVolumeClaimRetentionPolicy=policy)
    await sets.run_pods()
    assert claims(sets) == {"data-web-0": kept, "data-web-1": kept}
    await change(sets, replicas=1)
    assert claims(sets) == {"data-web-0": kept, "data-web-1": scaled}


async def test_a_changed_retention_policy_is_carried_over(sets):
    await create(sets, volumeClaimTemplates=[DATA])
    await sets.run_pods()
    await change(sets, persistentVolumeClaimRetentionPolicy={"whenDeleted": "Delete", "whenScaled": "Retain"})
    assert set(map(tuple, claims(sets).values())) == {(("StatefulSet", "web"),)}
    await change(sets, persistentVolumeClaimRetentionPolicy={"whenDeleted": "Retain", "whenScaled": "Retain"})
    assert set(map(tuple, claims(sets).values())) == {()}


async def test_a_new_pod_waits_for_the_claim_of_the_one_that_was_scaled_away(sets):
    await create(sets, volumeClaimTemplates=[DATA], persistentVolumeClaimRetentionPolicy={"whenScaled": "Delete"})
    await sets.run_pods()
    await change(sets, replicas=1)
    await sets.run_pods()
    await change(sets, replicas=2)
    assert names(sets) == ["web-0"]
    sets.client.remove(PERSISTENT_VOLUME_CLAIMS, "data-web-1", "default")
    await sets.settle()
    assert names(sets) == ["web-0", "web-1"]
    assert claims(sets)["data-web-1"] == []


async def test_a_claim_that_another_controls_is_left_to_it(sets):
    foreign = {"metadata": {"name": "data-web-0", "namespace": "default", "ownerReferences": [FOREIGN]}, "spec": {}}
    sets.client.seed(PERSISTENT_VOLUME_CLAIMS, foreign)
    await create(sets, volumeClaimTemplates=[DATA], persistentVolumeClaimRetentionPolicy={"whenDeleted": "Delete"})
    await sets.run_pods()
    assert claims(sets)["data-web-0"] == [("ConfigMap", "x")]
    [told] = events(sets, "ConflictingController")
    assert told.startswith("PersistentVolumeClaim data-web-0 has a conflicting OwnerReference")


async def test_a_set_that_is_being_deleted_does_nothing_but_count(sets):
    await create(sets)
    await sets.run_pods()
    await sets.client.delete(STATEFUL_SETS, "web", "default", propagation_policy="Foreground")
    sets.client.remove(PODS, "web-1", "default")
    await sets.settle()
    assert names(sets) == ["web-0"]
    assert status(sets)["replicas"] == 1


async def test_nothing_is_written_when_all_is_well(sets):
    await create(sets, volumeClaimTemplates=[DATA])
    await sets.run_pods()
    await sets.advance(10)
    before = len(sets.client.writes())
    await sets.advance(3600)
    found = sets.client.object(STATEFUL_SETS, "web", "default")
    found["metadata"]["labels"] = {"touched": "yes"}
    sets.client.seed(STATEFUL_SETS, found)
    await sets.settle()
    assert sets.client.writes()[before:] == []


async def test_several_may_be_unavailable_where_the_version_heeds_it(harness):
    await harness.start("statefulset-controller", kubernetes_version="1.35")
    await create(
        harness,
        replicas=4,
        podManagementPolicy="Parallel",
        updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "50%"}},
    )
    await harness.run_pods()
    await change(harness, template=template("web:2"))
    going = [name for name in names(harness) if pod(harness, name)["metadata"].get("deletionTimestamp")]
    assert going == ["web-2", "web-3"]
    await harness.run_pods()
    assert set(images(harness).values()) == {"web:2"}
