"""The printers of Job and CronJob."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiserver.table.columns import AGE, NAME, NONE, Column, Printer, age, documented, human_duration, since
from apiserver.table.workloads import CONTAINERS, IMAGES, template_cells
from minikube_py.api.meta import Object, condition_is_true, is_deleting, name_of
from minikube_py.api.times import parse_time

_SELECTOR = Column("Selector", documented("batch.v1.JobSpec", "selector"), priority=1)

JOB_COLUMNS = (
    NAME,
    Column("Status", "Status of the job."),
    Column("Completions", documented("batch.v1.JobStatus", "succeeded")),
    Column("Duration", "Time required to complete the job."),
    AGE,
    CONTAINERS,
    IMAGES,
    _SELECTOR,
)

CRON_JOB_COLUMNS = (
    NAME,
    Column("Schedule", documented("batch.v1.CronJobSpec", "schedule")),
    Column("Timezone", documented("batch.v1.CronJobSpec", "timeZone")),
    Column("Suspend", documented("batch.v1.CronJobSpec", "suspend"), type="boolean"),
    Column("Active", documented("batch.v1.CronJobStatus", "active"), type="integer"),
    Column("Last Schedule", documented("batch.v1.CronJobStatus", "lastScheduleTime")),
    AGE,
    CONTAINERS,
    IMAGES,
    _SELECTOR,
)


def job_cells(job: Object, now: datetime) -> list[Any]:
    """Name, status, completions, duration, age, containers, images and selector."""
    spec, status = job.get("spec") or {}, job.get("status") or {}
    return [
        name_of(job),
        _status(job),
        _completions(spec, status),
        _duration(status, now),
        age(job, now),
        *template_cells(spec),
    ]


def cron_job_cells(cron_job: Object, now: datetime) -> list[Any]:
    """Name, schedule, time zone, suspend, active, last schedule, age, containers, images and selector."""
    spec, status = cron_job.get("spec") or {}, cron_job.get("status") or {}
    suspend, last = spec.get("suspend"), status.get("lastScheduleTime")
    return [
        name_of(cron_job),
        spec.get("schedule", ""),
        spec.get("timeZone") or NONE,
        "<unset>" if suspend is None else str(bool(suspend)),
        len(status.get("active") or ()),
        since(last, now) if last else NONE,
        age(cron_job, now),
        *template_cells((spec.get("jobTemplate") or {}).get("spec") or {}),
    ]


def _status(job: Object) -> str:
    for condition in ("Complete", "Failed"):
        if condition_is_true(job, condition):
            return condition
    if is_deleting(job):
        return "Terminating"
    if condition_is_true(job, "Suspended"):
        return "Suspended"
    return "FailureTarget" if condition_is_true(job, "FailureTarget") else "Running"


def _completions(spec: Object, status: Object) -> str:
    succeeded = status.get("succeeded") or 0
    if spec.get("completions") is not None:
        return f"{succeeded}/{spec['completions']}"
    parallelism = spec.get("parallelism") or 0
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _duration(status: Object, now: datetime) -> str:
    if not status.get("startTime"):
        return ""
    end = parse_time(status["completionTime"]) if status.get("completionTime") else now
    return human_duration((end - parse_time(status["startTime"])).total_seconds())


PRINTERS = {
    ("batch", "CronJob"): Printer(CRON_JOB_COLUMNS, cron_job_cells),
    ("batch", "Job"): Printer(JOB_COLUMNS, job_cells),
}
