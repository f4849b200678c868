"""The interpreter of the resource quota controller: informers in, requests out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controllers.actions import Update
from controllers.metadata_informers import metadata_informers
from controllers.perform import Performer
from controllers.resource_quota.in_flight import RECHECK_SECONDS, InFlight
from controllers.resource_quota.sync import Observation, sync
from minikube_py.api.meta import Object, key_of, namespace_of
from minikube_py.api.quantity import ZERO
from minikube_py.api.quota import Evaluator, evaluator_for, usage_of
from minikube_py.api.quota_amounts import Amounts, mask, parse, subtract
from minikube_py.api.resources import PERSISTENT_VOLUME_CLAIMS, PODS, RESOURCE_QUOTAS, SERVICES, Resource
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.informer import Handler
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

NAME = "resourcequota-controller"
WORKERS = 5
COALESCE_SECONDS = 0.1
"""Objects that go one after the other are counted together."""
_MEASURED = (PODS, SERVICES, PERSISTENT_VOLUME_CLAIMS)
"""The kinds of which more is looked at than whether they are there."""


class ResourceQuotaController:
    """Counts what quotas are used for; what comes is charged by the API server, what goes is given back here."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._quotas = context.informers.informer(RESOURCE_QUOTAS)
        self._kinds = {resource: context.informers.informer(resource) for resource in _MEASURED}
        self._kinds |= {
            resource: informer
            for resource, informer in metadata_informers(context.informers, context.table).items()
            if resource.namespaced and resource not in _MEASURED
        }
        self._in_flight = InFlight()
        self._own: dict[str, Amounts] = {}
        self._queue = WorkQueue("resource_quota_controller_resource_changes", context.clock)
        writes = Writes(context.clock, self._quotas)
        self._performer = Performer(context.client, writes=writes)
        self._quotas.add_handler(self._on_quota)
        for resource, informer in self._kinds.items():
            informer.add_handler(self._handler(resource))
        context.add(Controller(NAME, self._queue, self._reconcile, context.clock, workers=WORKERS, writes=writes))

    def _on_quota(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            self._in_flight.forget(key_of(old or {}))
            return
        key = key_of(new)
        before = _used(old) if old is not None else {}
        if _used(new) != before and _used(new) != self._own.get(key):
            grown = {name: amount for name, amount in subtract(_used(new), before).items() if amount}
            self._in_flight.charged(key, grown, self._clock.monotonic())
            self._queue.add_after(key, RECHECK_SECONDS)
        if old is None or old.get("spec") != new.get("spec") or not (new.get("status") or {}).get("used"):
            self._queue.add(key)

    def _handler(self, resource: Resource) -> Handler:
        evaluator, measured = evaluator_for(resource.group, resource.plural), resource in _MEASURED
        return lambda old, new: self._on_object(evaluator, measured, old, new)

    def _on_object(self, evaluator: Evaluator, measured: bool, old: Object | None, new: Object | None) -> None:
        obj = new if new is not None else old or {}
        quotas = self._quotas.list(namespace_of(obj))
        if not quotas or (old is not None and new is not None and not measured):
            return
        now = self._clock.now()
        after = evaluator.usage(new, now) if new is not None else {}
        before = evaluator.usage(old, now) if old is not None else {}
        if after == before:
            return
        rest = subtract(after, before)
        for quota in quotas:
            names = evaluator.tracked((quota.get("spec") or {}).get("hard") or ())
            if not names or not evaluator.selected(quota, obj):
                continue
            key = key_of(quota)
            more = {name: amount for name, amount in mask(rest, names).items() if amount}
            if more:
                self._in_flight.seen(key, more, self._clock.monotonic())
            shrinks = any(after.get(name, ZERO) < amount for name, amount in mask(before, names).items())
            self._queue.add_after(key, COALESCE_SECONDS if shrinks else RECHECK_SECONDS)

    async def _reconcile(self, key: str) -> float | None:
        quota = self._quotas.get(key)
        if quota is None:
            self._own.pop(key, None)
            return None
        namespace = namespace_of(quota)
        objects = {
            (resource.group, resource.plural): informer.list(namespace) for resource, informer in self._kinds.items()
        }
        counted = usage_of(quota, objects, self._clock.now())
        in_flight = self._in_flight.amounts(key, self._clock.monotonic())
        actions = sync(Observation(quota, counted, in_flight))
        for action in actions:
            if isinstance(action, Update):
                self._own[key] = _used(action.obj)
        return await self._performer.perform(key, actions)


def _used(quota: Object) -> Amounts:
    return parse((quota.get("status") or {}).get("used"))
