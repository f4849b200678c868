from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kubelet.container_config import NodeFacts
from kubelet.docker import DockerRuntime
from kubelet.kubelet import Kubelet, KubeletParts
from kubelet.node_context import NodeContext
from minikube_py.api.meta import Object, condition_is_true
from minikube_py.api.resources import PODS
from minikube_py.client.fake import FakeClient
from minikube_py.runtime.clock import RealClock
from minikube_py.runtime.tasks import Tasks

from .harness import Recorder

pytestmark = pytest.mark.docker

IMAGE = "minikube-py-test/busybox:1"
SERVE = "while :; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\nhi' | nc -l -p 8080; done"


def served_pod() -> Object:
    container = {
        "name": "web",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", SERVE],
        "readinessProbe": {"httpGet": {"port": 8080}},
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "ns"},
        "spec": {
            "nodeName": "node-1",
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
            "volumes": [{"name": "scratch", "emptyDir": {"medium": "Memory"}}],
        },
        "status": {"phase": "Pending"},
    }


async def until(what: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_pod_runs_survives_a_kubelet_s_restart_and_is_deleted(
    docker_runtime: DockerRuntime, tmp_path: Path
) -> None:
    clock = RealClock()
    client, recorder = FakeClient(clock), Recorder()
    node = NodeContext("node-1", NodeFacts(1 << 30), ("192.168.0.1",), {"cpu": "8", "memory": "64Gi", "pods": "10"})

    def start() -> tuple[Kubelet, Tasks]:
        tasks = Tasks()
        kubelet = Kubelet(KubeletParts(client, docker_runtime, clock, recorder, node, tmp_path), tasks)
        kubelet.start()
        return kubelet, tasks

    def found() -> Object:
        return client.object(PODS, "p", "ns") or {}

    kubelet, tasks = start()
    client.seed(PODS, served_pod())
    await until(lambda: condition_is_true(found(), "Ready"))
    before = found()["status"]["containerStatuses"][0]["containerID"]
    await kubelet.close()
    await tasks.cancel_all()

    kubelet, tasks = start()
    await until(lambda: any(w.volume_paths for w in kubelet.workers().values()))
    assert found()["status"]["containerStatuses"][0]["containerID"] == before
    assert condition_is_true(found(), "Ready")

    await client.delete(PODS, "p", "ns")
    await until(lambda: not found() and not kubelet.workers())
    assert await docker_runtime.list_pods() == []
    assert recorder.reasons().count("Started") == 1
    await kubelet.close()
    await tasks.cancel_all()
