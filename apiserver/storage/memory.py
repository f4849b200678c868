"""The store in memory: for tests, with the failures of the real one at hand."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from apiserver.storage.store import (
    Compacted,
    EtcdStatus,
    FutureRevision,
    KeyExists,
    KeyValue,
    NoSpace,
    RangePage,
    RevisionMismatch,
    StoreEvent,
    StoreUnavailable,
    WatchBatch,
)


class MemoryStore:
    """A Store that lives and dies with the process; one event loop only.

    Fresh stores are at revision 1, as etcd is. ``monotonic`` gives the time, in seconds, that times to live are
    counted by; keys that have outlived theirs go at the next call. Tests set ``available`` and ``no_space`` to
    have the store fail as etcd does, and call :meth:`break_watches` to have connections break.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic, batch_size: int = 1000) -> None:
        self.available = True
        self.no_space = False
        self.reads = 0
        """How many times the current revision was asked for."""
        self._monotonic = monotonic
        self._batch_size = batch_size
        self._revision = 1
        self._compacted = 0
        self._current: dict[str, KeyValue] = {}
        self._log: list[StoreEvent] = []
        self._revisions: list[int] = []
        self._deadlines: dict[str, float] = {}
        self._generation = 0
        self._changed = asyncio.Event()

    async def get(self, key: str) -> KeyValue | None:
        self._enter()
        return self._current.get(key)

    async def range(self, prefix: str, *, start_key: str = "", limit: int = 0, revision: int = 0) -> RangePage:
        self._enter()
        state = self._state_at(revision) if revision else self._current
        keys = sorted((key for key in state if key.startswith(prefix) and key >= start_key), key=str.encode)
        page = keys[:limit] if limit else keys
        return RangePage([state[key] for key in page], revision or self._revision, len(page) < len(keys), len(keys))

    async def create(self, key: str, value: bytes, *, ttl_seconds: int | None = None) -> int:
        self._enter()
        if current := self._current.get(key):
            raise KeyExists(current)
        return self._put(key, value, ttl_seconds)

    async def update(self, key: str, value: bytes, *, expected_revision: int, ttl_seconds: int | None = None) -> int:
        self._enter()
        self._check(key, expected_revision)
        return self._put(key, value, ttl_seconds)

    async def delete(self, key: str, *, expected_revision: int) -> int:
        self._enter()
        self._check(key, expected_revision)
        return self._delete(key)

    async def current_revision(self) -> int:
        self.reads += 1
        self._enter()
        return self._revision

    async def watch(
        self, prefix: str, *, start_revision: int, with_previous: bool = False
    ) -> AsyncIterator[WatchBatch]:
        self._enter()
        generation = self._generation
        position = start_revision
        while True:
            if generation != self._generation or not self.available:
                raise StoreUnavailable("the watch's connection broke")
            if position < self._compacted:
                raise Compacted(self._compacted)
            first = bisect_left(self._revisions, position)
            seen = self._log[first : first + self._batch_size]
            if seen:
                events = tuple(
                    event if with_previous else replace(event, previous=None)
                    for event in seen
                    if event.key.startswith(prefix)
                )
                position = seen[-1].revision + 1
                yield WatchBatch(events, seen[-1].revision)
            else:
                changed = self._changed
                await changed.wait()

    async def compact(self, revision: int) -> None:
        self._enter()
        if revision <= self._compacted:
            raise Compacted(self._compacted)
        if revision > self._revision:
            raise FutureRevision
        self._compacted = revision

    async def status(self) -> EtcdStatus:
        self._enter()
        size = sum(len(kv.value) for kv in self._current.values())
        alarms = ("NOSPACE",) if self.no_space else ()
        return EtcdStatus("memory", self._revision, size, size, has_leader=True, is_learner=False, alarms=alarms)

    async def close(self) -> None:
        self.break_watches()

    def break_watches(self) -> None:
        """Has every running watch fail with StoreUnavailable, as when the connection breaks."""
        self._generation += 1
        self._wake()

    def _enter(self) -> None:
        if not self.available:
            raise StoreUnavailable("the store is not reachable")
        now = self._monotonic()
        for key in [key for key, deadline in self._deadlines.items() if deadline <= now]:
            self._delete(key)

    def _check(self, key: str, expected_revision: int) -> None:
        current = self._current.get(key)
        if current is None or current.revision != expected_revision:
            raise RevisionMismatch(key, current)

    def _put(self, key: str, value: bytes, ttl_seconds: int | None) -> int:
        if self.no_space:
            raise NoSpace
        self._revision += 1
        previous = self._current.get(key)
        self._current[key] = KeyValue(key, value, self._revision)
        self._deadlines.pop(key, None)
        if ttl_seconds is not None:
            self._deadlines[key] = self._monotonic() + ttl_seconds
        self._append(StoreEvent("PUT", key, value, self._revision, previous))
        return self._revision

    def _delete(self, key: str) -> int:
        self._revision += 1
        self._deadlines.pop(key, None)
        previous = self._current.pop(key)
        self._append(StoreEvent("DELETE", key, b"", self._revision, previous))
        return self._revision

    def _append(self, event: StoreEvent) -> None:
        self._log.append(event)
        self._revisions.append(event.revision)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _state_at(self, revision: int) -> dict[str, KeyValue]:
        if revision < self._compacted:
            raise Compacted(self._compacted)
        if revision > self._revision:
            raise FutureRevision
        state: dict[str, KeyValue] = {}
        for event in self._log[: bisect_right(self._revisions, revision)]:
            if event.type == "PUT":
                state[event.key] = KeyValue(event.key, event.value, event.revision)
            else:
                state.pop(event.key, None)
        return state
