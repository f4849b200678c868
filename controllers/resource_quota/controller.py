"""The interpreter of the resource quota controller: informers in, requests out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from controllers.actions import Update
from controllers.metadata_informers import metadata_informers
from controllers.perform import Performer
from controllers.resource_quota.in_flight import RECHECK_SECONDS, InFlight
from controllers.resource_quota.sync import Observation, sync
from minikube_py.api.errors import Conflict
from minikube_py.api.meta import Object, key_of, namespace_of, resource_version_of
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


@dataclass(frozen=True, slots=True)
class _Change:
    """A quota's usage before and after some write, by the revision of the write."""

    revision: int
    before: Amounts
    after: Amounts


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
        self._own: dict[str, int] = {}
        self._writing: dict[str, list[_Change]] = {}
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
        if _used(new) != (_used(old) if old is not None else {}):
            change = _Change(resource_version_of(new), _used(old) if old is not None else {}, _used(new))
            if key in self._writing:
                self._writing[key].append(change)
            else:
                self._note(key, change)
        if old is None or _hard(new, "spec") != _hard(new, "status"):
            self._queue.add(key)

    def _note(self, key: str, change: _Change, *, certain: bool = True) -> None:
        """What somebody else made of a quota's usage: an API server has charged it, or given a charge back."""
        if change.revision == self._own.get(key):
            return
        now = self._clock.monotonic()
        self._in_flight.charged(key, _positive(change.after, change.before), now)
        if certain:
            self._in_flight.seen(key, _positive(change.before, change.after), now)
        self._queue.add_after(key, RECHECK_SECONDS)

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
        rest = _positive(after, before)
        for quota in quotas:
            names = evaluator.tracked((quota.get("spec") or {}).get("hard") or ())
            if not names or not evaluator.selected(quota, obj):
                continue
            key = key_of(quota)
            more = mask(rest, names)
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
        requeue: float | None = None
        for action in sync(Observation(quota, counted, in_flight)):
            if isinstance(action, Update):
                await self._update(key, action.obj)
            else:
                requeue = action.seconds
        return requeue

    async def _update(self, key: str, quota: Object) -> None:
        """Writes the status. What is heard of the quota meanwhile may be this write: only afterwards can one tell."""
        heard = self._writing[key] = []
        certain = False
        try:
            updated = await self._performer.update(key, RESOURCE_QUOTAS, quota, subresource="status")
            self._own[key] = resource_version_of(updated)
            certain = True
        except Conflict:
            certain = True
            raise
        finally:
            del self._writing[key]
            for change in heard:
                self._note(key, change, certain=certain)


def _used(quota: Object) -> Amounts:
    return parse((quota.get("status") or {}).get("used"))


def _hard(quota: Object, part: str) -> Amounts:
    return parse((quota.get(part) or {}).get("hard"))


def _positive(left: Amounts, right: Amounts) -> Amounts:
    """By how much ``left`` is more than ``right``."""
    return {name: amount for name, amount in subtract(left, right).items() if amount}
