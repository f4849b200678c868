"""Takes and gives back single numbers of a band."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import orjson

from apiserver.allocation.ranges import Band, candidates, free_indexes
from apiserver.storage.store import KeyExists, RevisionMismatch, Store
from minikube_py.api.times import format_time, parse_time
from minikube_py.runtime.clock import Clock

LEAK_SECONDS = 300
"""How old a number without Service must be before the repair frees it: another server may be creating the Service."""
_PAGE = 500


class OutOfRange(ValueError):
    """The number asked for is not in the band."""


class AlreadyTaken(ValueError):
    """The number asked for belongs to somebody."""


class Full(Exception):
    """No number is left."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A number that is given out: to whom (``namespace/name``), since when, at which revision."""

    value: str
    owner: str
    since: datetime
    revision: int


class Allocator:
    """One band in the store."""

    def __init__(self, store: Store, band: Band, random: Random, clock: Clock) -> None:
        self.band = band
        self._store = store
        self._random = random
        self._clock = clock

    def dry_run(self) -> DryRunAllocator:
        """The same band for one request that must change nothing."""
        return DryRunAllocator(self._store, self.band, self._random, self._clock)

    async def take(self, value: str, owner: str) -> None:
        """Takes that number. Raises OutOfRange, AlreadyTaken."""
        if self.band.index(value) is None:
            raise OutOfRange(value)
        if not await self._create(value, owner):
            raise AlreadyTaken(value)

    async def take_any(self, owner: str) -> str:
        """Takes some free number. Raises Full."""
        for index in candidates(self.band, self._random):
            if await self._create(value := self.band.at(index), owner):
                return value
        taken = {entry.value for entry in await self.taken()}
        for index in free_indexes(self.band, taken, self._random):
            if await self._create(value := self.band.at(index), owner):
                return value
        raise Full

    async def release(self, value: str, owner: str) -> None:
        """Gives a number back if ``owner`` still has it."""
        found = await self._store.get(self.band.path + value)
        if found is None or orjson.loads(found.value).get("owner") != owner:
            return
        try:
            await self._store.delete(found.key, expected_revision=found.revision)
        except RevisionMismatch:
            return

    async def taken(self) -> list[Taken]:
        """Every number that is given out."""
        entries: list[Taken] = []
        start_key = ""
        while True:
            page = await self._store.range(self.band.path, start_key=start_key, limit=_PAGE)
            for stored in page.items:
                body = orjson.loads(stored.value)
                value = stored.key.removeprefix(self.band.path)
                entries.append(Taken(value, body["owner"], parse_time(body["since"]), stored.revision))
            if not page.more:
                return entries
            start_key = page.items[-1].key + "\0"

    async def repair(self, owners: dict[str, str]) -> tuple[list[str], list[str]]:
        """Makes the keys agree with ``owners`` (number → owner): those freed, and those taken anew."""
        freed: list[str] = []
        now = self._clock.now()
        entries = {entry.value: entry for entry in await self.taken()}
        for value, entry in entries.items():
            if value in owners or now - entry.since < timedelta(seconds=LEAK_SECONDS):
                continue
            try:
                await self._store.delete(self.band.path + value, expected_revision=entry.revision)
                freed.append(value)
            except RevisionMismatch:
                continue
        missing = [value for value in owners if value not in entries and self.band.index(value) is not None]
        restored = [value for value in missing if await self._create(value, owners[value])]
        return freed, restored

    async def _create(self, value: str, owner: str) -> bool:
        body = orjson.dumps({"owner": owner, "since": format_time(self._clock.now())})
        try:
            await self._store.create(self.band.path + value, body)
        except KeyExists:
            return False
        return True


class DryRunAllocator(Allocator):
    """Answers as a band does and takes nothing: what it gives may be somebody else's by the time it is asked for."""

    def __init__(self, store: Store, band: Band, random: Random, clock: Clock) -> None:
        super().__init__(store, band, random, clock)
        self._shown: set[str] = set()

    async def release(self, value: str, owner: str) -> None:
        """Nothing is given back, because nothing was taken."""

    async def _create(self, value: str, owner: str) -> bool:
        if value in self._shown or await self._store.get(self.band.path + value) is not None:
            return False
        self._shown.add(value)
        return True
