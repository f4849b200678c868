"""The interpreter of the EndpointSlice mirroring controller."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from controllers.endpoint_slice.sync import MANAGED_BY, SERVICE_NAME
from controllers.endpoint_slice_mirroring.sync import MANAGER, Observation, sync
from controllers.perform import Performer
from minikube_py.api.meta import Object, join_key, key_of, labels_of, namespace_of
from minikube_py.api.resources import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

BY_ENDPOINTS = "endpointslicemirroring-controller-endpoints"


def _endpoints_of(slice_: Object) -> Iterable[str]:
    labels = labels_of(slice_)
    if labels.get(MANAGED_BY) == MANAGER and labels.get(SERVICE_NAME):
        yield join_key(namespace_of(slice_), labels[SERVICE_NAME])


class EndpointSliceMirroringController:
    """Works Endpoints by Endpoints."""

    def __init__(self, context: ControllerContext) -> None:
        self._settings = context.settings
        self._services = context.informers.informer(SERVICES)
        self._endpoints = context.informers.informer(ENDPOINTS)
        self._slices = context.informers.informer(ENDPOINT_SLICES, indexers={BY_ENDPOINTS: _endpoints_of})
        self._queue = WorkQueue("endpoint_slice_mirroring", context.clock)
        writes = Writes(context.clock, self._slices)
        self._performer = Performer(context.client, writes=writes)
        for informer in (self._services, self._endpoints):
            informer.add_handler(self._on_either)
        self._slices.add_handler(self._on_slice)
        context.add(
            Controller("endpointslice-mirroring-controller", self._queue, self._reconcile, context.clock, writes=writes)
        )

    def _on_either(self, old: Object | None, new: Object | None) -> None:
        """Endpoints and their Service have the same key."""
        self._queue.add(key_of(new or old or {}))

    def _on_slice(self, old: Object | None, new: Object | None) -> None:
        for present in (old, new):
            if present is not None:
                for key in _endpoints_of(present):
                    self._queue.add(key)

    async def _reconcile(self, key: str) -> float | None:
        observation = Observation(
            self._endpoints.get(key),
            self._services.get(key),
            tuple(self._slices.by_index(BY_ENDPOINTS, key)),
            self._settings.max_endpoints_per_slice,
            self._settings.mirroring_max_endpoints_per_subset,
        )
        return await self._performer.perform(key, sync(observation))
