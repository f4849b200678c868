"""The interpreter of the DaemonSet controller: informers in, requests out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from controllers.actions import WARNING, RequeueAfter, delete
from controllers.claims import claim, settle
from controllers.daemon_set import history
from controllers.daemon_set.back_off import BackOff
from controllers.daemon_set.placement import daemon_pod, placement
from controllers.daemon_set.rolling import sync
from controllers.daemon_set.status import sync_status
from controllers.daemon_set.sync import Observation, Plan
from controllers.indexes import CONTROLLER_UID, ORPHANS, OWNERSHIP
from controllers.owners import Owners
from controllers.perform import Performer
from controllers.revisions import Missing, RollBack, Unchanged, plan
from controllers.slow_start import slow_start_batch
from minikube_py.api.errors import AlreadyExists, ApiError, Conflict, has_no_namespace
from minikube_py.api.meta import (
    Object,
    is_controlled_by,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from minikube_py.api.nodes import taints_of
from minikube_py.api.resources import CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS, Resource
from minikube_py.api.selectors import LabelSelector
from minikube_py.client.protocol import ConnectionFailed
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.informer import Informer
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

NAME = "daemonset-controller"
SELECTING_ALL = "SelectingAll"


class DaemonSetController:
    """Keeps the pods of every DaemonSet on its nodes, and its history and status true."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._back_off = BackOff(context.clock)
        self._daemon_sets = context.informers.informer(DAEMON_SETS)
        self._revisions = context.informers.informer(CONTROLLER_REVISIONS, indexers=OWNERSHIP)
        self._pods = context.informers.informer(PODS, indexers=OWNERSHIP)
        self._nodes = context.informers.informer(NODES)
        self._owners = Owners(self._daemon_sets, _selector)
        self._queue = WorkQueue("daemonset", context.clock)
        writes = Writes(context.clock, self._daemon_sets, self._revisions, self._pods)
        self._performer = Performer(context.client, context.recorder(NAME), writes)
        self._daemon_sets.add_handler(self._on_daemon_set)
        self._revisions.add_handler(self._on_revision)
        self._pods.add_handler(self._on_pod)
        self._nodes.add_handler(self._on_node)
        workers = context.settings.concurrent_syncs
        context.add(Controller(NAME, self._queue, self._reconcile, context.clock, workers=workers, writes=writes))

    def _on_daemon_set(self, old: Object | None, new: Object | None) -> None:
        if old is not None and (new is None or uid_of(new) != uid_of(old)):
            self._back_off.forget(uid_of(old))
        self._queue.add(key_of(new or old or {}))

    def _on_revision(self, old: Object | None, new: Object | None) -> None:
        """A new revision is the work of this controller, or of somebody who knows what it is for."""
        if old is not None:
            self._enqueue(self._owners.concerned(old, new))

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        self._enqueue(self._owners.concerned(old, new))

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        """What matters of a node are its labels and taints: most of its changes are signs of life."""
        if old is not None and new is not None and _is_same_to_placement(old, new):
            return
        for daemon_set in self._daemon_sets.list():
            before, after = (node and placement(daemon_set, node) for node in (old, new))
            if before != after:
                self._queue.add(key_of(daemon_set))

    def _enqueue(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._queue.add(key)

    async def _reconcile(self, key: str) -> float | None:
        daemon_set = self._daemon_sets.get(key)
        if daemon_set is None:
            return None
        if daemon_set["spec"].get("selector") == {}:
            message = "This daemon set is selecting all pods. A non-empty selector is required."
            self._performer.emit(daemon_set, WARNING, SELECTING_ALL, message)
            return None
        if is_deleting(daemon_set):
            return None
        pods = await self._claimed(key, daemon_set, self._pods, PODS)
        owned = await self._claimed(key, daemon_set, self._revisions, CONTROLLER_REVISIONS)
        await self._performer.perform(key, history.label_missing(owned))
        current = await self._current_revision(key, daemon_set, owned)
        if merge := history.without_duplicates(current, owned, pods):
            # The pods are looked at again once they are seen with their new labels.
            return await self._performer.perform(key, merge)
        observation = Observation(
            daemon_set,
            tuple(self._nodes.list()),
            pods,
            history.hash_of(current),
            self._clock.now(),
            self._back_off.remaining(uid_of(daemon_set)),
        )
        planned = sync(observation)
        error = await self._carry_out(key, observation, planned)
        if error is None and not planned.create_on and not planned.delete:
            await self._performer.perform(key, history.clean_up(daemon_set, current, owned, pods))
        wait = () if planned.wait is None else (RequeueAfter(planned.wait),)
        requeue = await self._performer.perform(key, (*sync_status(observation), *wait))
        if error is not None:
            raise error
        return requeue

    async def _claimed(
        self, key: str, daemon_set: Object, informer: Informer, resource: Resource
    ) -> tuple[Object, ...]:
        selector = _selector(daemon_set)
        candidates = [
            *informer.by_index(CONTROLLER_UID, uid_of(daemon_set)),
            *informer.by_index(ORPHANS, namespace_of(daemon_set)),
        ]
        claimed = claim(daemon_set, candidates, lambda candidate: selector.matches(labels_of(candidate)))
        return await settle(self._performer, key, DAEMON_SETS, daemon_set, resource, claimed)

    async def _current_revision(self, key: str, daemon_set: Object, owned: tuple[Object, ...]) -> Object:
        match plan(owned, history.data_of(daemon_set)):
            case Unchanged(revision):
                return revision
            case RollBack() as roll_back:
                return await self._performer.update(key, CONTROLLER_REVISIONS, roll_back.renumbered())
            case Missing(number):
                return await self._create_revision(key, daemon_set, history.new_revision(daemon_set, number))

    async def _create_revision(self, key: str, daemon_set: Object, revision: Object) -> Object:
        try:
            return await self._performer.create(key, CONTROLLER_REVISIONS, revision)
        except AlreadyExists:
            name, namespace = name_of(revision), namespace_of(revision)
            present = await self._performer.client.get(CONTROLLER_REVISIONS, name, namespace)
            if is_controlled_by(present, daemon_set) and present.get("data") == revision["data"]:
                raise Conflict(f"ControllerRevision {key_of(present)} is there already and not seen yet") from None
            # Another revision has the name: the count is part of the hash, so the next name is another.
            status = daemon_set.get("status") or {}
            counted = {**status, "collisionCount": int(status.get("collisionCount") or 0) + 1}
            await self._performer.update(key, DAEMON_SETS, {**daemon_set, "status": counted}, subresource="status")
            raise

    async def _carry_out(self, key: str, observation: Observation, planned: Plan) -> Exception | None:
        """Creates and deletes as planned; the first failure."""
        daemon_set = observation.daemon_set
        await self._performer.perform(key, planned.events)
        for node in planned.failed_on:
            self._back_off.grow(uid_of(daemon_set), node)
        not_created = await self._create(key, daemon_set, planned.create_on, observation.revision_hash)
        not_deleted = await self._delete(key, daemon_set, planned.delete)
        return not_created or not_deleted

    async def _create(self, key: str, daemon_set: Object, nodes: list[str], revision_hash: str) -> Exception | None:
        waiting = iter(nodes)

        async def attempt() -> None:
            pod = daemon_pod(daemon_set, next(waiting), revision_hash)
            try:
                created = await self._performer.create(key, PODS, pod)
            except (ApiError, ConnectionFailed) as error:
                if not has_no_namespace(error):
                    self._performer.emit(daemon_set, "Warning", "FailedCreate", f"Error creating: {error}")
                raise
            self._performer.emit(daemon_set, "Normal", "SuccessfulCreate", f"Created pod: {name_of(created)}")

        _, error = await slow_start_batch(len(nodes), attempt)
        # In a namespace that is being deleted every create fails; there is nothing to tell and nothing to try again.
        return None if error is not None and has_no_namespace(error) else error

    async def _delete(self, key: str, daemon_set: Object, pods: list[Object]) -> Exception | None:
        async def attempt(pod: Object) -> None:
            try:
                deleted = await self._performer.delete(key, delete(PODS, pod))
            except (ApiError, ConnectionFailed) as error:
                self._performer.emit(daemon_set, "Warning", "FailedDelete", f"Error deleting: {error}")
                raise
            if deleted:
                self._performer.emit(daemon_set, "Normal", "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")

        results = await asyncio.gather(*(attempt(pod) for pod in pods), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        for failure in failures:
            if not isinstance(failure, Exception):
                raise failure
        return next((failure for failure in failures if isinstance(failure, Exception)), None)


def _is_same_to_placement(old: Object, new: Object) -> bool:
    return labels_of(old) == labels_of(new) and taints_of(old) == taints_of(new)


def _selector(daemon_set: Object) -> LabelSelector:
    return LabelSelector.from_object(daemon_set["spec"].get("selector"))
