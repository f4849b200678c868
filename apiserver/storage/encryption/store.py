"""A store whose values are sealed on their way in and opened on their way out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import cast

import structlog

from apiserver.storage.encryption.config import Encryption
from apiserver.storage.encryption.providers import CannotOpen, Provider
from apiserver.storage.store import (
    EtcdStatus,
    KeyExists,
    KeyValue,
    RangePage,
    RevisionMismatch,
    Store,
    StoreEvent,
    Unreadable,
    WatchBatch,
)

log = structlog.get_logger("apiserver")


class EncryptedStore:
    """Passes every call on to ``store``; values of kinds that the configuration names are sealed there.

    What was written before, or under an older key, can be read and is marked ``stale``, so that the next write of the
    object, even one that changes nothing, seals it anew. Raises Unreadable where no key opens a value.
    """

    def __init__(self, store: Store, encryption: Encryption) -> None:
        self._store = store
        self._encryption = encryption
        self._known: dict[tuple[str, str], list[Provider]] = {}

    def _providers(self, key: str) -> list[Provider]:
        _, _, group, plural, *_ = [*key.split("/", 4), "", "", "", ""]
        known = self._known.get((group, plural))
        if known is None:
            known = self._encryption.providers("" if group == "core" else group, plural)
            self._known[group, plural] = known
        return known

    def _seal(self, key: str, value: bytes) -> bytes:
        providers = self._providers(key)
        return providers[0].seal(value, key.encode()) if providers else value

    def _open(self, found: KeyValue) -> KeyValue:
        providers = self._providers(found.key)
        for number, provider in enumerate(providers):
            if found.value.startswith(provider.prefix):
                try:
                    value, is_newest = provider.open(found.value, found.key.encode())
                except CannotOpen as error:
                    raise Unreadable(found.key, str(error)) from None
                return replace(found, value=value, stale=number > 0 or not is_newest)
        if providers:
            raise Unreadable(found.key, "no matching prefix found")
        return found

    async def get(self, key: str) -> KeyValue | None:
        """See :class:`Store`. Raises Unreadable."""
        found = await self._store.get(key)
        return self._open(found) if found is not None else None

    async def range(self, prefix: str, *, start_key: str = "", limit: int = 0, revision: int = 0) -> RangePage:
        """See :class:`Store`. Raises Unreadable."""
        page = await self._store.range(prefix, start_key=start_key, limit=limit, revision=revision)
        return replace(page, items=[self._open(item) for item in page.items])

    async def create(self, key: str, value: bytes, *, ttl_seconds: int | None = None) -> int:
        """See :class:`Store`."""
        try:
            return await self._store.create(key, self._seal(key, value), ttl_seconds=ttl_seconds)
        except KeyExists as error:
            raise KeyExists(self._open(error.current)) from None

    async def update(self, key: str, value: bytes, *, expected_revision: int, ttl_seconds: int | None = None) -> int:
        """See :class:`Store`."""
        sealed = self._seal(key, value)
        try:
            return await self._store.update(key, sealed, expected_revision=expected_revision, ttl_seconds=ttl_seconds)
        except RevisionMismatch as error:
            raise self._mismatch(key, error) from None

    async def delete(self, key: str, *, expected_revision: int) -> int:
        """See :class:`Store`."""
        try:
            return await self._store.delete(key, expected_revision=expected_revision)
        except RevisionMismatch as error:
            raise self._mismatch(key, error) from None

    def _mismatch(self, key: str, error: RevisionMismatch) -> RevisionMismatch:
        return RevisionMismatch(key, self._open(error.current) if error.current is not None else None)

    async def current_revision(self) -> int:
        """See :class:`Store`."""
        return await self._store.current_revision()

    async def watch(
        self, prefix: str, *, start_revision: int, with_previous: bool = False
    ) -> AsyncIterator[WatchBatch]:
        """See :class:`Store`. A value that no key opens comes as an event that is ``unreadable``."""
        batches = self._store.watch(prefix, start_revision=start_revision, with_previous=with_previous)
        async with aclosing(cast(AsyncGenerator[WatchBatch, None], batches)) as opened:
            async for batch in opened:
                yield replace(batch, events=tuple(self._event(event) for event in batch.events))

    def _event(self, event: StoreEvent) -> StoreEvent:
        previous = event.previous
        try:
            if previous is not None:
                previous = self._open(previous)
            if event.type == "DELETE":
                return replace(event, previous=previous)
            opened = self._open(KeyValue(event.key, event.value, event.revision))
        except Unreadable as error:
            log.error("Stored value can't be decrypted", key=event.key, error=str(error))
            return replace(event, value=b"", previous=None, unreadable=True)
        return replace(event, value=opened.value, previous=previous)

    async def compact(self, revision: int) -> None:
        """See :class:`Store`."""
        await self._store.compact(revision)

    async def status(self) -> EtcdStatus:
        """See :class:`Store`."""
        return await self._store.status()

    async def close(self) -> None:
        """See :class:`Store`."""
        await self._store.close()
