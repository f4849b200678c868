"""A pod's containers: create, start, stop, remove, look."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kubelet.docker import labels, spec, status
from kubelet.docker.client import DockerClient, DockerError
from kubelet.docker.engine import Engine
from kubelet.docker.images import Images
from kubelet.docker.sandboxes import create_named
from kubelet.runtime import (
    ContainerConfig,
    ContainerStats,
    ContainerStatus,
    CreateContainerFailed,
    NotFound,
    SandboxConfig,
    StartContainerFailed,
)

_STOP_MARGIN_SECONDS = 60.0


class Containers:
    """The containers that pods asked for. Inspections are remembered while a container stays in the same state."""

    def __init__(self, client: DockerClient, engine: Engine, images: Images, owner: str) -> None:
        self._client = client
        self._engine = engine
        self._images = images
        self._owner = owner
        self._seen: dict[str, tuple[str, dict[str, Any]]] = {}

    async def create(self, sandbox_id: str, sandbox: SandboxConfig, config: ContainerConfig) -> str:
        """As :meth:`ContainerRuntime.create_container`."""
        facts = await self._engine.facts()
        body = spec.container_body(
            sandbox_id,
            sandbox,
            config,
            owner=self._owner,
            user=await self._user(config),
            seccomp_profile=await self._seccomp(config.security.seccomp),
            cgroup_parent=spec.cgroup_parent_of(sandbox.cgroup_parent, facts.cgroup_driver),
            lowest_oom_score_adj=facts.lowest_oom_score_adj,
        )
        try:
            return await create_named(self._client, labels.container_name(sandbox, config), body)
        except DockerError as error:
            raise CreateContainerFailed(f"Error response from daemon: {error}") from error

    async def _user(self, config: ContainerConfig) -> str:
        security = config.security
        if security.run_as_group is None or security.run_as_user is not None:
            return spec.user_of(security, "")
        image = await self._images.status(config.image)
        return spec.user_of(security, image.user if image is not None else "")

    async def _seccomp(self, profile: str) -> str:
        if not profile:
            return ""
        if profile == "Unconfined":
            return "unconfined"
        try:
            return await asyncio.to_thread(Path(profile).read_text)
        except OSError as error:
            raise CreateContainerFailed(f"cannot load seccomp profile {profile!r}: {error.strerror}") from error

    async def start(self, container_id: str) -> None:
        """As :meth:`ContainerRuntime.start_container`."""
        try:
            await self._client.request("POST", f"/containers/{container_id}/start")
        except DockerError as error:
            # A container that failed to start stays "created" in the engine's list, but has its cause by now.
            self._seen.pop(container_id, None)
            if error.status == 404 and str(error).startswith("No such container"):
                raise NotFound(str(error)) from error
            raise StartContainerFailed(
                f'failed to start container "{container_id}": Error response from daemon: {error}'
            ) from error

    async def stop(self, container_id: str, grace_seconds: float) -> None:
        """As :meth:`ContainerRuntime.stop_container`."""
        grace = math.ceil(grace_seconds)
        try:
            if grace <= 0:
                await self._client.request("POST", f"/containers/{container_id}/kill")
            else:
                await self._client.request(
                    "POST",
                    f"/containers/{container_id}/stop",
                    params={"t": str(grace)},
                    timeout_seconds=grace + _STOP_MARGIN_SECONDS,
                )
        except DockerError as error:
            if error.status not in (304, 404, 409):  # stopped or gone: what was wanted
                raise

    async def status(self, container_id: str) -> ContainerStatus:
        """As :meth:`ContainerRuntime.container_status`; always asks the engine."""
        try:
            detail = await self._client.request("GET", f"/containers/{container_id}/json")
        except DockerError as error:
            if error.status == 404:
                raise NotFound(str(error)) from error
            raise
        image = await self._images.of_container(detail["Image"])
        return status.container(detail, image.shown_id())

    async def details(self, entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Inspections of the engine's list entries; those that vanished meanwhile are left out."""
        found = await asyncio.gather(*(self._detail(entry["Id"], entry["State"]) for entry in entries))
        return [detail for detail in found if detail is not None]

    async def _detail(self, container_id: str, state: str) -> dict[str, Any] | None:
        seen = self._seen.get(container_id)
        if seen is not None and seen[0] == state:
            return seen[1]
        try:
            detail: dict[str, Any] = _kept(await self._client.request("GET", f"/containers/{container_id}/json"))
        except DockerError as error:
            if error.status == 404:
                return None
            raise
        self._seen[container_id] = (detail["State"]["Status"], detail)
        return detail

    def forget_all_but(self, ids: set[str]) -> None:
        """Drops what is remembered of containers that are no longer there."""
        for gone in self._seen.keys() - ids:
            del self._seen[gone]

    async def status_of(self, detail: dict[str, Any]) -> ContainerStatus:
        """The status that an inspection gives."""
        image = await self._images.of_container(detail["Image"])
        return status.container(detail, image.shown_id())

    async def stats(self, container_ids: Sequence[str]) -> list[ContainerStats]:
        """As :meth:`ContainerRuntime.container_stats`."""
        found = await asyncio.gather(*(self._stats(container_id) for container_id in container_ids))
        return [stats for stats in found if stats is not None]

    async def _stats(self, container_id: str) -> ContainerStats | None:
        try:
            answer = await self._client.request(
                "GET", f"/containers/{container_id}/stats", params={"stream": "false", "one-shot": "true"}
            )
        except DockerError as error:
            if error.status in (404, 409):
                return None
            raise
        return usage(container_id, answer)


def usage(container_id: str, answer: dict[str, Any]) -> ContainerStats | None:
    """From the engine's statistics on cgroup v1 or v2; None where the container does not run."""
    memory = answer.get("memory_stats") or {}
    if "usage" not in memory:
        return None
    details = memory.get("stats") or {}
    inactive = details.get("total_inactive_file", details.get("inactive_file", 0))
    return ContainerStats(
        id=container_id,
        at=status.parse_time(answer["read"]) or datetime.now(UTC),
        cpu_usage_nanoseconds=answer["cpu_stats"]["cpu_usage"]["total_usage"],
        memory_usage_bytes=memory["usage"],
        memory_working_set_bytes=max(0, memory["usage"] - inactive),
        memory_rss_bytes=details.get("total_rss", details.get("anon", 0)),
        process_count=(answer.get("pids_stats") or {}).get("current", 0),
    )


def _kept(detail: dict[str, Any]) -> dict[str, Any]:
    """Only what a status is made of: an inspection is some 8 KiB, and one is remembered for every container."""
    config = detail["Config"]
    return {
        "Id": detail["Id"],
        "Created": detail["Created"],
        "State": detail["State"],
        "Image": detail["Image"],
        "Config": {key: config[key] for key in ("Labels", "Image", "Tty", "OpenStdin", "StdinOnce")},
        "HostConfig": {"NetworkMode": detail["HostConfig"]["NetworkMode"]},
    }
