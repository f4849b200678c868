"""The recent events of one kind, from which a watch resumes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from apiserver.storage.cached import CacheEvent
from apiserver.storage.store import Compacted


class RevisionExpired(Compacted):
    """The events after ``requested`` are no longer all known; ``revision`` is the oldest that can be resumed from."""

    def __init__(self, requested: int, oldest: int) -> None:
        super().__init__(oldest)
        self.requested = requested
        self.args = (f"too old resource version: {requested} ({oldest})",)


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """How much is kept. At least ``minimum`` events, whatever they weigh; beyond that only what is younger than
    ``seconds``, and never more than ``maximum`` events or ``maximum_bytes``.
    """

    minimum: int = 100
    maximum: int = 10_000
    maximum_bytes: int = 32 * 1024 * 1024
    kept_regardless_of_age: int = 1_000
    seconds: float = 75.0


class History:
    """A ring of events in revision order that grows and shrinks with the rate of writes, within limits.

    ``floor`` is the oldest revision that a watch can resume after: every later event is here.
    """

    def __init__(self, floor: int, limits: HistoryLimits, monotonic: Callable[[], float]) -> None:
        self.floor = floor
        self._limits = limits
        self._monotonic = monotonic
        self._events: deque[tuple[float, CacheEvent]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._events)

    def append(self, event: CacheEvent) -> None:
        """Takes the newest event and drops what is beyond the limits."""
        now = self._monotonic()
        self._events.append((now, event))
        self._bytes += event.size
        while self._is_beyond_limits(now):
            _, oldest = self._events.popleft()
            self._bytes -= oldest.size
            self.floor = oldest.revision

    def since(self, revision: int) -> list[CacheEvent]:
        """Every event after ``revision``, in order. Raises RevisionExpired where some are gone."""
        if revision < self.floor:
            raise RevisionExpired(revision, self.floor)
        # From the newest back: a watcher resumes where it has only just been.
        newer: list[CacheEvent] = []
        for _, event in reversed(self._events):
            if event.revision <= revision:
                break
            newer.append(event)
        newer.reverse()
        return newer

    def _is_beyond_limits(self, now: float) -> bool:
        limits, count = self._limits, len(self._events)
        if count <= limits.minimum:
            return False
        if count > limits.maximum or self._bytes > limits.maximum_bytes:
            return True
        return count > limits.kept_regardless_of_age and now - self._events[0][0] > limits.seconds
