"""Where pods may run, and for how long: resources, labels, ports and taints of the node."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import pytest
from harness import Cluster, eventually, free_ports
from rest import MERGE_PATCH, Rest
from workloads import Workloads, changed, pod_spec

LABEL = "example.com/e2e"


class Scheduled(Workloads):
    """A namespace's pods, and the one node."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        super().__init__(Rest(cluster), namespace)
        [node] = self.rest.ok("GET", "/api/v1/nodes")["items"]
        self.node = node["metadata"]["name"]
        self.node_path = f"/api/v1/nodes/{self.node}"
        self.node_ip = cluster.node_ip

    def bound(self, name: str) -> Any:
        """Returns when the pod is bound to the node."""
        path = f"{self.all_pods}/{name}"
        eventually(lambda: self.rest.ok("GET", path)["spec"].get("nodeName") == self.node, f"{name} is bound")

    def not_bound(self, name: str, why: str) -> None:
        """Returns when the scheduler has said why the pod can go nowhere, and the pod has not gone."""
        path = f"{self.all_pods}/{name}"

        def unschedulable() -> Any:
            conditions = self.rest.ok("GET", path)["status"].get("conditions") or []
            return next((one for one in conditions if one["type"] == "PodScheduled"), None)

        told = eventually(unschedulable, f"the scheduler looked at {name}")
        assert (told["status"], told["reason"]) == ("False", "Unschedulable")
        assert why in told["message"]
        time.sleep(1)
        found = self.rest.ok("GET", path)
        assert "nodeName" not in found["spec"]
        assert found["status"]["phase"] == "Pending"

    @contextlib.contextmanager
    def tainted(self) -> Iterator[dict[str, str]]:
        """The node has a taint that evicts, until the block ends or :meth:`untaint` is called."""
        taint = {"key": LABEL, "value": "evict", "effect": "NoExecute"}
        changed(self.rest, self.node_path, lambda node: node["spec"].setdefault("taints", []).append(taint))
        try:
            yield taint
        finally:
            self.untaint()

    def untaint(self) -> None:
        """The node has the taint no more."""

        def without(node: dict[str, Any]) -> None:
            node["spec"]["taints"] = [one for one in node["spec"].get("taints") or [] if one["key"] != LABEL]

        changed(self.rest, self.node_path, without)

    def tolerating(self, name: str, seconds: int) -> Any:
        """Creates a pod that bears the taint for so long, and waits until it runs."""
        toleration = {"key": LABEL, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}
        made = self.pod(name, tolerations=[toleration])
        self.all_running(name, 1)
        return made


@pytest.fixture(scope="module")
def on(cluster: Cluster) -> Iterator[Scheduled]:
    with cluster.namespace("scheduling") as name:
        yield Scheduled(cluster, name)


def cpus(quantity: str) -> float:
    return float(quantity.removesuffix("m")) / (1000 if quantity.endswith("m") else 1)


class TestPredicates:
    @pytest.mark.conformance("Scheduler, resource limits")
    def test_no_more_is_asked_of_a_node_than_it_has(self, on: Scheduled) -> None:
        allocatable = cpus(on.rest.ok("GET", on.node_path)["status"]["allocatable"]["cpu"])
        pods = on.rest.ok("GET", "/api/v1/pods")["items"]
        containers = [container for pod in pods for container in pod["spec"]["containers"]]
        taken = sum(cpus(c.get("resources", {}).get("requests", {}).get("cpu", "0")) for c in containers)

        def asking(name: str, share: float) -> None:
            requests = {"cpu": f"{int((allocatable - taken) * share * 1000)}m"}
            on.pod(name, containers=[{**pod_spec()["containers"][0], "resources": {"requests": requests}}])

        asking("filler", 0.7)
        on.bound("filler")
        asking("additional", 0.5)
        on.not_bound("additional", "Insufficient cpu")
        on.rest.ok("DELETE", f"{on.all_pods}/filler")
        on.bound("additional")
        on.rest.ok("DELETE", f"{on.all_pods}/additional")

    @pytest.mark.conformance("Scheduler, node selector not matching")
    def test_a_label_that_no_node_has(self, on: Scheduled) -> None:
        on.pod("selecting-none", nodeSelector={LABEL: "nonempty"})
        on.not_bound("selecting-none", "didn't match Pod's node affinity/selector")
        on.rest.ok("DELETE", f"{on.all_pods}/selecting-none")

    @pytest.mark.conformance("Scheduler, node selector matching")
    def test_a_label_that_the_node_has(self, on: Scheduled) -> None:
        on.rest.patch(on.node_path, {"metadata": {"labels": {LABEL: "42"}}})
        try:
            on.pod("selecting", nodeSelector={LABEL: "42"})
            on.bound("selecting")
            on.all_running("selecting", 1)
        finally:
            on.rest.patch(on.node_path, {"metadata": {"labels": {LABEL: None}}})

    @pytest.mark.conformance(
        "Scheduling, HostPort and Protocol match, HostIPs different but one is default HostIP (0.0.0.0)"
    )
    def test_a_host_port_on_all_addresses_and_on_one(self, on: Scheduled) -> None:
        [port] = free_ports(1)

        def taking(name: str, address: str) -> None:
            ports = [{"containerPort": 8080, "hostPort": port, "protocol": "TCP", "hostIP": address}]
            on.pod(name, containers=[{**pod_spec()["containers"][0], "ports": ports}])

        taking("everywhere", "0.0.0.0")
        on.bound("everywhere")
        on.all_running("everywhere", 1)
        taking("somewhere", on.node_ip)
        on.not_bound("somewhere", "didn't have free ports for the requested pod ports")
        for name in ("everywhere", "somewhere"):
            on.rest.ok("DELETE", f"{on.all_pods}/{name}")


class TestTaints:
    @pytest.mark.conformance("Taint, Pod Eviction on taint removal")
    def test_a_taint_that_is_lifted_in_time_evicts_nobody(self, on: Scheduled) -> None:
        before = on.tolerating("borne", 6)
        with on.tainted():
            time.sleep(2)
            assert not on.rest.ok("GET", f"{on.all_pods}/borne")["metadata"].get("deletionTimestamp")
        time.sleep(8)
        after = on.rest.ok("GET", f"{on.all_pods}/borne")["metadata"]
        assert after["uid"] == before["metadata"]["uid"]
        assert "deletionTimestamp" not in after

    @pytest.mark.conformance("Pod Eviction, Toleration limits")
    def test_each_pod_is_evicted_when_its_time_is_over(self, on: Scheduled) -> None:
        seconds = {"soon": 2, "later": 7}
        for name, limit in seconds.items():
            on.tolerating(name, limit)
        with on.rest.watch(f"{on.all_pods}?labelSelector=app+in+(soon,later)") as watched, on.tainted():
            began = time.monotonic()
            evicted = {name: eventually(lambda of=name: _evicted(on, of), f"{name} goes") for name in seconds}
            watched.until(lambda events: [e["type"] for e in events].count("DELETED") == 2, "both are gone")
        assert [e["object"]["metadata"]["name"] for e in watched.events if e["type"] == "DELETED"] == list(seconds)
        for name, limit in seconds.items():
            assert limit - 0.5 < evicted[name] - began < limit + 5


def _evicted(on: Scheduled, name: str) -> float:
    """When the pod was first seen to be on its way, or 0."""
    answer = on.rest("GET", f"{on.all_pods}/{name}")
    going = answer.status_code == 404 or "deletionTimestamp" in answer.json()["metadata"]
    return time.monotonic() if going else 0


@pytest.mark.conformance("Pods, QOS")
def test_equal_requests_and_limits_are_guaranteed(on: Scheduled) -> None:
    resources = {"cpu": "100m", "memory": "100Mi"}
    container = {**pod_spec()["containers"][0], "resources": {"requests": resources, "limits": resources}}
    on.pod("guaranteed", containers=[container])
    assert on.rest.ok("GET", f"{on.all_pods}/guaranteed")["status"]["qosClass"] == "Guaranteed"


@pytest.mark.conformance("Scheduler, Verify PriorityClass endpoints")
def test_what_a_priority_class_means_never_changes(on: Scheduled) -> None:
    classes = "/apis/scheduling.k8s.io/v1/priorityclasses"
    names = ["e2e-first", "e2e-second"]
    for number, name in enumerate(names):
        body = {"metadata": {"name": name, "labels": {"of": "e2e"}}, "value": number + 1, "description": "before"}
        on.rest.ok("POST", classes, body)
    try:
        listed = on.rest.ok("GET", f"{classes}?labelSelector=of%3De2e")["items"]
        assert [item["metadata"]["name"] for item in listed] == names
        first = f"{classes}/e2e-first"
        assert on.rest.patch(first, {"description": "patched"})["description"] == "patched"
        updated = changed(on.rest, first, lambda found: found.update(description="updated"))
        assert updated["description"] == "updated"
        refused = on.rest.refused(422, "PATCH", first, {"value": 10}, content_type=MERGE_PATCH)
        assert refused["details"]["causes"][0]["field"] == "value"
        on.rest.refused(422, "PUT", first, {**updated, "value": 10})
        assert on.rest.ok("GET", first)["value"] == 1
    finally:
        on.rest.ok("DELETE", f"{classes}?labelSelector=of%3De2e")
