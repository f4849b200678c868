"""The interpreter of the EndpointSlice controller: informers in, requests out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from controllers.endpoint_slice.endpoints import ZONE_LABEL
from controllers.endpoint_slice.sync import MANAGED_BY, MANAGER, SERVICE_NAME, Observation, sync
from controllers.perform import Performer
from controllers.service_pods import has_selector, is_relevant_change, selects
from controllers.trigger_time import TriggerTimes, change_trigger_time
from minikube_py.api.meta import Object, join_key, key_of, labels_of, name_of, namespace_of
from minikube_py.api.resources import ENDPOINT_SLICES, NODES, PODS, SERVICES
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

BY_SERVICE = "endpointslice-controller-service"


def _service_of(slice_: Object) -> Iterable[str]:
    labels = labels_of(slice_)
    if labels.get(MANAGED_BY) == MANAGER and labels.get(SERVICE_NAME):
        yield join_key(namespace_of(slice_), labels[SERVICE_NAME])


class EndpointSliceController:
    """Keeps the slices of every Service that has a selector."""

    def __init__(self, context: ControllerContext) -> None:
        self._settings = context.settings
        self._services = context.informers.informer(SERVICES)
        self._pods = context.informers.informer(PODS)
        self._nodes = context.informers.informer(NODES)
        self._slices = context.informers.informer(ENDPOINT_SLICES, indexers={BY_SERVICE: _service_of})
        self._queue = WorkQueue("endpoint_slice", context.clock)
        self._trigger_times: dict[str, TriggerTimes] = {}
        writes = Writes(context.clock, self._slices)
        self._performer = Performer(context.client, writes=writes)
        self._services.add_handler(self._on_service)
        self._pods.add_handler(self._on_pod)
        self._nodes.add_handler(self._on_node)
        self._slices.add_handler(self._on_slice)
        context.add(
            Controller(
                "endpointslice-controller",
                self._queue,
                self._reconcile,
                context.clock,
                workers=context.settings.concurrent_syncs,
                writes=writes,
            )
        )

    def _on_service(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(key_of(new or old or {}))

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        """Wakes the Services that select the pod as it was or as it is."""
        if not is_relevant_change(old, new):
            return
        pods = [pod for pod in (old, new) if pod is not None]
        for service in self._services.list(namespace_of(pods[0])):
            if has_selector(service) and any(selects(service, pod) for pod in pods):
                self._queue.add(key_of(service))

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        """A node that comes, goes or moves to another zone may change any slice."""
        if old is not None and new is not None and labels_of(old).get(ZONE_LABEL) == labels_of(new).get(ZONE_LABEL):
            return
        for service in self._services.list():
            if has_selector(service):
                self._queue.add(key_of(service))

    def _on_slice(self, old: Object | None, new: Object | None) -> None:
        """What somebody else did to a slice is put right."""
        for present in (old, new):
            if present is not None:
                for key in _service_of(present):
                    self._queue.add(key)

    async def _reconcile(self, key: str) -> float | None:
        service = self._services.get(key)
        if service is None:
            # Its slices are its dependents: the garbage collector deletes them.
            self._trigger_times.pop(key, None)
            return None
        pods: tuple[Object, ...] = ()
        if has_selector(service):
            pods = tuple(pod for pod in self._pods.list(namespace_of(service)) if selects(service, pod))
        trigger_time, state = change_trigger_time(self._trigger_times.get(key), service, pods)
        observation = Observation(
            service,
            pods,
            {name_of(node): node for node in self._nodes.list()},
            tuple(self._slices.by_index(BY_SERVICE, key)),
            trigger_time,
            self._settings.max_endpoints_per_slice,
        )
        requeue = await self._performer.perform(key, sync(observation))
        self._trigger_times[key] = state
        return requeue
