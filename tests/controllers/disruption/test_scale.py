from __future__ import annotations

from typing import Any

import pytest

from controllers.disruption.scale import NoScale, Scale, expected_scale
from minikube_py.api.meta import Object
from minikube_py.api.resources import BUILT_IN, Resource


def reference(api_version: str, kind: str, name: str, uid: str = "") -> Object:
    return {"apiVersion": api_version, "kind": kind, "name": name, "uid": uid or name, "controller": True}


def of(*owners: Object, **spec: Any) -> Object:
    return {
        "metadata": {"name": "x", "namespace": "default", "uid": "x", "ownerReferences": list(owners)},
        "spec": spec,
    }


CONTROLLERS: dict[tuple[str, str], Object] = {
    ("ReplicationController", "rc"): of(replicas=2) | {"kind": "ReplicationController"},
    ("ReplicaSet", "lone"): of(replicas=3),
    ("ReplicaSet", "old"): of(reference("apps/v1", "Deployment", "web"), replicas=1),
    ("ReplicaSet", "new"): of(reference("apps/v1", "Deployment", "web"), replicas=4),
    ("ReplicaSet", "left"): of(reference("apps/v1", "Deployment", "gone"), replicas=7),
    ("ReplicaSet", "of-other"): of(reference("example.com/v1", "Rollout", "web"), replicas=8),
    ("Deployment", "web"): of(replicas=5),
    ("StatefulSet", "db"): of(),
}


def find(resource: Resource, key: str) -> Object | None:
    name = key.removeprefix("default/")
    found = CONTROLLERS.get((resource.kind, name))
    return found and {**found, "metadata": {**found["metadata"], "name": name, "uid": name}}


def scale(*pods: Object) -> Scale:
    return expected_scale(pods, find, BUILT_IN)


def replica_set(name: str, uid: str = "") -> Object:
    return of(reference("apps/v1", "ReplicaSet", name, uid))


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        pytest.param([], 0, id="no pods"),
        pytest.param([replica_set("lone"), replica_set("lone")], 3, id="each controller once"),
        pytest.param([replica_set("old"), replica_set("new")], 5, id="a deployment instead of its replica sets"),
        pytest.param([replica_set("left")], 7, id="a replica set whose deployment is gone"),
        pytest.param([replica_set("of-other")], 8, id="a replica set of another kind's"),
        pytest.param([of(reference("v1", "ReplicationController", "rc")), replica_set("lone")], 5, id="several"),
        pytest.param([of(reference("apps/v1", "StatefulSet", "db"))], 1, id="one where no number is given"),
    ],
)
def test_what_controllers_want(pods, expected):
    assert scale(*pods) == Scale(expected)


def test_pods_of_nobody_are_told():
    assert scale(of(), replica_set("lone")) == Scale(3, ("x",))


@pytest.mark.parametrize(
    ("pod", "message"),
    [
        pytest.param(replica_set("none"), 'found no controllers for pod "x"', id="gone"),
        pytest.param(replica_set("lone", "another"), 'found no controllers for pod "x"', id="another of that name"),
        pytest.param(
            of(reference("batch/v1", "Job", "j")), "jobs.batch does not implement the scale subresource", id="no number"
        ),
        pytest.param(
            of(reference("example.com/v1", "Rollout", "r")),
            'no matches for kind "Rollout" in version "example.com/v1"',
            id="unknown kind",
        ),
    ],
)
def test_a_number_that_cannot_be_told(pod, message):
    with pytest.raises(NoScale, match=f"^{message}$"):
        scale(pod)
