"""The Docker adapter of :class:`kubelet.runtime.ContainerRuntime`, put together from its parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from kubelet import pause
from kubelet.cni.network import PodNetwork
from kubelet.docker import labels, status
from kubelet.docker.client import DockerClient
from kubelet.docker.containers import Containers
from kubelet.docker.engine import Engine
from kubelet.docker.events import watch_events
from kubelet.docker.images import Images
from kubelet.docker.sandboxes import Sandboxes, list_labelled, remove_container
from kubelet.docker.streams import Streams
from kubelet.runtime import (
    ContainerConfig,
    ContainerStats,
    ContainerStatus,
    ExecResult,
    ImageStatus,
    LogOptions,
    PodSandbox,
    ProcessStream,
    PullProgress,
    RegistryAuth,
    RuntimeCondition,
    RuntimeEvent,
    RuntimeFailure,
    RuntimePod,
    RuntimeStatus,
    RuntimeVersion,
    SandboxConfig,
    Stream,
)


class DockerRuntime:
    """Runs pods on one Docker Engine.

    ``owner`` tells this kubelet's containers from those of others on the same engine; it must stay the same over
    restarts. ``docker_host`` is ``unix://…`` (ValueError for anything else).
    """

    def __init__(
        self,
        network: PodNetwork,
        *,
        owner: str,
        docker_host: str = "unix:///var/run/docker.sock",
        pause_image: str = pause.DEFAULT_IMAGE,
    ) -> None:
        self._client = DockerClient(docker_host)
        self._network = network
        self._owner = owner
        self._images = Images(self._client)
        self._engine = Engine(self._client, self._images, pause_image)
        self._sandboxes = Sandboxes(self._client, self._engine, network, owner)
        self._containers = Containers(self._client, self._engine, self._images, owner)
        self._streams = Streams(self._client)
        self._collected = False
        self._collecting = asyncio.Lock()

    async def version(self) -> RuntimeVersion:
        """See the protocol."""
        facts = await self._engine.facts()
        return RuntimeVersion("docker", facts.version, await self._client.api_version())

    async def status(self) -> RuntimeStatus:
        """See the protocol; also builds the pause image and frees lost addresses ahead of the first pod."""
        try:
            await self._client.request("GET", "/version", timeout_seconds=10)
            await self._engine.pause_image()
            await self._collect_once()
            ready = RuntimeCondition(True)
        except RuntimeFailure as error:
            ready = RuntimeCondition(False, "DockerDaemonNotReady", f"docker: {error}")
        return RuntimeStatus(ready, self._network.status())

    async def update_pod_cidr(self, cidr: str) -> None:
        """See the protocol."""
        await self._network.update_pod_cidr(cidr)

    async def create_sandbox(self, config: SandboxConfig) -> str:
        """See the protocol."""
        await self._collect_once()
        return await self._sandboxes.create(config)

    async def start_sandbox(self, sandbox_id: str) -> PodSandbox:
        """See the protocol."""
        return await self._sandboxes.start(sandbox_id)

    async def stop_sandbox(self, sandbox_id: str) -> None:
        """See the protocol."""
        await self._sandboxes.stop(sandbox_id)

    async def remove_sandbox(self, sandbox_id: str) -> None:
        """See the protocol."""
        await self._sandboxes.remove(sandbox_id)

    async def list_pods(self, pod_uid: str = "") -> list[RuntimePod]:
        """See the protocol: one list, and an inspection only of what changed its state since the last."""
        wanted = (f"{labels.POD_UID}={pod_uid}",) if pod_uid else ()
        entries = await list_labelled(self._client, self._owner, *wanted)
        details = await self._containers.details(entries)
        if not pod_uid:
            self._containers.forget_all_but({entry["Id"] for entry in entries})
        pods: dict[str, tuple[list[PodSandbox], list[ContainerStatus]]] = {}
        for detail in details:
            found: dict[str, str] = detail["Config"]["Labels"]
            sandboxes, containers = pods.setdefault(found[labels.POD_UID], ([], []))
            if status.is_sandbox(found):
                sandboxes.append(self._sandbox(detail))
            else:
                containers.append(await self._containers.status_of(detail))
        return [_pod(uid, *parts) for uid, parts in pods.items()]

    def _sandbox(self, detail: dict[str, Any]) -> PodSandbox:
        return status.sandbox(detail, self._network.addresses(detail["Id"]))

    async def create_container(self, sandbox_id: str, sandbox: SandboxConfig, config: ContainerConfig) -> str:
        """See the protocol."""
        return await self._containers.create(sandbox_id, sandbox, config)

    async def start_container(self, container_id: str) -> None:
        """See the protocol."""
        await self._containers.start(container_id)

    async def stop_container(self, container_id: str, grace_seconds: float) -> None:
        """See the protocol."""
        await self._containers.stop(container_id, grace_seconds)

    async def remove_container(self, container_id: str) -> None:
        """See the protocol."""
        await remove_container(self._client, container_id)

    async def container_status(self, container_id: str) -> ContainerStatus:
        """See the protocol."""
        return await self._containers.status(container_id)

    async def container_stats(self, container_ids: Sequence[str]) -> list[ContainerStats]:
        """See the protocol."""
        return await self._containers.stats(container_ids)

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout_seconds: float) -> ExecResult:
        """See the protocol."""
        return await self._streams.exec_sync(container_id, command, timeout_seconds)

    async def open_exec(
        self,
        container_id: str,
        command: Sequence[str],
        *,
        tty: bool,
        stdin: bool,
        stdout: bool = True,
        stderr: bool = True,
    ) -> ProcessStream:
        """See the protocol."""
        return await self._streams.open_exec(container_id, command, tty=tty, stdin=stdin, stdout=stdout, stderr=stderr)

    async def open_attach(
        self, container_id: str, *, tty: bool, stdin: bool, stdout: bool = True, stderr: bool = True
    ) -> ProcessStream:
        """See the protocol."""
        return await self._streams.open_attach(container_id, tty=tty, stdin=stdin, stdout=stdout, stderr=stderr)

    async def logs(self, container_id: str, options: LogOptions) -> AsyncIterator[tuple[Stream, bytes]]:
        """See the protocol."""
        tty = (await self._containers.status(container_id)).tty
        async for piece in self._streams.logs(container_id, options, tty=tty):
            yield piece

    def events(self) -> AsyncIterator[RuntimeEvent]:
        """See the protocol."""
        return watch_events(self._client, self._owner)

    async def image_status(self, image: str) -> ImageStatus | None:
        """See the protocol."""
        return await self._images.status(image)

    async def list_images(self) -> list[ImageStatus]:
        """See the protocol."""
        return await self._images.list()

    async def pull_image(
        self, image: str, auth: RegistryAuth | None = None, progress: Callable[[PullProgress], None] | None = None
    ) -> ImageStatus:
        """See the protocol."""
        return await self._images.pull(image, auth, progress)

    async def remove_image(self, image: str) -> None:
        """See the protocol; the pause image is looked for again afterwards."""
        await self._images.remove(image)
        self._engine.forget_pause_image()

    async def _collect_once(self) -> None:
        """Gives back what lost sandboxes held; before the first sandbox, whose address would look lost."""
        if self._collected:
            return
        async with self._collecting:
            if not self._collected:
                entries = await list_labelled(self._client, self._owner, f"{labels.KIND}={labels.SANDBOX}")
                await self._network.collect({entry["Id"] for entry in entries})
                self._collected = True

    async def close(self) -> None:
        """See the protocol."""
        await asyncio.shield(self._client.close())


def _pod(uid: str, sandboxes: list[PodSandbox], containers: list[ContainerStatus]) -> RuntimePod:
    sandboxes.sort(key=lambda sandbox: (sandbox.attempt, sandbox.created_at), reverse=True)
    containers.sort(key=lambda container: (container.created_at, container.attempt), reverse=True)
    first = sandboxes[0] if sandboxes else None
    return RuntimePod(
        uid=uid,
        name=first.name if first else containers[0].pod_name,
        namespace=first.namespace if first else containers[0].pod_namespace,
        sandboxes=tuple(sandboxes),
        containers=tuple(containers),
    )
