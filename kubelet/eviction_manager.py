"""Watches the node's memory and disk, evicts pods when they run short, and tells of pressure."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from kubelet import metrics
from kubelet.eviction import (
    IMAGE_FS,
    MEMORY,
    NODE_FS,
    PressureState,
    Reading,
    Shortage,
    Threshold,
    choose,
    next_pressure,
    shortages,
)
from kubelet.image_gc import ImageGarbageCollector
from kubelet.kubelet import Kubelet
from kubelet.node.status import Pressure
from kubelet.observation import Cause
from kubelet.pod_events import PodEvents
from kubelet.runtime import ContainerRuntime, ContainerState, RuntimeFailure
from minikube_py.api.meta import key_of
from minikube_py.runtime.clock import Clock

log = structlog.get_logger("kubelet")

LOOK_SECONDS = 10.0
HARD_GRACE_SECONDS = 1


@dataclass(slots=True)
class HostSignals:
    """Reads the signals of this host."""

    node_directory: str
    image_directory: str
    proc: str = "/proc"

    def read(self) -> dict[str, Reading]:
        """Memory and disk as they are now (blocking, but only for the kernel's own files)."""
        return {
            MEMORY: self._memory(),
            NODE_FS: file_system(self.node_directory),
            IMAGE_FS: file_system(self.image_directory),
        }

    def _memory(self) -> Reading:
        values: dict[str, int] = {}
        with open(f"{self.proc}/meminfo", encoding="ascii") as file:
            for line in file:
                name, _, rest = line.partition(":")
                if name in ("MemTotal", "MemAvailable"):
                    values[name] = int(rest.split()[0]) * 1024
        return Reading(values.get("MemAvailable", 0), values.get("MemTotal", 0))


def file_system(directory: str) -> Reading:
    """The file system that holds a directory, or the nearest one above it that exists."""
    while not os.path.exists(directory):
        directory = os.path.dirname(directory) or "/"
    found = os.statvfs(directory)
    return Reading(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


@dataclass(slots=True)
class EvictionManager:
    """Looks every ten seconds; at most one pod is evicted at a look."""

    kubelet: Kubelet
    runtime: ContainerRuntime
    clock: Clock
    events: PodEvents
    signals: Callable[[], Mapping[str, Reading]]
    thresholds: tuple[Threshold, ...]
    images: ImageGarbageCollector
    on_pressure: Callable[[], None]
    state: PressureState = field(default_factory=PressureState)

    def pressure(self) -> Pressure:
        """What the node's conditions say."""
        return Pressure(memory=self.state.under([MEMORY]), disk=self.state.under([NODE_FS, IMAGE_FS]))

    async def run(self) -> None:
        """Never returns."""
        while True:
            try:
                await self.look()
            except (RuntimeFailure, OSError) as error:
                log.warning("Eviction signals could not be heeded", error=str(error))
            await self.clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """One look: pressure is told, room is made. Raises RuntimeFailure, OSError."""
        found = shortages(self.thresholds, await asyncio.to_thread(self.signals))
        before = self.pressure()
        self.state = next_pressure(self.state, found, self.clock.now())
        if self.pressure() != before:
            self.on_pressure()
        for shortage in found:
            if shortage.signal != MEMORY and await self.images.free_all():
                return
            if await self._evict(shortage):
                return

    async def _evict(self, shortage: Shortage) -> bool:
        usage = await self._memory_usage() if shortage.signal == MEMORY else {}
        workers = self.kubelet.workers()
        victim = choose(shortage, [w.pod for w in workers.values() if w.stop is None], usage)
        if victim is None:
            return False
        log.warning("Evicting pod", pod=key_of(victim.pod), signal=shortage.signal, available=shortage.available)
        self.events.pod(victim.pod, "Warning", "Evicted", victim.message)
        metrics.EVICTIONS.labels(shortage.signal).inc()
        workers[victim.pod["metadata"]["uid"]].end(Cause.FAILED, "Evicted", victim.message, HARD_GRACE_SECONDS)
        return True

    async def _memory_usage(self) -> dict[str, dict[str, int]]:
        """Working sets in bytes: pod uid → container → bytes."""
        running = {
            container.id: container
            for pod in await self.runtime.list_pods()
            for container in pod.containers
            if container.state is ContainerState.RUNNING
        }
        usage: dict[str, dict[str, int]] = {}
        for stats in await self.runtime.container_stats(list(running)):
            container = running[stats.id]
            usage.setdefault(container.pod_uid, {})[container.name] = stats.memory_working_set_bytes
        return usage
