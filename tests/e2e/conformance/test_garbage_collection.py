"""What goes with an owner that is deleted, what stays, and what stands in nobody's way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from harness import Cluster, eventually
from rest import Rest
from workloads import Workloads

MANY = 10
"""So many pods at least does the official suite begin with."""
WHILE = 5.0
"""Seconds for which what must not happen is watched for."""


@pytest.fixture(scope="module")
def work(cluster: Cluster) -> Iterator[Workloads]:
    with cluster.namespace("garbage-collection") as name:
        yield Workloads(Rest(cluster), name)


def delete(work: Workloads, path: str, policy: str) -> None:
    work.rest.ok("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy})


def owned(work: Workloads, name: str, count: int) -> Any:
    """The replication controller once it has made all its pods, and the pods."""
    controller = work.rest.ok("GET", f"{work.controllers}/{name}")
    made = eventually(lambda: len(pods := work.pods(name)) == count and pods, f"{count} pods of {name}")
    eventually(
        lambda: work.rest.ok("GET", f"{work.controllers}/{name}")["status"].get("replicas") == count, "all are counted"
    )
    return controller, made


@pytest.mark.conformance("Garbage Collector, delete replication controller, propagation policy background")
def test_pods_go_after_their_replication_controller(work: Workloads) -> None:
    work.replication_controller("background", replicas=2)
    eventually(lambda: work.pods("background"), "the first pod is there")
    delete(work, f"{work.controllers}/background", "Background")
    work.rest.gone(f"{work.controllers}/background")
    work.no_pods("background")


@pytest.mark.conformance("Garbage Collector, delete replication controller, propagation policy orphan")
def test_orphaned_pods_stay(work: Workloads) -> None:
    work.replication_controller("orphaning", replicas=MANY)
    _, pods = owned(work, "orphaning", MANY)
    delete(work, f"{work.controllers}/orphaning", "Orphan")
    work.rest.gone(f"{work.controllers}/orphaning")
    left_in_peace(work, "orphaning", pods)
    assert not [pod for pod in work.pods("orphaning") if pod["metadata"].get("ownerReferences")]


def left_in_peace(work: Workloads, name: str, pods: list[dict[str, Any]]) -> None:
    """The same pods are there for a while, and none is being deleted."""
    uids = {pod["metadata"]["uid"] for pod in pods}
    until = time.monotonic() + WHILE
    while time.monotonic() < until:
        there = work.pods(name)
        assert {pod["metadata"]["uid"] for pod in there} == uids
        assert not [pod for pod in there if pod["metadata"].get("deletionTimestamp")]
        time.sleep(0.5)


@pytest.mark.conformance("Garbage Collector, delete replication controller, after owned pods")
def test_a_replication_controller_stays_until_its_pods_are_gone(work: Workloads) -> None:
    work.replication_controller("foreground", replicas=MANY)
    owned(work, "foreground", MANY)
    path = f"{work.controllers}/foreground"
    with work.rest.watch(f"{work.all_pods}?labelSelector=app%3Dforeground") as pods:
        with work.rest.watch(f"{work.controllers}?fieldSelector=metadata.name%3Dforeground") as controllers:
            delete(work, path, "Foreground")
            marked = work.rest.ok("GET", path)["metadata"]
            assert (marked["finalizers"], bool(marked["deletionTimestamp"])) == (["foregroundDeletion"], True)
            work.rest.gone(path)
            assert work.pods("foreground") == []
            controllers.until(lambda events: events[-1]["type"] == "DELETED", "its end is seen")
        pods.until(lambda events: [e["type"] for e in events].count("DELETED") == MANY, "every pod's end is seen")
    ends = [int(e["object"]["metadata"]["resourceVersion"]) for e in pods.events if e["type"] == "DELETED"]
    assert max(ends) < int(controllers.events[-1]["object"]["metadata"]["resourceVersion"])


@pytest.mark.conformance("Garbage Collector, multiple owners")
def test_pods_with_a_second_owner_stay(work: Workloads) -> None:
    work.replication_controller("first", replicas=MANY)
    second = work.replication_controller("second", replicas=0)
    _, pods = owned(work, "first", MANY)
    kept = pods[: MANY // 2]
    owner = {"apiVersion": "v1", "kind": "ReplicationController", "name": "second", "uid": second["metadata"]["uid"]}
    for pod in kept:
        references = [*pod["metadata"]["ownerReferences"], owner]
        work.rest.patch(f"{work.all_pods}/{pod['metadata']['name']}", {"metadata": {"ownerReferences": references}})
    delete(work, f"{work.controllers}/first", "Foreground")
    work.rest.gone(f"{work.controllers}/first")
    left_in_peace(work, "first", kept)
    for pod in work.pods("first"):
        assert [reference["name"] for reference in pod["metadata"]["ownerReferences"]] == ["second"]


@pytest.mark.conformance("Garbage Collector, dependency cycle")
def test_a_circle_of_owners_blocks_nothing(work: Workloads) -> None:
    pods = {name: work.pod(name, app="circle") for name in ("pod1", "pod2", "pod3")}
    for name, owner in (("pod1", "pod3"), ("pod2", "pod1"), ("pod3", "pod2")):
        reference = {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": owner,
            "uid": pods[owner]["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        work.rest.patch(f"{work.all_pods}/{name}", {"metadata": {"ownerReferences": [reference]}})
    delete(work, f"{work.all_pods}/pod1", "Foreground")
    work.no_pods("circle")


@pytest.mark.conformance("Garbage Collector, delete deployment,  propagation policy background")
def test_replica_sets_and_pods_go_after_their_deployment(work: Workloads) -> None:
    work.deployment("rolled", replicas=2)
    eventually(lambda: work.replica_sets("rolled") and work.pods("rolled"), "its replica set has pods")
    delete(work, f"{work.deployments}/rolled", "Background")
    work.rest.gone(f"{work.deployments}/rolled")
    eventually(lambda: not work.replica_sets("rolled"), "its replica set is gone")
    work.no_pods("rolled")


@pytest.mark.conformance("Garbage Collector, delete deployment, propagation policy orphan")
def test_an_orphaned_replica_set_stays_with_its_pods(work: Workloads) -> None:
    work.deployment("left", replicas=2)
    work.available("left", 2)
    pods = work.pods("left")
    delete(work, f"{work.deployments}/left", "Orphan")
    work.rest.gone(f"{work.deployments}/left")
    left_in_peace(work, "left", pods)
    [replica_set] = work.replica_sets("left")
    assert not replica_set["metadata"].get("ownerReferences")
    assert not replica_set["metadata"].get("deletionTimestamp")
    assert {pod["metadata"]["ownerReferences"][0]["name"] for pod in work.pods("left")} == {
        replica_set["metadata"]["name"]
    }
