"""The interpreter of the StatefulSet controller: informers in, requests out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controllers.actions import Update, delete
from controllers.claims import claim, settle
from controllers.indexes import CONTROLLER_UID, ORPHANS, OWNERSHIP
from controllers.owners import Owners
from controllers.perform import Performer
from controllers.revisions import (
    Missing,
    RollBack,
    Unchanged,
    data_of_template,
    has_data,
    in_order,
    new_revision,
    plan,
)
from controllers.slow_start import slow_start_batch
from controllers.stateful_set import spec
from controllers.stateful_set.sync import (
    CreatePod,
    DeletePod,
    KeepClaims,
    Observation,
    Refuse,
    Stage,
    Step,
    UpdatePod,
    sync_history,
    sync_pods,
    sync_status,
)
from controllers.stateful_set.volume_claims import Claims, claim_name, is_claim_of
from minikube_py.api.errors import AlreadyExists, ApiError, Conflict, has_no_namespace
from minikube_py.api.meta import (
    Object,
    annotations_of,
    is_controlled_by,
    is_deleting,
    join_key,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from minikube_py.api.resources import (
    CONTROLLER_REVISIONS,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    STATEFUL_SETS,
    Resource,
    minor_of,
)
from minikube_py.api.selectors import LabelSelector
from minikube_py.client.protocol import ConnectionFailed
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.informer import Informer
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

SEVERAL_UNAVAILABLE_SINCE = 35
"""The minor version from which upstream heeds ``maxUnavailable`` unless told not to."""
MOST_COLLISIONS = 20
"""So many names for a new revision are tried in one go."""
_FAILURES = (ApiError, ConnectionFailed)


class StatefulSetController:
    """Gives every StatefulSet its pods and their claims, and keeps its status and its history."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._several_unavailable = minor_of(context.settings.kubernetes_version) >= SEVERAL_UNAVAILABLE_SINCE
        self._sets = context.informers.informer(STATEFUL_SETS)
        self._pods = context.informers.informer(PODS, indexers=OWNERSHIP)
        self._revisions = context.informers.informer(CONTROLLER_REVISIONS, indexers=OWNERSHIP)
        self._claims = context.informers.informer(PERSISTENT_VOLUME_CLAIMS)
        self._owners = Owners(self._sets, _selector)
        self._queue = WorkQueue("statefulset", context.clock)
        writes = Writes(context.clock, self._sets, self._pods, self._revisions, self._claims)
        self._performer = Performer(context.client, context.recorder("statefulset-controller"), writes)
        self._sets.add_handler(self._on_set)
        self._pods.add_handler(self._on_pod)
        self._revisions.add_handler(self._on_dependent)
        self._claims.add_handler(self._on_claim)
        context.add(
            Controller(
                "statefulset-controller",
                self._queue,
                self._reconcile,
                context.clock,
                workers=context.settings.concurrent_syncs,
                writes=writes,
            )
        )

    def _on_set(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(key_of(new or old or {}))

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        self._on_dependent(old, new)
        if new is None and old is not None:
            # One that was not the set's own may have had the name that the set needs.
            key = join_key(namespace_of(old), name_of(old).rpartition("-")[0])
            if self._sets.get(key) is not None:
                self._queue.add(key)

    def _on_dependent(self, old: Object | None, new: Object | None) -> None:
        for key in self._owners.concerned(old, new):
            self._queue.add(key)

    def _on_claim(self, old: Object | None, new: Object | None) -> None:
        """A claim that has gone, or is going, may be what a pod waited for."""
        if old is None or (new is not None and is_deleting(old) == is_deleting(new)):
            return
        for stateful_set in self._sets.list(namespace_of(old)):
            if is_claim_of(stateful_set, name_of(old)):
                self._queue.add(key_of(stateful_set))

    async def _reconcile(self, key: str) -> float | None:
        stateful_set = self._sets.get(key)
        if stateful_set is None:
            return None
        pods = await self._claimed(key, stateful_set, PODS, self._pods)
        revisions = await self._claimed(key, stateful_set, CONTROLLER_REVISIONS, self._revisions)
        observation = await self._observe(key, stateful_set, pods, revisions)
        if observation is None:
            return None
        error: Exception | None = None
        for stage in sync_pods(observation):
            error = await self._carry_out(key, stateful_set, stage)
            if error is not None:
                break
        requeue = await self._performer.perform(key, sync_status(observation))
        await self._performer.perform(key, sync_history(observation, revisions))
        if error is not None:
            raise error
        return requeue

    async def _claimed(
        self, key: str, stateful_set: Object, resource: Resource, informer: Informer
    ) -> tuple[Object, ...]:
        selector = _selector(stateful_set)

        def matches(dependent: Object) -> bool:
            is_member = resource is not PODS or spec.ordinal_of(stateful_set, name_of(dependent)) is not None
            return is_member and selector.matches(labels_of(dependent))

        candidates = [
            *informer.by_index(CONTROLLER_UID, uid_of(stateful_set)),
            *informer.by_index(ORPHANS, namespace_of(stateful_set)),
        ]
        claimed = claim(stateful_set, candidates, matches)
        return await settle(self._performer, key, STATEFUL_SETS, stateful_set, resource, claimed)

    async def _observe(
        self, key: str, stateful_set: Object, pods: tuple[Object, ...], revisions: tuple[Object, ...]
    ) -> Observation | None:
        """What there is; a revision of the template is made first. None for a set that ends before it had one."""
        status = stateful_set.get("status") or {}
        collisions = int(status.get("collisionCount") or 0)
        if not is_deleting(stateful_set):
            update, collisions = await self._update_revision(key, stateful_set, revisions, collisions)
        elif revisions:
            update = in_order(revisions)[-1]
        else:
            return None
        current = next((one for one in revisions if name_of(one) == status.get("currentRevision")), update)
        claims = self._claims_of(stateful_set, pods)
        return Observation(
            stateful_set, current, update, collisions, pods, claims, self._clock.now(), self._several_unavailable
        )

    def _claims_of(self, stateful_set: Object, pods: tuple[Object, ...]) -> dict[str, Object]:
        ordinals = {spec.ordinal_of(stateful_set, name_of(pod)) for pod in pods} | set(spec.ordinals(stateful_set))
        names = (
            claim_name(stateful_set, template, ordinal)
            for template in spec.claim_templates(stateful_set)
            for ordinal in ordinals
            if ordinal is not None
        )
        found = ((name, self._claims.get(join_key(namespace_of(stateful_set), name))) for name in names)
        return {name: present for name, present in found if present is not None}

    async def _update_revision(
        self, key: str, stateful_set: Object, revisions: tuple[Object, ...], collisions: int
    ) -> tuple[Object, int]:
        """The revision of the set's template, made or renumbered if need be, and the number of name collisions."""
        data = data_of_template(stateful_set["spec"]["template"])
        match plan(revisions, data):
            case Unchanged(revision):
                return revision, collisions
            case RollBack() as back:
                return await self._performer.update(key, CONTROLLER_REVISIONS, back.renumbered()), collisions
            case Missing(number):
                return await self._create_revision(key, stateful_set, data, number, collisions)

    async def _create_revision(
        self, key: str, stateful_set: Object, data: Object, number: int, collisions: int
    ) -> tuple[Object, int]:
        labels = labels_of(stateful_set["spec"]["template"])
        for count in range(collisions, collisions + MOST_COLLISIONS):
            revision = new_revision(
                stateful_set,
                data,
                number,
                collision_count=count,
                labels=labels,
                annotations=annotations_of(stateful_set),
            )
            try:
                return await self._performer.create(key, CONTROLLER_REVISIONS, revision), count
            except AlreadyExists:
                present = await self._performer.client.get(
                    CONTROLLER_REVISIONS, name_of(revision), namespace_of(revision)
                )
                if has_data(present, data) and is_controlled_by(present, stateful_set):
                    return present, count
        raise Conflict(f"every name tried for a revision of {key_of(stateful_set)} is taken")

    async def _carry_out(self, key: str, stateful_set: Object, stage: Stage) -> Exception | None:
        steps = iter(stage)

        async def attempt() -> None:
            await self._step(key, stateful_set, next(steps))

        _, error = await slow_start_batch(len(stage), attempt)
        return error

    async def _step(self, key: str, stateful_set: Object, step: Step) -> None:
        match step:
            case CreatePod(pod, claims):
                await self._create(key, stateful_set, pod, claims)
            case KeepClaims(pod, claims):
                await self._keep_claims(key, stateful_set, pod, claims)
            case UpdatePod(pod):
                try:
                    await self._performer.update(key, PODS, pod)
                except Conflict:
                    raise
                except _FAILURES as error:
                    self._tell(stateful_set, pod, "update", error)
                    raise
                self._tell(stateful_set, pod, "update", None)
            case DeletePod(pod):
                try:
                    deleted = await self._performer.delete(key, delete(PODS, pod))
                except _FAILURES as error:
                    self._tell(stateful_set, pod, "delete", error)
                    raise
                if deleted:
                    self._tell(stateful_set, pod, "delete", None)
            case Refuse(pod, reason):
                # Not tried again: what is in the way wakes the set when it goes.
                self._tell(stateful_set, pod, "create", reason)

    async def _create(self, key: str, stateful_set: Object, pod: Object, claims: Claims) -> None:
        try:
            await self._keep_claims(key, stateful_set, pod, claims)
            await self._performer.create(key, PODS, pod)
        except AlreadyExists:
            # Somebody else's pod has the name, or the informer is behind: neither is the set's failure.
            raise
        except _FAILURES as error:
            self._tell(stateful_set, pod, "create", error)
            raise
        self._tell(stateful_set, pod, "create", None)

    async def _keep_claims(self, key: str, stateful_set: Object, pod: Object, claims: Claims) -> None:
        for made in claims.create:
            about = f"create Claim {name_of(made)}"
            try:
                await self._performer.create(key, PERSISTENT_VOLUME_CLAIMS, made)
            except AlreadyExists:
                raise
            except _FAILURES as error:
                if not has_no_namespace(error):
                    message = (
                        f"{about} for Pod {name_of(pod)} in StatefulSet {name_of(stateful_set)} failed error: {error}"
                    )
                    self._performer.emit(stateful_set, "Warning", "FailedCreate", message)
                raise
            message = f"{about} Pod {name_of(pod)} in StatefulSet {name_of(stateful_set)} success"
            self._performer.emit(stateful_set, "Normal", "SuccessfulCreate", message)
        for contested in claims.contested:
            message = (
                f"PersistentVolumeClaim {contested} has a conflicting OwnerReference that acts as a managing "
                "controller, the retention policy is ignored for this claim"
            )
            self._performer.emit(stateful_set, "Warning", "ConflictingController", message)
        await self._performer.perform(key, (Update(PERSISTENT_VOLUME_CLAIMS, changed) for changed in claims.update))

    def _tell(self, stateful_set: Object, pod: Object, verb: str, error: Exception | str | None) -> None:
        about = f"{verb} Pod {name_of(pod)} in StatefulSet {name_of(stateful_set)}"
        if error is None:
            self._performer.emit(stateful_set, "Normal", f"Successful{verb.title()}", f"{about} successful")
        elif not (isinstance(error, ApiError) and has_no_namespace(error)):
            self._performer.emit(stateful_set, "Warning", f"Failed{verb.title()}", f"{about} failed error: {error}")


def _selector(stateful_set: Object) -> LabelSelector:
    return LabelSelector.from_object(stateful_set["spec"].get("selector"))
