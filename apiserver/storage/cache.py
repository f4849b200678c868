"""The watch cache of one kind: its present objects and recent events, as bytes.

It answers GET, LIST and WATCH without a question to etcd for each object, and never with stale state as current: a
read that must be linearizable first calls :meth:`WatchCache.wait_fresh`. What it holds is one consistent state of the
store, that of :attr:`WatchCache.revision`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from base64 import b64encode
from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import structlog

from apiserver.storage.cached import Cached, CacheEvent, Delivery, FieldsOf, no_fields
from apiserver.storage.encoding import take_apart
from apiserver.storage.history import History, HistoryLimits, RevisionExpired
from apiserver.storage.hub import WatchHub
from apiserver.storage.store import (
    Compacted,
    KeyValue,
    RevisionNotReached,
    StoreEvent,
    StoreTimeout,
    StoreUnavailable,
    resource_prefix,
)
from apiserver.storage.subscription import (
    INITIAL_EVENTS_END,
    INITIAL_EVENTS_LIST_BLUEPRINT,
    Matches,
    Scope,
    Subscription,
    scopes_of,
)
from minikube_py.api.resources import Resource

_PAGE_SIZE = 500
_AFTER_SLASH = chr(ord("/") + 1)
_Events = list[StoreEvent]
log = structlog.get_logger("apiserver")


@dataclass(frozen=True, slots=True)
class Listing:
    """Objects in key order, and the revision of the state that they are."""

    items: list[Cached]
    revision: int


@dataclass(slots=True)
class Counts:
    """What a cache has done since the process began, for its metrics."""

    received: int = 0
    dispatched: int = 0
    initial: int = 0
    fillings: int = 0
    cut_off: int = 0
    lists_from_cache: int = 0
    lists_from_store: int = 0


class WatchCache:
    """The objects of one kind, fed by a :class:`WatchHub`; one event loop only.

    It is filled from the store when first needed (await :meth:`ready`, or either wait) and again after the hub has
    lost continuity. ``get``, ``list`` and ``subscribe`` raise StoreUnavailable while it is not filled, so call them in
    the same step as a wait returns. ``fields_of`` gives the kind's selectable fields; ``buffer_size`` is how many
    events a watcher may be behind.
    """

    def __init__(
        self,
        hub: WatchHub,
        resource: Resource,
        *,
        fields_of: FieldsOf = no_fields,
        limits: HistoryLimits | None = None,
        buffer_size: int = 1000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.resource = resource
        self.prefix = resource_prefix(resource)
        self.counts = Counts()
        self._hub = hub
        self._fields_of = fields_of
        self._limits = limits or HistoryLimits()
        self._buffer_size = buffer_size
        self._monotonic = monotonic
        self._filling = asyncio.Lock()
        self._synced = False
        self._base = 0
        self._objects: dict[str, Cached] = {}
        self._keys: list[str] = []
        self._history = History(0, self._limits, monotonic)
        self._heads: dict[bytes, bytes] = {}
        self._written: dict[str, Cached] = {}
        self._early: _Events | None = None
        self._watchers: dict[Scope, dict[Subscription, None]] = {}
        hub.add(self.prefix, self)

    @property
    def synced(self) -> bool:
        """Whether the cache is filled."""
        return self._synced

    @property
    def revision(self) -> int:
        """The store's revision that the cache shows; it advances with writes to other kinds too."""
        return max(self._base, self._hub.revision)

    @property
    def size(self) -> int:
        """How many objects there are; 0 while the cache is not filled."""
        return len(self._objects)

    async def ready(self, timeout: float) -> None:
        """Waits until the cache is filled. Raises StoreUnavailable, or StoreTimeout after ``timeout`` seconds."""
        if not self._synced:
            try:
                async with asyncio.timeout(timeout):
                    await self._fill()
            except TimeoutError:
                raise self._not_current() from None

    async def wait_fresh(self, timeout: float) -> int:
        """Waits until the cache shows everything acknowledged before the call; its revision then.

        Raises StoreUnavailable, or StoreTimeout after ``timeout`` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                if not self._synced:
                    await self._fill()
                await self._hub.wait_fresh()
                if not self._synced:
                    await self._fill()
        except TimeoutError:
            raise self._not_current() from None
        return self.revision

    async def wait_revision(self, revision: int, timeout: float) -> int:
        """Waits until the cache is at ``revision`` or later. Raises RevisionNotReached after ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._fill()
                if revision > self.revision:
                    await self._hub.wait_revision(revision)
                    await self._fill()
        except TimeoutError:
            raise RevisionNotReached(revision, self.revision) from None
        return self.revision

    def get(self, key: str) -> Cached | None:
        """The object of that key (``namespace/name`` or ``name``), or None."""
        self._check_synced()
        return self._objects.get(key)

    def latest(self, key: str) -> Cached | None:
        """As :meth:`get`, but what this process has itself written since; to begin a compare-and-swap from."""
        return self._written.get(key) or self.get(key)

    def written(self, key: str, value: bytes, revision: int) -> None:
        """Takes note of an acknowledged write of this process, until the watch on the store tells it.

        Only :meth:`latest` shows it: reads and watches keep to one consistent state of the store.
        """
        if self._synced and revision > self.revision:
            self._written[key] = self.cached(KeyValue(self.prefix + key, value, revision))

    def list(self, namespace: str = "") -> Listing:
        """Every object, or those of one namespace, in the order of their keys in etcd."""
        self._check_synced()
        keys, objects = self._keys, self._objects
        if namespace:
            keys = keys[bisect_left(keys, f"{namespace}/") : bisect_left(keys, namespace + _AFTER_SLASH)]
        return Listing([objects[key] for key in keys], self.revision)

    def cached(self, stored: KeyValue) -> Cached:
        """What the store gave (an old revision's page, say) in the form that the cache gives."""
        namespace, _, name = stored.key[len(self.prefix) :].rpartition("/")
        head, item = take_apart(stored.value, stored.revision)
        # The namespace and the head are the same in many objects: one copy of each is kept.
        known = self._heads.setdefault(head, head)
        return Cached(sys.intern(namespace), name, stored.revision, known, item, self._fields_of)

    def subscribe(
        self,
        start_revision: int,
        *,
        namespace: str = "",
        name: str = "",
        matches: Matches | None = None,
        initial_events: bool = False,
        initial_events_end: bool = False,
    ) -> Subscription:
        """Every event after ``start_revision`` of objects that ``matches`` selects. Raises RevisionExpired.

        With ``initial_events`` the present objects come first, each as ADDED, and ``start_revision`` is not looked at;
        with ``initial_events_end`` a BOOKMARK annotated ``k8s.io/initial-events-end`` follows them, as a client that
        sets ``sendInitialEvents`` expects.
        """
        self._check_synced()
        subscription = Subscription(
            after_revision=self.revision if initial_events else start_revision,
            namespace=namespace,
            name=name,
            matches=matches,
            buffer_size=self._buffer_size,
            make_bookmark=self._bookmark,
            close=self._unsubscribe,
        )
        if initial_events:
            subscription.begin_with(
                Delivery("ADDED", item.revision, item)
                for item in self.list(namespace).items
                if (not name or item.name == name) and (matches is None or matches(item))
            )
            if initial_events_end:
                subscription.begin_with((self._bookmark(end_of_initial_events=True),))
        else:
            subscription.replay(self._history.since(start_revision))
        self._watchers.setdefault(subscription.scope, {})[subscription] = None
        return subscription

    def apply(self, event: StoreEvent) -> None:
        """Takes a write from the hub."""
        if self._early is not None:
            self._early.append(event)
        elif self._synced and event.revision > self._base:
            self._write(event)

    def reset(self) -> None:
        """Forgets everything; watchers are told that their revision expired."""
        expired = RevisionExpired(self.revision, self.revision + 1)
        self._synced, self._base = False, 0
        self._objects, self._keys, self._written = {}, [], {}
        for subscription in [each for watchers in self._watchers.values() for each in watchers]:
            subscription.cut_off(expired)

    def close(self) -> None:
        """Takes the cache from its hub and ends its watchers, as when a custom resource ceases to be served."""
        self._hub.remove(self.prefix)
        self.reset()

    def _check_synced(self) -> None:
        if not self._synced:
            raise StoreUnavailable(f"the cache of {self.resource.qualified} is being filled")

    def _write(self, event: StoreEvent) -> None:
        self.counts.received += 1
        key = event.key[len(self.prefix) :]
        if (written := self._written.get(key)) is not None and written.revision <= event.revision:
            del self._written[key]
        before = self._objects.get(key)
        after = self._decoded(event) if event.type == "PUT" else None
        if after is not None:
            if before is None:
                insort(self._keys, key)
            self._objects[key] = after
        elif before is not None:
            del self._objects[key]
            del self._keys[bisect_left(self._keys, key)]
        else:
            return
        told = CacheEvent(before, after, event.revision)
        self._history.append(told)
        self.counts.dispatched += 1
        for scope in scopes_of(told.namespace, told.name):
            for subscription in tuple(self._watchers.get(scope, ())):
                subscription.offer(told)
        told.forget_chunks()

    def _decoded(self, stored: StoreEvent | KeyValue) -> Cached | None:
        try:
            return self.cached(KeyValue(stored.key, stored.value, stored.revision))
        except ValueError:
            log.error("Value in etcd is not a stored object, ignoring it", key=stored.key, revision=stored.revision)
            return None

    async def _fill(self) -> None:
        """Lists the store, then takes what the hub saw meanwhile; once for all who wait."""
        while not self._synced:
            async with self._filling:
                if self._synced:
                    return
                await self._hub.wait_revision(1)
                epoch, self._early = self._hub.epoch, []
                try:
                    objects, base = await self._read_all()
                    if epoch == self._hub.epoch:
                        self._become(objects, base, self._early)
                except Compacted:
                    log.warning("Compacted while filling a cache, starting again", resource=self.resource.qualified)
                finally:
                    self._early = None

    async def _read_all(self) -> tuple[dict[str, Cached], int]:
        objects: dict[str, Cached] = {}
        start_key, revision = "", 0
        while True:
            page = await self._hub.store.range(self.prefix, start_key=start_key, limit=_PAGE_SIZE, revision=revision)
            for stored in page.items:
                if (decoded := self._decoded(stored)) is not None:
                    objects[stored.key[len(self.prefix) :]] = decoded
            revision = page.revision
            if not page.more:
                return objects, revision
            start_key = page.items[-1].key + "\0"

    def _become(self, objects: dict[str, Cached], base: int, early: _Events) -> None:
        self._objects, self._keys, self._base = objects, sorted(objects), base
        self.counts.fillings += 1
        self.counts.initial += len(objects)
        self._history = History(base, self._limits, self._monotonic)
        self._synced, self._early = True, None
        for event in early:
            self.apply(event)

    def _unsubscribe(self, subscription: Subscription) -> None:
        watchers = self._watchers.get(subscription.scope)
        if watchers is not None:
            watchers.pop(subscription, None)
            if not watchers:
                del self._watchers[subscription.scope]

    def _bookmark(self, *, end_of_initial_events: bool = False) -> Delivery:
        annotations = b""
        if end_of_initial_events:
            annotations = b',"annotations":{"%s":"true","%s":"%s"}' % (
                INITIAL_EVENTS_END.encode(),
                INITIAL_EVENTS_LIST_BLUEPRINT.encode(),
                self._blueprint,
            )
        line = (
            b'{"type":"BOOKMARK","object":{"kind":"%s","apiVersion":"%s","metadata":'
            b'{"resourceVersion":"%d","creationTimestamp":null%s}}}\n'
        ) % (self.resource.kind.encode(), self.resource.api_version.encode(), self.revision, annotations)
        return Delivery("BOOKMARK", self.revision, None, line)

    @cached_property
    def _blueprint(self) -> bytes:
        """The empty list of the kind, as upstream's API servers send it for clients that put the items into it."""
        document = b'{"kind":"%s","apiVersion":"%s","metadata":{},"items":null}\n'
        return b64encode(document % (self.resource.list_kind.encode(), self.resource.api_version.encode()))

    def _not_current(self) -> StoreTimeout:
        return StoreTimeout(f"the cache of {self.resource.qualified} is not current")
