"""Charging writes to the quotas of their namespace, exact with any number of servers on one store.

Writes to one namespace that come while a charge is on its way to the store are charged together by the next one. A
refusal is never based on what the watch cache alone says. What was charged for a write that did not happen is given
back; where nobody can know whether it happened, the resource quota controller finds out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from apiserver.admission.lookup import eventually
from apiserver.admission.quota_store import Overtaken, QuotaStore
from apiserver.core import Core
from minikube_py.api.errors import ServiceUnavailable
from minikube_py.api.meta import Object
from minikube_py.api.quota import Evaluator
from minikube_py.api.quota_amounts import Amounts, add
from minikube_py.api.quota_charge import Quota, QuotaRefused, QuotaStatusUnknown, charges
from minikube_py.api.resources import RESOURCE_QUOTAS

ATTEMPTS = 50
"""How often a charge is tried anew when other servers charge the same quota."""
STATUS_WAIT_SECONDS = 2.0
"""How long a write waits for the first usage of a new quota to be computed."""


@dataclass(slots=True, eq=False)
class Request:
    """A write that waits to be charged; ``old`` is what it replaces, ``enforced`` whether it may be refused."""

    evaluator: Evaluator
    new: Object
    old: Object | None = None
    dry_run: bool = False
    enforced: bool = True
    charged: dict[str, Amounts] | None = None
    """What it was charged, by quota; None while that is open or where it was refused."""
    refused: Exception | None = None

    @property
    def is_decided(self) -> bool:
        """Whether it was charged or refused."""
        return self.charged is not None or self.refused is not None


@dataclass(slots=True)
class _Queue:
    """The requests of one namespace that wait, and the lock under which they are decided."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: list[Request] = field(default_factory=list)
    users: int = 0


class QuotaLedger:
    """Charges the quotas of every namespace for one server process."""

    def __init__(self, *, status_wait_seconds: float = STATUS_WAIT_SECONDS) -> None:
        self._status_wait = status_wait_seconds
        self._store = QuotaStore()
        self._queues: dict[str, _Queue] = {}

    async def charge(self, core: Core, namespace: str, request: Request) -> None:
        """Charges every quota that the write concerns, or none.

        Raises QuotaRefused, StoreError, ServiceUnavailable where other servers are faster every time.
        """
        await self._queued(core, namespace, request)
        if isinstance(request.refused, QuotaStatusUnknown):
            await eventually(
                core, RESOURCE_QUOTAS, lambda: self._has_status(core, namespace, request), self._status_wait
            )
            request.refused = None
            await self._queued(core, namespace, request)
        if request.refused is not None:
            raise request.refused

    async def give_back(self, core: Core, namespace: str, request: Request) -> None:
        """The write has not happened: gives back what it was charged. Never raises."""
        charged, request.charged = request.charged or {}, None
        known = {quota.name: quota for quota in self._store.known(core, namespace)}
        for name in sorted(charged):
            if name in known:
                await self._store.give_back(core, known[name], charged[name])

    def _has_status(self, core: Core, namespace: str, request: Request) -> bool | None:
        try:
            _judge(core, self._store.known(core, namespace), request)
        except QuotaStatusUnknown:
            return None
        except QuotaRefused:
            pass
        return True

    async def _queued(self, core: Core, namespace: str, request: Request) -> None:
        queue = self._queues.setdefault(namespace, _Queue())
        queue.users += 1
        queue.waiting.append(request)
        try:
            async with queue.lock:
                if not request.is_decided:
                    await self._decide_waiting(core, namespace, queue)
        except asyncio.CancelledError:
            if request in queue.waiting:
                queue.waiting.remove(request)
            await self.give_back(core, namespace, request)
            raise
        finally:
            queue.users -= 1
            if not queue.users:
                self._queues.pop(namespace, None)

    async def _decide_waiting(self, core: Core, namespace: str, queue: _Queue) -> None:
        batch, queue.waiting = queue.waiting, []
        try:
            await self._decide(core, namespace, batch)
        finally:
            # Whoever is interrupted leaves the rest to those who wait for the lock.
            queue.waiting[:0] = [request for request in batch if not request.is_decided]

    async def _decide(self, core: Core, namespace: str, batch: list[Request]) -> None:
        gone: set[str] = set()
        is_current = False
        for _ in range(ATTEMPTS):
            before = {quota.name: quota for quota in self._store.known(core, namespace) if quota.name not in gone}
            after, accepted, refused = _judge_all(core, before, [item for item in batch if not item.is_decided])
            if refused and not is_current:
                gone |= await self._store.refresh(core, namespace, before)
                is_current = True
                continue
            for request, error in refused:
                request.refused = error
            try:
                await self._store.write(core, before, after)
            except Overtaken as overtaken:
                if overtaken.gone:
                    gone.add(overtaken.name)
                is_current = False
                continue
            except Exception as error:
                for request, _ in accepted:
                    request.refused = error
                return
            for request, added in accepted:
                request.charged = added
            return
        for request in batch:
            if not request.is_decided:
                request.refused = ServiceUnavailable("quota could not be charged in time", retry_after_seconds=1)


_Accepted = list[tuple[Request, dict[str, Amounts]]]
_Refused = list[tuple[Request, QuotaRefused]]


def _judge_all(
    core: Core, before: dict[str, Quota], requests: Iterable[Request]
) -> tuple[dict[str, Quota], _Accepted, _Refused]:
    """The quotas as they would be, with the requests that fit one after the other and those that do not."""
    after = dict(before)
    accepted: _Accepted = []
    refused: _Refused = []
    for request in requests:
        try:
            added = _judge(core, after.values(), request)
        except QuotaRefused as error:
            refused.append((request, error))
            continue
        if request.dry_run:
            added = {}
        for name, amounts in added.items():
            after[name] = after[name].with_used(add(after[name].used, amounts))
        accepted.append((request, added))
    return after, accepted, refused


def _judge(core: Core, quotas: Iterable[Quota], request: Request) -> dict[str, Amounts]:
    return charges(quotas, request.evaluator, request.new, request.old, core.clock.now(), enforced=request.enforced)
