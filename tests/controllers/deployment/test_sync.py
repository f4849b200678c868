from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controllers.actions import Delete, Emit, RequeueAfter, Update
from controllers.deployment.replica_sets import find_new
from controllers.deployment.revisions import MAX_HISTORY_LENGTH, of_new_replica_set
from controllers.deployment.spec import max_surge, max_unavailable
from controllers.deployment.sync import CreateReplicaSet, Observation, new_replica_set, sync
from minikube_py.api.times import format_time

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def deployment(image: str = "new", *, surge: int | str = 1, unavailable: int | str = 0, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default", "uid": "d", "generation": 1},
        "spec": {
            "replicas": 10,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"image": image}]}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}},
            "progressDeadlineSeconds": 600,
            **spec,
        },
    }


def replica_set(
    image: str, size: int, available: int | None = None, *, age: int = 0, revision: int = 1, total: int = 10
) -> dict[str, Any]:
    """A ReplicaSet of the same Deployment with another image; ``total`` is what it was last scaled for."""
    made = new_replica_set(deployment(image), revision)
    count = size if available is None else available
    created = format_time(NOW - timedelta(seconds=age))
    scaled_for = {"deployment.kubernetes.io/desired-replicas": str(total)}
    return {
        **made,
        "metadata": {
            **made["metadata"],
            "uid": image,
            "creationTimestamp": created,
            "annotations": made["metadata"]["annotations"] | scaled_for,
        },
        "spec": {**made["spec"], "replicas": size},
        "status": {"replicas": size, "readyReplicas": count, "availableReplicas": count},
    }


def image_of(made: dict[str, Any]) -> str:
    return str(made["spec"]["template"]["spec"]["containers"][0]["image"])


def sizes(actions: Any) -> dict[str, int]:
    """The new sizes that a plan gives, by image."""
    made = [
        a.replica_set if isinstance(a, CreateReplicaSet) else a.obj
        for a in actions
        if isinstance(a, CreateReplicaSet | Update)
    ]
    return {image_of(found): found["spec"]["replicas"] for found in made if found["kind"] == "ReplicaSet"}


def plan(observed: dict[str, Any], *replica_sets: dict[str, Any], pods: Any = ()) -> tuple[Any, ...]:
    return sync(Observation(observed, replica_sets, NOW, dict(pods)))


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        pytest.param(10, "25%", "25%", (3, 2), id="surge is rounded up, unavailability down"),
        pytest.param(3, "25%", "25%", (1, 0), id="of three pods none may be missing"),
        pytest.param(1, "0%", "25%", (0, 1), id="both are nothing: one may be missing"),
        pytest.param(2, 0, 5, (0, 2), id="no more can be missing than there are"),
        pytest.param(0, "25%", "25%", (0, 0), id="of nothing, nothing"),
    ],
)
def test_rounding(replicas, surge, unavailable, expected):
    given = deployment(surge=surge, unavailable=unavailable, replicas=replicas)
    assert (max_surge(given), max_unavailable(given)) == expected


@pytest.mark.parametrize(
    ("given", "replica_sets", "expected"),
    [
        pytest.param({}, [], {"new": 10}, id="the first ReplicaSet has all pods at once"),
        pytest.param({}, [replica_set("old", 10)], {"new": 1}, id="the next begins with the surge"),
        pytest.param(
            {"surge": 0, "unavailable": 2},
            [replica_set("old", 10)],
            {"new": 0, "old": 8},
            id="without surge the old one makes room first",
        ),
        pytest.param(
            {"surge": 3, "unavailable": 2},
            [replica_set("old", 10)],
            {"new": 3, "old": 8},
            id="both at once where both are allowed",
        ),
        pytest.param(
            {},
            [replica_set("old", 10, age=60), replica_set("new", 1, 0, revision=2)],
            {},
            id="nothing goes before the new pod is available",
        ),
        pytest.param(
            {},
            [replica_set("old", 10, age=60), replica_set("new", 1, 1, revision=2)],
            {"old": 9},
            id="for each available new pod an old one goes",
        ),
        pytest.param(
            {},
            [replica_set("old", 9, age=60), replica_set("new", 1, 1, revision=2)],
            {"new": 2},
            id="and the next comes",
        ),
        pytest.param(
            {"unavailable": 2},
            [replica_set("broken", 5, 0, age=60), replica_set("old", 8, age=90), replica_set("new", 0, revision=3)],
            {"broken": 0},
            id="pods that do not work go first",
        ),
        pytest.param(
            {}, [replica_set("new", 12, revision=1)], {"new": 10}, id="a new ReplicaSet that is too large is cut down"
        ),
    ],
)
def test_rolling_update(given, replica_sets, expected):
    assert sizes(plan(deployment(**given), *replica_sets)) == expected


def recreating(**spec: Any) -> dict[str, Any]:
    return deployment(strategy={"type": "Recreate"}, **spec)


@pytest.mark.parametrize(
    ("replica_sets", "pods", "expected"),
    [
        pytest.param([replica_set("old", 10)], {}, {"old": 0}, id="first the old ones are told to go"),
        pytest.param([replica_set("old", 0)], {"old": ({"status": {"phase": "Running"}},)}, {}, id="one still runs"),
        pytest.param(
            [replica_set("old", 0)], {"old": ({"status": {"phase": "Failed"}},)}, {"new": 10}, id="all have ended"
        ),
    ],
)
def test_recreate(replica_sets, pods, expected):
    assert sizes(plan(recreating(), *replica_sets, pods=pods)) == expected


@pytest.mark.parametrize(
    ("replicas", "replica_sets", "expected"),
    [
        pytest.param(20, [replica_set("new", 10)], {"new": 20}, id="the only one takes all"),
        pytest.param(
            5,
            [replica_set("old", 8, age=60), replica_set("new", 3, revision=2)],
            {"old": 4, "new": 2},
            id="in the middle of a rollout downwards",
        ),
        pytest.param(
            20,
            [replica_set("old", 8, age=60), replica_set("new", 3, revision=2)],
            {"old": 15, "new": 6},
            id="in the middle of a rollout upwards",
        ),
        pytest.param(
            0, [replica_set("old", 8, age=60), replica_set("new", 3, revision=2)], {"old": 0, "new": 0}, id="to 0"
        ),
    ],
)
def test_scaling(replicas, replica_sets, expected):
    assert sizes(plan(deployment(replicas=replicas), *replica_sets)) == expected


def test_a_deployment_that_selects_everything_is_refused():
    actions = plan(deployment(selector={}))
    assert [type(action) for action in actions] == [Emit, Update]
    assert actions[0].reason == "SelectingAll"


def test_what_is_deleted_is_the_oldest_beyond_the_limit_and_empty():
    complete = deployment(revisionHistoryLimit=1)
    complete["status"] = {
        "replicas": 10,
        "updatedReplicas": 10,
        "availableReplicas": 10,
        "readyReplicas": 10,
        "observedGeneration": 1,
    }
    actions = plan(
        complete,
        *(replica_set(f"old-{number}", 0, age=90 - number, revision=number) for number in (1, 2, 3)),
        replica_set("new", 10, revision=4),
    )
    deleted = [a.uid for a in actions if isinstance(a, Delete)]
    assert deleted == ["old-1", "old-2"]


def progress(reason: str, *, ago: float, status: str = "True") -> dict[str, Any]:
    time = format_time(NOW - timedelta(seconds=ago))
    return {
        "type": "Progressing",
        "status": status,
        "reason": reason,
        "message": "",
        "lastUpdateTime": time,
        "lastTransitionTime": time,
    }


def progressing(actions: Any) -> tuple[str, str] | None:
    for action in actions:
        if isinstance(action, Update) and action.subresource == "status":
            for condition in action.obj["status"]["conditions"]:
                if condition["type"] == "Progressing":
                    return condition["status"], condition["reason"]
    return None


@pytest.mark.parametrize(
    ("told", "available", "expected"),
    [
        pytest.param(
            progress("ReplicaSetUpdated", ago=10), 10, ("True", "NewReplicaSetAvailable"), id="it has finished"
        ),
        pytest.param(progress("ReplicaSetUpdated", ago=599), 5, ("True", "ReplicaSetUpdated"), id="there is time left"),
        pytest.param(
            progress("ReplicaSetUpdated", ago=601), 5, ("False", "ProgressDeadlineExceeded"), id="time has run out"
        ),
        pytest.param(
            progress("ProgressDeadlineExceeded", ago=9999, status="False"),
            6,
            ("True", "ReplicaSetUpdated"),
            id="late progress is progress",
        ),
        pytest.param(
            progress("NewReplicaSetAvailable", ago=9999),
            4,
            ("True", "NewReplicaSetAvailable"),
            id="what has finished once has no deadline when pods fail later",
        ),
    ],
)
def test_progress(told, available, expected):
    given = deployment()
    given["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "1"}
    counts = {"replicas": 10, "updatedReplicas": 10, "readyReplicas": 5, "availableReplicas": 5}
    given["status"] = {**counts, "observedGeneration": 1, "conditions": [told]}
    actions = plan(given, replica_set("new", 10, available))
    assert progressing(actions) == expected
    waits = any(isinstance(action, RequeueAfter) for action in actions)
    assert waits == (expected == ("True", "ReplicaSetUpdated"))


def test_without_a_deadline_there_is_no_progress_condition():
    assert progressing(plan(deployment(progressDeadlineSeconds=2**31 - 1))) is None


def test_the_template_is_compared_without_its_hash_and_without_what_go_can_not_tell_from_absent():
    stored = replica_set("new", 1)
    given = deployment()
    given["spec"]["template"]["metadata"]["creationTimestamp"] = None
    given["spec"]["template"]["spec"]["volumes"] = []
    assert find_new(given, [stored]) is stored
    assert find_new(deployment("other"), [stored]) is None


def test_the_revision_history_is_cut_from_the_front():
    revision, history = "deployment.kubernetes.io/revision", "deployment.kubernetes.io/revision-history"
    long = ",".join(str(number) for number in range(1000, 1400))
    after = of_new_replica_set(deployment(), {revision: "1400", history: long}, 1402, exists=True)
    assert after[revision] == "1402"
    assert after[history].endswith(",1399,1400")
    assert len(after[history]) <= MAX_HISTORY_LENGTH


def test_the_deployments_annotations_are_copied_but_for_those_of_tools():
    given = deployment()
    given["metadata"]["annotations"] = {
        "kubernetes.io/change-cause": "because",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "deployment.kubernetes.io/revision": "7",
    }
    assert of_new_replica_set(given, {}, 1, exists=True) == {
        "kubernetes.io/change-cause": "because",
        "deployment.kubernetes.io/revision": "1",
    }
