"""The service account controller: every namespace has a ServiceAccount ``default``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from controllers.actions import Create
from controllers.perform import Performer
from minikube_py.api.meta import Object, is_deleting, name_of, namespace_of
from minikube_py.api.resources import NAMESPACES, SERVICE_ACCOUNTS
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

NAME = "default"


@dataclass(frozen=True, slots=True)
class Observation:
    """A namespace and its ``default`` ServiceAccount, if there is one."""

    namespace: Object
    service_account: Object | None


def sync(observation: Observation) -> tuple[Create, ...]:
    """Creates what is missing; a namespace that is being deleted gets nothing more."""
    if observation.service_account is not None or is_deleting(observation.namespace):
        return ()
    metadata = {"name": NAME, "namespace": name_of(observation.namespace)}
    return (
        Create(
            SERVICE_ACCOUNTS,
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
            ignore_existing=True,
        ),
    )


class ServiceAccountController:
    """Works namespace by namespace."""

    def __init__(self, context: ControllerContext) -> None:
        self._namespaces = context.informers.informer(NAMESPACES)
        self._service_accounts = context.informers.informer(SERVICE_ACCOUNTS)
        self._queue = WorkQueue("serviceaccount", context.clock)
        writes = Writes(context.clock, self._service_accounts)
        self._performer = Performer(context.client, writes=writes)
        self._namespaces.add_handler(self._on_namespace)
        self._service_accounts.add_handler(self._on_service_account)
        context.add(Controller("serviceaccount-controller", self._queue, self._reconcile, context.clock, writes=writes))

    def _on_namespace(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(name_of(new))

    def _on_service_account(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None and name_of(old) == NAME:
            self._queue.add(namespace_of(old))

    async def _reconcile(self, key: str) -> float | None:
        namespace = self._namespaces.get(key)
        if namespace is None:
            return None
        observation = Observation(namespace, self._service_accounts.get(f"{key}/{NAME}"))
        return await self._performer.perform(key, sync(observation))
