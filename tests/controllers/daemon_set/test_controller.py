from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from controllers.daemon_set.placement import target_node
from minikube_py.api import errors
from minikube_py.api.meta import Object
from minikube_py.api.resources import CONTROLLER_REVISIONS, DAEMON_SETS, EVENTS, NODES, PODS
from minikube_py.client.protocol import PatchType


def daemon_set(image: str = "agent:1", **spec: Any) -> Object:
    return {
        "metadata": {"name": "agent", "namespace": "default", "annotations": {"kubernetes.io/change-cause": "first"}},
        "spec": {
            "selector": {"matchLabels": {"app": "agent"}},
            "template": {
                "metadata": {"labels": {"app": "agent"}},
                "spec": {"containers": [{"name": "agent", "image": image}]},
            },
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
            **spec,
        },
    }


@pytest.fixture
async def daemons(harness):
    for number in (2, 3):
        harness.client.seed(NODES, {"metadata": {"name": f"node-{number}"}, "spec": {}, "status": {}})
    await harness.start("daemonset-controller")
    return harness


def stored(harness) -> Object:
    found = harness.client.object(DAEMON_SETS, "agent", "default")
    assert found is not None
    return found


def pods(harness) -> list[Object]:
    return harness.client.objects(PODS)


def revisions(harness) -> list[tuple[int, str]]:
    found = harness.client.objects(CONTROLLER_REVISIONS)
    return sorted((one["revision"], _image(one["data"]["spec"]["template"])) for one in found)


def _image(template: Object) -> str:
    return template["spec"]["containers"][0]["image"]


def events(harness, reason: str) -> list[str]:
    return sorted(event["message"] for event in harness.client.objects(EVENTS) if event["reason"] == reason)


async def until_settled(harness, *, ready: bool = True) -> None:
    """Binds and runs every pod on its node, and ends what is being deleted, until nothing changes any more."""
    for _ in range(40):
        await harness.settle()
        changed = False
        for pod in pods(harness):
            if pod["metadata"].get("deletionTimestamp"):
                harness.client.remove(PODS, pod["metadata"]["name"], pod["metadata"]["namespace"])
                changed = True
            elif pod["status"].get("phase") == "Pending":
                harness.run(pod, ready=ready, node=target_node(pod))
                changed = True
        if not changed:
            return


async def with_image(harness, image: str) -> None:
    changed = deepcopy(stored(harness))
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = image
    await harness.client.update(DAEMON_SETS, changed)


async def test_every_node_gets_a_pod(daemons):
    await daemons.client.create(DAEMON_SETS, daemon_set())
    await until_settled(daemons)
    assert sorted(map(target_node, pods(daemons))) == ["node-1", "node-2", "node-3"]
    assert stored(daemons)["status"] == {
        "currentNumberScheduled": 3,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 3,
        "numberReady": 3,
        "updatedNumberScheduled": 3,
        "numberAvailable": 3,
        "observedGeneration": 1,
    }
    assert events(daemons, "SuccessfulCreate") == sorted(f"Created pod: {p['metadata']['name']}" for p in pods(daemons))
    (revision,) = daemons.client.objects(CONTROLLER_REVISIONS)
    hashed = revision["metadata"]["labels"]["controller-revision-hash"]
    assert revision["metadata"]["name"] == f"agent-{hashed}"
    assert revision["metadata"]["annotations"] == {"kubernetes.io/change-cause": "first"}
    assert {pod["metadata"]["labels"]["controller-revision-hash"] for pod in pods(daemons)} == {hashed}


async def test_a_new_node_gets_a_pod_and_an_unsuitable_one_loses_it(daemons):
    await daemons.client.create(
        DAEMON_SETS, daemon_set(template=with_selector(daemon_set()["spec"]["template"], color="blue"))
    )
    await until_settled(daemons)
    assert pods(daemons) == []
    await daemons.client.patch(NODES, "node-2", {"metadata": {"labels": {"color": "blue"}}}, patch_type=PatchType.MERGE)
    await until_settled(daemons)
    assert list(map(target_node, pods(daemons))) == ["node-2"]
    daemons.client.seed(NODES, {"metadata": {"name": "node-4", "labels": {"color": "blue"}}, "spec": {}})
    await until_settled(daemons)
    assert sorted(map(target_node, pods(daemons))) == ["node-2", "node-4"]
    await daemons.client.patch(
        NODES, "node-2", {"metadata": {"labels": {"color": "green"}}}, patch_type=PatchType.MERGE
    )
    await until_settled(daemons)
    assert list(map(target_node, pods(daemons))) == ["node-4"]
    assert len(events(daemons, "SuccessfulDelete")) == 1


def with_selector(template: Object, **labels: str) -> Object:
    return {**template, "spec": {**template["spec"], "nodeSelector": labels}}


async def test_a_rollout_and_its_undoing_keep_history(daemons):
    await daemons.client.create(DAEMON_SETS, daemon_set())
    await until_settled(daemons)
    await with_image(daemons, "agent:2")
    await until_settled(daemons)
    assert {_image(pod) for pod in pods(daemons)} == {"agent:2"}
    assert revisions(daemons) == [(1, "agent:1"), (2, "agent:2")]
    await with_image(daemons, "agent:1")
    await until_settled(daemons)
    assert {_image(pod) for pod in pods(daemons)} == {"agent:1"}
    assert revisions(daemons) == [(2, "agent:2"), (3, "agent:1")]
    assert stored(daemons)["status"]["observedGeneration"] == 3
    assert stored(daemons)["status"]["updatedNumberScheduled"] == 3


async def test_a_rollout_that_does_not_become_ready_stops_at_its_limit(daemons):
    await daemons.client.create(DAEMON_SETS, daemon_set())
    await until_settled(daemons)
    await with_image(daemons, "agent:2")
    await until_settled(daemons, ready=False)
    assert sorted(map(_image, pods(daemons))) == ["agent:1", "agent:1", "agent:2"]
    before = {pod["metadata"]["uid"] for pod in pods(daemons) if _image(pod) == "agent:1"}
    await with_image(daemons, "agent:1")
    await until_settled(daemons)
    assert before < {pod["metadata"]["uid"] for pod in pods(daemons)}


async def test_with_on_delete_a_pod_is_renewed_when_its_user_deletes_it(daemons):
    await daemons.client.create(DAEMON_SETS, daemon_set(updateStrategy={"type": "OnDelete"}))
    await until_settled(daemons)
    await with_image(daemons, "agent:2")
    await until_settled(daemons)
    assert {_image(pod) for pod in pods(daemons)} == {"agent:1"}
    await daemons.client.delete(PODS, pods(daemons)[0]["metadata"]["name"], "default")
    await until_settled(daemons)
    assert sorted(map(_image, pods(daemons))) == ["agent:1", "agent:1", "agent:2"]
    assert stored(daemons)["status"]["updatedNumberScheduled"] == 1


async def test_history_beyond_its_limit_goes(daemons):
    await daemons.client.create(DAEMON_SETS, daemon_set(revisionHistoryLimit=1))
    for number in range(2, 5):
        await until_settled(daemons)
        await with_image(daemons, f"agent:{number}")
    await until_settled(daemons)
    assert revisions(daemons) == [(3, "agent:3"), (4, "agent:4")]


async def test_a_failed_pod_is_replaced_ever_more_slowly(daemons):
    await daemons.client.create(DAEMON_SETS, daemon_set())
    await until_settled(daemons)

    async def fail() -> str:
        pod = next(pod for pod in pods(daemons) if target_node(pod) == "node-2")
        daemons.client.seed(PODS, {**pod, "status": {"phase": "Failed"}})
        await until_settled(daemons)
        return pod["metadata"]["uid"]

    def there(uid: str) -> bool:
        return uid in {pod["metadata"]["uid"] for pod in pods(daemons)}

    assert not there(await fail())
    assert "will try to kill it" in events(daemons, "FailedDaemonPod")[0]
    second = await fail()
    assert there(second)
    await daemons.advance(1.1)
    await until_settled(daemons)
    assert not there(second)
    third = await fail()
    await daemons.advance(1.1)
    assert there(third)
    await daemons.advance(1.1)
    await until_settled(daemons)
    assert not there(third)


async def test_pods_are_released_and_adopted_by_their_labels(daemons):
    await daemons.client.create(DAEMON_SETS, daemon_set())
    await until_settled(daemons)
    pod = pods(daemons)[0]
    name = pod["metadata"]["name"]
    for label, owners in (("other", None), ("agent", "agent")):
        patch = {"metadata": {"labels": {"app": label}}}
        await daemons.client.patch(PODS, name, patch, namespace="default", patch_type=PatchType.MERGE)
        await daemons.settle()
        changed = daemons.client.object(PODS, name, "default")
        assert [ref["name"] for ref in changed["metadata"].get("ownerReferences") or []] == ([owners] if owners else [])
    await until_settled(daemons)
    assert len(pods(daemons)) == 3


async def test_a_revision_of_the_same_template_is_merged_into_the_newest(daemons):
    await daemons.client.create(DAEMON_SETS, daemon_set())
    await until_settled(daemons)
    (revision,) = daemons.client.objects(CONTROLLER_REVISIONS)
    twin = deepcopy(revision)
    twin["metadata"] = {
        "name": "agent-twin",
        "namespace": "default",
        "labels": {"app": "agent", "controller-revision-hash": "twin"},
        "ownerReferences": revision["metadata"]["ownerReferences"],
    }
    before = {pod["metadata"]["uid"] for pod in pods(daemons)}
    await daemons.client.create(CONTROLLER_REVISIONS, {**twin, "revision": 2})
    patch = {"metadata": {"annotations": {"look": "again"}}}
    await daemons.client.patch(DAEMON_SETS, "agent", patch, namespace="default", patch_type=PatchType.MERGE)
    await until_settled(daemons)
    assert revisions(daemons) == [(2, "agent:1")]
    assert {pod["metadata"]["uid"] for pod in pods(daemons)} == before
    assert {pod["metadata"]["labels"]["controller-revision-hash"] for pod in pods(daemons)} == {"twin"}


async def test_creation_that_fails_is_told(daemons):
    daemons.client.fail_next("create", PODS, errors.Forbidden("exceeded quota"))
    await daemons.client.create(DAEMON_SETS, daemon_set())
    await daemons.settle()
    assert events(daemons, "FailedCreate") == ["Error creating: exceeded quota"]


async def test_one_that_selects_everything_is_left_alone(daemons):
    await daemons.client.create(DAEMON_SETS, daemon_set(selector={}))
    await daemons.settle()
    assert pods(daemons) == []
    assert events(daemons, "SelectingAll") == [
        "This daemon set is selecting all pods. A non-empty selector is required."
    ]
