"""Reading other objects during admission: from the watch cache where it has them, else from the store.

What a plugin needs of them is worked out once per object and revision.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from apiserver.storage.encoding import decode
from apiserver.storage.store import RevisionNotReached, storage_key
from minikube_py.api.meta import Object, join_key
from minikube_py.api.resources import Resource

if TYPE_CHECKING:
    from apiserver.core import Core
    from apiserver.storage.cached import Cached

T = TypeVar("T")
_LIMIT = 4096


class Derived(Generic[T]):
    """What ``derive`` makes of objects of one kind, remembered for each object while it does not change."""

    def __init__(self, resource: Resource, derive: Callable[[Object], T]) -> None:
        self.resource = resource
        self._derive = derive
        self._known: dict[str, tuple[int, T]] = {}

    async def get(self, core: Core, namespace: str, name: str) -> T | None:
        """Of the object of that name, or None where there is none in the store either. Raises StoreError."""
        known = self.known(core, namespace, name)
        if known is not None:
            return known
        found = await core.store.get(storage_key(self.resource, namespace, name))
        return None if found is None else self._derive(decode(found.value, found.revision))

    def known(self, core: Core, namespace: str, name: str) -> T | None:
        """Of the object of that name, or None where neither the cache nor a write of this process has one."""
        cached = core.caches[self.resource].latest(join_key(namespace, name))
        return None if cached is None else self.of(cached)

    def list(self, core: Core, namespace: str = "") -> list[T]:
        """Of every object that the cache has, or of those in one namespace, in the order of their names."""
        return [self.of(cached) for cached in core.caches[self.resource].list(namespace).items]

    def of(self, cached: Cached) -> T:
        """Of an object of the cache."""
        known = self._known.get(cached.key)
        if known is not None and known[0] == cached.revision:
            return known[1]
        value = self._derive(cached.object)
        if len(self._known) >= _LIMIT:
            self._known.clear()
        self._known[cached.key] = (cached.revision, value)
        return value


async def eventually(core: Core, resource: Resource, look: Callable[[], T | None], seconds: float) -> T | None:
    """What ``look`` finds, or None after ``seconds``; it looks again whenever something was written to the store.

    Raises StoreError.
    """
    cache, deadline = core.caches[resource], time.monotonic() + seconds
    while (found := look()) is None and (remaining := deadline - time.monotonic()) > 0:
        try:
            await cache.wait_revision(cache.revision + 1, remaining)
        except RevisionNotReached:
            return look()
    return found


def whole(obj: Object) -> Object:
    """For a plugin that needs the object itself; to be treated as frozen."""
    return obj
