"""The interpreter of the namespace controller."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from controllers.metadata_informers import deletable_resources, metadata_informers
from controllers.namespace.sync import Observation, needs_work, sync
from controllers.perform import Performer
from minikube_py.api.errors import ApiError, NotFound
from minikube_py.api.meta import Object, is_deleting, name_of, namespace_of, uid_of
from minikube_py.api.resources import NAMESPACES, PODS, Resource
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

PAGE_SIZE = 500
CONCURRENT_DELETES = 20


class NamespaceController:
    """Works namespace by namespace; deletes pods first, for they take the longest to go."""

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._clock = context.clock
        self._namespaces = context.informers.informer(NAMESPACES)
        self._contents = {r: i for r, i in metadata_informers(context.informers, context.table).items() if r.namespaced}
        self._resources = sorted(
            (resource for resource in deletable_resources(context.table) if resource.namespaced),
            key=lambda r: r != PODS,
        )
        self._queue = WorkQueue("namespace", context.clock)
        writes = Writes(context.clock, self._namespaces)
        self._performer = Performer(context.client, writes=writes)
        self._namespaces.add_handler(self._on_namespace)
        for informer in self._contents.values():
            informer.add_handler(self._on_content)
        context.add(
            Controller("namespace-controller", self._queue, self._reconcile, context.clock, workers=2, writes=writes)
        )

    def _on_namespace(self, old: Object | None, new: Object | None) -> None:
        if new is not None and needs_work(new):
            self._queue.add(name_of(new))

    def _on_content(self, old: Object | None, new: Object | None) -> None:
        """The last object to go lets its namespace go."""
        if new is not None or old is None:
            return
        name = namespace_of(old)
        namespace = self._namespaces.get(name)
        if namespace is None or not needs_work(namespace):
            return
        if not any(informer.list(name) for informer in self._contents.values()):
            self._queue.add(name)

    async def _reconcile(self, key: str) -> float | None:
        namespace = self._namespaces.get(key)
        if namespace is None or not needs_work(namespace):
            return None
        failures: list[str] = []
        remaining: dict[Resource, list[Object]] = {}
        for resource in self._resources:
            try:
                if await self._delete_all(resource, key):
                    remaining[resource] = await self._list(resource, key)
            except ApiError as error:
                failures.append(str(error))
        observation = Observation(namespace, remaining, failures, now=self._clock.now())
        return await self._performer.perform(key, sync(observation))

    async def _delete_all(self, resource: Resource, namespace: str) -> bool:
        """Deletes what is not being deleted yet; whether there was anything at all."""
        items = await self._list(resource, namespace)
        gate = asyncio.Semaphore(CONCURRENT_DELETES)

        async def delete(item: Object) -> None:
            async with gate:
                try:
                    await self._client.delete(
                        resource, name_of(item), namespace, propagation_policy="Background", uid=uid_of(item)
                    )
                except NotFound:
                    return

        results = await asyncio.gather(
            *(delete(item) for item in items if not is_deleting(item)), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return bool(items)

    async def _list(self, resource: Resource, namespace: str) -> list[Object]:
        items: list[Object] = []
        token = ""
        while True:
            page = await self._client.list(resource, namespace, limit=PAGE_SIZE, continue_token=token)
            items += page.items
            token = page.continue_token
            if not token:
                return items
