"""DaemonSets: which nodes they run on, how they are rolled out and back, their status and their revisions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import pytest
from harness import Cluster, eventually
from rest import Rest
from workloads import IMAGE, NEWER_IMAGE, NO_IMAGE, Workloads, changed, has_status, pod_spec

HASH = "controller-revision-hash"
IMAGINED = "zz-imagined"
"""Of a name that comes last: nodes are rolled out in the order of their names."""


@pytest.fixture(scope="module")
def work(cluster: Cluster) -> Iterator[Workloads]:
    with cluster.namespace("daemons") as name:
        yield Workloads(Rest(cluster), name)


def path_of(work: Workloads, name: str = "") -> str:
    return f"/apis/apps/v1/namespaces/{work.namespace}/daemonsets" + (f"/{name}" if name else "")


def daemon_set(work: Workloads, name: str, **more: Any) -> Any:
    """Creates a DaemonSet whose pods have its name as their label."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {**pod_spec(), **more}}
    spec = {"selector": {"matchLabels": {"app": name}}, "template": template}
    body = {"metadata": {"name": name, "labels": {"app": name}}, "spec": spec}
    return work.rest.ok("POST", path_of(work), body)


def image_is(image: str) -> Any:
    return lambda found: found["spec"]["template"]["spec"]["containers"][0].update(image=image)


def remove(work: Workloads, name: str) -> None:
    work.rest.ok("DELETE", path_of(work, name))
    work.no_pods(name)


def is_rolled_out(work: Workloads, name: str, nodes: int) -> Any:
    """The DaemonSet, once so many nodes have an available pod of its newest template."""

    def complete() -> Any:
        found = work.rest.ok("GET", path_of(work, name))
        status, fields = found["status"], ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")
        if status.get("observedGeneration") != found["metadata"]["generation"]:
            return None
        return found if all(status.get(field, 0) == nodes for field in fields) else None

    return eventually(complete, f"{name} is rolled out")


def revisions(work: Workloads, name: str) -> list[Any]:
    path = f"/apis/apps/v1/namespaces/{work.namespace}/controllerrevisions?labelSelector=app%3D{name}"
    return sorted(work.rest.ok("GET", path)["items"], key=lambda one: int(one["revision"]))


@contextmanager
def imagined_node(work: Workloads) -> Iterator[None]:
    """A node that nobody looks after; it says that it is ready."""
    ready = {"type": "Ready", "status": "True", "reason": "Imagined", "message": "said by a test"}
    room = {"cpu": "4", "memory": "4Gi", "pods": "110"}
    status = {"conditions": [ready], "capacity": room, "allocatable": room}
    work.rest.ok("POST", "/api/v1/nodes", {"metadata": {"name": IMAGINED}, "status": status})
    try:
        yield
    finally:
        work.rest.ok("DELETE", f"/api/v1/nodes/{IMAGINED}")
        for pod in work.rest.ok("GET", f"/api/v1/pods?fieldSelector=spec.nodeName%3D{IMAGINED}")["items"]:
            meta = pod["metadata"]
            work.rest("DELETE", f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}?gracePeriodSeconds=0")


class TestPlacement:
    @pytest.mark.conformance("DaemonSet-Creation")
    def test_a_deleted_pod_is_replaced(self, work: Workloads) -> None:
        daemon_set(work, "simple")
        [pod] = work.all_running("simple", 1)
        assert pod["metadata"]["ownerReferences"][0]["kind"] == "DaemonSet"
        work.rest.ok("DELETE", f"{work.all_pods}/{pod['metadata']['name']}")
        eventually(lambda: uids(work.running("simple")) - {pod["metadata"]["uid"]}, "another pod runs")
        remove(work, "simple")

    @pytest.mark.conformance("DaemonSet-FailedPodCreation")
    def test_a_failed_pod_is_replaced(self, work: Workloads) -> None:
        daemon_set(work, "failing")
        [pod] = work.all_running("failing", 1)
        work.rest.patch(f"{work.all_pods}/{pod['metadata']['name']}/status", {"status": {"phase": "Failed"}})
        eventually(lambda: uids(work.running("failing")) - {pod["metadata"]["uid"]}, "another pod runs")
        eventually(lambda: pod["metadata"]["uid"] not in uids(work.pods("failing")), "the failed pod is gone")
        remove(work, "failing")

    @pytest.mark.conformance("DaemonSet-NodeSelection")
    def test_nodes_are_selected_by_their_labels(self, work: Workloads) -> None:
        [node] = [one["metadata"]["name"] for one in work.rest.ok("GET", "/api/v1/nodes")["items"]]

        def paint(color: str | None) -> None:
            work.rest.patch(f"/api/v1/nodes/{node}", {"metadata": {"labels": {"color": color}}})

        def select(found: dict[str, Any]) -> None:
            found["spec"]["template"]["spec"]["nodeSelector"] = {"color": "green"}
            found["spec"]["updateStrategy"] = {"type": "RollingUpdate"}

        daemon_set(work, "choosy", nodeSelector={"color": "blue"})
        eventually(
            lambda: work.rest.ok("GET", path_of(work, "choosy"))["status"].get("observedGeneration"), "it is seen"
        )
        assert work.pods("choosy") == []
        paint("blue")
        work.all_running("choosy", 1)
        paint("green")
        work.no_pods("choosy")
        changed(work.rest, path_of(work, "choosy"), select)
        work.all_running("choosy", 1)
        remove(work, "choosy")
        paint(None)

    def test_a_new_node_gets_a_pod_that_the_scheduler_binds(self, work: Workloads) -> None:
        daemon_set(work, "everywhere")
        work.all_running("everywhere", 1)
        with imagined_node(work):
            bound = eventually(
                lambda: [pod for pod in work.pods("everywhere") if pod["spec"].get("nodeName") == IMAGINED],
                "the new node has a pod",
            )
            assert len(bound) == 1
            status = work.rest.ok("GET", path_of(work, "everywhere"))["status"]
            assert status["desiredNumberScheduled"] == 2
        is_rolled_out(work, "everywhere", 1)
        remove(work, "everywhere")


class TestRollout:
    @pytest.mark.conformance("DaemonSet-RollingUpdate")
    def test_pods_are_renewed(self, work: Workloads, cluster: Cluster) -> None:
        daemon_set(work, "rolled")
        first = is_rolled_out(work, "rolled", 1)
        assert [one["revision"] for one in revisions(work, "rolled")] == [1]
        changed(work.rest, path_of(work, "rolled"), image_is(NEWER_IMAGE))
        cluster.kubectl("-n", work.namespace, "rollout", "status", "daemonset/rolled", "--timeout=60s")
        [pod] = work.all_running("rolled", 1)
        assert pod["spec"]["containers"][0]["image"] == NEWER_IMAGE
        first_revision, second_revision = revisions(work, "rolled")
        assert (first_revision["revision"], second_revision["revision"]) == (1, 2)
        assert pod["metadata"]["labels"][HASH] == second_revision["metadata"]["labels"][HASH]
        assert first["metadata"]["uid"] == second_revision["metadata"]["ownerReferences"][0]["uid"]
        remove(work, "rolled")

    @pytest.mark.conformance("DaemonSet-Rollback")
    def test_a_rollback_restarts_only_what_was_renewed(self, work: Workloads, cluster: Cluster) -> None:
        def kubectl(*words: str) -> str:
            return cluster.kubectl("-n", work.namespace, "rollout", *words)

        with imagined_node(work):
            daemon_set(work, "undone")
            [there] = eventually(
                lambda: [pod for pod in work.pods("undone") if pod["spec"].get("nodeName") == IMAGINED],
                "the imagined node has a pod",
            )
            status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
            work.rest.patch(f"{work.all_pods}/{there['metadata']['name']}/status", {"status": status})
            is_rolled_out(work, "undone", 2)
            changed(work.rest, path_of(work, "undone"), image_is(NO_IMAGE))
            eventually(
                lambda: [pod for pod in work.pods("undone") if pod["spec"]["containers"][0]["image"] == NO_IMAGE],
                "a pod of an image that there is not",
            )
            assert there["metadata"]["uid"] in uids(work.running("undone"))
            assert "1" in kubectl("history", "daemonset/undone")
            kubectl("undo", "daemonset/undone")
            is_rolled_out(work, "undone", 2)
            pods = work.running("undone")
            assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {IMAGE}
            [kept] = [pod for pod in pods if pod["metadata"]["uid"] == there["metadata"]["uid"]]
            assert all(not one.get("restartCount") for one in kept["status"].get("containerStatuses") or [])
            assert [one["revision"] for one in revisions(work, "undone")] == [2, 3]
            work.rest.ok("DELETE", path_of(work, "undone"))
        work.no_pods("undone")


class TestResource:
    @pytest.mark.conformance("DaemonSet, list and delete a collection of DaemonSets")
    def test_a_collection_is_listed_and_deleted(self, work: Workloads) -> None:
        daemon_set(work, "collected")
        is_rolled_out(work, "collected", 1)
        everywhere = "/apis/apps/v1/daemonsets?labelSelector=app%3Dcollected"
        assert len(work.rest.ok("GET", everywhere)["items"]) == 1
        work.rest.ok("DELETE", f"{path_of(work)}?labelSelector=app%3Dcollected")
        eventually(lambda: work.rest.ok("GET", everywhere)["items"] == [], "the collection is gone")
        work.no_pods("collected")

    @pytest.mark.conformance("ControllerRevision, resource lifecycle")
    def test_the_life_of_a_revision(self, work: Workloads) -> None:
        path = f"/apis/apps/v1/namespaces/{work.namespace}/controllerrevisions"
        daemon_set(work, "revised")
        is_rolled_out(work, "revised", 1)
        [initial] = revisions(work, "revised")
        named = f"{path}/{initial['metadata']['name']}"
        work.rest.patch(named, {"metadata": {"labels": {"patched": "yes"}}})
        assert work.rest.ok("GET", named)["metadata"]["labels"]["patched"] == "yes"
        second = deepcopy(initial)
        labels = {**initial["metadata"]["labels"], HASH: "second"}
        owners = initial["metadata"]["ownerReferences"]
        second["metadata"] = {"name": "revised-second", "labels": labels, "ownerReferences": owners}
        work.rest.ok("POST", path, {**second, "revision": 2})
        assert len(revisions(work, "revised")) == 2
        work.rest.ok("DELETE", named)
        eventually(lambda: len(revisions(work, "revised")) == 1, "one revision is left")
        changed(work.rest, f"{path}/revised-second", lambda one: one["metadata"]["labels"].update(updated="yes"))
        assert work.rest.ok("GET", f"{path}/revised-second")["metadata"]["labels"]["updated"] == "yes"
        changed(work.rest, path_of(work, "revised"), image_is(NEWER_IMAGE))
        eventually(lambda: len(revisions(work, "revised")) == 2, "the change has a revision of its own")
        work.rest.ok("DELETE", f"{path}?labelSelector=app%3Drevised,updated%3Dyes")
        eventually(lambda: len(revisions(work, "revised")) == 1, "the newest revision is left")
        assert revisions(work, "revised")[0]["revision"] == 3
        remove(work, "revised")

    @pytest.mark.conformance("DaemonSet, status sub-resource")
    def test_its_status(self, work: Workloads) -> None:
        daemon_set(work, "told")
        is_rolled_out(work, "told", 1)
        has_status(work, path_of(work, "told"))


def uids(pods: list[dict[str, Any]]) -> set[str]:
    return {pod["metadata"]["uid"] for pod in pods}
