"""The interpreter of the ServiceAccount controller: informers in, requests out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controllers.perform import Performer
from controllers.service_account.sync import DEFAULT, Observation, sync
from minikube_py.api.meta import Object, join_key, name_of, namespace_of
from minikube_py.api.resources import NAMESPACES, SERVICE_ACCOUNTS
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

NAME = "serviceaccount-controller"


class ServiceAccountController:
    """Sees to it that every active namespace has the ServiceAccount that its pods run as by default."""

    def __init__(self, context: ControllerContext) -> None:
        self._namespaces = context.informers.informer(NAMESPACES)
        self._accounts = context.informers.informer(SERVICE_ACCOUNTS)
        self._queue = WorkQueue("serviceaccount", context.clock)
        writes = Writes(context.clock, self._accounts)
        self._performer = Performer(context.client, writes=writes)
        self._namespaces.add_handler(self._on_namespace)
        self._accounts.add_handler(self._on_account)
        context.add(Controller(NAME, self._queue, self._reconcile, context.clock, writes=writes))

    def _on_namespace(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(name_of(new))

    def _on_account(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None and name_of(old) == DEFAULT:
            self._queue.add(namespace_of(old))

    async def _reconcile(self, key: str) -> float | None:
        account = self._accounts.get(join_key(key, DEFAULT))
        return await self._performer.perform(
            key, sync(Observation(self._namespaces.get(key), has_default=account is not None))
        )
