"""Leases for keys that expire, shared so that a thousand events do not need a thousand leases."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

_REUSE_SECONDS = 60
_REUSE_PART = 0.05
_MOST_KEYS = 1000


@dataclass(slots=True)
class _Shared:
    lease_id: int
    reusable_until: float
    keys: int


class Leases:
    """Hands out leases by time to live, as upstream's lease manager does.

    A lease is given to at most 1000 keys within 60 s (or 5 % of the time to live, where that is less) and lives that
    much longer than asked for, so that the last key to get it lives long enough too. ``grant`` asks etcd for a lease.
    """

    def __init__(
        self, grant: Callable[[int], Awaitable[int]], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._grant = grant
        self._monotonic = monotonic
        self._shared: dict[int, _Shared] = {}
        self._lock = asyncio.Lock()

    async def lease_for(self, ttl_seconds: int) -> int:
        """The id of a lease that lives for at least ``ttl_seconds`` from now."""
        async with self._lock:
            shared = self._shared.get(ttl_seconds)
            if shared is None or shared.keys >= _MOST_KEYS or self._monotonic() >= shared.reusable_until:
                extra = max(int(min(_REUSE_SECONDS, ttl_seconds * _REUSE_PART)), 1)
                asked = self._monotonic()
                lease_id = await self._grant(ttl_seconds + extra)
                shared = self._shared[ttl_seconds] = _Shared(lease_id, asked + extra, 0)
            shared.keys += 1
            return shared.lease_id

    def forget(self, lease_id: int) -> None:
        """Drops a lease that etcd does not know any more."""
        self._shared = {ttl: shared for ttl, shared in self._shared.items() if shared.lease_id != lease_id}
