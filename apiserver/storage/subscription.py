"""One watcher's place in a watch cache."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from apiserver.storage.cached import Cached, CacheEvent, Delivery
from apiserver.storage.store import StoreError

Matches = Callable[[Cached], bool]
Scope = tuple[str, str]
"""A namespace and a name, either of which may be empty for any: where a watcher has to be looked for."""
INITIAL_EVENTS_END = "k8s.io/initial-events-end"
INITIAL_EVENTS_LIST_BLUEPRINT = "kubernetes.io/initial-events-list-blueprint"
_CHUNK = 500
_CHUNK_BYTES = 1024 * 1024
BUFFER_BYTES = 16 * 1024 * 1024
"""How many bytes of events a watcher may be behind; what several watchers wait for is kept once."""


def scopes_of(namespace: str, name: str) -> tuple[Scope, ...]:
    """The scopes of the watchers that an object concerns; so those of other names cost its events nothing."""
    if not namespace:
        return (("", ""), ("", name))
    return (("", ""), ("", name), (namespace, ""), (namespace, name))


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
        self._pending_bytes = 0
        self.on_cut_off: Callable[[], None] | None = None
        """Called once when the subscription is cut off, whether or not its reader takes what is left."""
        self.push: Callable[[Delivery], bool] | None = None
        """Sends a live event at once, in place of a reader that waits for it and has sent all before it. False leaves
        it to the reader: sending would have to wait. It saves a change of tasks for each watcher of each event."""
        self._failure: StoreError | None = None
        self._wake: asyncio.Future[None] | None = None

    @property
    def scope(self) -> Scope:
        """The namespace and the name that the subscription is limited to."""
        return self._namespace, self._name

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the subscription; may be called more than once."""
        self._drop()
        self._close(self)

    async def take(self, timeout: float | None) -> list[Delivery]:
        """What has come, at most a few hundred and about a megabyte; waits up to ``timeout`` seconds for the first.

        Returns none where nothing has come by then.

        Raises SlowReader once it was cut off, and RevisionExpired (after everything known was taken) when the cache
        had to be rebuilt, so that events may be missing.
        """
        if not self._first and not self._pending and self._failure is None:
            await self._wait(timeout)
        if self._first:
            return self._chunk(self._first)[0]
        if self._pending:
            taken, size = self._chunk(self._pending)
            self._pending_bytes -= size
            return taken
        if self._failure is not None:
            raise self._failure
        return []

    def bookmark(self) -> Delivery | None:
        """A BOOKMARK at the revision up to which everything has been taken; None while something waits."""
        if self._first or self._pending or self._failure is not None:
            return None
        bookmark = self._make_bookmark()
        # A watch from a revision to come is not to be told of one before it.
        return bookmark if bookmark.revision >= self._after else None

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
        if self.push is not None and self._wake is not None and not self._wake.done() and self.push(delivery):
            return
        self._pending_bytes += delivery.size
        if len(self._pending) >= self._buffer_size or self._pending_bytes > BUFFER_BYTES:
            self._drop()
            self.cut_off(SlowReader("the watcher reads too slowly"))
            return
        self._pending.append(delivery)
        self._notify()

    def cut_off(self, failure: StoreError) -> None:
        """Ends the subscription with ``failure`` after what it holds was taken."""
        if self._failure is not None:
            return
        self._failure = failure
        self._notify()
        self._close(self)
        if self.on_cut_off is not None:
            self.on_cut_off()

    def _drop(self) -> None:
        self._first.clear()
        self._pending.clear()
        self._pending_bytes = 0

    @staticmethod
    def _chunk(source: deque[Delivery]) -> tuple[list[Delivery], int]:
        """The first of what waits, and its size in bytes; always at least one."""
        taken: list[Delivery] = []
        size = 0
        while source and len(taken) < _CHUNK and size < _CHUNK_BYTES:
            taken.append(source.popleft())
            size += taken[-1].size
        return taken, size

    def _filtered(self, event: CacheEvent) -> Delivery | None:
        if event.revision <= self._after:
            return None
        if self._namespace and event.namespace != self._namespace:
            return None
        if self._name and event.name != self._name:
            return None
        return event.delivery(self._matches)

    async def _wait(self, timeout: float | None) -> None:
        loop = asyncio.get_running_loop()
        self._wake = loop.create_future()
        timer = loop.call_later(timeout, self._notify) if timeout is not None else None
        try:
            await self._wake
        finally:
            self._wake = None
            if timer is not None:
                timer.cancel()

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
