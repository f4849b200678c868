"""The interpreter of the Endpoints controller: informers in, requests out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controllers.endpoints.sync import Observation, sync
from controllers.perform import Performer
from controllers.service_pods import has_selector, is_relevant_change, selects
from controllers.trigger_time import TriggerTimes, change_trigger_time
from minikube_py.api.meta import Object, key_of, namespace_of
from minikube_py.api.resources import ENDPOINTS, PODS, SERVICES
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext


class EndpointsController:
    """Keeps the Endpoints of every Service that has a selector, and deletes those of Services that are gone."""

    def __init__(self, context: ControllerContext) -> None:
        self._services = context.informers.informer(SERVICES)
        self._pods = context.informers.informer(PODS)
        self._endpoints = context.informers.informer(ENDPOINTS)
        self._queue = WorkQueue("endpoint", context.clock)
        self._trigger_times: dict[str, TriggerTimes] = {}
        writes = Writes(context.clock, self._endpoints)
        self._performer = Performer(context.client, writes=writes)
        self._services.add_handler(self._on_service)
        self._pods.add_handler(self._on_pod)
        self._endpoints.add_handler(self._on_endpoints)
        context.add(
            Controller(
                "endpoints-controller",
                self._queue,
                self._reconcile,
                context.clock,
                workers=context.settings.concurrent_syncs,
                writes=writes,
            )
        )

    def _on_service(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(key_of(new or old or {}))

    def _on_endpoints(self, old: Object | None, new: Object | None) -> None:
        """Puts right what was changed; those without a Service only at the start, for people may make them first."""
        key = key_of(new or old or {})
        if new is None or not self._endpoints.synced or self._services.get(key) is not None:
            self._queue.add(key)

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        """Wakes the Services that select the pod as it was or as it is."""
        if not is_relevant_change(old, new):
            return
        pods = [pod for pod in (old, new) if pod is not None]
        for service in self._services.list(namespace_of(pods[0])):
            if has_selector(service) and any(selects(service, pod) for pod in pods):
                self._queue.add(key_of(service))

    async def _reconcile(self, key: str) -> float | None:
        service = self._services.get(key)
        if service is None:
            self._trigger_times.pop(key, None)
            return await self._performer.perform(key, sync(Observation(None, (), self._endpoints.get(key), "")))
        pods: tuple[Object, ...] = ()
        if has_selector(service):
            pods = tuple(pod for pod in self._pods.list(namespace_of(service)) if selects(service, pod))
        trigger_time, state = change_trigger_time(self._trigger_times.get(key), service, pods)
        requeue = await self._performer.perform(
            key, sync(Observation(service, pods, self._endpoints.get(key), trigger_time))
        )
        self._trigger_times[key] = state
        return requeue
