"""Removes images that pods of this node no longer use when their disk fills up.

Only images that this kubelet's own pods have used are ever removed: the engine may hold other people's images too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from kubelet.eviction import Reading
from kubelet.node.status import NodeSettings
from kubelet.pod_events import Recorder
from kubelet.runtime import ContainerRuntime, ImageInUse, ImageStatus, RuntimeFailure
from minikube_py.runtime.clock import Clock

log = structlog.get_logger("kubelet")

PERIOD_SECONDS = 300.0
YOUNGEST = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class ImagePolicy:
    """How full the image disk may be, in percent, before and after images are removed."""

    high_percent: int = 85
    low_percent: int = 80


def bytes_to_free(reading: Reading, policy: ImagePolicy) -> int:
    """How much has to go, 0 below the high mark. Pure."""
    if reading.capacity <= 0:
        return 0
    used = reading.capacity - reading.available
    if used * 100 < reading.capacity * policy.high_percent:
        return 0
    return reading.capacity * (100 - policy.low_percent) // 100 - reading.available


def removable(
    images: Iterable[ImageStatus],
    in_use: set[str],
    last_used: Mapping[str, datetime],
    now: datetime,
    needed_bytes: int | None,
) -> list[ImageStatus]:
    """The images to remove, longest unused first, until ``needed_bytes`` are free (None: all that may go). Pure."""
    candidates = [
        image
        for image in images
        if image.id not in in_use and image.id in last_used and now - last_used[image.id] >= YOUNGEST
    ]
    candidates.sort(key=lambda image: last_used[image.id])
    chosen: list[ImageStatus] = []
    freed = 0
    for image in candidates:
        if needed_bytes is not None and freed >= needed_bytes:
            break
        chosen.append(image)
        freed += image.size_bytes
    return chosen


class ImageGarbageCollector:
    """Looks every five minutes."""

    def __init__(
        self,
        runtime: ContainerRuntime,
        clock: Clock,
        recorder: Recorder,
        node: NodeSettings,
        disk: Callable[[], Reading],
        policy: ImagePolicy,
    ) -> None:
        self._runtime = runtime
        self._clock = clock
        self._recorder = recorder
        self._node = node
        self._disk = disk
        self._policy = policy
        self._last_used: dict[str, datetime] = {}

    async def run(self) -> None:
        """Never returns."""
        while True:
            try:
                await self.look()
            except (RuntimeFailure, OSError) as error:
                log.warning("Images could not be looked through", error=str(error))
            await self._clock.sleep(PERIOD_SECONDS)

    async def look(self) -> None:
        """One look: notes what is in use, and frees disk where it is too full. Raises RuntimeFailure."""
        images, in_use = await self._survey()
        needed = bytes_to_free(self._disk(), self._policy)
        if needed <= 0:
            return
        freed = await self._remove(removable(images, in_use, self._last_used, self._clock.now(), needed))
        if freed < needed:
            message = (
                "Failed to garbage collect required amount of images. "
                f"Attempted to free {needed} bytes, but only found {freed} bytes eligible to free."
            )
            name = self._node.name
            node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": name}}
            self._recorder.event(node, "Warning", "FreeDiskSpaceFailed", message)

    async def free_all(self) -> int:
        """Removes every image that may go; returns the bytes that were freed. Raises RuntimeFailure."""
        images, in_use = await self._survey()
        return await self._remove(removable(images, in_use, self._last_used, self._clock.now(), None))

    async def _survey(self) -> tuple[list[ImageStatus], set[str]]:
        images = await self._runtime.list_images()
        shown = {image.shown_id(): image.id for image in images}
        in_use = {
            shown.get(container.image_id, container.image_id)
            for pod in await self._runtime.list_pods()
            for container in pod.containers
        }
        now = self._clock.now()
        self._last_used.update(dict.fromkeys(in_use, now))
        return images, in_use

    async def _remove(self, images: Iterable[ImageStatus]) -> int:
        freed = 0
        for image in images:
            try:
                await self._runtime.remove_image(image.id)
            except ImageInUse:
                continue
            log.info("Image removed", image=image.id, tags=list(image.repo_tags), size_bytes=image.size_bytes)
            self._last_used.pop(image.id, None)
            freed += image.size_bytes
        return freed
