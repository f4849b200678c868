"""Deletes a Job, and with it its pods, once it has been finished for ``ttlSecondsAfterFinished``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from controllers.actions import Action, Delete, RequeueAfter
from controllers.perform import Performer
from minikube_py.api.errors import NotFound
from minikube_py.api.meta import Object, find_condition, is_deleting, key_of, name_of, namespace_of, uid_of
from minikube_py.api.resources import JOBS
from minikube_py.api.times import parse_time
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue

if TYPE_CHECKING:
    from controllers.context import ControllerContext


def expires_at(job: Object) -> datetime | None:
    """When a finished Job is to be deleted; None for one that is not finished, or has no such limit."""
    seconds = job["spec"].get("ttlSecondsAfterFinished")
    if seconds is None or is_deleting(job):
        return None
    for condition_type in ("Complete", "Failed"):
        condition = find_condition(job, condition_type)
        if condition is not None and condition.get("status") == "True" and condition.get("lastTransitionTime"):
            return parse_time(condition["lastTransitionTime"]) + timedelta(seconds=seconds)
    return None


def sync(job: Object, now: datetime) -> Action | None:
    """Deletes what has expired, waits for what will."""
    expiry = expires_at(job)
    if expiry is None:
        return None
    if expiry > now:
        return RequeueAfter((expiry - now).total_seconds())
    return Delete(JOBS, namespace_of(job), name_of(job), uid_of(job), propagation_policy="Foreground")


class TtlAfterFinishedController:
    """Before it deletes it reads the Job afresh: its limit may have been raised a moment ago."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._jobs = context.informers.informer(JOBS)
        self._queue = WorkQueue("ttl_jobs_to_delete", context.clock)
        self._performer = Performer(context.client)
        self._jobs.add_handler(self._on_job)
        workers = context.settings.concurrent_syncs
        context.add(
            Controller("ttl-after-finished-controller", self._queue, self._reconcile, context.clock, workers=workers)
        )

    def _on_job(self, old: Object | None, new: Object | None) -> None:
        if new is not None and expires_at(new) is not None:
            self._queue.add(key_of(new))

    async def _reconcile(self, key: str) -> float | None:
        job = self._jobs.get(key)
        action = None if job is None else sync(job, self._clock.now())
        if isinstance(action, Delete):
            try:
                fresh = await self._performer.client.get(JOBS, action.name, action.namespace)
            except NotFound:
                return None
            action = sync(fresh, self._clock.now())
        return None if action is None else await self._performer.perform(key, (action,))
