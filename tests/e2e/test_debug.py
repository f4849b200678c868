"""Ephemeral containers, and ``kubectl debug`` that makes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from harness import Cluster, eventually
from pod_helpers import IMAGE, create, ready, shell


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    with cluster.namespace("debug") as name:
        yield name


def ephemeral(cluster: Cluster, namespace: str, pod: str) -> dict[str, Any]:
    """The statuses of the pod's ephemeral containers by name."""
    status = cluster.get("pod", pod, "-n", namespace)["status"]
    return {entry["name"]: entry for entry in status.get("ephemeralContainerStatuses") or []}


def add(cluster: Cluster, namespace: str, pod: str, name: str, script: str, **more: Any) -> None:
    """Adds an ephemeral container that runs a script."""
    container = {"name": name, "image": IMAGE, "command": ["sh", "-c", script], **more}
    patch = json.dumps({"spec": {"ephemeralContainers": [container]}})
    cluster.kubectl("patch", "pod", pod, "-n", namespace, "--subresource=ephemeralcontainers", "-p", patch)


@pytest.mark.conformance("Ephemeral Container Creation", "Ephemeral Container, update ephemeral containers")
def test_ephemeral_containers_run_in_a_pod_that_runs(cluster: Cluster, namespace: str):
    create(cluster, namespace, "web", containers=[shell("sleep 600")])
    ready(cluster, namespace, "web")
    before = cluster.get("pod", "web", "-n", namespace)["status"]["containerStatuses"][0]["containerID"]
    add(cluster, namespace, "web", "first", "echo I am here; sleep 600")
    eventually(
        lambda: "running" in ephemeral(cluster, namespace, "web")["first"]["state"], "the ephemeral container runs"
    )
    assert cluster.kubectl("logs", "web", "-c", "first", "-n", namespace) == "I am here\n"
    assert cluster.kubectl("exec", "web", "-c", "first", "-n", namespace, "--", "hostname") == "web\n"
    add(cluster, namespace, "web", "second", "exit 3")
    eventually(
        lambda: ephemeral(cluster, namespace, "web")["second"]["state"]["terminated"]["exitCode"] == 3,
        "the second has ended",
    )
    statuses = ephemeral(cluster, namespace, "web")
    assert sorted(statuses) == ["first", "second"]
    assert [entry["restartCount"] for entry in statuses.values()] == [0, 0]
    pod = cluster.get("pod", "web", "-n", namespace)
    assert pod["status"]["phase"] == "Running"
    assert pod["status"]["containerStatuses"][0]["containerID"] == before


def test_a_target_containers_processes_are_seen(cluster: Cluster, namespace: str):
    create(cluster, namespace, "target", containers=[shell("sleep 4321")])
    ready(cluster, namespace, "target")
    add(cluster, namespace, "target", "looks", "ps; cat /proc/1/root/proc/sys/kernel/hostname", targetContainerName="c")
    eventually(
        lambda: "terminated" in ephemeral(cluster, namespace, "target")["looks"]["state"], "it has looked around"
    )
    seen = cluster.kubectl("logs", "target", "-c", "looks", "-n", namespace)
    assert "sleep 4321" in seen


def test_a_deployments_restart_does_not_bring_it_back(cluster: Cluster, namespace: str):
    create(cluster, namespace, "flaps", restartPolicy="Always", containers=[shell("sleep 5; exit 1")])
    ready(cluster, namespace, "flaps")
    add(cluster, namespace, "flaps", "once", "true")
    eventually(lambda: "terminated" in ephemeral(cluster, namespace, "flaps")["once"]["state"], "it has ended")
    ended = ephemeral(cluster, namespace, "flaps")["once"]
    eventually(
        lambda: cluster.get("pod", "flaps", "-n", namespace)["status"]["containerStatuses"][0]["restartCount"] >= 1,
        "the container beside it is restarted",
    )
    assert ephemeral(cluster, namespace, "flaps")["once"] == ended


def test_kubectl_debug_talks_with_a_new_container(cluster: Cluster, namespace: str):
    create(cluster, namespace, "mute", containers=[shell("sleep 600")])
    ready(cluster, namespace, "mute")
    said = cluster.run_kubectl(
        "debug", "-i", "mute", f"--image={IMAGE}", "--target=c", "-n", namespace, "--",
        "sh", "-c", "read x; echo $x; ps", stdin="heard\n",
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    eventually(lambda: len(ephemeral(cluster, namespace, "mute")) == 1, "it is in the status")
    name = next(iter(ephemeral(cluster, namespace, "mute")))
    logged = cluster.kubectl("logs", "mute", "-c", name, "-n", namespace)
    assert "heard" in logged
    assert "sleep 600" in logged


def test_kubectl_debug_copies_a_pod(cluster: Cluster, namespace: str):
    create(cluster, namespace, "broken", restartPolicy="Never", containers=[shell("exit 1")])
    cluster.kubectl(
        "debug", "broken", "--copy-to=broken-copy", "--container=c", "-n", namespace, "--",
        "sh", "-c", "echo mended; sleep 600",
    )  # fmt: skip
    ready(cluster, namespace, "broken-copy")
    assert cluster.kubectl("logs", "broken-copy", "-n", namespace) == "mended\n"


def test_kubectl_debug_looks_at_a_node(cluster: Cluster, namespace: str):
    node = cluster.get("nodes")["items"][0]["metadata"]["name"]
    said = cluster.kubectl(
        "debug", f"node/{node}", f"--image={IMAGE}", "-n", namespace, "--", "sh", "-c", "ls /host/etc/hostname; sleep 1"
    )
    name = next(word for word in said.split() if word.startswith("node-debugger-"))
    eventually(
        lambda: cluster.get("pod", name, "-n", namespace)["status"]["phase"] == "Succeeded", "it has looked at the node"
    )
    assert cluster.kubectl("logs", name, "-n", namespace) == "/host/etc/hostname\n"
