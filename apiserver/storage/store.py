"""The store protocol: a key-value store with revisions, compare-and-swap and watches, as etcd's v3 API has it.

Two implementations stand under one contract test: :mod:`apiserver.storage.etcd` and :mod:`apiserver.storage.memory`.
A *revision* is a number that every successful write raises by one for the whole store; a key's revision is the one of
its last write (etcd's ``mod_revision``) and is what the API calls ``resourceVersion``.

Errors are one tree::

    StoreError
    ├── StoreUnavailable    the store cannot be reached or has no leader         (retriable, HTTP 503)
    ├── StoreTimeout        no answer in time; a write may or may not have happened   (retriable, HTTP 504)
    │   └── RevisionNotReached   this process has not yet seen that revision (see ``storage.cache``)
    ├── NoSpace             etcd's NOSPACE alarm is raised: reads work, writes do not   (HTTP 500)
    ├── ValueTooLarge       the value is above the store's limit for one request (HTTP 413)
    ├── Compacted           the revision asked for is gone                       (HTTP 410)
    ├── FutureRevision      the revision asked for does not exist yet
    ├── Unreadable          a stored value that no key decrypts                  (HTTP 500)
    ├── KeyExists           a create found the key                               (HTTP 409)
    └── RevisionMismatch    an update or delete found another revision, or no key (HTTP 409 or 404)
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from minikube_py.api.resources import Resource

REGISTRY = "/registry"
"""The prefix of every object's key."""


@dataclass(frozen=True, slots=True)
class KeyValue:
    """A key as it is at some moment; ``revision`` is that of its last write.

    ``stale``: it is stored in another form than it would be written in today (encryption at rest).
    """

    key: str
    value: bytes
    revision: int
    stale: bool = False


@dataclass(frozen=True, slots=True)
class RangePage:
    """One page of a range, in key order.

    ``revision`` is the store's revision that the page is from: pass it with ``start_key`` to read the next page of the
    same state. ``more`` tells whether keys follow; ``count`` is the number of keys from ``start_key`` to the end of
    the prefix, whatever the limit.
    """

    items: list[KeyValue]
    revision: int
    more: bool
    count: int


@dataclass(frozen=True, slots=True)
class StoreEvent:
    """One write, as a watch tells it. ``value`` is empty for a DELETE, whose ``revision`` is the deletion's.

    ``previous`` is the key before the write, where the watch was asked for it and the store still has it.
    ``unreadable``: the value cannot be decrypted, and is empty.
    """

    type: Literal["PUT", "DELETE"]
    key: str
    value: bytes
    revision: int
    previous: KeyValue | None = None
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class WatchBatch:
    """Events in revision order, whole revisions only: every event up to ``revision`` has now been delivered.

    A batch without events is a progress notification.
    """

    events: tuple[StoreEvent, ...]
    revision: int


@dataclass(frozen=True, slots=True)
class EtcdStatus:
    """The state of the member that answered; sizes are in bytes, ``alarms`` holds names such as ``NOSPACE``."""

    version: str
    revision: int
    database_size: int
    database_size_in_use: int
    has_leader: bool
    is_learner: bool
    alarms: tuple[str, ...]


class StoreError(Exception):
    """The root of what a store raises. ``retriable``: the same call may succeed later without being changed."""

    retriable: ClassVar[bool] = False


class StoreUnavailable(StoreError):
    """The store cannot be reached, or has no leader. What was being written may have been written."""

    retriable = True


class StoreTimeout(StoreError):
    """No answer in time. What was being written may have been written."""

    retriable = True


class RevisionNotReached(StoreTimeout):
    """The process has not seen ``revision`` within the time allowed; it is at ``current``."""

    def __init__(self, revision: int, current: int) -> None:
        super().__init__(f"Too large resource version: {revision}, current: {current}")
        self.revision = revision
        self.current = current


class NoSpace(StoreError):
    """etcd's database is above its quota; it takes no write until it is compacted, defragmented and disarmed."""

    def __init__(self, message: str = "etcdserver: mvcc: database space exceeded") -> None:
        super().__init__(message)


class ValueTooLarge(StoreError):
    """The request is above the store's limit (etcd: 1.5 MiB unless configured)."""

    def __init__(self, message: str = "etcdserver: request is too large") -> None:
        super().__init__(message)


class Compacted(StoreError):
    """The history asked for is gone. ``revision`` is the oldest that can still be read, 0 where that is not known."""

    def __init__(self, revision: int) -> None:
        super().__init__("etcdserver: mvcc: required revision has been compacted")
        self.revision = revision


class FutureRevision(StoreError):
    """A range was asked for at a revision that the store has not reached."""

    def __init__(self) -> None:
        super().__init__("etcdserver: mvcc: required revision is a future revision")


class Unreadable(StoreError):
    """The value of ``key`` is encrypted in a way, or by a key, that the configuration does not name."""

    def __init__(self, key: str, cause: str) -> None:
        super().__init__(f"unable to transform key {json.dumps(key)}: {cause}")
        self.key = key


class KeyExists(StoreError):
    """A create found the key; ``current`` is what it holds."""

    def __init__(self, current: KeyValue) -> None:
        super().__init__(f"key exists: {current.key}")
        self.current = current


class RevisionMismatch(StoreError):
    """An update or delete found the key at another revision; ``current`` is what it holds, None if it is gone."""

    def __init__(self, key: str, current: KeyValue | None) -> None:
        super().__init__(f"key was {'changed' if current else 'deleted'}: {key}")
        self.current = current


class Store(Protocol):
    """A key-value store with revisions. Any call may raise StoreUnavailable or StoreTimeout, any write NoSpace."""

    async def get(self, key: str) -> KeyValue | None:
        """The key now (linearizable), or None."""
        ...

    async def range(self, prefix: str, *, start_key: str = "", limit: int = 0, revision: int = 0) -> RangePage:
        """Keys that begin with ``prefix``, from ``start_key`` (inclusive) on, at most ``limit`` (0: all).

        ``revision`` 0 reads the present state, linearizable. Raises Compacted, FutureRevision.
        """
        ...

    async def create(self, key: str, value: bytes, *, ttl_seconds: int | None = None) -> int:
        """Writes a key that must not exist; its revision. Raises KeyExists, ValueTooLarge.

        A key with ``ttl_seconds`` lives at least that long and is deleted within about a minute after.
        """
        ...

    async def update(self, key: str, value: bytes, *, expected_revision: int, ttl_seconds: int | None = None) -> int:
        """Writes a key that must be at ``expected_revision``; its new revision. Raises RevisionMismatch, ValueTooLarge.

        Without ``ttl_seconds`` a former time to live is dropped.
        """
        ...

    async def delete(self, key: str, *, expected_revision: int) -> int:
        """Deletes a key that must be at ``expected_revision``; the deletion's revision. Raises RevisionMismatch."""
        ...

    async def current_revision(self) -> int:
        """The store's revision now (linearizable): no write acknowledged before the call is above it."""
        ...

    def watch(self, prefix: str, *, start_revision: int, with_previous: bool = False) -> AsyncIterator[WatchBatch]:
        """Every write under ``prefix`` (empty: all keys) from ``start_revision`` on (inclusive), once, in order.

        Never ends by itself. Raises Compacted where ``start_revision`` is gone, and StoreUnavailable when the
        connection breaks: resume with the last batch's ``revision + 1``. Close the iterator (``aclose``) to stop.
        """
        ...

    async def compact(self, revision: int) -> None:
        """Drops the history before ``revision``; what it holds at ``revision`` can still be read."""
        ...

    async def status(self) -> EtcdStatus:
        """The state of a member."""
        ...

    async def close(self) -> None:
        """Ends every connection."""
        ...


def resource_prefix(resource: Resource) -> str:
    """``/registry/core/pods/``, ``/registry/apps/deployments/``: what all keys of a kind begin with."""
    return f"{REGISTRY}/{resource.group or 'core'}/{resource.plural}/"


def storage_key(resource: Resource, namespace: str, name: str) -> str:
    """``/registry/core/pods/<namespace>/<name>``; a cluster-scoped object has no namespace in its key."""
    prefix = resource_prefix(resource)
    return f"{prefix}{namespace}/{name}" if resource.namespaced else f"{prefix}{name}"


def prefix_end(prefix: str) -> bytes:
    """The first key after all that begin with ``prefix``, as etcd's ``range_end`` wants it; a zero byte for no end."""
    encoded = prefix.encode()
    for index in range(len(encoded) - 1, -1, -1):
        if encoded[index] < 0xFF:
            return encoded[:index] + bytes([encoded[index] + 1])
    return b"\0"
