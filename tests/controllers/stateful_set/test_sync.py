from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from controllers.stateful_set import spec
from controllers.stateful_set.pods import new_pod
from controllers.stateful_set.status import compute_status
from controllers.stateful_set.sync import CreatePod, DeletePod, KeepClaims, Observation, Refuse, UpdatePod, sync_pods
from controllers.stateful_set.volume_claims import is_claim_of, owners_to_set
from minikube_py.api.meta import Object

NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
READY_LONG, READY_JUST = "2026-11-21T12:00:00Z", "2026-11-21T12:00:29Z"


def revision(name: str, image: str) -> Object:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}}
    return {"metadata": {"name": name}, "data": {"spec": {"template": {**template, "$patch": "replace"}}}}


OLD, NEW = revision("web-old", "web:1"), revision("web-new", "web:2")


def stateful_set(**given: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "web", "namespace": "default", "uid": "set", "generation": 1},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": {}, **given},
    }


def pod(owner: Object, ordinal: int, state: str) -> Object:
    """A pod as the words of ``state`` say, of the new revision unless it is ``old``."""
    words = state.split()
    made = new_pod(owner, OLD if "old" in words else NEW, ordinal)
    made["metadata"]["uid"] = f"uid-{ordinal}"
    if "going" in words:
        made["metadata"]["deletionTimestamp"] = READY_LONG
    if "unlabelled" in words:
        del made["metadata"]["labels"]["apps.kubernetes.io/pod-index"]
    ready = {"type": "Ready", "status": "False", "lastTransitionTime": READY_LONG}
    if "ready" in words or "just" in words:
        ready |= {"status": "True", "lastTransitionTime": READY_JUST if "just" in words else READY_LONG}
    phase = next((word for word in words if word in ("Pending", "Failed", "Succeeded")), "Running")
    made["status"] = {"phase": phase, "conditions": [ready]}
    return made


def plan(owner: Object, pods: dict[int, str], claims: dict[str, Object] | None = None, **options: Any) -> list[str]:
    observed = tuple(pod(owner, ordinal, state) for ordinal, state in pods.items())
    observation = Observation(owner, OLD, NEW, 0, observed, claims or {}, NOW, **options)
    return [" ".join(sorted(map(told, stage))) for stage in sync_pods(observation)]


def told(step: Any) -> str:
    name = step.pod["metadata"]["name"].removeprefix("web-")
    match step:
        case CreatePod(made, _):
            return f"+{name}{'old' if made['spec']['containers'][0]['image'] == 'web:1' else ''}"
        case DeletePod():
            return f"-{name}"
        case UpdatePod():
            return f"~{name}"
        case KeepClaims():
            return f"claims{name}"
        case Refuse():
            return f"!{name}"
    raise AssertionError(step)


PARALLEL = {"podManagementPolicy": "Parallel"}
ON_DELETE = {"updateStrategy": {"type": "OnDelete"}}


def rolling(**given: Any) -> dict[str, Any]:
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": given}}


@pytest.mark.parametrize(
    ("asked", "pods", "steps"),
    [
        pytest.param({}, {}, ["+0"], id="in order, the first"),
        pytest.param({}, {0: "ready"}, ["+1"], id="in order, the next"),
        pytest.param({}, {0: "Pending"}, [], id="in order, one that is pending is waited for"),
        pytest.param({}, {0: "ready", 1: "Running"}, [], id="in order, one that is not ready is waited for"),
        pytest.param({}, {0: "ready", 1: "ready going"}, [], id="in order, one that ends is waited for"),
        pytest.param({"minReadySeconds": 5}, {0: "just"}, [], id="in order, one not ready for long enough"),
        pytest.param({"minReadySeconds": 5}, {0: "ready"}, ["+1"], id="in order, one ready for long enough"),
        pytest.param({}, {0: "ready", 2: "ready"}, ["+1"], id="in order, a gap is filled"),
        pytest.param({}, {0: "Failed", 1: "ready"}, ["-0"], id="a failed pod goes"),
        pytest.param({}, {0: "ready", 1: "Succeeded", 2: "ready"}, ["-1"], id="an ended pod goes"),
        pytest.param({}, {0: "Failed going", 1: "ready"}, [], id="a failed pod that is going is waited for"),
        pytest.param({"ordinals": {"start": 2}}, {2: "ready"}, ["+3"], id="ordinals start elsewhere"),
        pytest.param(PARALLEL, {}, ["+0 +1 +2"], id="parallel, all at once"),
        pytest.param(PARALLEL, {0: "Running", 1: "going"}, ["+2"], id="parallel, none is waited for"),
        pytest.param(PARALLEL, {0: "Failed", 1: "ready"}, ["+2 -0"], id="parallel, a failed one goes meanwhile"),
        pytest.param({"replicas": 1}, {0: "ready", 1: "ready", 2: "ready"}, ["-2"], id="the highest stops first"),
        pytest.param({"replicas": 1}, {0: "ready", 1: "ready", 2: "ready going"}, [], id="one stops at a time"),
        pytest.param({"replicas": 1}, {0: "Running", 1: "ready"}, [], id="none stops while a replica is unready"),
        pytest.param({"replicas": 0}, {0: "ready", 1: "Running"}, ["-1"], id="the only unhealthy one stops"),
        pytest.param({"replicas": 0}, {0: "Running", 1: "Running"}, [], id="an unhealthy one waits for a lower one"),
        pytest.param({"replicas": 0}, {0: "Running", 1: "ready"}, ["-1"], id="a healthy one waits for no lower one"),
        pytest.param({"replicas": 0, **PARALLEL}, {0: "ready", 1: "Running", 2: "going"}, ["-0 -1"], id="all stop"),
        pytest.param(
            {}, {0: "old ready", 1: "old ready", 2: "old ready"}, ["-2"], id="an update begins at the highest"
        ),
        pytest.param({}, {0: "old ready", 1: "old ready", 2: "ready"}, ["-1"], id="an update goes on below"),
        pytest.param(
            PARALLEL, {0: "old ready", 1: "old ready", 2: "Running"}, [], id="an update waits for the new one"
        ),
        pytest.param(PARALLEL, {0: "old ready", 1: "old Running", 2: "ready"}, ["-1"], id="an unready old one goes"),
        pytest.param(
            rolling(partition=2), {0: "old ready", 1: "old ready", 2: "ready"}, [], id="an update ends at its partition"
        ),
        pytest.param(rolling(partition=1), {}, ["+0old"], id="a lost pod below the partition is of the old revision"),
        pytest.param(rolling(partition=1), {0: "old ready"}, ["+1"], id="a lost pod above it is of the new one"),
        pytest.param(
            {"ordinals": {"start": 5}, **rolling(partition=1)}, {5: "old ready"}, ["+6"], id="it counts from the start"
        ),
        pytest.param(ON_DELETE, {0: "old ready", 1: "old ready", 2: "old ready"}, [], id="nothing is replaced unasked"),
        pytest.param(ON_DELETE, {0: "old ready", 2: "old ready"}, ["+1"], id="but what was deleted is of the new"),
        pytest.param({}, {0: "ready unlabelled"}, ["~0", "+1"], id="identity is given back"),
        pytest.param({"replicas": 1}, {0: "old ready", 1: "old ready"}, ["-1"], id="scaling goes before updating"),
    ],
)
def test_what_is_done_about_the_pods(asked, pods, steps):
    assert plan(stateful_set(**asked), pods) == steps


@pytest.mark.parametrize(
    ("unavailable", "pods", "steps"),
    [
        pytest.param(2, {0: "old ready", 1: "old ready", 2: "old ready"}, ["-2", "-1"], id="two"),
        pytest.param("34%", {0: "old ready", 1: "old ready", 2: "old ready"}, ["-2", "-1"], id="rounded up"),
        pytest.param(2, {0: "old ready", 1: "old ready", 2: "Running"}, ["-1"], id="one is so already"),
        pytest.param(1, {0: "old ready", 1: "old ready", 2: "going"}, [], id="none is left"),
    ],
)
def test_several_are_replaced_at_once_where_that_is_heeded(unavailable, pods, steps):
    owner = stateful_set(**PARALLEL, **rolling(maxUnavailable=unavailable))
    assert plan(owner, pods, several_unavailable=True) == steps


def test_one_at_a_time_is_replaced_where_it_is_not():
    owner = stateful_set(**PARALLEL, **rolling(maxUnavailable=2))
    assert plan(owner, {0: "old ready", 1: "old ready", 2: "old ready"}) == ["-2"]
    assert plan(owner, {0: "old ready", 1: "old ready", 2: "Running"}) == []


def test_nothing_is_done_for_a_set_that_is_being_deleted():
    owner = stateful_set()
    owner["metadata"]["deletionTimestamp"] = READY_LONG
    assert plan(owner, {1: "Failed"}) == []


def claim(*owners: Object, **meta: Any) -> Object:
    return {"metadata": {"name": "data-web-1", "namespace": "default", "ownerReferences": list(owners), **meta}}


def reference(kind: str, name: str, uid: str, *, controller: bool = True) -> Object:
    group = "apps/v1" if kind == "StatefulSet" else "v1"
    made = {"apiVersion": group, "kind": kind, "name": name, "uid": uid}
    return {**made, "controller": True, "blockOwnerDeletion": True} if controller else made


BY_SET, BY_POD = reference("StatefulSet", "web", "set"), reference("Pod", "web-1", "uid-1")
WITH_DATA = {"volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {}}]}


@pytest.mark.parametrize(
    ("policy", "replicas", "present", "owners"),
    [
        pytest.param("Retain Retain", 3, [], None, id="retained"),
        pytest.param("Retain Retain", 3, [BY_SET], [], id="retained from now on"),
        pytest.param("Delete Retain", 3, [], [BY_SET], id="to go with the set"),
        pytest.param("Delete Retain", 1, [BY_SET], None, id="scaled away it goes with the set"),
        pytest.param("Retain Delete", 3, [], None, id="in use it goes with nobody"),
        pytest.param("Retain Delete", 1, [], [BY_POD], id="scaled away it goes with its pod"),
        pytest.param("Retain Delete", 3, [BY_POD], [], id="wanted again it stays"),
        pytest.param("Delete Delete", 1, [BY_SET], [BY_POD], id="it goes with its pod rather than with the set"),
        pytest.param("Delete Delete", 3, [BY_POD], [BY_SET], id="and back"),
        pytest.param(
            "Delete Retain", 3, [reference("StatefulSet", "web", "set", controller=False)], [BY_SET], id="to control"
        ),
        pytest.param(
            "Delete Retain", 3, [reference("StatefulSet", "web", "earlier")], None, id="of an earlier set of the name"
        ),
        pytest.param("Retain Delete", 1, [reference("Pod", "web-1", "earlier")], None, id="of an earlier pod"),
        pytest.param("Delete Retain", 3, [reference("Node", "n", "n")], None, id="another's"),
        pytest.param("Delete Retain", 3, [reference("Node", "n", "n"), BY_SET], "first", id="another's too"),
        pytest.param(
            "Delete Retain",
            3,
            [reference("Node", "n", "n", controller=False)],
            [reference("Node", "n", "n", controller=False), BY_SET],
            id="beside owners that do not control",
        ),
    ],
)
def test_who_owns_a_claim(policy, replicas, present, owners):
    deleted, scaled = policy.split()
    owner = stateful_set(
        replicas=replicas,
        persistentVolumeClaimRetentionPolicy={"whenDeleted": deleted, "whenScaled": scaled},
        **WITH_DATA,
    )
    found = owners_to_set(owner, claim(*present), 1, {**pod(owner, 1, "ready"), "apiVersion": "v1", "kind": "Pod"})
    assert found == (present[:1] if owners == "first" else owners)


def test_a_pod_waits_for_a_claim_that_goes():
    owner = stateful_set(**WITH_DATA, persistentVolumeClaimRetentionPolicy={"whenScaled": "Delete"})
    ready = {0: "ready"}
    assert plan(owner, ready, {"data-web-1": claim(BY_POD)}) == []
    assert plan(owner, ready, {"data-web-1": claim(deletionTimestamp=READY_LONG)}) == ["!1"]
    assert plan(owner, ready, {"data-web-1": claim()}) == ["+1"]
    assert plan(owner, {0: "Pending"}, {}) == ["claims0"]


@pytest.mark.parametrize(
    ("name", "ordinal"),
    [("web-0", 0), ("web-12", 12), ("web-01", None), ("web-", None), ("web-x-1", None), ("web-9999999999", None)],
)
def test_the_ordinal_of_a_name(name, ordinal):
    assert spec.ordinal_of(stateful_set(), name) == ordinal
    assert is_claim_of(stateful_set(**WITH_DATA), f"data-{name}") == (ordinal is not None)


@pytest.mark.parametrize(
    ("asked", "pods", "told_as"),
    [
        pytest.param({}, {0: "old ready", 1: "old ready"}, "2 2 2 0 web-old", id="before an update"),
        pytest.param({}, {0: "old ready", 1: "ready"}, "2 2 1 1 web-old", id="in the midst of it"),
        pytest.param({}, {0: "ready", 1: "ready"}, "2 2 2 2 web-new", id="at its end"),
        pytest.param({}, {0: "ready", 1: "Running"}, "2 1 0 2 web-old", id="not all ready"),
        pytest.param({}, {0: "ready"}, "1 1 0 1 web-old", id="not all there"),
        pytest.param({}, {0: "ready", 1: "ready going"}, "2 2 0 1 web-old", id="one that ends"),
        pytest.param(ON_DELETE, {0: "ready", 1: "ready"}, "2 2 0 2 web-old", id="never complete where nothing rolls"),
    ],
)
def test_the_status(asked, pods, told_as):
    owner = stateful_set(replicas=2, **asked)
    observed = [pod(owner, ordinal, state) for ordinal, state in pods.items()]
    status = compute_status(owner, observed, "web-old", "web-new", 0, NOW)
    fields = ("replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "currentRevision")
    assert " ".join(str(status.get(field, 0)) for field in fields) == told_as
    assert (status["updateRevision"], status["collisionCount"], status["observedGeneration"]) == ("web-new", 0, 1)


def test_conditions_of_others_stay():
    owner = {**stateful_set(), "status": {"conditions": [{"type": "Told", "status": "True"}]}}
    assert compute_status(owner, [], "a", "a", 0, NOW)["conditions"] == [{"type": "Told", "status": "True"}]
