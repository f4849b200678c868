"""A store that counts its calls and how long they take: ``etcd_request_duration_seconds`` and its siblings."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from apiserver.series import Histograms, Numbers, Tally
from apiserver.storage.store import EtcdStatus, KeyExists, KeyValue, RangePage, RevisionMismatch, Store, WatchBatch


def kind_of(key: str) -> str:
    """``deployments.apps`` of ``/registry/apps/deployments/default/d``, ``pods`` of the core group: label ``type``."""
    parts = key.split("/", 4)
    if len(parts) < 4:
        return ""
    return parts[3] if parts[2] == "core" else f"{parts[3]}.{parts[2]}"


class MeasuredStore:
    """Passes every call on to ``store`` and observes it in ``durations``; watches are not timed.

    ``errors`` counts calls that failed; a compare-and-swap that found another state has not.
    """

    def __init__(self, store: Store, durations: Histograms, errors: Numbers) -> None:
        self._store = store
        self._durations = durations
        self._errors = errors
        self._tallies: dict[tuple[str, str, str], Tally] = {}

    def _observe(self, operation: str, key: str, started: float) -> None:
        seconds = time.monotonic() - started
        parts = key.split("/", 4)
        known = (operation, parts[2], parts[3]) if len(parts) > 3 else (operation, "", "")
        tally = self._tallies.get(known)
        if tally is None:
            tally = self._tallies[known] = self._durations.of(operation, kind_of(key))
        tally.observe(seconds)

    def _failed(self, operation: str, key: str) -> None:
        self._errors.of(operation, kind_of(key)).value += 1

    async def get(self, key: str) -> KeyValue | None:
        """See :class:`Store`."""
        started = time.monotonic()
        try:
            return await self._store.get(key)
        except Exception:
            self._failed("get", key)
            raise
        finally:
            self._observe("get", key, started)

    async def range(self, prefix: str, *, start_key: str = "", limit: int = 0, revision: int = 0) -> RangePage:
        """See :class:`Store`."""
        started = time.monotonic()
        try:
            return await self._store.range(prefix, start_key=start_key, limit=limit, revision=revision)
        except Exception:
            self._failed("list", prefix)
            raise
        finally:
            self._observe("list", prefix, started)

    async def create(self, key: str, value: bytes, *, ttl_seconds: int | None = None) -> int:
        """See :class:`Store`."""
        started = time.monotonic()
        try:
            return await self._store.create(key, value, ttl_seconds=ttl_seconds)
        except KeyExists:
            raise
        except Exception:
            self._failed("create", key)
            raise
        finally:
            self._observe("create", key, started)

    async def update(self, key: str, value: bytes, *, expected_revision: int, ttl_seconds: int | None = None) -> int:
        """See :class:`Store`."""
        started = time.monotonic()
        try:
            return await self._store.update(key, value, expected_revision=expected_revision, ttl_seconds=ttl_seconds)
        except RevisionMismatch:
            raise
        except Exception:
            self._failed("update", key)
            raise
        finally:
            self._observe("update", key, started)

    async def delete(self, key: str, *, expected_revision: int) -> int:
        """See :class:`Store`."""
        started = time.monotonic()
        try:
            return await self._store.delete(key, expected_revision=expected_revision)
        except RevisionMismatch:
            raise
        except Exception:
            self._failed("delete", key)
            raise
        finally:
            self._observe("delete", key, started)

    async def current_revision(self) -> int:
        """See :class:`Store`."""
        started = time.monotonic()
        try:
            return await self._store.current_revision()
        except Exception:
            self._failed("current-revision", "")
            raise
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
