"""One watcher's place in a watch cache."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from apiserver.storage.cached import Cached, CacheEvent, Delivery
from apiserver.storage.store import StoreError

Matches = Callable[[Cached], bool]
INITIAL_EVENTS_END = "k8s.io/initial-events-end"
_CHUNK = 500


class SlowReader(StoreError):
    """The watcher fell further behind than its buffer holds and was cut off; it may resume where it was."""

    retriable = True


class Subscription:
    """Every event after a revision that the selector lets through, once and in order, until it is closed or cut off.

    Made by :meth:`WatchCache.subscribe`. Use it as a context manager, from one task.
    """

    def __init__(
        self,
        *,
        after_revision: int,
        namespace: str,
        name: str,
        matches: Matches | None,
        buffer_size: int,
        make_bookmark: Callable[[], Delivery],
        close: Callable[[Subscription], None],
    ) -> None:
        self._after = after_revision
        self._namespace = namespace
        self._name = name
        self._matches = matches
        self._buffer_size = buffer_size
        self._make_bookmark = make_bookmark
        self._close = close
        self._first: deque[Delivery] = deque()
        self._pending: deque[Delivery] = deque()
        self._failure: StoreError | None = None
        self._wake: asyncio.Future[None] | None = None

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the subscription; may be called more than once."""
        self._first.clear()
        self._pending.clear()
        self._close(self)

    async def take(self, timeout: float | None) -> list[Delivery]:
        """What has come, at most a few hundred; waits up to ``timeout`` seconds for the first, then returns none.

        Raises SlowReader once it was cut off, and RevisionExpired (after everything known was taken) when the cache
        had to be rebuilt, so that events may be missing.
        """
        if not self._first and not self._pending and self._failure is None:
            await self._wait(timeout)
        source = self._first or self._pending
        if source:
            return [source.popleft() for _ in range(min(len(source), _CHUNK))]
        if self._failure is not None:
            raise self._failure
        return []

    def bookmark(self) -> Delivery | None:
        """A BOOKMARK at the revision up to which everything has been taken; None while something waits."""
        if self._first or self._pending or self._failure is not None:
            return None
        return self._make_bookmark()

    def begin_with(self, deliveries: Iterable[Delivery]) -> None:
        """Puts what precedes the live events; it is not counted against the buffer."""
        self._first.extend(deliveries)

    def replay(self, events: Iterable[CacheEvent]) -> None:
        """Puts past events, filtered, before the live ones."""
        self._first.extend(d for event in events if (d := self._filtered(event)) is not None)

    def offer(self, event: CacheEvent) -> None:
        """Takes a live event if it is selected; cuts the watcher off when its buffer is full."""
        if self._failure is not None or (delivery := self._filtered(event)) is None:
            return
        if len(self._pending) >= self._buffer_size:
            self._first.clear()
            self._pending.clear()
            self.cut_off(SlowReader("the watcher reads too slowly"))
            return
        self._pending.append(delivery)
        self._notify()

    def cut_off(self, failure: StoreError) -> None:
        """Ends the subscription with ``failure`` after what it holds was taken."""
        self._failure = failure
        self._notify()
        self._close(self)

    def _filtered(self, event: CacheEvent) -> Delivery | None:
        if event.revision <= self._after:
            return None
        if self._namespace and event.namespace != self._namespace:
            return None
        if self._name and event.name != self._name:
            return None
        return event.delivery(self._matches)

    async def _wait(self, timeout: float | None) -> None:
        self._wake = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait((self._wake,), timeout=timeout)
        finally:
            self._wake = None

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
