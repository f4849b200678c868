"""The interpreter of the Job controller: informers in, requests out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from controllers.actions import Delete, Patch, merge_patch_of
from controllers.claims import claim, settle
from controllers.indexes import CONTROLLER_UID, ORPHANS, OWNERSHIP
from controllers.job.pods import TRACKING, is_tracked
from controllers.job.standing import Observation, assess, deadline
from controllers.job.status import Outcome, StatusPlan, sync_status
from controllers.job.sync import PodsPlan, sync_pods
from controllers.owners import Owners
from controllers.perform import Performer
from controllers.slow_start import slow_start_batch
from minikube_py.api.errors import ApiError, NotFound, has_no_namespace
from minikube_py.api.meta import (
    Object,
    condition_is_true,
    controller_of,
    is_deleting,
    key_of,
    labels_of,
    metadata,
    name_of,
    namespace_of,
    uid_of,
)
from minikube_py.api.resources import JOBS, PODS
from minikube_py.api.selectors import LabelSelector
from minikube_py.client.protocol import ConnectionFailed, PatchType
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

MANAGER = "kubernetes.io/job-controller"


def is_finished(job: Object) -> bool:
    """Whether the Job has ended, in success or failure."""
    return condition_is_true(job, "Complete") or condition_is_true(job, "Failed")


def is_ours(job: Object) -> bool:
    """Whether no other controller is named to manage the Job."""
    return job["spec"].get("managedBy") in (None, MANAGER)


def _selector(job: Object) -> LabelSelector:
    return LabelSelector.from_object(job["spec"].get("selector"))


class JobController:
    """Runs the pods of every Job, counts how they end, and lets go of tracked pods whose Job is no more."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._jobs = context.informers.informer(JOBS, indexers=OWNERSHIP)
        self._pods = context.informers.informer(PODS, indexers=OWNERSHIP)
        self._owners = Owners(self._jobs, _selector)
        self._queue = WorkQueue("job", context.clock)
        self._orphans = WorkQueue("job_orphan_pod", context.clock)
        writes = Writes(context.clock, self._jobs, self._pods)
        self._performer = Performer(context.client, context.recorder("job-controller"), writes)
        self._jobs.add_handler(self._on_job)
        self._pods.add_handler(self._on_pod)
        workers = context.settings.concurrent_syncs
        context.add(
            Controller("job-controller", self._queue, self._reconcile, context.clock, workers=workers, writes=writes)
        )
        context.add(Controller("job-controller orphan pods", self._orphans, self._release_orphan, context.clock))

    def _on_job(self, old: Object | None, new: Object | None) -> None:
        job = new or old or {}
        self._queue.add(key_of(job))
        if new is None or is_finished(new):
            for pod in self._pods.by_index(CONTROLLER_UID, uid_of(job)):
                if is_tracked(pod):
                    self._orphans.add(key_of(pod))

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        for key in self._owners.concerned(old, new):
            self._queue.add(key)
        if new is not None and is_tracked(new) and self._owners.of(new) is None:
            self._orphans.add(key_of(new))

    async def _reconcile(self, key: str) -> float | None:
        job = self._jobs.get(key)
        if job is None or is_finished(job) or not is_ours(job):
            return None
        standing = assess(Observation(job, await self._claimed(key, job), self._clock.now()))
        plan = sync_pods(standing)
        outcome, error = await self._carry_out(key, job, plan)
        await self._write(key, job, sync_status(standing, outcome))
        if error is not None:
            raise error
        due = deadline(job) if standing.verdict is None else None
        waits = [] if due is None else [(due - standing.observation.now).total_seconds()]
        waits += [] if plan.again is None else [plan.again]
        return min(waits, default=None)

    async def _claimed(self, key: str, job: Object) -> tuple[Object, ...]:
        selector = _selector(job)
        candidates = [
            *self._pods.by_index(CONTROLLER_UID, uid_of(job)),
            *self._pods.by_index(ORPHANS, namespace_of(job)),
        ]
        claimed = claim(job, candidates, lambda pod: selector.matches(labels_of(pod)))
        return await settle(self._performer, key, JOBS, job, PODS, claimed, finalizer=TRACKING)

    async def _carry_out(self, key: str, job: Object, plan: PodsPlan) -> tuple[Outcome, Exception | None]:
        if plan.create:
            created, error = await self._create(key, job, plan.create)
            return Outcome(created=created), error
        if plan.delete:
            return await self._delete(key, job, plan)
        return Outcome(), None

    async def _create(self, key: str, job: Object, pods: Sequence[Object]) -> tuple[int, Exception | None]:
        remaining = iter(pods)

        async def attempt() -> None:
            try:
                created = await self._performer.create(key, PODS, next(remaining))
            except (ApiError, ConnectionFailed) as error:
                if not has_no_namespace(error):
                    self._performer.emit(job, "Warning", "FailedCreate", f"Error creating: {error}")
                raise
            self._performer.emit(job, "Normal", "SuccessfulCreate", f"Created pod: {name_of(created)}")

        created, error = await slow_start_batch(len(pods), attempt)
        return created, None if error is not None and has_no_namespace(error) else error

    async def _delete(self, key: str, job: Object, plan: PodsPlan) -> tuple[Outcome, Exception | None]:
        deleted: list[Object] = []

        async def attempt(pod: Object) -> None:
            if plan.uncounted and is_tracked(pod):
                # Only if it is still as it is known: one that has ended by now is to be counted.
                finalizers = [name for name in metadata(pod)["finalizers"] if name != TRACKING]
                patch = merge_patch_of(PODS, pod, {"metadata": {"finalizers": finalizers or None}})
                if await self._performer.patch(key, patch) is None:
                    return
            try:
                await self._performer.delete(key, Delete(PODS, namespace_of(pod), name_of(pod), uid_of(pod)))
            except (ApiError, ConnectionFailed) as error:
                self._performer.emit(job, "Warning", "FailedDelete", f"Error deleting: {error}")
                raise
            deleted.append(pod)
            self._performer.emit(job, "Normal", "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")

        error = await _each(attempt, plan.delete)
        return Outcome(deleted=tuple(deleted)), error

    async def _write(self, key: str, job: Object, plan: StatusPlan) -> None:
        if plan.update is not None:
            await self._performer.perform(key, (plan.update,))
        error = await _each(lambda pod: self._untrack(key, pod), plan.untrack)
        for event in plan.events:
            self._performer.emit(event.obj, event.type, event.reason, event.message)
        if error is not None:
            raise error

    async def _untrack(self, key: str, pod: Object) -> None:
        patch = {"metadata": {"uid": uid_of(pod), "$deleteFromPrimitiveList/finalizers": [TRACKING]}}
        await self._performer.patch(
            key, Patch(PODS, namespace_of(pod), name_of(pod), patch, patch_type=PatchType.STRATEGIC)
        )

    async def _release_orphan(self, key: str) -> None:
        """Lets go of a tracked pod that no living, unfinished Job would count, having asked the server for its Job."""
        pod = self._pods.get(key)
        if pod is None or not is_tracked(pod):
            return
        reference = controller_of(pod)
        if reference is None:
            adopters = (job for job in self._jobs.list(namespace_of(pod)) if not is_deleting(job) and is_ours(job))
            if any(_selector(job).matches(labels_of(pod)) and not is_finished(job) for job in adopters):
                return
        elif reference.get("kind") == JOBS.kind:
            try:
                job = await self._performer.client.get(JOBS, reference["name"], namespace_of(pod))
            except NotFound:
                job = None
            if job is not None and uid_of(job) == reference.get("uid") and not (is_finished(job) and is_ours(job)):
                return
        await self._untrack(key, pod)


async def _each(attempt: Callable[[Object], Awaitable[None]], pods: Sequence[Object]) -> Exception | None:
    """Does it for all of them at the same time; the first failure."""
    results = await asyncio.gather(*(attempt(pod) for pod in pods), return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        if not isinstance(failure, Exception):
            raise failure
        return failure
    return None
