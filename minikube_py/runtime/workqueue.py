"""The work queue: keys, each there once, each worked on by one worker at a time.

As ``k8s.io/client-go/util/workqueue``: a key that is added while it is worked on is queued again when that work is
done; failures are retried after an exponential back-off per key.
"""

from __future__ import annotations

import asyncio
from collections import deque

from minikube_py.runtime import metrics
from minikube_py.runtime.clock import Clock, Timer

BASE_DELAY_SECONDS = 0.005
MAX_DELAY_SECONDS = 1000.0
DEFAULT_MAXIMUM = 100_000


class QueueFull(Exception):
    """The queue holds as many different keys as it may."""


class QueueShutDown(Exception):
    """The queue was shut down and is empty: the worker's end."""


class WorkQueue:
    """A queue of at most ``maximum`` different keys, for workers on one event loop."""

    def __init__(self, name: str, clock: Clock, *, maximum: int = DEFAULT_MAXIMUM) -> None:
        self.name = name
        self._clock = clock
        self._maximum = maximum
        self._order: deque[str] = deque()
        self._queued: dict[str, float] = {}
        self._working: dict[str, float] = {}
        self._again: set[str] = set()
        self._later: dict[str, tuple[float, Timer]] = {}
        self._failures: dict[str, int] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._shut_down = False
        self._depth = metrics.WORKQUEUE_DEPTH.labels(name)
        self._adds = metrics.WORKQUEUE_ADDS.labels(name)
        self._queue_duration = metrics.WORKQUEUE_QUEUE_DURATION.labels(name)
        self._work_duration = metrics.WORKQUEUE_WORK_DURATION.labels(name)
        self._retried = metrics.WORKQUEUE_RETRIES.labels(name)

    def __len__(self) -> int:
        """How many keys are ready to be worked on."""
        return len(self._order)

    @property
    def idle(self) -> bool:
        """Whether nothing is queued or being worked on; keys due later do not count."""
        return not self._order and not self._working

    def add(self, key: str) -> None:
        """Queues the key unless it is queued already. Raises QueueFull; does nothing once shut down."""
        if self._shut_down or key in self._queued or key in self._again:
            return
        if len(self._queued) + len(self._working) + len(self._later) >= self._maximum:
            raise QueueFull(f"work queue {self.name} holds {self._maximum} keys")
        self._adds.inc()
        if key in self._working:
            self._again.add(key)
        else:
            self._enqueue(key)

    def add_after(self, key: str, seconds: float) -> None:
        """Queues the key once ``seconds`` have passed; of two such times for one key the earlier one holds."""
        if self._shut_down:
            return
        if seconds <= 0:
            self.add(key)
            return
        due = self._clock.monotonic() + seconds
        planned = self._later.get(key)
        if planned is not None:
            if planned[0] <= due:
                return
            planned[1].cancel()
        elif len(self._queued) + len(self._working) + len(self._later) >= self._maximum:
            raise QueueFull(f"work queue {self.name} holds {self._maximum} keys")
        self._later[key] = (due, self._clock.call_later(seconds, lambda: self._due(key)))

    def add_rate_limited(self, key: str) -> None:
        """Queues the key after its back-off: 5 ms, doubled for every failure since :meth:`forget`, up to 1000 s."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self._retried.inc()
        self.add_after(key, min(BASE_DELAY_SECONDS * 2 ** min(failures, 30), MAX_DELAY_SECONDS))

    def forget(self, key: str) -> None:
        """The key's next back-off is the shortest again."""
        self._failures.pop(key, None)

    def retries(self, key: str) -> int:
        """How often the key was rate-limited since it was forgotten."""
        return self._failures.get(key, 0)

    async def get(self) -> str:
        """The next key; the caller must call :meth:`done`. Raises QueueShutDown once shut down and empty."""
        while not self._order:
            if self._shut_down:
                raise QueueShutDown(self.name)
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._wake_one()
                raise
        key = self._order.popleft()
        now = self._clock.monotonic()
        self._queue_duration.observe(now - self._queued.pop(key))
        self._depth.set(len(self._order))
        self._working[key] = now
        return key

    def done(self, key: str) -> None:
        """The work on the key has ended; if it was added meanwhile, it is queued again."""
        started = self._working.pop(key, None)
        if started is not None:
            self._work_duration.observe(self._clock.monotonic() - started)
        if key in self._again:
            self._again.discard(key)
            self._enqueue(key)

    def shut_down(self) -> None:
        """Takes no more keys and drops those due later; workers get what is queued and then QueueShutDown."""
        self._shut_down = True
        for _, timer in self._later.values():
            timer.cancel()
        self._later.clear()
        while self._waiters:
            self._wake_one()

    def _due(self, key: str) -> None:
        self._later.pop(key, None)
        self.add(key)

    def _enqueue(self, key: str) -> None:
        self._queued[key] = self._clock.monotonic()
        self._order.append(key)
        self._depth.set(len(self._order))
        self._wake_one()

    def _wake_one(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
