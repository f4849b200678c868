"""Pod lifecycle events: the runtime's events drive the kubelet, a slow listing is the safety net."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import structlog

from kubelet.runtime import ContainerRuntime, EventType, NotFound, RuntimeEvent, RuntimeFailure, RuntimeUnavailable
from kubelet.runtime_cache import RuntimeCache
from minikube_py.runtime.clock import Clock
from minikube_py.runtime.tasks import Tasks

log = structlog.get_logger("kubelet")

RELIST_SECONDS = 60.0
SETTLE_SECONDS = 2.0
FIRST_RETRY_SECONDS = 0.2
LONGEST_RETRY_SECONDS = 5.0
_MOST_LISTINGS = 5


class PodLifecycleEvents:
    """Keeps a :class:`RuntimeCache` true and says which pods changed.

    ``on_change(uid)`` is called for each changed pod, ``on_runtime(up)`` when the runtime begins or ceases to answer.
    """

    def __init__(
        self,
        runtime: ContainerRuntime,
        cache: RuntimeCache,
        clock: Clock,
        on_change: Callable[[str], None],
        on_runtime: Callable[[bool], None],
        relist_seconds: float = RELIST_SECONDS,
    ) -> None:
        self._tasks: Tasks | None = None
        self._runtime = runtime
        self._cache = cache
        self._clock = clock
        self._on_change = on_change
        self._on_runtime = on_runtime
        self._relist_seconds = relist_seconds

    def start(self, tasks: Tasks) -> None:
        """Begins to follow the runtime, for ever."""
        tasks.start("pleg-events", self._follow())
        tasks.start("pleg-relist", self._relist_for_ever())
        self._tasks = tasks

    async def relist(self) -> None:
        """Lists everything and tells of what changed. Raises RuntimeUnavailable."""
        for attempt in range(_MOST_LISTINGS):
            revision = self._cache.revision
            pods = await self._runtime.list_pods()
            if revision == self._cache.revision or not self._cache.is_known or attempt == _MOST_LISTINGS - 1:
                break
        was_known = self._cache.is_known
        changed = self._cache.replace(pods)
        if not was_known:
            self._on_runtime(True)
        for uid in changed:
            self._on_change(uid)

    def runtime_lost(self) -> None:
        """Tells that a call found the runtime down."""
        if self._cache.is_known:
            log.warning("Container runtime does not answer")
            self._cache.lost()
            self._on_runtime(False)
            if self._tasks is not None:
                self._tasks.start("pleg-recovery", self._recover())

    async def _recover(self) -> None:
        """One call may fail while the event stream goes on, so that its end tells nothing of the runtime's return."""
        delay = FIRST_RETRY_SECONDS
        while not self._cache.is_known:
            await self._clock.sleep(delay)
            delay = min(delay * 2, LONGEST_RETRY_SECONDS)
            if not self._cache.is_known:
                await self._is_up()

    async def _follow(self) -> None:
        delay = FIRST_RETRY_SECONDS
        while True:
            try:
                async for event in self._events():
                    delay = FIRST_RETRY_SECONDS
                    await self._take(event)
            except RuntimeUnavailable as error:
                log.info("Runtime event stream ended", error=str(error))
            if not await self._is_up():
                self.runtime_lost()
            await self._clock.sleep(delay)
            delay = min(delay * 2, LONGEST_RETRY_SECONDS)

    async def _events(self) -> AsyncIterator[RuntimeEvent]:
        """The event stream, with a listing once it has been asked for and another one when it surely is open."""
        stream = aiter(self._runtime.events())
        first = asyncio.ensure_future(anext(stream, None))
        settle = asyncio.ensure_future(self._settle())
        try:
            await self.relist()
            event = await first
            while event is not None:
                yield event
                event = await anext(stream, None)
        finally:
            settle.cancel()
            first.cancel()

    async def _settle(self) -> None:
        await self._clock.sleep(SETTLE_SECONDS)
        with contextlib.suppress(RuntimeFailure):
            await self.relist()

    async def _is_up(self) -> bool:
        try:
            await self.relist()
        except RuntimeFailure:
            return False
        return True

    async def _relist_for_ever(self) -> None:
        while True:
            await self._clock.sleep(self._relist_seconds)
            if not self._cache.is_known:
                continue
            try:
                await self.relist()
            except RuntimeUnavailable:
                self.runtime_lost()
            except RuntimeFailure as error:
                log.warning("Listing the runtime failed", error=str(error))

    async def _take(self, event: RuntimeEvent) -> None:
        if not event.pod_uid:
            return
        if event.type is EventType.REMOVED:
            self._cache.forget(event.id)
            self._on_change(event.pod_uid)
        elif event.type is EventType.DIED:
            if event.container_name:
                await self._inspect(event)
            else:
                self._cache.sandbox_died(event.pod_uid, event.id)
            self._on_change(event.pod_uid)

    async def _inspect(self, event: RuntimeEvent) -> None:
        try:
            self._cache.record_container(await self._runtime.container_status(event.id))
        except NotFound:
            self._cache.forget(event.id)
