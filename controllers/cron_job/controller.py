"""The interpreter of the CronJob controller: informers in, requests out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controllers.actions import Update
from controllers.cron_job.sync import Observation, Plan, sync, with_job
from controllers.indexes import CONTROLLER_UID, OWNERSHIP
from controllers.perform import Performer
from minikube_py.api.errors import AlreadyExists, ApiError, has_no_namespace
from minikube_py.api.meta import Object, controller_of, is_controlled_by, key_of, name_of, namespace_of, uid_of
from minikube_py.api.resources import CRON_JOBS, JOBS
from minikube_py.client.protocol import ConnectionFailed
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext


class CronJobController:
    """Makes the Jobs of every CronJob on time and keeps its status true."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._cron_jobs = context.informers.informer(CRON_JOBS)
        self._jobs = context.informers.informer(JOBS, indexers=OWNERSHIP)
        self._queue = WorkQueue("cronjob", context.clock)
        writes = Writes(context.clock, self._cron_jobs, self._jobs)
        self._performer = Performer(context.client, context.recorder("cronjob-controller"), writes)
        self._cron_jobs.add_handler(self._on_cron_job)
        self._jobs.add_handler(self._on_job)
        workers = context.settings.concurrent_syncs
        context.add(
            Controller(
                "cronjob-controller", self._queue, self._reconcile, context.clock, workers=workers, writes=writes
            )
        )

    def _on_cron_job(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(key_of(new or old or {}))

    def _on_job(self, old: Object | None, new: Object | None) -> None:
        for job in (old, new):
            reference = None if job is None else controller_of(job)
            if job is not None and reference is not None and reference.get("kind") == CRON_JOBS.kind:
                self._queue.add(f"{namespace_of(job)}/{reference['name']}")

    async def _reconcile(self, key: str) -> float | None:
        cron_job = self._cron_jobs.get(key)
        if cron_job is None:
            return None
        jobs = tuple(self._jobs.by_index(CONTROLLER_UID, uid_of(cron_job)))
        plan = sync(Observation(cron_job, jobs, self._clock.now()))
        await self._performer.perform(key, plan.before)
        status = await self._with_created(key, cron_job, plan)
        if status != (cron_job.get("status") or {}):
            await self._performer.perform(key, (Update(CRON_JOBS, {**cron_job, "status": status}, "status"),))
        return None if plan.requeue is None else plan.requeue.seconds

    async def _with_created(self, key: str, cron_job: Object, plan: Plan) -> Object:
        if plan.create is None or plan.scheduled is None:
            return plan.status
        job = await self._create(key, cron_job, plan.create)
        return plan.status if job is None else with_job(plan.status, job, plan.scheduled)

    async def _create(self, key: str, cron_job: Object, job: Object) -> Object | None:
        """The Job of that time, made now or before a crash; None where another's has its name."""
        try:
            created = await self._performer.create(key, JOBS, job)
        except AlreadyExists:
            present = await self._performer.client.get(JOBS, name_of(job), namespace_of(job))
            return present if is_controlled_by(present, cron_job) else None
        except (ApiError, ConnectionFailed) as error:
            if not has_no_namespace(error):
                self._performer.emit(cron_job, "Warning", "FailedCreate", f"Error creating job: {error}")
            raise
        self._performer.emit(cron_job, "Normal", "SuccessfulCreate", f"Created job {name_of(created)}")
        return created
