"""ConfigMaps and Secrets that this node's pods name, each watched by itself, as upstream's watch-based managers.

A kubelet may only read the objects that its pods reference, so there is one watch for each of them and none for the
collection. A watch begins with the first pod that needs the object and ends with the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from minikube_py.api.meta import Object, join_key
from minikube_py.api.resources import CONFIG_MAPS, SECRETS, Resource
from minikube_py.client.protocol import Client
from minikube_py.runtime.clock import Clock
from minikube_py.runtime.informer import Informer
from minikube_py.runtime.tasks import Tasks

log = structlog.get_logger("kubelet")

SYNC_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Reference:
    """One object: its kind, namespace and name."""

    resource: Resource
    namespace: str
    name: str


@dataclass(slots=True)
class _Watched:
    informer: Informer
    tasks: Tasks
    users: set[str] = field(default_factory=set)


class NotYetRead(Exception):
    """The API server has not answered in time; whether the object exists is not known."""


class ReferencedObjects:
    """Keeps what pods reference. ``on_change(pod_uid)`` is called when an object that a pod uses has changed."""

    def __init__(self, client: Client, clock: Clock, on_change: Callable[[str], None]) -> None:
        self._client = client
        self._clock = clock
        self._on_change = on_change
        self._watched: dict[Reference, _Watched] = {}

    def use(self, pod_uid: str, references: Iterable[Reference]) -> None:
        """Begins to watch what a pod references."""
        for reference in references:
            self._watch(reference).users.add(pod_uid)

    async def get(self, reference: Reference) -> Object | None:
        """The object, or None where it does not exist. It must be in use. Raises NotYetRead."""
        watched = self._watched.get(reference)
        if watched is None:
            return None
        if not watched.informer.synced:
            try:
                await watched.informer.wait_synced(SYNC_TIMEOUT_SECONDS)
            except TimeoutError:
                raise NotYetRead("timed out waiting for the condition") from None
        return watched.informer.get(join_key(reference.namespace, reference.name))

    async def release(self, pod_uid: str) -> None:
        """Ends the watches that only this pod needed."""
        for reference, watched in list(self._watched.items()):
            watched.users.discard(pod_uid)
            if not watched.users:
                del self._watched[reference]
                await watched.tasks.cancel_all()

    async def close(self) -> None:
        """Ends every watch."""
        for watched in self._watched.values():
            await watched.tasks.cancel_all()
        self._watched.clear()

    def _watch(self, reference: Reference) -> _Watched:
        watched = self._watched.get(reference)
        if watched is not None:
            return watched
        informer = Informer(
            self._client,
            reference.resource,
            namespace=reference.namespace,
            field_selector=f"metadata.name={reference.name}",
            clock=self._clock,
        )
        watched = _Watched(informer, Tasks())
        self._watched[reference] = watched

        def changed(old: Object | None, new: Object | None) -> None:
            for pod_uid in tuple(watched.users):
                self._on_change(pod_uid)

        informer.add_handler(changed)
        informer.start(watched.tasks)
        return watched


def references(namespace: str, config_maps: Iterable[str], secrets: Iterable[str]) -> list[Reference]:
    """The references to objects of one namespace."""
    return [
        *(Reference(CONFIG_MAPS, namespace, name) for name in config_maps),
        *(Reference(SECRETS, namespace, name) for name in secrets),
    ]
