"""Facts of the engine that are asked once, and the pause image that it runs sandboxes from."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import structlog

from kubelet import pause
from kubelet.docker.client import DockerClient
from kubelet.docker.images import Images
from kubelet.runtime import ImagePullFailed

log = structlog.get_logger("runtime")

_CAP_SYS_RESOURCE = 1 << 24
LOWEST_OOM_SCORE_ADJ = -1000


@dataclass(frozen=True, slots=True)
class Facts:
    """What does not change while the engine runs."""

    version: str
    cgroup_driver: str
    cgroup_version: int
    architecture: str
    lowest_oom_score_adj: int


class Engine:
    """Asks once, and again only after a failure."""

    def __init__(self, client: DockerClient, images: Images, pause_image: str) -> None:
        self._client = client
        self._images = images
        self._wanted_pause_image = pause_image
        self._facts: Facts | None = None
        self._pause_image = ""
        self._lock = asyncio.Lock()

    async def facts(self) -> Facts:
        """The engine's facts. Raises RuntimeUnavailable."""
        if self._facts is None:
            info = await self._client.request("GET", "/info")
            self._facts = Facts(
                version=info["ServerVersion"],
                cgroup_driver=info.get("CgroupDriver") or "cgroupfs",
                cgroup_version=int(info.get("CgroupVersion") or 1),
                architecture=info["Architecture"],
                lowest_oom_score_adj=lowest_oom_score_adj(),
            )
        return self._facts

    async def pause_image(self) -> str:
        """The reference of an image that is present; pulled only where the settings name one that is not the default.

        Raises RuntimeUnavailable, and PauseImageUnavailable where the host has nothing to build one from.
        """
        if self._pause_image:
            return self._pause_image
        async with self._lock:
            if not self._pause_image:
                self._pause_image = await self._find_pause_image()
        return self._pause_image

    def forget_pause_image(self) -> None:
        """Looks for the image again the next time: somebody removed it."""
        self._pause_image = ""

    async def _find_pause_image(self) -> str:
        wanted = self._wanted_pause_image
        for present in (wanted, pause.LOCAL_IMAGE):
            if await self._images.status(present) is not None:
                return present
        if wanted != pause.DEFAULT_IMAGE:
            try:
                await self._images.pull(wanted)
                return wanted
            except ImagePullFailed as error:
                log.warning("Pause image cannot be pulled; one is built from this host", image=wanted, error=str(error))
        archive = await asyncio.to_thread(pause.archive, (await self.facts()).architecture)
        await self._images.load_root_filesystem(pause.LOCAL_IMAGE, archive.tar, archive.changes)
        log.info("Pause image built", image=pause.LOCAL_IMAGE, origin=archive.origin)
        return pause.LOCAL_IMAGE


def lowest_oom_score_adj() -> int:
    """-1000 with CAP_SYS_RESOURCE; else what this process itself has, below which nobody may go without it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:") and int(line.split()[1], 16) & _CAP_SYS_RESOURCE:
            return LOWEST_OOM_SCORE_ADJ
    lowest = max(0, int(Path("/proc/self/oom_score_adj").read_text()))
    log.warning(
        "OOM scores cannot be lowered without CAP_SYS_RESOURCE; all are raised to the lowest possible", lowest=lowest
    )
    return lowest
