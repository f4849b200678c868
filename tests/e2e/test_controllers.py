"""Controllers beyond a plain rolling update: the other strategy, deadlines, history, and a node that falls silent."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest
from harness import Cluster, eventually

IMAGE = "minikube-py/hello:1"


@pytest.fixture(scope="module")
def namespace(cluster: Cluster):
    with cluster.namespace("controllers") as name:
        yield name


def deploy(cluster: Cluster, namespace: str, name: str, image: str = IMAGE, **spec: object) -> None:
    labels = {"app": name}
    container = {"name": "c", "image": image}
    template = {"metadata": {"labels": labels}, "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]}}
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(manifest))


def rolled_out(cluster: Cluster, namespace: str, name: str) -> None:
    cluster.kubectl("rollout", "status", f"deployment/{name}", "-n", namespace, "--timeout=90s")


def test_recreate_never_has_both_versions(cluster: Cluster, namespace: str):
    deploy(cluster, namespace, "recreated", strategy={"type": "Recreate"}, replicas=2)
    rolled_out(cluster, namespace, "recreated")
    deploy(cluster, namespace, "recreated", "minikube-py/hello:2", strategy={"type": "Recreate"}, replicas=2)
    running: set[frozenset[str]] = set()

    def done() -> bool:
        selected = ("-n", namespace, "-l", "app=recreated")
        # A pod that has ended may be listed for a moment yet; what counts is what runs.
        pods = [
            pod
            for pod in cluster.get("pods", *selected)["items"]
            if pod["status"]["phase"] not in ("Succeeded", "Failed")
        ]
        images = frozenset(pod["spec"]["containers"][0]["image"] for pod in pods)
        running.add(images)
        return images == {"minikube-py/hello:2"} and len(pods) == 2

    eventually(done, "only the new version is left")
    assert frozenset({IMAGE, "minikube-py/hello:2"}) not in running
    rolled_out(cluster, namespace, "recreated")


def test_a_pod_counts_as_available_after_its_minimum_of_ready_seconds(cluster: Cluster, namespace: str):
    deploy(cluster, namespace, "careful", minReadySeconds=8)
    began = time.monotonic()
    eventually(
        lambda: cluster.get("deployment", "careful", "-n", namespace)["status"]["readyReplicas"] == 1, "it is ready"
    )
    assert "availableReplicas" not in cluster.get("deployment", "careful", "-n", namespace)["status"]
    rolled_out(cluster, namespace, "careful")
    assert time.monotonic() - began > 6


def test_a_roll_out_past_its_deadline_says_so(cluster: Cluster, namespace: str):
    deploy(cluster, namespace, "stuck", "minikube-py/none-such:1", progressDeadlineSeconds=3)
    said = cluster.kubectl_fails("rollout", "status", "deployment/stuck", "-n", namespace, "--timeout=60s")
    assert "exceeded its progress deadline" in said
    conditions = cluster.get("deployment", "stuck", "-n", namespace)["status"]["conditions"]
    progressing = next(one for one in conditions if one["type"] == "Progressing")
    assert (progressing["status"], progressing["reason"]) == ("False", "ProgressDeadlineExceeded")


def test_only_so_many_old_replica_sets_are_kept(cluster: Cluster, namespace: str):
    for number in range(4):
        deploy(cluster, namespace, "historic", revisionHistoryLimit=1, minReadySeconds=0, replicas=1)
        cluster.kubectl("set", "env", "deployment/historic", f"ROUND={number}", "-n", namespace)
        rolled_out(cluster, namespace, "historic")
    eventually(
        lambda: len(cluster.get("replicasets", "-n", namespace, "-l", "app=historic")["items"]) == 2,
        "the newest and one old replica set are left",
    )


def test_a_node_whose_kubelet_falls_silent_is_not_ready_and_comes_back(cluster: Cluster, namespace: str):
    deploy(cluster, namespace, "affected")
    rolled_out(cluster, namespace, "affected")
    pid = cluster.processes()["kubelet"]["pid"]

    def ready() -> dict:
        conditions = cluster.get("nodes")["items"][0]["status"]["conditions"]
        return dict(next(one for one in conditions if one["type"] == "Ready"))

    os.kill(pid, signal.SIGSTOP)
    try:
        eventually(lambda: ready()["status"] == "Unknown", "the node is not ready", timeout=90, every=1)
        assert ready()["reason"] == "NodeStatusUnknown"
        taints = {taint["key"] for taint in cluster.get("nodes")["items"][0]["spec"]["taints"]}
        assert "node.kubernetes.io/unreachable" in taints
        assert "NotReady" in cluster.kubectl("get", "nodes")
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: ready()["status"] == "True", "the node is ready again")
    eventually(lambda: not cluster.get("nodes")["items"][0]["spec"].get("taints"), "its taints are lifted")
    rolled_out(cluster, namespace, "affected")
