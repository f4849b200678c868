"""Time, injected: the real clock, and one that tests move by hand."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Timer(Protocol):
    """A callback that is due at some time."""

    def cancel(self) -> None:
        """The callback will not be called; of no effect once it was."""
        ...


class Clock(Protocol):
    """The time of day, a clock that never jumps, and waiting; all in seconds."""

    def now(self) -> datetime:
        """The time of day: aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Returns once ``seconds`` have passed; at once (after a yield) where that is not positive."""
        ...

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Calls ``callback`` on the running event loop once ``seconds`` have passed."""
        ...


class RealClock:
    """The operating system's clocks."""

    def now(self) -> datetime:
        """The time of day: aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """``CLOCK_MONOTONIC``."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """``asyncio.sleep``."""
        await asyncio.sleep(seconds)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """``loop.call_later``."""
        return asyncio.get_running_loop().call_later(max(seconds, 0.0), callback)


class _FakeTimer:
    def __init__(self, due: float, callback: Callable[[], None]) -> None:
        self.due = due
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


FAKE_START = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """A clock that stands still until a test advances it."""

    def __init__(self, start: datetime = FAKE_START) -> None:
        self._start = start
        self._elapsed = 0.0
        self._timers: list[tuple[float, int, _FakeTimer]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        """The start plus what was advanced."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """The seconds that were advanced."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Returns once the clock was advanced by ``seconds``."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        timer = self.call_later(seconds, lambda: None if woken.done() else woken.set_result(None))
        try:
            await woken
        finally:
            timer.cancel()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Calls ``callback`` from within the :meth:`advance` that reaches its time."""
        timer = _FakeTimer(self._elapsed + max(seconds, 0.0), callback)
        heapq.heappush(self._timers, (timer.due, next(self._order), timer))
        return timer

    @property
    def pending(self) -> int:
        """How many sleepers and timers wait."""
        return sum(not timer.cancelled for _, _, timer in self._timers)

    def advance(self, seconds: float) -> None:
        """Moves the time on and fires what falls due, in order of time. Sleepers run when the event loop next does."""
        target = self._elapsed + seconds
        while (due := self._next_due()) is not None and due <= target:
            self._elapsed = max(self._elapsed, due)
            heapq.heappop(self._timers)[2].callback()
        self._elapsed = target

    async def run(self, seconds: float) -> None:
        """Moves the time on from one due moment to the next and lets every task run in between."""
        target = self._elapsed + seconds
        await settle()
        while (due := self._next_due()) is not None and due <= target:
            self.advance(max(due - self._elapsed, 0.0))
            await settle()
        self.advance(target - self._elapsed)
        await settle()

    def _next_due(self) -> float | None:
        while self._timers and self._timers[0][2].cancelled:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None


async def settle(turns: int = 50) -> None:
    """Lets the event loop turn, so that every task that can run without time passing has run; for tests."""
    for _ in range(turns):
        await asyncio.sleep(0)
