"""The interpreter of :mod:`controllers.actions`: the one place where a controller's plan becomes requests."""

from __future__ import annotations

from collections.abc import Iterable

from controllers.actions import Action, Create, Delete, Emit, Patch, RequeueAfter, Update
from minikube_py.api.errors import AlreadyExists, Conflict, NotFound
from minikube_py.api.meta import Object
from minikube_py.api.resources import Resource
from minikube_py.client.protocol import Client
from minikube_py.runtime.events import EventRecorder
from minikube_py.runtime.writes import Writes


class Performer:
    """Carries out plans in order; with ``writes`` it notes each write under the key that was worked on."""

    def __init__(self, client: Client, recorder: EventRecorder | None = None, writes: Writes | None = None) -> None:
        self.client = client
        self._recorder = recorder
        self._writes = writes

    async def perform(self, key: str, actions: Iterable[Action]) -> float | None:
        """Every action in order; the shortest requeue asked for, in seconds, or None.

        Raises ApiError or ConnectionFailed from the first action that failed; later ones are then not carried out.
        """
        requeue: float | None = None
        for action in actions:
            match action:
                case RequeueAfter(seconds):
                    requeue = seconds if requeue is None else min(requeue, seconds)
                case Emit(obj, event_type, reason, message):
                    self.emit(obj, event_type, reason, message)
                case Create(resource, obj, ignore_existing):
                    try:
                        await self.create(key, resource, obj)
                    except AlreadyExists:
                        if not ignore_existing:
                            raise
                case Update(resource, obj, subresource):
                    await self.update(key, resource, obj, subresource=subresource)
                case Patch():
                    await self.patch(key, action)
                case Delete():
                    await self.delete(key, action)
        return requeue

    def emit(self, obj: Object, event_type: str, reason: str, message: str) -> None:
        """Records an event about ``obj``; dropped where the controller has no recorder."""
        if self._recorder is not None:
            self._recorder.event(obj, event_type, reason, message)

    async def create(self, key: str, resource: Resource, obj: Object) -> Object:
        """Creates and notes the write; the object as stored."""
        return self._wrote(key, resource, await self.client.create(resource, obj))

    async def update(self, key: str, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        """Updates and notes the write; the object as stored."""
        return self._wrote(key, resource, await self.client.update(resource, obj, subresource=subresource))

    async def patch(self, key: str, action: Patch) -> Object | None:
        """Patches and notes the write; the object as stored, or None where there is none."""
        try:
            stored = await self.client.patch(
                action.resource,
                action.name,
                action.patch,
                namespace=action.namespace,
                patch_type=action.patch_type,
                subresource=action.subresource,
            )
        except NotFound:
            return None
        return self._wrote(key, action.resource, stored)

    async def delete(self, key: str, action: Delete) -> bool:
        """Deletes and notes the write; whether there was anything to delete."""
        try:
            await self.client.delete(
                action.resource,
                action.name,
                action.namespace,
                uid=action.uid,
                grace_period_seconds=action.grace_period_seconds,
                propagation_policy=action.propagation_policy,
            )
        except NotFound:
            return False
        except Conflict:
            # The only precondition is the uid: the object that was to go has gone.
            return False
        if self._writes is not None:
            self._writes.record_delete_by_name(key, action.resource, action.namespace, action.name, action.uid)
        return True

    def _wrote(self, key: str, resource: Resource, stored: Object) -> Object:
        if self._writes is not None:
            self._writes.record(key, resource, stored)
        return stored
