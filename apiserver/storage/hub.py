"""The one watch on etcd that feeds every watch cache of a process.

One watch on all keys serves instead of one per kind, because it makes freshness exact: each revision of the store is a
write of some key, so whoever has seen every event up to a revision knows that nothing is missing below it. A watch on
one prefix learns that only through progress requests, which etcd before 3.4.31 and 3.5.13 may answer ahead of events
that are still under way (``docs/adr/0002-one-etcd-watch.md``).
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Protocol, cast

import structlog

from apiserver.storage.store import Compacted, Store, StoreError, StoreEvent, WatchBatch
from minikube_py.runtime.tasks import Tasks

_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 1.0
log = structlog.get_logger("apiserver")


class Consumer(Protocol):
    """What the hub feeds: the cache of one kind."""

    def apply(self, event: StoreEvent) -> None:
        """One write under the consumer's prefix; called in revision order."""
        ...

    def reset(self) -> None:
        """Events may have been missed: forget everything."""
        ...


class SharedRevision:
    """The store's current revision, asked for once by all who need it at the same time.

    An answer serves only those who came before its question was put; whoever comes later waits for the next one,
    because a write acknowledged in between may not be in the first.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tasks = Tasks()
        self._asking = False
        self._waiting: list[asyncio.Future[int]] = []

    async def get(self) -> int:
        """A revision that no write acknowledged before the call is above. Raises what the store raises."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        if not self._asking:
            self._asking = True
            self._tasks.start("current-revision", self._ask())
        return await future

    async def _ask(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                await self._answer(waiting)
        finally:
            self._asking = False

    async def _answer(self, waiting: list[asyncio.Future[int]]) -> None:
        try:
            revision = await self._store.current_revision()
        except Exception as error:
            for future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        for future in waiting:
            if not future.done():
                future.set_result(revision)


class _OtherHistory(StoreError):
    """The store is not the one that was followed before."""


class WatchHub:
    """Follows every write of the store and passes it to the cache of its kind.

    :meth:`run` is to be started as one task. When the connection breaks the hub resumes after the last revision it has
    seen, with a back-off of 0.1 s to 1 s; when that is compacted, or the store was replaced by another one (etcd was
    restored from a snapshot), every cache is reset. Another store is known by a revision below one already seen, or by
    another write at the last revision seen. ``revision`` is the last one seen; ``epoch`` counts the resets.
    """

    def __init__(self, store: Store, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.store = store
        self.revision = 0
        self.epoch = 0
        self.was_reset = asyncio.Event()
        """Set with every reset, for whoever fills the caches anew to clear."""
        self._shared = SharedRevision(store)
        self._sleep = sleep
        self._following: asyncio.Timeout | None = None
        self._last: StoreEvent | None = None
        self._is_resuming = False
        self._consumers: dict[str, Consumer] = {}
        self._waiters: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def add(self, prefix: str, consumer: Consumer) -> None:
        """Feeds ``consumer`` from now on with writes under ``prefix`` (``/registry/<group>/<plural>/``)."""
        self._consumers[prefix] = consumer

    def remove(self, prefix: str) -> None:
        """Stops feeding that prefix."""
        self._consumers.pop(prefix, None)

    async def wait_fresh(self) -> int:
        """Waits until everything acknowledged before the call has been seen; the revision then reached.

        Bound it with a time-out. Raises StoreUnavailable or StoreTimeout where etcd does not answer.
        """
        seen, epoch = self.revision, self.epoch
        revision = await self._shared.get()
        if revision < seen and epoch == self.epoch:
            log.warning("Etcd went back in time, rebuilding", revision=seen, current=revision)
            self._reset(0)
            if self._following is not None:
                # The watch that is open, if one is, waits for a revision that may never come.
                self._following.reschedule(asyncio.get_running_loop().time())
        await self.wait_revision(revision)
        return self.revision

    async def wait_revision(self, revision: int) -> None:
        """Waits until ``revision`` has been seen. Bound it with a time-out."""
        if revision <= self.revision:
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiters, (revision, next(self._numbers), future))
        await future

    async def run(self) -> None:
        """Follows the store until cancelled."""
        delay = _FIRST_DELAY_SECONDS
        while True:
            before = self.revision
            try:
                async with asyncio.timeout(None) as self._following:
                    await self._follow()
            except TimeoutError:
                log.info("Watch on etcd begins anew")
            except Compacted as error:
                log.warning(
                    "Watch on etcd fell behind compaction, rebuilding", revision=self.revision, error=str(error)
                )
                self._reset(0)
            except _OtherHistory as error:
                log.warning("Etcd holds another history, rebuilding", revision=self.revision, error=str(error))
                self._reset(0)
            except StoreError as error:
                log.warning("Watch on etcd broke, resuming", revision=self.revision, error=str(error))
            finally:
                self._following = None
            if self.revision > before:
                delay = _FIRST_DELAY_SECONDS
            await self._sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY_SECONDS)

    async def _follow(self) -> None:
        current = await self._shared.get()
        if self.revision == 0:
            self._advance(current)
        elif current < self.revision:
            log.warning("Etcd went back in time, rebuilding", revision=self.revision, current=current)
            self._reset(current)
        self._is_resuming = self._last is not None and self._last.revision == self.revision
        # From the last revision seen, not the next one: that write tells whether this is the store that was left. And
        # etcd may drop the deletion at exactly the revision that it is compacted at without saying so, and refuses
        # only what is older.
        batches = cast(AsyncGenerator[WatchBatch, None], self.store.watch("", start_revision=max(self.revision, 1)))
        async with aclosing(batches):
            async for batch in batches:
                self._apply(batch)

    def _apply(self, batch: WatchBatch) -> None:
        if self._is_resuming and batch.events:
            self._check_history(batch)
            self._is_resuming = False
        if batch.events:
            self._last = batch.events[-1]
        for event in batch.events:
            if event.revision <= self.revision:
                continue
            parts = event.key.split("/", 4)
            if len(parts) == 5 and (consumer := self._consumers.get(f"/{parts[1]}/{parts[2]}/{parts[3]}/")):
                if event.unreadable:
                    # Filled anew when next read, which tells the reader what is wrong.
                    consumer.reset()
                else:
                    consumer.apply(event)
        self._advance(batch.revision)

    def _check_history(self, batch: WatchBatch) -> None:
        """Raises _OtherHistory where the last write that was seen is not the store's at that revision."""
        last = cast(StoreEvent, self._last)
        found = [event for event in batch.events if event.revision == last.revision]
        # Compaction drops a deletion, but never a write that holds still.
        if not found and last.type == "DELETE":
            return
        if not found or (found[-1].key, found[-1].type, found[-1].value) != (last.key, last.type, last.value):
            raise _OtherHistory(f"revision {last.revision} is not the write to {last.key} that it was")

    def _advance(self, revision: int) -> None:
        self.revision = max(self.revision, revision)
        while self._waiters and self._waiters[0][0] <= self.revision:
            _, _, future = heapq.heappop(self._waiters)
            if not future.done():
                future.set_result(None)

    def _reset(self, revision: int) -> None:
        self.epoch += 1
        self.revision = revision
        self._last = None
        for consumer in self._consumers.values():
            consumer.reset()
        self.was_reset.set()
