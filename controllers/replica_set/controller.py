"""The interpreter of the ReplicaSet and ReplicationController controllers: informers in, requests out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controllers.actions import Delete
from controllers.claims import claim, settle
from controllers.indexes import CONTROLLER_UID, ORPHANS, OWNERSHIP
from controllers.owners import Owners
from controllers.perform import Performer
from controllers.replica_set.status import FAILED_CREATE, FAILED_DELETE, Failure
from controllers.replica_set.sync import (
    CreatePods,
    DeletePods,
    Observation,
    pod_from_template,
    sync_pods,
    sync_status,
)
from controllers.slow_start import slow_start_batch
from minikube_py.api.errors import ApiError, has_no_namespace
from minikube_py.api.meta import (
    Object,
    controller_of,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from minikube_py.api.pods import is_active
from minikube_py.api.resources import PODS, REPLICA_SETS, REPLICATION_CONTROLLERS, Resource
from minikube_py.api.selectors import LabelSelector
from minikube_py.client.protocol import ConnectionFailed
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext


@dataclass(frozen=True, slots=True)
class ReplicaKind:
    """A kind that keeps a number of pods, and upstream's names of what looks after it."""

    resource: Resource
    controller: str
    queue: str
    event_source: str
    selector: Callable[[Object], LabelSelector]


class _ReplicaController:
    """Keeps the pods of every object of one kind at their number, and its status true."""

    def __init__(self, context: ControllerContext, kind: ReplicaKind) -> None:
        self._clock = context.clock
        self._kind = kind
        self._replica_sets = context.informers.informer(kind.resource, indexers=OWNERSHIP)
        self._pods = context.informers.informer(PODS, indexers=OWNERSHIP)
        self._owners = Owners(self._replica_sets, kind.selector)
        self._queue = WorkQueue(kind.queue, context.clock)
        writes = Writes(context.clock, self._replica_sets, self._pods)
        self._performer = Performer(context.client, context.recorder(kind.event_source), writes)
        self._replica_sets.add_handler(self._on_replica_set)
        self._pods.add_handler(self._on_pod)
        context.add(
            Controller(
                kind.controller,
                self._queue,
                self._reconcile,
                context.clock,
                workers=context.settings.concurrent_syncs,
                writes=writes,
            )
        )

    def _on_replica_set(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(key_of(new or old or {}))

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        for key in self._owners.concerned(old, new):
            self._queue.add(key)

    async def _reconcile(self, key: str) -> float | None:
        replica_set = self._replica_sets.get(key)
        if replica_set is None:
            return None
        observation = Observation(
            replica_set, await self._claimed(key, replica_set), self._related(replica_set), self._clock.now()
        )
        failure: Failure | None = None
        error: Exception | None = None
        match sync_pods(observation):
            case CreatePods(count):
                error = await self._create(key, replica_set, count)
                failure = None if error is None else Failure(FAILED_CREATE, str(error))
            case DeletePods(pods):
                error = await self._delete(key, replica_set, pods)
                failure = None if error is None else Failure(FAILED_DELETE, str(error))
        requeue = await self._performer.perform(key, sync_status(self._kind.resource, observation, failure))
        if error is not None:
            raise error
        return requeue

    async def _claimed(self, key: str, replica_set: Object) -> tuple[Object, ...]:
        selector = self._kind.selector(replica_set)
        candidates = [
            *self._pods.by_index(CONTROLLER_UID, uid_of(replica_set)),
            *self._pods.by_index(ORPHANS, namespace_of(replica_set)),
        ]
        claimed = claim(replica_set, filter(is_active, candidates), lambda pod: selector.matches(labels_of(pod)))
        return await settle(self._performer, key, self._kind.resource, replica_set, PODS, claimed)

    def _related(self, replica_set: Object) -> tuple[Object, ...]:
        owner = controller_of(replica_set)
        family = [replica_set] if owner is None else self._replica_sets.by_index(CONTROLLER_UID, owner["uid"])
        pods = (pod for member in family for pod in self._pods.by_index(CONTROLLER_UID, uid_of(member)))
        return tuple(filter(is_active, pods))

    async def _create(self, key: str, replica_set: Object, count: int) -> Exception | None:
        pod = pod_from_template(replica_set["spec"]["template"], replica_set)

        async def attempt() -> None:
            try:
                created = await self._performer.create(key, PODS, pod)
            except (ApiError, ConnectionFailed) as error:
                if not has_no_namespace(error):
                    self._performer.emit(replica_set, "Warning", "FailedCreate", f"Error creating: {error}")
                raise
            self._performer.emit(replica_set, "Normal", "SuccessfulCreate", f"Created pod: {name_of(created)}")

        _, error = await slow_start_batch(count, attempt)
        # In a namespace that is being deleted every create fails; there is nothing to tell and nothing to try again.
        return None if error is not None and has_no_namespace(error) else error

    async def _delete(self, key: str, replica_set: Object, pods: tuple[Object, ...]) -> Exception | None:
        async def attempt(pod: Object) -> None:
            try:
                deleted = await self._performer.delete(key, Delete(PODS, namespace_of(pod), name_of(pod), uid_of(pod)))
            except (ApiError, ConnectionFailed) as error:
                self._performer.emit(replica_set, "Warning", "FailedDelete", f"Error deleting: {error}")
                raise
            if deleted:
                self._performer.emit(replica_set, "Normal", "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")

        results = await asyncio.gather(*(attempt(pod) for pod in pods), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        for failure in failures:
            if not isinstance(failure, Exception):
                raise failure
            return failure
        return None


def _label_selector(replica_set: Object) -> LabelSelector:
    return LabelSelector.from_object(replica_set["spec"].get("selector"))


def _labels(replication_controller: Object) -> LabelSelector:
    labels = replication_controller["spec"].get("selector")
    return LabelSelector.from_object({"matchLabels": labels} if labels else None)


class ReplicaSetController(_ReplicaController):
    """The controller of ReplicaSets."""

    def __init__(self, context: ControllerContext) -> None:
        kind = ReplicaKind(
            REPLICA_SETS, "replicaset-controller", "replicaset", "replicaset-controller", _label_selector
        )
        super().__init__(context, kind)


class ReplicationControllerController(_ReplicaController):
    """The controller of ReplicationControllers, whose selectors are plain labels."""

    def __init__(self, context: ControllerContext) -> None:
        kind = ReplicaKind(
            REPLICATION_CONTROLLERS,
            "replicationcontroller-controller",
            "replicationmanager",
            "replication-controller",
            _labels,
        )
        super().__init__(context, kind)
