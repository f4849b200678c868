"""Stateful sets: pods with names of their own, started, stopped and replaced in order; their claims and history."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from harness import Cluster, eventually
from rest import Rest
from workloads import IMAGE, NEWER_IMAGE, Workloads, changed, has_status, pod_spec, scales

PROBE = {"exec": {"command": ["test", "!", "-e", "/tmp/broken"]}, "periodSeconds": 1, "failureThreshold": 1}
HALT_SECONDS = 1.5
"""So long nothing may happen where pods are to wait for an unhealthy one."""


class Sets(Workloads):
    """A namespace's stateful sets."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        super().__init__(Rest(cluster), namespace)
        self.cluster = cluster
        self.stateful_sets = f"/apis/apps/v1/namespaces/{namespace}/statefulsets"
        self.revisions = f"/apis/apps/v1/namespaces/{namespace}/controllerrevisions"

    def create(self, name: str, replicas: int, pod: dict[str, Any] | None = None, **spec: Any) -> str:
        """Creates a stateful set; its path."""
        template = {"metadata": {"labels": {"app": name}}, "spec": pod or pod_spec(readinessProbe=PROBE)}
        selector = {"matchLabels": {"app": name}}
        body = {
            "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"replicas": replicas, "selector": selector, "template": template, **spec},
        }
        self.rest.ok("POST", self.stateful_sets, body)
        return f"{self.stateful_sets}/{name}"

    def scale(self, path: str, replicas: int) -> None:
        """Asks for so many replicas."""
        self.rest.patch(f"{path}/scale", {"spec": {"replicas": replicas}})

    def ready(self, path: str, replicas: int) -> Any:
        """The set, once so many pods are there and ready."""

        def told() -> Any:
            found = self.rest.ok("GET", path)
            status = found["status"]
            counts = (status["replicas"], status.get("readyReplicas", 0))
            seen = status.get("observedGeneration") == found["metadata"]["generation"]
            return counts == (replicas, replicas) and seen and found

        return eventually(told, f"{replicas} of {path} are ready")

    def unready(self, path: str) -> None:
        """Returns when no pod is ready."""
        eventually(lambda: not self.rest.ok("GET", path)["status"].get("readyReplicas"), f"none of {path} is ready")

    def names(self, app: str) -> list[str]:
        """The names of the pods, sorted."""
        return sorted(pod["metadata"]["name"] for pod in self.pods(app))

    def uids(self, app: str) -> dict[str, str]:
        """The pods' uids by name."""
        return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in self.pods(app)}

    def images(self, app: str) -> list[str]:
        """The images of the pods, by ordinal."""
        pods = sorted(self.pods(app), key=lambda pod: str(pod["metadata"]["name"]))
        return [pod["spec"]["containers"][0]["image"] for pod in pods]

    def inside(self, pod: str, *command: str) -> str:
        """What a command in a pod prints."""
        return self.cluster.kubectl("exec", pod, "-n", self.namespace, "--", *command)

    def break_pods(self, *names: str) -> None:
        """Makes pods unready."""
        for name in names:
            self.inside(name, "touch", "/tmp/broken")

    def mend_pods(self, *names: str) -> None:
        """Makes them ready again."""
        for name in names:
            self.inside(name, "rm", "/tmp/broken")

    def stays(self, app: str, names: list[str]) -> None:
        """Nothing comes and nothing goes for a while."""
        deadline = time.monotonic() + HALT_SECONDS
        while time.monotonic() < deadline:
            pods = self.pods(app)
            assert sorted(pod["metadata"]["name"] for pod in pods) == names
            assert not [pod for pod in pods if pod["metadata"].get("deletionTimestamp")]
            time.sleep(0.2)

    def rolled(self, path: str, images: list[str]) -> Any:
        """The set, once its pods are ready and run these images."""
        app = path.rpartition("/")[2]
        eventually(lambda: self.images(app) == images, f"{app} runs {images}")
        return self.ready(path, len(images))

    def with_image(self, path: str, image: str) -> None:
        """Changes the template."""
        changed(self.rest, path, lambda found: found["spec"]["template"]["spec"]["containers"][0].update(image=image))


@pytest.fixture(scope="module")
def work(cluster: Cluster) -> Iterator[Sets]:
    with cluster.namespace("stateful-sets") as name:
        yield Sets(cluster, name)


@pytest.mark.conformance("StatefulSet, Scaling")
def test_pods_come_and_go_in_order_and_wait_for_an_unhealthy_one(work: Sets) -> None:
    path = work.create("ordered", 1)
    work.ready(path, 1)
    with work.rest.watch(f"{work.all_pods}?labelSelector=app%3Dordered") as watched:
        work.break_pods("ordered-0")
        work.unready(path)
        work.scale(path, 3)
        work.stays("ordered", ["ordered-0"])
        work.mend_pods("ordered-0")
        work.ready(path, 3)
        work.break_pods("ordered-0", "ordered-1", "ordered-2")
        work.unready(path)
        work.scale(path, 0)
        work.stays("ordered", ["ordered-0", "ordered-1", "ordered-2"])
        work.mend_pods("ordered-0", "ordered-1", "ordered-2")
        work.no_pods("ordered")
        watched.until(lambda events: len(_of(events, "DELETED")) == 3, "each end is seen")
    assert _of(watched.events, "ADDED") == ["ordered-0", "ordered-1", "ordered-2"]
    assert _of(watched.events, "DELETED") == ["ordered-2", "ordered-1", "ordered-0"]
    work.rest.ok("DELETE", path)


def _of(events: list[dict[str, Any]], event_type: str) -> list[str]:
    return [event["object"]["metadata"]["name"] for event in events if event["type"] == event_type]


@pytest.mark.conformance("StatefulSet, Burst Scaling")
def test_parallel_pods_do_not_wait_for_unhealthy_ones(work: Sets) -> None:
    path = work.create("burst", 1, podManagementPolicy="Parallel")
    work.ready(path, 1)
    work.break_pods("burst-0")
    work.unready(path)
    work.scale(path, 3)
    eventually(lambda: len(work.running("burst")) == 3, "all three run")
    work.break_pods("burst-1", "burst-2")
    work.unready(path)
    work.scale(path, 0)
    work.no_pods("burst")
    eventually(lambda: work.rest.ok("GET", path)["status"]["replicas"] == 0, "none is counted")
    work.rest.ok("DELETE", path)


@pytest.mark.conformance("StatefulSet, Recreate Failed Pod")
def test_a_pod_that_the_node_rejects_is_made_again_until_it_runs(work: Sets) -> None:
    [node] = work.rest.ok("GET", "/api/v1/nodes")["items"]
    most = f"{int(_milli(node['status']['allocatable']['cpu']) * 0.6)}m"
    greedy = pod_spec(resources={"requests": {"cpu": most}})
    greedy["nodeName"] = node["metadata"]["name"]
    work.rest.ok("POST", work.all_pods, {"metadata": {"name": "in-the-way", "labels": {"app": "way"}}, "spec": greedy})
    work.all_running("way", 1)
    with work.rest.watch(f"{work.all_pods}?labelSelector=app%3Drejected") as watched:
        path = work.create("rejected", 1, greedy)

        def failed_and_replaced(events: list[dict[str, Any]]) -> bool:
            failed = {
                event["object"]["metadata"]["uid"]
                for event in events
                if event["object"]["status"].get("phase") == "Failed"
            }
            return bool(failed) and len({event["object"]["metadata"]["uid"] for event in events} - failed) > 0

        watched.until(failed_and_replaced, "a rejected pod is deleted and another made")
        assert "DELETED" in watched.types()
    work.rest.ok("DELETE", f"{work.all_pods}/in-the-way")
    work.ready(path, 1)
    work.rest.ok("DELETE", path)


def _milli(quantity: str) -> int:
    return int(quantity[:-1]) if quantity.endswith("m") else int(quantity) * 1000


@pytest.mark.conformance("StatefulSet resource Replica scaling")
def test_its_scale(work: Sets) -> None:
    path = work.create("scaled", 1, podManagementPolicy="Parallel")
    work.ready(path, 1)
    scales(work, path)
    work.ready(path, 4)
    work.rest.ok("DELETE", path)


@pytest.mark.conformance("StatefulSet, list, patch and delete a collection of StatefulSets")
def test_a_collection(work: Sets) -> None:
    path = work.create("collected", 1)
    work.ready(path, 1)
    everywhere = "/apis/apps/v1/statefulsets?labelSelector=app%3Dcollected"
    assert [item["metadata"]["name"] for item in work.rest.ok("GET", everywhere)["items"]] == ["collected"]
    template = {"spec": {"containers": [{"name": "c", "image": NEWER_IMAGE}]}}
    patch = {"metadata": {"labels": {"patched": "yes"}}, "spec": {"replicas": 2, "template": template}}
    assert work.rest.patch(path, patch)["spec"]["replicas"] == 2
    work.rolled(path, [NEWER_IMAGE, NEWER_IMAGE])
    assert work.rest.ok("GET", path)["metadata"]["labels"]["patched"] == "yes"
    work.rest.ok("DELETE", f"{work.stateful_sets}?labelSelector=app%3Dcollected")
    eventually(lambda: not work.rest.ok("GET", everywhere)["items"], "the collection is gone")
    work.no_pods("collected")


@pytest.mark.conformance("StatefulSet, Rolling Update with Partition")
def test_canaries_and_phases(work: Sets) -> None:
    path = work.create("phased", 3, podManagementPolicy="Parallel")
    first = work.ready(path, 3)["status"]["currentRevision"]
    partitioned(work, path, 3)
    work.with_image(path, NEWER_IMAGE)
    found = eventually(lambda: _updating(work, path), "there is a new revision")
    assert found["status"]["currentRevision"] == first
    work.stays("phased", ["phased-0", "phased-1", "phased-2"])
    assert work.images("phased") == [IMAGE] * 3
    partitioned(work, path, 2)
    work.rolled(path, [IMAGE, IMAGE, NEWER_IMAGE])
    for name in ("phased-2", "phased-0"):
        before = work.uids("phased")[name]
        work.rest.ok("DELETE", f"{work.all_pods}/{name}")
        eventually(lambda of=name, old=before: work.uids("phased").get(of, old) != old, f"{name} is made again")
    work.rolled(path, [IMAGE, IMAGE, NEWER_IMAGE])
    revisions = {
        pod["metadata"]["name"]: pod["metadata"]["labels"]["controller-revision-hash"] for pod in work.pods("phased")
    }
    second = found["status"]["updateRevision"]
    assert revisions == {"phased-0": first, "phased-1": first, "phased-2": second}
    for partition in (1, 0):
        partitioned(work, path, partition)
        work.rolled(path, [IMAGE] * partition + [NEWER_IMAGE] * (3 - partition))
    eventually(lambda: work.rest.ok("GET", path)["status"]["currentRevision"] == second, "the update is complete")
    work.rest.ok("DELETE", path)


def partitioned(work: Sets, path: str, partition: int) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}
    work.rest.patch(path, {"spec": {"updateStrategy": strategy}})


def _updating(work: Sets, path: str) -> Any:
    found = work.rest.ok("GET", path)
    return found["status"]["updateRevision"] != found["status"]["currentRevision"] and found


@pytest.mark.conformance("StatefulSet, Rolling Update")
def test_rolling_out_and_back(work: Sets, cluster: Cluster) -> None:
    path = work.create("rolled", 3, podManagementPolicy="Parallel")
    status = work.ready(path, 3)["status"]
    first = status["currentRevision"]
    assert status["updateRevision"] == first
    with work.rest.watch(f"{work.all_pods}?labelSelector=app%3Drolled") as watched:
        work.with_image(path, NEWER_IMAGE)
        status = eventually(lambda: _updating(work, path), "the update has begun")["status"]
        assert (status["currentRevision"], status["updateRevision"] != first) == (first, True)
        cluster.kubectl("rollout", "status", "statefulset/rolled", "-n", work.namespace, "--timeout=60s")
        work.rolled(path, [NEWER_IMAGE] * 3)
    assert _of(watched.events, "DELETED") == ["rolled-2", "rolled-1", "rolled-0"]
    status = work.rest.ok("GET", path)["status"]
    assert status["currentRevision"] == status["updateRevision"] != first
    history = cluster.kubectl("rollout", "history", "statefulset/rolled", "-n", work.namespace)
    assert [line.split()[0] for line in history.splitlines()[2:] if line] == ["1", "2"]
    cluster.kubectl("rollout", "undo", "statefulset/rolled", "-n", work.namespace)
    work.rolled(path, [IMAGE] * 3)
    eventually(lambda: work.rest.ok("GET", path)["status"]["currentRevision"] == first, "the first revision is back")
    kept = work.rest.ok("GET", f"{work.revisions}?labelSelector=app%3Drolled")["items"]
    assert sorted((item["revision"], item["metadata"]["name"] == first) for item in kept) == [(2, False), (3, True)]
    work.rest.ok("DELETE", path)


@pytest.mark.conformance("StatefulSet, status sub-resource")
def test_its_status(work: Sets) -> None:
    path = work.create("told", 1)
    work.ready(path, 1)
    has_status(work, path)
    work.rest.ok("DELETE", path)


def test_each_pod_has_its_name_in_the_dns(work: Sets) -> None:
    service = {"clusterIP": "None", "selector": {"app": "dns"}, "ports": [{"port": 8080}]}
    work.rest.ok("POST", work.services, {"metadata": {"name": "dns"}, "spec": service})
    spec = pod_spec(command=["sh", "-c", "hostname >/www/index.html; exec serve"])
    path = work.create("dns", 2, spec, serviceName="dns", podManagementPolicy="Parallel")
    work.ready(path, 2)
    for asked, other in (("dns-0", "dns-1"), ("dns-1", "dns-0")):
        url = f"http://{other}.dns.{work.namespace}.svc.cluster.local:8080/"
        answer = eventually(lambda of=asked, at=url: work.inside(of, "wget", "-qO-", at), f"{other} answers {asked}")
        assert answer.strip() == other
    work.rest.ok("DELETE", path)


def test_a_claim_outlives_its_pod_unless_it_is_to_go_with_it(work: Sets) -> None:
    template = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    path = work.create("claiming", 1, volumeClaimTemplates=[template])
    claim = f"/api/v1/namespaces/{work.namespace}/persistentvolumeclaims/data-claiming-0"
    made = eventually(lambda: work.rest("GET", claim).status_code == 200 and work.rest.ok("GET", claim), "its claim")
    assert made["metadata"]["labels"] == {"app": "claiming"}
    before = eventually(lambda: work.uids("claiming").get("claiming-0"), "its pod")
    work.rest.ok("DELETE", f"{work.all_pods}/claiming-0")
    eventually(lambda: work.uids("claiming").get("claiming-0", before) != before, "another of the name")
    [pod] = work.pods("claiming")
    assert pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] == "data-claiming-0"
    assert work.rest.ok("GET", claim)["metadata"]["uid"] == made["metadata"]["uid"]
    work.scale(path, 0)
    work.no_pods("claiming")
    assert work.rest.ok("GET", claim)["metadata"]["uid"] == made["metadata"]["uid"]
    policy = {"whenDeleted": "Delete", "whenScaled": "Delete"}
    work.rest.patch(path, {"spec": {"replicas": 1, "persistentVolumeClaimRetentionPolicy": policy}})
    eventually(lambda: work.rest.ok("GET", claim)["metadata"].get("ownerReferences"), "the claim goes with the set")
    work.scale(path, 0)
    work.rest.gone(claim)
    work.rest.ok("DELETE", path)
