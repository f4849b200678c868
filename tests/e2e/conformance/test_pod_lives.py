"""Pods as clients see them: found, watched, changed, told of their surroundings, and ended."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from harness import Cluster, eventually
from rest import STRATEGIC_PATCH, Rest
from workloads import NEWER_IMAGE, Workloads, changed


@pytest.fixture(scope="module")
def work(cluster: Cluster) -> Iterator[Workloads]:
    with cluster.namespace("pod-lives") as name:
        yield Workloads(Rest(cluster), name)


@pytest.mark.conformance("Pods, lifecycle")
def test_a_pod_is_watched_from_its_beginning_to_its_end(work: Workloads) -> None:
    selected = f"{work.all_pods}?labelSelector=app%3Dwatched"
    since = work.rest.ok("GET", selected)["metadata"]["resourceVersion"]
    with work.rest.watch(f"{selected}&resourceVersion={since}") as watched:
        work.pod("watched")
        assert [pod["metadata"]["name"] for pod in work.pods("watched")] == ["watched"]
        watched.until(lambda events: bool(events) and events[0]["type"] == "ADDED", "its beginning is seen")
        work.all_running("watched", 1)
        work.rest.ok("DELETE", f"{work.all_pods}/watched")
        ended = watched.until(lambda events: events[-1]["type"] == "DELETED", "its end is seen")
    assert ended[-1]["object"]["metadata"]["deletionTimestamp"]
    marked = [e for e in ended if e["type"] == "MODIFIED" and e["object"]["metadata"].get("deletionTimestamp")]
    assert marked
    assert work.pods("watched") == []


@pytest.mark.conformance("Pods, update")
def test_a_label_is_updated(work: Workloads) -> None:
    work.pod("labelled")
    work.all_running("labelled", 1)
    changed(work.rest, f"{work.all_pods}/labelled", lambda pod: pod["metadata"]["labels"].update(app="relabelled"))
    assert [pod["metadata"]["name"] for pod in work.pods("relabelled")] == ["labelled"]
    assert work.pods("labelled") == []


@pytest.mark.conformance("Pods, ActiveDeadlineSeconds")
def test_a_deadline_given_later_ends_a_pod(work: Workloads) -> None:
    work.pod("limited")
    work.all_running("limited", 1)
    path = f"{work.all_pods}/limited"
    changed(work.rest, path, lambda pod: pod["spec"].update(activeDeadlineSeconds=2))
    eventually(lambda: work.rest.ok("GET", path)["status"]["phase"] == "Failed", "it has ended")
    assert work.rest.ok("GET", path)["status"]["reason"] == "DeadlineExceeded"


@pytest.mark.conformance("Pods, service environment variables")
def test_services_that_were_there_before_are_in_the_environment(cluster: Cluster, work: Workloads) -> None:
    work.pod("server")
    work.all_running("server", 1)
    spec = {"selector": {"app": "server"}, "ports": [{"port": 8765, "targetPort": 8080}]}
    made = work.rest.ok("POST", work.services, {"metadata": {"name": "fooservice"}, "spec": spec})
    address = made["spec"]["clusterIP"]
    told = {
        "FOOSERVICE_SERVICE_HOST": address,
        "FOOSERVICE_SERVICE_PORT": "8765",
        "FOOSERVICE_PORT": f"tcp://{address}:8765",
        "FOOSERVICE_PORT_8765_TCP_PORT": "8765",
        "FOOSERVICE_PORT_8765_TCP_PROTO": "tcp",
        "FOOSERVICE_PORT_8765_TCP": f"tcp://{address}:8765",
        "FOOSERVICE_PORT_8765_TCP_ADDR": address,
    }

    def surroundings() -> bool:
        """A kubelet may not know of a Service yet that was made a moment ago: then another pod is made."""
        work.pod("client")
        work.all_running("client", 1)
        lines = cluster.kubectl("exec", "client", "-n", work.namespace, "--", "env").splitlines()
        work.rest.ok("DELETE", f"{work.all_pods}/client")
        work.no_pods("client")
        return dict(line.split("=", 1) for line in lines if "=" in line).items() >= told.items()

    eventually(surroundings, "the Service is in the environment")


@pytest.mark.conformance("Pods, delete a collection")
def test_a_collection_is_deleted(work: Workloads) -> None:
    for number in range(3):
        work.pod(f"collected-{number}", app="collected")
    assert len(work.pods("collected")) == 3
    work.rest.ok("DELETE", f"{work.all_pods}?labelSelector=app%3Dcollected")
    work.no_pods("collected")


@pytest.mark.conformance("Pods, assigned hostip")
def test_a_pod_has_its_hosts_address(cluster: Cluster, work: Workloads) -> None:
    work.pod("hosted")
    [pod] = work.all_running("hosted", 1)
    assert ip_address(pod["status"]["hostIP"]) == ip_address(cluster.node_ip)


@pytest.mark.conformance("Pods, patching status")
def test_a_status_is_patched(work: Workloads) -> None:
    work.pod("told")
    work.all_running("told", 1)
    told = {"message": "Patched by a test", "reason": "Test"}
    patch = {"metadata": {"labels": {"patched": "yes"}}, "status": told}
    patched = work.rest.patch(f"{work.all_pods}/told/status", patch)
    assert patched["status"].items() >= told.items()


@pytest.mark.conformance("Pods, completes the lifecycle of a Pod and the PodStatus")
def test_a_pod_and_its_status_are_changed(work: Workloads) -> None:
    path = f"{work.all_pods}/lived"
    everywhere = "/api/v1/pods?labelSelector=app%3Dlived"
    with work.rest.watch(everywhere) as watched:
        work.pod("lived")
        work.all_running("lived", 1)
        patch = {
            "metadata": {"labels": {"patched": "yes"}},
            "spec": {"containers": [{"name": "c", "image": NEWER_IMAGE}]},
        }
        patched = work.rest.patch(path, patch, STRATEGIC_PATCH)
        assert patched["metadata"]["labels"] == {"app": "lived", "patched": "yes"}
        assert patched["spec"]["containers"][0]["image"] == NEWER_IMAGE

        def not_ready(pod: dict) -> None:
            conditions = [one for one in pod["status"]["conditions"] if one["type"] != "Ready"]
            pod["status"]["conditions"] = [*conditions, {"type": "Ready", "status": "False"}]

        replaced = changed(work.rest, f"{path}/status", not_ready)
        assert {one["type"]: one["status"] for one in replaced["status"]["conditions"]}["Ready"] == "False"
        assert work.rest.ok("GET", f"{path}/status")["metadata"]["uid"] == patched["metadata"]["uid"]
        work.rest.ok("DELETE", f"{work.all_pods}?labelSelector=patched%3Dyes")
        watched.until(lambda events: events[-1]["type"] == "DELETED", "its end is seen")
    assert watched.types()[0] == "ADDED"
    assert work.rest.ok("GET", everywhere)["items"] == []
