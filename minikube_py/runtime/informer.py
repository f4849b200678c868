"""Informers: a local copy of a kind's objects that follows the API server, and handlers that hear of each change.

What is promised (as ``k8s.io/client-go/tools/cache``):

* The copy is changed before handlers are called; they are called synchronously, one change after the other, in the
  order of the server's revisions for any one object. Changes may be merged over a reconnection: what is true in the end
  is always told, every step to it is not. An object that went unseen is told as a deletion of its last known state.
* :meth:`Informer.wait_synced` returns only after everything of the first list was told to the handlers.
* Connections that break are resumed from the last revision seen; only where the server no longer has that is the
  collection listed again. There is no polling.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from random import Random

import structlog

from minikube_py.api.errors import ApiError, Expired
from minikube_py.api.meta import Object, key_of, metadata, resource_version_of
from minikube_py.api.resources import Resource
from minikube_py.client.protocol import Client, ConnectionFailed
from minikube_py.runtime.backoff import Backoff
from minikube_py.runtime.clock import Clock
from minikube_py.runtime.store import IndexedStore, Indexer
from minikube_py.runtime.tasks import Tasks

PAGE_SIZE = 500
WATCH_SECONDS = 300
SHORT_WATCH_SECONDS = 1.0
BACKOFF_RESET_SECONDS = 120.0
FIRST_RETRY_SECONDS = 0.1

Handler = Callable[[Object | None, Object | None], None]
"""Called with the state before and after; None is "not there"."""

Objects = list[Object]

Transform = Callable[[Object], Object]
"""Applied to each object before it is kept; may change it in place."""

log = structlog.get_logger("informer")


def drop_managed_fields(obj: Object) -> Object:
    """A transform for who never writes whole objects back: forgets ``metadata.managedFields``, often half of them."""
    metadata(obj).pop("managedFields", None)
    return obj


class Informer:
    """A kind's objects, or those of a namespace or selectors. Objects given out are shared: treat them as frozen."""

    def __init__(
        self,
        client: Client,
        resource: Resource,
        *,
        clock: Clock,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        indexers: Mapping[str, Indexer] | None = None,
        transform: Transform | None = None,
        random: Random | None = None,
    ) -> None:
        self.resource = resource
        self.revision = 0
        """The highest revision seen, be it an object's, a list's or a bookmark's."""
        self._client = client
        self._clock = clock
        self._namespace = namespace
        self._label_selector = label_selector
        self._field_selector = field_selector
        self._transform = transform
        self._random = random or Random()
        self._store = IndexedStore(indexers)
        self._handlers: list[Handler] = []
        self._observers: list[Callable[[], None]] = []
        self._watch_from = 0
        self._synced = asyncio.Event()
        self._started = False

    @property
    def synced(self) -> bool:
        """Whether the first list is there and was told to the handlers."""
        return self._synced.is_set()

    def start(self, tasks: Tasks) -> None:
        """Begins to follow the server; a second call has no effect."""
        if not self._started:
            self._started = True
            tasks.start(f"informer {self.resource.qualified}", self._run(), critical=True)

    async def wait_synced(self, timeout: float) -> None:
        """Returns when :attr:`synced`. Raises TimeoutError after ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._synced.wait()
        except TimeoutError:
            raise TimeoutError(f"informer of {self.resource.qualified} not synced in {timeout:g} s") from None

    def get(self, key: str) -> Object | None:
        """The object with that key (``namespace/name``), or None."""
        return self._store.get(key)

    def list(self, namespace: str = "") -> Objects:
        """The objects of the namespace, or all; in no particular order."""
        return self._store.list(namespace)

    def by_index(self, index: str, value: str) -> Objects:
        """The objects that the index finds under ``value``."""
        return self._store.by_index(index, value)

    def __len__(self) -> int:
        return len(self._store)

    def add_indexers(self, indexers: Mapping[str, Indexer]) -> None:
        """Adds indexes; what is there already is put into them."""
        self._store.add_indexers(indexers)

    def add_handler(self, handler: Handler) -> None:
        """Calls ``handler`` for every change from now on, and at once with each object that is there already."""
        self._handlers.append(handler)
        for obj in self._store.list():
            self._call(handler, None, obj)

    def add_observer(self, observer: Callable[[], None]) -> None:
        """Calls ``observer`` whenever :attr:`revision` or an object has changed, after the handlers."""
        self._observers.append(observer)

    async def _run(self) -> None:
        backoff = Backoff(self._random, initial=FIRST_RETRY_SECONDS)
        relist, linearizable, expired = True, False, False
        while True:
            started = self._clock.monotonic()
            try:
                if relist:
                    await self._list(linearizable)
                    relist = False
                    if not self._synced.is_set():
                        self._synced.set()
                        backoff = Backoff(self._random)
                await self._watch()
                if self._clock.monotonic() - started >= SHORT_WATCH_SECONDS:
                    backoff.reset()
                    expired = False
                    continue
                log.debug("Watch ended at once", resource=self.resource.qualified)
            except Expired as error:
                log.info("Listing again", resource=self.resource.qualified, reason=str(error))
                # A list from the cache of a server that lags could be expired again for ever.
                relist, linearizable = True, True
                if not expired:
                    expired = True
                    continue
            except (ApiError, ConnectionFailed) as error:
                log.warning(
                    "List failed" if relist else "Watch failed", resource=self.resource.qualified, error=str(error)
                )
            if self._clock.monotonic() - started >= BACKOFF_RESET_SECONDS:
                backoff.reset()
            await self._clock.sleep(backoff.next())

    async def _list(self, linearizable: bool) -> None:
        items: Objects = []
        token = ""
        while True:
            page = await self._client.list(
                self.resource,
                self._namespace,
                label_selector=self._label_selector,
                field_selector=self._field_selector,
                resource_version="" if linearizable or token else "0",
                limit=PAGE_SIZE if linearizable or token else 0,
                continue_token=token,
            )
            items += page.items
            token = page.continue_token
            if not token:
                break
        revision = int(page.resource_version or 0)
        listed = {key_of(item) for item in items}
        for key in self._store.all_keys():
            if key not in listed:
                self._tell(self._store.remove(key), None)
        for item in items:
            self._keep(item)
        self.revision = max(self.revision, revision)
        self._watch_from = revision
        self._observe()

    async def _watch(self) -> None:
        """Follows the collection until the server ends the watch."""
        watch = self._client.watch(
            self.resource,
            self._namespace,
            resource_version=str(self._watch_from),
            label_selector=self._label_selector,
            field_selector=self._field_selector,
            timeout_seconds=int(WATCH_SECONDS * (1 + self._random.random())),
        )
        async for event in watch:
            revision = resource_version_of(event.object)
            if event.type == "DELETED":
                key = key_of(event.object)
                if self._store.remove(key) is not None:
                    self._tell(event.object if self._transform is None else self._transform(event.object), None)
            elif event.type != "BOOKMARK":
                self._keep(event.object)
            self._watch_from = revision
            self.revision = max(self.revision, revision)
            self._observe()

    def _keep(self, obj: Object) -> None:
        if self._transform is not None:
            obj = self._transform(obj)
        key = key_of(obj)
        known = self._store.get(key)
        if known is not None and resource_version_of(known) == resource_version_of(obj):
            return
        self._store.set(key, obj)
        self._tell(known, obj)

    def _tell(self, old: Object | None, new: Object | None) -> None:
        for handler in self._handlers:
            self._call(handler, old, new)

    def _call(self, handler: Handler, old: Object | None, new: Object | None) -> None:
        try:
            handler(old, new)
        except Exception:
            log.exception("Informer handler failed", resource=self.resource.qualified)

    def _observe(self) -> None:
        for observer in self._observers:
            observer()


class Informers:
    """One shared informer for each kind, namespace and selection that somebody asks for."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._shared: dict[tuple[str, str, str, str, str], Informer] = {}
        self._asked = self._shared

    def part(self) -> Informers:
        """Shares all informers with this one, but starts and waits for only those that are asked for through it."""
        part = Informers(self._client, self._clock)
        part._shared = self._shared
        return part

    def informer(
        self,
        resource: Resource,
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        indexers: Mapping[str, Indexer] | None = None,
        transform: Transform | None = drop_managed_fields,
    ) -> Informer:
        """The informer of that selection, made if need be; ``indexers`` are added to one that is there."""
        key = (resource.group, resource.plural, namespace, label_selector, field_selector)
        informer = self._shared.get(key)
        if informer is None:
            informer = self._shared[key] = Informer(
                self._client,
                resource,
                clock=self._clock,
                namespace=namespace,
                label_selector=label_selector,
                field_selector=field_selector,
                transform=transform,
            )
        informer.add_indexers(indexers or {})
        self._asked[key] = informer
        return informer

    def start(self, tasks: Tasks) -> None:
        """Starts those that were not started yet."""
        for informer in self._asked.values():
            informer.start(tasks)

    async def wait_synced(self, timeout: float) -> None:
        """Returns when all are synced. Raises TimeoutError that names the first that is not."""
        deadline = asyncio.get_running_loop().time() + timeout
        for informer in list(self._asked.values()):
            await informer.wait_synced(max(deadline - asyncio.get_running_loop().time(), 0.0))
