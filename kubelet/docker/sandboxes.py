"""Pause containers: one per pod sandbox, with the network that CNI gives it."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import structlog

from kubelet.cni.network import PodNetwork, SandboxIdentity
from kubelet.docker import labels, spec, status
from kubelet.docker.client import DockerClient, DockerError
from kubelet.docker.engine import Engine
from kubelet.runtime import NamespaceMode, NetworkFailed, NotFound, PodSandbox, SandboxConfig, SandboxFailed

log = structlog.get_logger("runtime")

_CGROUP_ROOT = Path("/sys/fs/cgroup")


class Sandboxes:
    """Creates, starts, stops and removes pause containers."""

    def __init__(self, client: DockerClient, engine: Engine, network: PodNetwork, owner: str) -> None:
        self._client = client
        self._engine = engine
        self._network = network
        self._owner = owner
        self._configs: dict[str, SandboxConfig] = {}

    async def create(self, config: SandboxConfig) -> str:
        """As :meth:`ContainerRuntime.create_sandbox`."""
        facts = await self._engine.facts()
        body = spec.sandbox_body(
            config,
            owner=self._owner,
            image=await self._engine.pause_image(),
            cgroup_parent=spec.cgroup_parent_of(config.cgroup_parent, facts.cgroup_driver),
            lowest_oom_score_adj=facts.lowest_oom_score_adj,
        )
        try:
            sandbox_id = await create_named(self._client, labels.sandbox_name(config), body)
        except DockerError as error:
            raise SandboxFailed(f'failed to create a sandbox for pod "{config.name}": {error}') from error
        self._configs[sandbox_id] = config
        return sandbox_id

    async def start(self, sandbox_id: str) -> PodSandbox:
        """As :meth:`ContainerRuntime.start_sandbox`."""
        config = self._configs.pop(sandbox_id, None)
        if config is None:
            raise NotFound(f"sandbox {sandbox_id} was not created here")
        try:
            await self._client.request("POST", f"/containers/{sandbox_id}/start")
            detail = await self._client.request("GET", f"/containers/{sandbox_id}/json")
        except DockerError as error:
            raise SandboxFailed(f'failed to start sandbox container for pod "{config.name}": {error}') from error
        if not detail["State"]["Running"]:
            raise SandboxFailed(f'sandbox container of pod "{config.name}" ended with {detail["State"]["ExitCode"]}')
        if config.network is NamespaceMode.NODE:
            return status.sandbox(detail, ())
        try:
            ips = await self._network.add(
                SandboxIdentity(sandbox_id, config.name, config.namespace, config.uid),
                f"/proc/{detail['State']['Pid']}/ns/net",
                config.port_mappings,
            )
        except NetworkFailed:
            await self._kill(sandbox_id)
            raise
        return status.sandbox(detail, ips)

    async def stop(self, sandbox_id: str) -> None:
        """As :meth:`ContainerRuntime.stop_sandbox`; raises NetworkFailed where the network cannot be torn down."""
        self._configs.pop(sandbox_id, None)
        members, detail = await asyncio.gather(self._members(sandbox_id), self._inspect(sandbox_id))
        await asyncio.gather(*(self._kill(entry["Id"]) for entry in members if entry["State"] == "running"))
        pid = detail["State"]["Pid"] if detail is not None else 0
        # The network goes first, while the pause process still holds the namespace for the plugins to look into.
        await self._network.delete(sandbox_id, f"/proc/{pid}/ns/net" if pid else "")
        if pid:
            await self._kill(sandbox_id)

    async def remove(self, sandbox_id: str) -> None:
        """As :meth:`ContainerRuntime.remove_sandbox`."""
        await self.stop(sandbox_id)
        members, detail = await asyncio.gather(self._members(sandbox_id), self._inspect(sandbox_id))
        await asyncio.gather(*(remove_container(self._client, entry["Id"]) for entry in members))
        await remove_container(self._client, sandbox_id)
        if detail is not None:
            _remove_cgroup(detail["HostConfig"].get("CgroupParent") or "")

    async def _members(self, sandbox_id: str) -> list[dict[str, Any]]:
        return await list_labelled(self._client, self._owner, f"{labels.SANDBOX_ID}={sandbox_id}")

    async def _inspect(self, sandbox_id: str) -> dict[str, Any] | None:
        try:
            detail: dict[str, Any] = await self._client.request("GET", f"/containers/{sandbox_id}/json")
        except DockerError as error:
            if error.status == 404:
                return None
            raise
        return detail

    async def _kill(self, container_id: str) -> None:
        try:
            await self._client.request("POST", f"/containers/{container_id}/kill")
        except DockerError as error:
            if error.status not in (404, 409):  # gone, or not running: what was wanted
                raise


async def list_labelled(client: DockerClient, owner: str, *more: str) -> list[dict[str, Any]]:
    """The engine's list of the kubelet's containers, running or not, that also carry the ``more`` labels."""
    wanted = ",".join(f'"{label}"' for label in (f"{labels.OWNER}={owner}", *more))
    found: list[dict[str, Any]] = await client.request(
        "GET", "/containers/json", params={"all": "1", "filters": f'{{"label":[{wanted}]}}'}
    )
    return found


async def create_named(client: DockerClient, name: str, body: dict[str, Any]) -> str:
    """Creates; one of the same name that never ran (its maker crashed) is removed first. Raises DockerError."""
    try:
        created = await client.request("POST", "/containers/create", params={"name": name}, json=body)
    except DockerError as error:
        if error.status != 409:
            raise
        leftover = await client.request("GET", f"/containers/{name}/json")
        if leftover["State"]["Status"] != "created":
            raise
        await remove_container(client, leftover["Id"])
        created = await client.request("POST", "/containers/create", params={"name": name}, json=body)
    return str(created["Id"])


async def remove_container(client: DockerClient, container_id: str) -> None:
    """Removes by force, with its anonymous volumes. Idempotent."""
    try:
        await client.request("DELETE", f"/containers/{container_id}", params={"force": "1", "v": "1"})
    except DockerError as error:
        if error.status == 404 or (error.status == 409 and "already in progress" in str(error)):
            return
        raise


def _remove_cgroup(parent: str) -> None:
    """Removes a pod's own cgroup, which the engine made and leaves behind; systemd removes its slices itself."""
    if not parent.startswith("/"):
        return
    for root in (_CGROUP_ROOT, *_CGROUP_ROOT.glob("*/")):
        with contextlib.suppress(OSError):
            (root / parent.lstrip("/")).rmdir()
