"""A node's failure from its first missed heartbeat to the end of its pods, on the fake API server."""

from __future__ import annotations

from typing import Any

from minikube_py.api.meta import Object, find_condition
from minikube_py.api.nodes import taints_of
from minikube_py.api.resources import EVENTS, LEASES, NODES, PODS
from minikube_py.api.times import format_micro_time, format_time

CONTROLLERS = ("node-lifecycle-controller", "taint-eviction-controller", "pod-garbage-collector-controller")


def beat(harness: Any, node: str) -> None:
    lease = {
        "metadata": {"name": node, "namespace": "kube-node-lease"},
        "spec": {"holderIdentity": node, "renewTime": format_micro_time(harness.clock.now())},
    }
    harness.client.seed(LEASES, lease)


def report(harness: Any, node: str, status: str) -> None:
    stored: Object = harness.client.object(NODES, node) or {"metadata": {"name": node}, "spec": {}}
    condition = {**harness.condition("Ready", status), "lastHeartbeatTime": format_time(harness.clock.now())}
    stored["status"] = {**stored.get("status", {}), "conditions": [condition]}
    harness.client.seed(NODES, stored)


async def beat_for(harness: Any, seconds: int, *nodes: str) -> None:
    for _ in range(seconds // 10):
        for node in nodes:
            beat(harness, node)
        await harness.advance(10)


def taints(harness: Any, node: str) -> list[tuple[str, str]]:
    return [
        (taint["key"].removeprefix("node.kubernetes.io/"), taint["effect"])
        for taint in taints_of(harness.client.object(NODES, node))
    ]


def pod(name: str, node: str, *tolerations: Object) -> Object:
    return {
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"nodeName": node, "tolerations": list(tolerations)},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }


async def test_a_silent_node_is_marked_tainted_and_emptied(harness: Any) -> None:
    report(harness, "node-1", "True")
    report(harness, "node-2", "True")
    patient = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 300}
    harness.client.seed(PODS, pod("patient", "node-2", patient), pod("steady", "node-2", {"operator": "Exists"}))
    await harness.start(*CONTROLLERS)
    await beat_for(harness, 60, "node-1")

    node = harness.client.object(NODES, "node-2")
    assert harness.condition_of(node, "Ready") == (
        "Unknown",
        "NodeStatusUnknown",
        "Kubelet stopped posting node status.",
    )
    assert harness.condition_of(node, "DiskPressure") == (
        "Unknown",
        "NodeStatusNeverUpdated",
        "Kubelet never posted node status.",
    )
    assert taints(harness, "node-2") == [("unreachable", "NoSchedule"), ("unreachable", "NoExecute")]
    assert taints(harness, "node-1") == []
    waiting = harness.client.object(PODS, "patient", "default")
    assert find_condition(waiting, "Ready")["status"] == "False"
    reasons = {event["reason"] for event in harness.client.objects(EVENTS)}
    assert reasons >= {"RegisteredNode", "NodeNotReady"}

    await beat_for(harness, 300, "node-1")
    gone = harness.client.object(PODS, "patient", "default")
    assert gone is None or gone["metadata"].get("deletionTimestamp")
    assert not harness.client.object(PODS, "steady", "default")["metadata"].get("deletionTimestamp")


async def test_a_node_that_comes_back_is_clean_at_once_and_its_pods_stay(harness: Any) -> None:
    report(harness, "node-1", "True")
    report(harness, "node-2", "True")
    patient = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 300}
    harness.client.seed(PODS, pod("patient", "node-2", patient))
    await harness.start(*CONTROLLERS)
    await beat_for(harness, 60, "node-1")
    assert taints(harness, "node-2")

    report(harness, "node-2", "True")
    await harness.settle()
    assert taints(harness, "node-2") == []
    await beat_for(harness, 400, "node-1", "node-2")
    assert not harness.client.object(PODS, "patient", "default")["metadata"].get("deletionTimestamp")
    messages = {event["message"] for event in harness.client.objects(EVENTS)}
    assert "Cancelling deletion of Pod default/patient" in messages


async def test_heartbeats_cause_no_writes(harness: Any) -> None:
    report(harness, "node-1", "True")
    await harness.start(*CONTROLLERS)
    await harness.advance(1)
    before = len(harness.client.writes())
    await beat_for(harness, 600, "node-1")
    assert len(harness.client.writes()) == before


async def test_the_only_node_is_not_emptied(harness: Any) -> None:
    report(harness, "node-1", "False")
    await harness.start(*CONTROLLERS)
    assert taints(harness, "node-1") == [("not-ready", "NoSchedule")]
    report(harness, "node-1", "True")
    await harness.settle()
    assert taints(harness, "node-1") == []


async def test_a_pod_without_toleration_goes_at_once(harness: Any) -> None:
    report(harness, "node-1", "True")
    harness.client.seed(PODS, pod("fickle", "node-1"))
    await harness.start(*CONTROLLERS)
    node = harness.client.object(NODES, "node-1")
    node["spec"]["taints"] = [{"key": "maintenance", "effect": "NoExecute"}]
    harness.client.seed(NODES, node)
    await harness.settle()
    fickle = harness.client.object(PODS, "fickle", "default")
    assert fickle is None or fickle["metadata"].get("deletionTimestamp")


async def test_pods_of_a_deleted_node_go_after_their_quarantine(harness: Any) -> None:
    report(harness, "node-2", "True")
    harness.client.seed(PODS, pod("orphan", "node-2"))
    await harness.start(*CONTROLLERS)
    harness.client.remove(NODES, "node-2")
    await beat_for(harness, 30, "node-1")
    assert harness.client.object(PODS, "orphan", "default") is not None
    await beat_for(harness, 20, "node-1")
    assert harness.client.object(PODS, "orphan", "default") is None
