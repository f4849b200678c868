"""The scheduling queue: which pending pod is tried next, and when one that failed is tried again.

As upstream's priority queue: a pod is *active* (tried in order of priority, then of arrival), *backing off* after a
failure (1 s, doubled with each attempt, up to 10 s), *unschedulable* until something changes that may help it or five
minutes have passed, or *gated* until its scheduling gates are gone.
"""

from __future__ import annotations

import asyncio
import enum
import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from minikube_py.runtime.clock import Clock, Timer
from scheduler import metrics
from scheduler.plugins.plugin import ClusterEvent
from scheduler.pod_info import PodInfo

INITIAL_BACKOFF_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 10.0
FLUSH_SECONDS = 300.0
MAX_EVENTS_REMEMBERED = 1000
"""Events kept while pods are being tried; beyond it, a pod that fails is simply tried again after its back-off."""

Helps = Callable[[PodInfo, frozenset[str], ClusterEvent], bool]
"""Whether an event may help a pod that the named plugins rejected."""


class State(enum.Enum):
    """Where a pod stands; the values are those of the metric's label."""

    ACTIVE = "active"
    BACKOFF = "backoff"
    UNSCHEDULABLE = "unschedulable"
    GATED = "gated"
    IN_FLIGHT = "in flight"


@dataclass(slots=True, eq=False)
class QueuedPod:
    """A pod in the queue or on its way; ``attempts`` counts the tries begun."""

    pod: PodInfo
    added_at: float
    attempts: int = 0
    rejected_by: frozenset[str] = frozenset()
    state: State | None = None
    ticket: int = 0
    popped_at: float = 0.0
    backoff_until: float = 0.0
    first_event: int = 0
    changed: bool = False
    """Whether the pod has changed since the try began."""
    timers: list[Timer] = field(default_factory=list)


class SchedulingQueue:
    """The pending pods of one scheduler, by key; for one event loop."""

    def __init__(
        self,
        clock: Clock,
        helps: Helps,
        *,
        initial_backoff: float = INITIAL_BACKOFF_SECONDS,
        max_backoff: float = MAX_BACKOFF_SECONDS,
    ) -> None:
        self._clock = clock
        self._helps = helps
        self._initial_backoff = initial_backoff
        self._max_backoff = max_backoff
        self._pods: dict[str, QueuedPod] = {}
        self._active: list[tuple[int, float, int, str]] = []
        self._tickets = itertools.count(1)
        self._events: list[ClusterEvent] = []
        self._events_before = 0
        self._waiting: asyncio.Future[None] | None = None
        self._counts: Counter[State] = Counter()

    def __len__(self) -> int:
        """How many pods wait or are in flight."""
        return len(self._pods)

    def state_of(self, key: str) -> State | None:
        """Where the pod stands, or None where the queue does not know it."""
        queued = self._pods.get(key)
        return queued.state if queued is not None else None

    def add(self, pod: PodInfo) -> None:
        """Queues a pending pod that is new to this queue."""
        self.delete(pod.key)
        queued = QueuedPod(pod, self._clock.monotonic())
        self._pods[pod.key] = queued
        self._move(queued, State.GATED if is_gated(pod) else State.ACTIVE, "PodAdd")

    def update(self, old: PodInfo, new: PodInfo) -> None:
        """The pending pod has changed; one that waits is tried again if the change may matter."""
        queued = self._pods.get(new.key)
        if queued is None or queued.pod.uid != new.uid:
            self.add(new)
            return
        queued.pod = new
        if not _matters(old, new):
            return
        if queued.state is State.IN_FLIGHT:
            queued.changed = True
        elif is_gated(new):
            self._move(queued, State.GATED, "PodUpdate")
        elif queued.state in (State.UNSCHEDULABLE, State.GATED):
            self._retry(queued, "PodUpdate")

    def delete(self, key: str) -> None:
        """The pod is gone, or bound."""
        queued = self._pods.pop(key, None)
        if queued is not None:
            self._leave(queued)
            self._forget_events()

    async def pop(self) -> QueuedPod:
        """The next pod to try; :meth:`done` or :meth:`fail` must follow."""
        while True:
            while self._active:
                _, _, ticket, key = heapq.heappop(self._active)
                queued = self._pods.get(key)
                if queued is not None and queued.state is State.ACTIVE and queued.ticket == ticket:
                    self._move(queued, State.IN_FLIGHT, "")
                    queued.attempts += 1
                    queued.changed = False
                    queued.popped_at = self._clock.monotonic()
                    queued.first_event = self._events_before + len(self._events)
                    return queued
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None

    def done(self, queued: QueuedPod) -> None:
        """The pod was bound, or is of no more concern."""
        if self._pods.get(queued.pod.key) is queued:
            self.delete(queued.pod.key)

    def fail(self, queued: QueuedPod, rejected_by: frozenset[str] | None) -> None:
        """The try failed: ``rejected_by`` the plugins, or (None) by an error, after which it is only backed off.

        A pod that was deleted or replaced meanwhile is dropped.
        """
        if self._pods.get(queued.pod.key) is not queued:
            return
        queued.rejected_by = rejected_by or frozenset()
        backoff = min(self._initial_backoff * 2 ** min(queued.attempts - 1, 30), self._max_backoff)
        queued.backoff_until = self._clock.monotonic() + backoff
        if is_gated(queued.pod):
            self._move(queued, State.GATED, "ScheduleAttemptFailure")
        elif rejected_by is None or queued.changed or self._missed_help(queued):
            self._retry(queued, "ScheduleAttemptFailure")
        else:
            self._move(queued, State.UNSCHEDULABLE, "ScheduleAttemptFailure")
            self._later(queued, FLUSH_SECONDS, "UnschedulableTimeout")
        self._forget_events()

    def happened(self, event: ClusterEvent) -> None:
        """Something in the cluster changed: the unschedulable pods that it may help are tried again."""
        if self._counts[State.IN_FLIGHT]:
            self._events.append(event)
        if not self._counts[State.UNSCHEDULABLE]:
            return
        for queued in list(self._pods.values()):
            if queued.state is State.UNSCHEDULABLE and self._helps(queued.pod, queued.rejected_by, event):
                self._retry(queued, event.change.value)

    def _missed_help(self, queued: QueuedPod) -> bool:
        """Whether something happened during the try that may have helped."""
        missed = queued.first_event - self._events_before
        if missed < 0:
            return True
        return any(self._helps(queued.pod, queued.rejected_by, event) for event in self._events[missed:])

    def _forget_events(self) -> None:
        if self._counts[State.IN_FLIGHT] == 0:
            drop = len(self._events)
        elif len(self._events) > MAX_EVENTS_REMEMBERED:
            drop = len(self._events) // 2
        else:
            return
        self._events_before += drop
        del self._events[:drop]

    def _retry(self, queued: QueuedPod, why: str) -> None:
        wait = queued.backoff_until - self._clock.monotonic()
        if wait > 0:
            self._move(queued, State.BACKOFF, why)
            self._later(queued, wait, "BackoffComplete")
        else:
            self._move(queued, State.ACTIVE, why)

    def _later(self, queued: QueuedPod, seconds: float, why: str) -> None:
        queued.timers.append(self._clock.call_later(seconds, lambda: self._move(queued, State.ACTIVE, why)))

    def _move(self, queued: QueuedPod, state: State, why: str) -> None:
        self._leave(queued)
        queued.state = state
        self._counts[state] += 1
        self._show(state)
        if why:
            metrics.INCOMING_PODS.labels(state.value, why).inc()
        if state is State.UNSCHEDULABLE:
            for plugin in queued.rejected_by:
                metrics.UNSCHEDULABLE_PODS.labels(plugin, _profile(queued)).inc()
        elif state is State.ACTIVE:
            queued.ticket = next(self._tickets)
            order = (-queued.pod.priority, queued.added_at, queued.ticket, queued.pod.key)
            heapq.heappush(self._active, order)
            if self._waiting is not None and not self._waiting.done():
                self._waiting.set_result(None)

    def _leave(self, queued: QueuedPod) -> None:
        """Takes the pod out of the state it is in."""
        for timer in queued.timers:
            timer.cancel()
        queued.timers.clear()
        if queued.state is None:
            return
        self._counts[queued.state] -= 1
        self._show(queued.state)
        if queued.state is State.UNSCHEDULABLE:
            for plugin in queued.rejected_by:
                metrics.UNSCHEDULABLE_PODS.labels(plugin, _profile(queued)).dec()

    def _show(self, state: State) -> None:
        if state is not State.IN_FLIGHT:
            metrics.PENDING_PODS.labels(state.value).set(self._counts[state])


def is_gated(pod: PodInfo) -> bool:
    """Whether the pod has scheduling gates."""
    return bool(pod.spec.get("schedulingGates"))


def _matters(old: PodInfo, new: PodInfo) -> bool:
    """Whether more than the status has changed."""
    return old.spec != new.spec or old.labels != new.labels


def _profile(queued: QueuedPod) -> str:
    return str(queued.pod.spec.get("schedulerName") or "default-scheduler")
