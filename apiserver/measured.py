"""A store that counts how long its calls take: ``etcd_request_duration_seconds``."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from prometheus_client import Histogram

from apiserver.storage.store import EtcdStatus, KeyValue, RangePage, Store, WatchBatch


def kind_of(key: str) -> str:
    """``pods`` of ``/registry/core/pods/default/p``: the label ``type``."""
    parts = key.split("/", 4)
    return parts[3] if len(parts) > 3 else ""


class MeasuredStore:
    """Passes every call on to ``store`` and observes it in ``histogram``; watches are not timed."""

    def __init__(self, store: Store, histogram: Histogram) -> None:
        self._store = store
        self._histogram = histogram
        self._children: dict[tuple[str, str], Histogram] = {}

    def _observe(self, operation: str, key: str, started: float) -> None:
        labels = (operation, kind_of(key))
        child = self._children.get(labels)
        if child is None:
            child = self._children[labels] = self._histogram.labels(*labels)
        child.observe(time.monotonic() - started)

    async def get(self, key: str) -> KeyValue | None:
        """See :class:`Store`."""
        started = time.monotonic()
        try:
            return await self._store.get(key)
        finally:
            self._observe("get", key, started)

    async def range(self, prefix: str, *, start_key: str = "", limit: int = 0, revision: int = 0) -> RangePage:
        """See :class:`Store`."""
        started = time.monotonic()
        try:
            return await self._store.range(prefix, start_key=start_key, limit=limit, revision=revision)
        finally:
            self._observe("list", prefix, started)

    async def create(self, key: str, value: bytes, *, ttl_seconds: int | None = None) -> int:
        """See :class:`Store`."""
        started = time.monotonic()
        try:
            return await self._store.create(key, value, ttl_seconds=ttl_seconds)
        finally:
            self._observe("create", key, started)

    async def update(self, key: str, value: bytes, *, expected_revision: int, ttl_seconds: int | None = None) -> int:
        """See :class:`Store`."""
        started = time.monotonic()
        try:
            return await self._store.update(key, value, expected_revision=expected_revision, ttl_seconds=ttl_seconds)
        finally:
            self._observe("update", key, started)

    async def delete(self, key: str, *, expected_revision: int) -> int:
        """See :class:`Store`."""
        started = time.monotonic()
        try:
            return await self._store.delete(key, expected_revision=expected_revision)
        finally:
            self._observe("delete", key, started)

    async def current_revision(self) -> int:
        """See :class:`Store`."""
        started = time.monotonic()
        try:
            return await self._store.current_revision()
        finally:
            self._observe("current-revision", "", started)

    def watch(self, prefix: str, *, start_revision: int, with_previous: bool = False) -> AsyncIterator[WatchBatch]:
        """See :class:`Store`."""
        return self._store.watch(prefix, start_revision=start_revision, with_previous=with_previous)

    async def compact(self, revision: int) -> None:
        """See :class:`Store`."""
        await self._store.compact(revision)

    async def status(self) -> EtcdStatus:
        """See :class:`Store`."""
        return await self._store.status()

    async def close(self) -> None:
        """See :class:`Store`."""
        await self._store.close()
