from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from kubelet.fake_runtime import FakeRuntime
from kubelet.main import Settings, run_with
from kubelet.server.certificate import self_signed
from minikube_py.api.meta import Object, find_condition
from minikube_py.api.resources import EVENTS, LEASES, NAMESPACES, NODES, PODS
from minikube_py.client.fake import FakeClient
from minikube_py.runtime.clock import FakeClock

from .pods import pod


def settings(root: Path, **fields: object) -> Settings:
    certificate, _ = self_signed(str(root), "node-1", ["127.0.0.1"])
    values: dict[str, object] = {
        "kubeconfig": "",
        "node_name": "node-1",
        "node_ip": "127.0.0.1",
        "root_dir": str(root),
        "address": "127.0.0.1",
        "port": 0,
        "healthz_port": 0,
        "client_ca_file": certificate,
        "eviction_hard": {},
    }
    return Settings.model_validate({**values, **fields})


async def until(what: object) -> None:
    deadline = time.monotonic() + 5
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline
        await asyncio.sleep(0)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="colour"):
        Settings.model_validate({"kubeconfig": "", "client_ca_file": "", "colour": "red"})


async def test_the_node_registers_becomes_ready_runs_a_pod_and_renews_its_lease(tmp_path: Path) -> None:
    clock = FakeClock(datetime.now(UTC) - timedelta(days=1))
    client, runtime, stop = FakeClient(clock), FakeRuntime(clock.now), asyncio.Event()
    client.seed(NAMESPACES, {"metadata": {"name": "kube-node-lease"}})
    runtime.add_image("busybox")
    task = asyncio.create_task(run_with(settings(tmp_path), stop, client, runtime, clock))

    def node() -> Object:
        return client.object(NODES, "node-1") or {}

    def is_ready() -> bool:
        return (find_condition(node(), "Ready") or {}).get("status") == "True"

    await until(is_ready)
    assert node()["metadata"]["labels"]["kubernetes.io/hostname"] == "node-1"
    client.seed(NODES, {**node(), "spec": {"podCIDR": "10.244.0.0/24"}})
    await until(lambda: runtime.pod_cidr == "10.244.0.0/24")
    client.seed(PODS, pod())
    await until(lambda: client.object(PODS, "p", "ns")["status"]["phase"] == "Running")  # type: ignore[index]
    await until(lambda: client.object(LEASES, "node-1", "kube-node-lease"))
    first = client.object(LEASES, "node-1", "kube-node-lease")
    assert first is not None
    assert first["spec"]["leaseDurationSeconds"] == 40
    await clock.run(11)
    renewed = client.object(LEASES, "node-1", "kube-node-lease")
    assert renewed is not None
    assert renewed["spec"]["renewTime"] > first["spec"]["renewTime"]
    reasons = [event["reason"] for event in client.objects(EVENTS)]
    assert {"Starting", "NodeReady", "Started"} <= set(reasons)
    stop.set()
    await task
    assert runtime.running() == ["p/c"]
