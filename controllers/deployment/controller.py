"""The interpreter of the Deployment controller: informers in, requests out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controllers.claims import claim, settle
from controllers.deployment import spec
from controllers.deployment import status as statuses
from controllers.deployment.replica_sets import has_template_of
from controllers.deployment.sync import (
    CreateReplicaSet,
    Observation,
    selects_everything,
    sync,
)
from controllers.indexes import CONTROLLER_UID, ORPHANS, OWNERSHIP
from controllers.owners import Owners
from controllers.perform import Performer
from minikube_py.api.errors import AlreadyExists, ApiError, Conflict, has_no_namespace
from minikube_py.api.meta import (
    Object,
    controller_of,
    is_controlled_by,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from minikube_py.api.pods import is_terminal
from minikube_py.api.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from minikube_py.api.selectors import LabelSelector
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext


class DeploymentController:
    """Rolls every Deployment out and keeps its status true."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._deployments = context.informers.informer(DEPLOYMENTS)
        self._replica_sets = context.informers.informer(REPLICA_SETS, indexers=OWNERSHIP)
        self._pods = context.informers.informer(PODS, indexers=OWNERSHIP)
        self._owners = Owners(self._deployments, _selector)
        self._queue = WorkQueue("deployment", context.clock)
        writes = Writes(context.clock, self._deployments, self._replica_sets)
        self._performer = Performer(context.client, context.recorder("deployment-controller"), writes)
        self._deployments.add_handler(self._on_deployment)
        self._replica_sets.add_handler(self._on_replica_set)
        self._pods.add_handler(self._on_pod)
        context.add(
            Controller(
                "deployment-controller",
                self._queue,
                self._reconcile,
                context.clock,
                workers=context.settings.concurrent_syncs,
                writes=writes,
            )
        )

    def _on_deployment(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(key_of(new or old or {}))

    def _on_replica_set(self, old: Object | None, new: Object | None) -> None:
        for key in self._owners.concerned(old, new):
            self._queue.add(key)

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        """A pod that has gone, or ended, may be the last that a Recreate waited for."""
        if old is None or (new is not None and (is_terminal(old) or not is_terminal(new))):
            return
        owner = controller_of(old)
        if owner is None or owner.get("kind") != REPLICA_SETS.kind:
            return
        replica_set = self._replica_sets.get(f"{namespace_of(old)}/{owner['name']}")
        deployment = self._owners.of(replica_set) if replica_set is not None else None
        if deployment is not None and not spec.is_rolling_update(deployment):
            self._queue.add(key_of(deployment))

    async def _reconcile(self, key: str) -> float | None:
        deployment = self._deployments.get(key)
        if deployment is None:
            return None
        requeue: float | None = None
        for action in sync(await self._observe(key, deployment)):
            match action:
                case CreateReplicaSet(replica_set):
                    await self._create(key, deployment, replica_set)
                case _:
                    requeue = await self._performer.perform(key, (action,))
        return requeue

    async def _observe(self, key: str, deployment: Object) -> Observation:
        selector = _selector(deployment)
        candidates = [
            *self._replica_sets.by_index(CONTROLLER_UID, uid_of(deployment)),
            *self._replica_sets.by_index(ORPHANS, namespace_of(deployment)),
        ]
        claimed = claim(deployment, candidates, lambda replica_set: selector.matches(labels_of(replica_set)))
        if selects_everything(deployment):
            return Observation(deployment, claimed.owned, self._clock.now())
        owned = await settle(self._performer, key, DEPLOYMENTS, deployment, REPLICA_SETS, claimed)
        pods = {} if spec.is_rolling_update(deployment) else self._pods_of(owned)
        return Observation(deployment, owned, self._clock.now(), pods)

    def _pods_of(self, replica_sets: tuple[Object, ...]) -> dict[str, tuple[Object, ...]]:
        uids = (uid_of(replica_set) for replica_set in replica_sets)
        return {uid: tuple(self._pods.by_index(CONTROLLER_UID, uid)) for uid in uids}

    async def _create(self, key: str, deployment: Object, replica_set: Object) -> None:
        try:
            await self._performer.create(key, REPLICA_SETS, replica_set)
        except AlreadyExists:
            present = await self._performer.client.get(REPLICA_SETS, name_of(replica_set), namespace_of(replica_set))
            if is_controlled_by(present, deployment) and has_template_of(deployment, present):
                raise Conflict(f"ReplicaSet {key_of(present)} is there already and not seen yet") from None
            await self._count_collision(key, deployment)
            raise
        except ApiError as error:
            if not has_no_namespace(error):
                await self._tell_failure(
                    key, deployment, f'Failed to create new replica set "{name_of(replica_set)}": {error}'
                )
            raise

    async def _count_collision(self, key: str, deployment: Object) -> None:
        """Another ReplicaSet has the name: the count is part of the hash, so the next name is another."""
        status = deployment.get("status") or {}
        counted = {**status, "collisionCount": int(status.get("collisionCount") or 0) + 1}
        await self._performer.update(key, DEPLOYMENTS, {**deployment, "status": counted}, subresource="status")

    async def _tell_failure(self, key: str, deployment: Object, message: str) -> None:
        self._performer.emit(deployment, "Warning", statuses.FAILED_CREATE, message)
        if spec.progress_deadline(deployment) is None:
            return
        status = deployment.get("status") or {}
        failed = statuses.condition(statuses.PROGRESSING, "False", statuses.FAILED_CREATE, message, self._clock.now())
        told = statuses.put(status.get("conditions") or [], failed)
        if told != status.get("conditions"):
            update = {**deployment, "status": {**status, "conditions": told}}
            await self._performer.update(key, DEPLOYMENTS, update, subresource="status")


def _selector(deployment: Object) -> LabelSelector:
    return LabelSelector.from_object(deployment["spec"].get("selector"))
