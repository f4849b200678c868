"""The interpreter of the disruption controller: informers in, requests out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controllers.disruption.scale import SCALED
from controllers.disruption.sync import Observation, selector, stale_after, sync, sync_pod
from controllers.perform import Performer
from minikube_py.api.meta import Object, controller_of, is_deleting, key_of, labels_of, namespace_of
from minikube_py.api.pods import is_ready
from minikube_py.api.resources import POD_DISRUPTION_BUDGETS, PODS, Resource
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext


class DisruptionController:
    """Keeps the status of every PodDisruptionBudget true, which evictions are decided by.

    A second loop takes the condition DisruptionTarget back from pods that were not deleted after all. A pod that
    several budgets select counts for each of them; eviction refuses such a pod.
    """

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._table = context.table
        self._budgets = context.informers.informer(POD_DISRUPTION_BUDGETS)
        self._pods = context.informers.informer(PODS)
        self._scaled = {resource: context.informers.informer(resource) for resource in SCALED}
        self._queue = WorkQueue("disruption", context.clock)
        self._stale = WorkQueue("stale_pod_disruption", context.clock)
        budget_writes, pod_writes = Writes(context.clock, self._budgets), Writes(context.clock, self._pods)
        recorder = context.recorder("controllermanager")
        self._performer = Performer(context.client, recorder, budget_writes)
        self._pod_performer = Performer(context.client, recorder, pod_writes)
        self._budgets.add_handler(self._on_budget)
        self._pods.add_handler(self._on_pod)
        for informer in self._scaled.values():
            informer.add_handler(self._on_scaled)
        for name, queue, reconcile, writes in (
            ("disruption-controller", self._queue, self._reconcile, budget_writes),
            ("disruption-controller-stale-pods", self._stale, self._reconcile_pod, pod_writes),
        ):
            context.add(Controller(name, queue, reconcile, context.clock, writes=writes))

    def _on_budget(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        """Wakes the budgets that select the pod as it was or as it is, where what counts has changed."""
        if old is None or new is None or _counted(old) != _counted(new):
            pods = [pod for pod in (old, new) if pod is not None]
            for budget in self._budgets.list(namespace_of(pods[0])):
                if any(selector(budget).matches(labels_of(pod)) for pod in pods):
                    self._queue.add(key_of(budget))
        if new is not None and stale_after(new, self._clock.now()) is not None:
            self._stale.add(key_of(new))

    def _on_scaled(self, old: Object | None, new: Object | None) -> None:
        """Wakes the budgets of the pods that a controller makes, when it appears or wants another number of them."""
        if new is None or (old is not None and old["spec"].get("replicas") == new["spec"].get("replicas")):
            return
        labels = labels_of(new["spec"].get("template") or {})
        for budget in self._budgets.list(namespace_of(new)):
            if selector(budget).matches(labels):
                self._queue.add(key_of(budget))

    async def _reconcile(self, key: str) -> float | None:
        budget = self._budgets.get(key)
        if budget is None:
            return None
        selected = selector(budget)
        pods = tuple(pod for pod in self._pods.list(namespace_of(budget)) if selected.matches(labels_of(pod)))
        observation = Observation(budget, pods, self._find, self._table, self._clock.now())
        return await self._performer.perform(key, sync(observation))

    async def _reconcile_pod(self, key: str) -> float | None:
        pod = self._pods.get(key)
        return None if pod is None else await self._pod_performer.perform(key, sync_pod(pod, self._clock.now()))

    def _find(self, resource: Resource, key: str) -> Object | None:
        return self._scaled[resource].get(key)


def _counted(pod: Object) -> tuple[object, ...]:
    return labels_of(pod), is_ready(pod), is_deleting(pod), controller_of(pod)
