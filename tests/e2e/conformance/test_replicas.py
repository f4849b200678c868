"""Replica sets and replication controllers: they keep, adopt and release pods; their subresources and collections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from harness import Cluster, eventually, http_get
from python_pods import SERVER_PORTS, ask, python_spec
from rest import Rest
from workloads import CONDITION, NEWER_IMAGE, Workloads, changed, has_status, scales

FAILURE = "ReplicaFailure"


@pytest.fixture(scope="module")
def work(cluster: Cluster) -> Iterator[Workloads]:
    with cluster.namespace("replicas") as name:
        yield Workloads(Rest(cluster), name)


def adopts(work: Workloads, make: Any, name: str) -> str:
    """A pod that was there before becomes one of the new owner's; the pod's name."""
    pod = work.pod(f"{name}-before", app=name)
    owner = make(name, replicas=1)["metadata"]["uid"]
    path = f"{work.all_pods}/{pod['metadata']['name']}"
    eventually(lambda: owners(work, path) == [owner], "the pod is adopted")
    assert len(work.pods(name)) == 1
    return path


def releases(work: Workloads, path: str, name: str) -> None:
    """A pod whose label is another by now has no owner, and another pod takes its place."""
    work.rest.patch(path, {"metadata": {"labels": {"app": f"{name}-no-more"}}})
    eventually(lambda: owners(work, path) == [], "the pod is released")
    eventually(lambda: len(work.pods(name)) == 1, "another takes its place")
    work.rest.ok("DELETE", path)


def owners(work: Workloads, path: str) -> list[str]:
    references = work.rest.ok("GET", path)["metadata"].get("ownerReferences") or []
    return [reference["uid"] for reference in references if reference.get("controller")]


class TestReplicaSets:
    @pytest.mark.conformance("Replica Set, run basic image")
    def test_each_pod_answers(self, work: Workloads) -> None:
        work.replica_set("serving", replicas=2)
        for pod in work.all_running("serving", 2):
            assert "Hello" in eventually(lambda of=pod: http_get(f"http://{of['status']['podIP']}:8080/"), "an answer")
            proxied = work.rest("GET", f"{work.all_pods}/{pod['metadata']['name']}:8080/proxy/")
            assert (proxied.status_code, proxied.text.strip()) == (200, "Hello from version 1")

    @pytest.mark.conformance("Replica Set, adopt matching pods and release non matching pods")
    def test_pods_are_adopted_and_released(self, work: Workloads) -> None:
        releases(work, adopts(work, work.replica_set, "set"), "set")

    @pytest.mark.conformance("ReplicaSet, completes the scaling of a ReplicaSet subresource")
    def test_its_scale(self, work: Workloads) -> None:
        work.replica_set("scaled-set", replicas=1)
        work.all_running("scaled-set", 1)
        counted(work, f"{work.sets}/scaled-set", 1)
        scales(work, f"{work.sets}/scaled-set")
        work.all_running("scaled-set", 4)

    @pytest.mark.conformance("ReplicaSet, is created, Replaced and Patched")
    def test_it_is_replaced_and_patched(self, work: Workloads) -> None:
        path = f"{work.sets}/replaced"
        work.replica_set("replaced", replicas=1)
        work.all_running("replaced", 1)
        changed(work.rest, path, lambda found: found["spec"].update(replicas=2))
        assert work.rest.ok("GET", f"{path}/scale")["spec"]["replicas"] == 2
        work.all_running("replaced", 2)
        template = {"spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": "c", "image": NEWER_IMAGE}]}}
        patch = {"metadata": {"labels": {"patched": "yes"}}, "spec": {"replicas": 3, "template": template}}
        with work.rest.watch(f"{work.sets}?labelSelector=patched%3Dyes") as watched:
            work.rest.patch(path, patch)
            watched.until(lambda events: bool(events), "it is seen with its new label")
        work.all_running("replaced", 3)
        found = work.rest.ok("GET", path)
        assert found["metadata"]["labels"]["patched"] == "yes"
        assert found["spec"]["template"]["spec"]["containers"][0]["image"] == NEWER_IMAGE

    @pytest.mark.conformance("ReplicaSet, list and delete a collection of ReplicaSets")
    def test_a_collection(self, work: Workloads) -> None:
        for name in ("one", "two", "three"):
            work.replica_set(name, replicas=1)
            work.rest.patch(f"{work.sets}/{name}", {"metadata": {"labels": {"of": "collection"}}})
        everywhere = "/apis/apps/v1/replicasets?labelSelector=of%3Dcollection"
        assert {item["metadata"]["name"] for item in work.rest.ok("GET", everywhere)["items"]} == {
            "one",
            "two",
            "three",
        }
        work.rest.ok("DELETE", f"{work.sets}?labelSelector=of%3Dcollection")
        eventually(lambda: not work.rest.ok("GET", everywhere)["items"], "the collection is gone")

    @pytest.mark.conformance("ReplicaSet, status sub-resource")
    def test_its_status(self, work: Workloads) -> None:
        work.replica_set("told", replicas=1)
        work.all_running("told", 1)
        has_status(work, f"{work.sets}/told")


def counted(work: Workloads, path: str, replicas: int) -> None:
    eventually(lambda: work.rest.ok("GET", path)["status"].get("replicas") == replicas, f"{replicas} are counted")


class TestReplicationControllers:
    @pytest.mark.conformance("Replication Controller, run basic image")
    def test_its_pods_answer_over_http_tcp_and_udp(self, work: Workloads) -> None:
        work.replication_controller("controller-serving", replicas=2, spec=python_spec())
        for pod in work.all_running("controller-serving", 2):
            for protocol in SERVER_PORTS:
                address = pod["status"]["podIP"]
                answer = eventually(lambda to=address, by=protocol: ask(to, by), f"an answer over {protocol}")
                assert answer == pod["metadata"]["name"]

    @pytest.mark.conformance("Replication Controller, adopt matching pods")
    def test_pods_are_adopted(self, work: Workloads) -> None:
        adopts(work, work.replication_controller, "adopting")

    @pytest.mark.conformance("Replication Controller, release pods")
    def test_pods_are_released(self, work: Workloads) -> None:
        work.replication_controller("releasing", replicas=1)
        [pod] = eventually(lambda: work.pods("releasing"), "its pod is there")
        releases(work, f"{work.all_pods}/{pod['metadata']['name']}", "releasing")

    @pytest.mark.conformance("Replication Controller, get and update ReplicationController scale")
    def test_its_scale(self, work: Workloads) -> None:
        work.replication_controller("scaled-controller", replicas=1)
        counted(work, f"{work.controllers}/scaled-controller", 1)
        scales(work, f"{work.controllers}/scaled-controller")
        work.all_running("scaled-controller", 4)

    @pytest.mark.conformance("Replication Controller, lifecycle")
    def test_its_life(self, work: Workloads) -> None:
        path = f"{work.controllers}/lived"
        with work.rest.watch(f"{work.controllers}?labelSelector=app%3Dlived") as watched:
            work.replication_controller("lived", replicas=1)
            eventually(lambda: work.rest.ok("GET", path)["status"].get("availableReplicas") == 1, "it is available")
            patched = work.rest.patch(path, {"metadata": {"labels": {"patched": "yes"}}})
            assert patched["metadata"]["labels"] == {"app": "lived", "patched": "yes"}
            told = work.rest.patch(f"{path}/status", {"status": {"conditions": [CONDITION]}})
            assert [condition["type"] for condition in told["status"]["conditions"]] == ["Told"]
            assert work.rest.ok("GET", f"{path}/status")["metadata"]["uid"] == told["metadata"]["uid"]
            work.rest.patch(f"{path}/scale", {"spec": {"replicas": 2}})
            eventually(lambda: work.rest.ok("GET", path)["status"].get("availableReplicas") == 2, "both are available")
            listed = work.rest.ok("GET", "/api/v1/replicationcontrollers?labelSelector=patched%3Dyes")
            assert [item["metadata"]["name"] for item in listed["items"]] == ["lived"]
            changed(work.rest, path, lambda found: found["metadata"]["labels"].update(updated="yes"))
            assert work.rest.ok("GET", path)["metadata"]["labels"]["updated"] == "yes"
            work.rest.ok("DELETE", f"{work.controllers}?labelSelector=patched%3Dyes")
            work.rest.gone(path)
            watched.until(lambda events: events[-1]["type"] == "DELETED", "its end is seen")
        assert watched.types()[0] == "ADDED"

    @pytest.mark.conformance("Replication Controller, check for issues like exceeding allocated quota")
    def test_a_quota_exceeded_is_told_until_it_is_not(self, cluster: Cluster) -> None:
        with cluster.namespace("replicas-quota") as name:
            work = Workloads(Rest(cluster), name)
            quotas = f"/api/v1/namespaces/{name}/resourcequotas"
            work.rest.ok("POST", quotas, {"metadata": {"name": "two"}, "spec": {"hard": {"pods": "2"}}})
            eventually(
                lambda: work.rest.ok("GET", f"{quotas}/two")["status"]["used"] == {"pods": "0"}, "the quota is counted"
            )
            work.replication_controller("exceeding", replicas=3)
            path = f"{work.controllers}/exceeding"

            def failure() -> Any:
                conditions = work.rest.ok("GET", path)["status"].get("conditions") or []
                return next((one for one in conditions if one["type"] == FAILURE), None)

            told = eventually(failure, "the failure is told")
            assert (told["status"], told["reason"]) == ("True", "FailedCreate")
            assert "exceeded quota: two, requested: pods=1, used: pods=2, limited: pods=2" in told["message"]
            assert len(work.pods("exceeding")) == 2
            work.rest.patch(path, {"spec": {"replicas": 2}})
            eventually(lambda: failure() is None, "it is not told any more")
            work.rest.ok("DELETE", path)
            work.rest.gone(path)
