"""One priority level: seats for requests at work, and a bounded queue for each flow that waits for one."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Literal

from minikube_py.api.meta import Object, name_of, uid_of

RejectionReason = Literal["queue-full", "concurrency-limit", "time-out"]
"""Upstream's values of the label ``reason``."""


class Rejected(Exception):
    """The request finds no seat, and no place in a queue or not in time."""

    def __init__(self, reason: RejectionReason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """What a PriorityLevelConfiguration allows: ``seats`` None is without limit; ``queue_length`` is for each flow."""

    name: str
    uid: str
    seats: int | None
    queue_length: int


def limits_of(objects: list[Object], total_seats: int) -> list[Limits]:
    """Every level's limits: each has its share of the server's seats, rounded up, as upstream."""
    limited = {name_of(obj): (obj.get("spec") or {}).get("limited") or {} for obj in objects if not _is_exempt(obj)}
    shares = {name: int(limit.get("nominalConcurrencyShares", 30)) for name, limit in limited.items()}
    together = sum(shares.values()) or 1
    made = []
    for obj in objects:
        name = name_of(obj)
        if name not in limited:
            made.append(Limits(name, uid_of(obj), None, 0))
            continue
        response = limited[name].get("limitResponse") or {}
        queuing = (response.get("queuing") or {}) if response.get("type") == "Queue" else {}
        length = int(queuing.get("queueLengthLimit", 50)) if response.get("type") == "Queue" else 0
        made.append(Limits(name, uid_of(obj), math.ceil(total_seats * shares[name] / together), length))
    return made


def _is_exempt(obj: Object) -> bool:
    return (obj.get("spec") or {}).get("type") == "Exempt"


class Level:
    """Hands out seats. Flows that wait are served in turn, whatever number of requests each has waiting."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.executing = 0
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def in_queue(self) -> int:
        """How many requests wait."""
        return sum(len(queue) for queue in self._waiting.values())

    def in_queue_of(self, schema: str) -> int:
        """How many requests of one FlowSchema wait; flows are named ``schema/distinguisher``."""
        return sum(len(queue) for flow, queue in self._waiting.items() if flow.startswith(f"{schema}/"))

    def take(self) -> bool:
        """A seat at once, if one is free and nobody waits; each taken seat must be given back."""
        seats = self.limits.seats
        if seats is None or (self.executing < seats and not self._waiting):
            self.executing += 1
            return True
        return False

    async def wait(self, flow: str, seconds: float) -> None:
        """Waits for a seat in the flow's queue. Raises Rejected."""
        if not self.limits.queue_length:
            raise Rejected("concurrency-limit")
        queue = self._waiting.setdefault(flow, deque())
        if len(queue) >= self.limits.queue_length:
            raise Rejected("queue-full")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            async with asyncio.timeout(seconds):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                # The seat came in the same moment as the end.
                self.give()
            else:
                self._leave(flow, turn)
            if isinstance(error, TimeoutError):
                raise Rejected("time-out") from None
            raise

    def give(self) -> None:
        """Gives a seat back, to the flow whose turn it is."""
        self.executing -= 1
        self.serve()

    def serve(self) -> None:
        """Seats those whose turn it is while there are seats; also after the limits have changed."""
        seats = self.limits.seats
        while self._waiting and (seats is None or self.executing < seats):
            flow, queue = next(iter(self._waiting.items()))
            turn = queue.popleft()
            # To the end of the line, so that every flow has its turn before this one has the next.
            del self._waiting[flow]
            if queue:
                self._waiting[flow] = queue
            if not turn.done():
                self.executing += 1
                turn.set_result(None)

    def _leave(self, flow: str, turn: asyncio.Future[None]) -> None:
        queue = self._waiting.get(flow)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[flow]
