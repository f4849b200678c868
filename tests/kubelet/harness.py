"""A whole kubelet on fakes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubelet.container_config import NodeFacts
from kubelet.fake_runtime import FakeRuntime
from kubelet.kubelet import Kubelet, KubeletParts
from kubelet.node_context import NodeContext
from kubelet.runtime import ContainerState
from minikube_py.api.meta import Object
from minikube_py.api.resources import PODS
from minikube_py.client.fake import FakeClient
from minikube_py.runtime.clock import FakeClock
from minikube_py.runtime.tasks import Tasks

PATIENCE_SECONDS = 5.0


@dataclass
class Recorder:
    events: list[tuple[str, str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def event(self, obj: Object, event_type: str, reason: str, message: str, field_path: str = "") -> None:
        self.events.append((event_type, reason, message))
        self.paths.append(field_path)

    def reasons(self) -> list[str]:
        return [reason for _, reason, _ in self.events]

    def messages(self, reason: str) -> list[str]:
        return [message for _, found, message in self.events if found == reason]


@dataclass
class Harness:
    client: FakeClient
    runtime: FakeRuntime
    clock: FakeClock
    recorder: Recorder
    kubelet: Kubelet
    tasks: Tasks

    def pod(self, name: str = "p") -> Object | None:
        return self.client.object(PODS, name, "ns")

    def status(self, name: str = "p") -> Object:
        found = self.pod(name)
        return (found or {}).get("status") or {}

    def container(self, name: str = "p", index: int = 0) -> Object:
        return self.status(name)["containerStatuses"][index]

    def state(self, name: str = "p", index: int = 0) -> str:
        statuses = self.status(name).get("containerStatuses") or []
        if len(statuses) <= index:
            return ""
        state = statuses[index]["state"]
        kind = next(iter(state))
        return state[kind].get("reason") or kind

    def is_ready(self, name: str = "p") -> bool:
        conditions = self.status(name).get("conditions") or []
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    async def exit(self, container: str, exit_code: int, name: str = "p") -> None:
        """The container's process ends."""
        for found in await self.runtime.list_pods():
            for status in found.containers:
                if (found.name, status.name, status.state) == (name, container, ContainerState.RUNNING):
                    self.runtime.exit(status.id, exit_code)

    async def until(self, what: Callable[[], Any]) -> None:
        """Lets everything run that can run without time passing, until something holds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not what():
            if time.monotonic() > deadline:
                raise AssertionError(f"never happened; status {self.status()}, events {self.recorder.events}")
            await asyncio.sleep(0)

    async def pass_time(self, seconds: float) -> None:
        await self.clock.run(seconds)


@asynccontextmanager
async def kubelet_on_fakes(
    root: Path, client: FakeClient | None = None, runtime: FakeRuntime | None = None, clock: FakeClock | None = None
) -> AsyncIterator[Harness]:
    clock = clock or FakeClock()
    client = client or FakeClient(clock)
    if runtime is None:
        runtime = FakeRuntime(clock.now)
        runtime.add_image("busybox")
    recorder = Recorder()
    tasks = Tasks()
    allocatable = {"cpu": "2", "memory": "8Gi", "pods": "110"}
    node = NodeContext("node-1", NodeFacts(8 << 30), ("192.168.0.1",), allocatable, cluster_dns=("10.96.0.10",))
    kubelet = Kubelet(KubeletParts(client, runtime, clock, recorder, node, root), tasks)
    kubelet.start()
    try:
        yield Harness(client, runtime, clock, recorder, kubelet, tasks)
    finally:
        await kubelet.close()
        await tasks.cancel_all()
