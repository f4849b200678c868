"""What a CronJob needs next: a Job to make, old ones to delete, and its status; pure."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from controllers.actions import NORMAL, WARNING, Action, Delete, Emit, RequeueAfter
from controllers.cron_job.schedule import MANY_MISSED, due, parse
from minikube_py.api.cron import CronSchedule, time_zone
from minikube_py.api.meta import (
    Object,
    condition_is_true,
    controller_reference,
    is_deleting,
    name_of,
    namespace_of,
    uid_of,
)
from minikube_py.api.resources import JOBS
from minikube_py.api.times import format_time, parse_time

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
NEXT_SCHEDULE_SLACK_SECONDS = 0.1
"""So much later than due the next look is taken, so that it does not come a moment too early."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A CronJob and the Jobs that are its own, at a time."""

    cron_job: Object
    jobs: tuple[Object, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """Deletions and events, then a Job to create for a time, then the status as it is but for that Job."""

    before: tuple[Action, ...]
    create: Object | None
    scheduled: datetime | None
    status: Object
    requeue: RequeueAfter | None


def sync(observation: Observation) -> Plan:
    """What is due now. The status of a CronJob that is being deleted is all that is kept."""
    cron_job, jobs = observation.cron_job, observation.jobs
    status: Object = {**(cron_job.get("status") or {})}
    actions: list[Action] = []
    active = _settle_active(cron_job, jobs, status, actions)
    create, scheduled, requeue = None, None, None
    if not is_deleting(cron_job):
        gone = _history(cron_job, jobs, actions)
        active = [reference for reference in active if reference.get("uid") not in gone]
        create, scheduled, requeue, active = _schedule(observation, active, actions)
    status["active"] = active
    return Plan(tuple(actions), create, scheduled, _trimmed(status), requeue)


def with_job(status: Object, job: Object, scheduled: datetime) -> Object:
    """The status once the Job for that time is there."""
    reference = {
        "apiVersion": job["apiVersion"],
        "kind": job["kind"],
        "namespace": namespace_of(job),
        "name": name_of(job),
        "uid": uid_of(job),
        "resourceVersion": (job["metadata"].get("resourceVersion") or ""),
    }
    active = [known for known in status.get("active") or () if known.get("uid") != uid_of(job)]
    return {**status, "active": [*active, reference], "lastScheduleTime": format_time(scheduled)}


def job_name(cron_job: Object, scheduled: datetime) -> str:
    """The name of the Job for that time: one per minute, so that it can't be made twice."""
    return f"{name_of(cron_job)}-{int(scheduled.timestamp()) // 60}"


def _trimmed(status: Object) -> Object:
    return {name: value for name, value in status.items() if value}


def _is_finished(job: Object) -> str:
    return next((kind for kind in ("Complete", "Failed") if condition_is_true(job, kind)), "")


def _settle_active(cron_job: Object, jobs: Iterable[Object], status: Object, actions: list[Action]) -> list[Object]:
    """The active list without Jobs that have ended or are gone; tells of them, and of Jobs that it lacks."""
    active: list[Object] = list(status.get("active") or ())
    children = {uid_of(job): job for job in jobs}
    for identity, job in children.items():
        listed = any(reference.get("uid") == identity for reference in active)
        end = _is_finished(job)
        if not end and not listed:
            message = f"Saw a job that the controller did not create or forgot: {name_of(job)}"
            actions.append(Emit(cron_job, WARNING, "UnexpectedJob", message))
        if end and listed:
            active = [reference for reference in active if reference.get("uid") != identity]
            message = f"Saw completed job: {name_of(job)}, condition: {end}"
            actions.append(Emit(cron_job, NORMAL, "SawCompletedJob", message))
        completed = (job.get("status") or {}).get("completionTime")
        if end == "Complete" and completed:
            last = status.get("lastSuccessfulTime")
            if not last or parse_time(completed) > parse_time(last):
                status["lastSuccessfulTime"] = completed
    for reference in list(active):
        if reference.get("uid") not in children:
            active.remove(reference)
            message = f"Active job went missing: {reference.get('name')}"
            actions.append(Emit(cron_job, NORMAL, "MissingJob", message))
    return active


def _history(cron_job: Object, jobs: Iterable[Object], actions: list[Action]) -> set[str]:
    """Deletes the oldest of the ended Jobs that are beyond the limits; their uids."""
    gone: set[str] = set()
    for end, field in (("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")):
        limit = cron_job["spec"].get(field)
        if limit is None:
            continue
        ended = sorted((job for job in jobs if _is_finished(job) == end), key=_started)
        for job in ended[: max(len(ended) - limit, 0)]:
            if not is_deleting(job):
                gone.add(uid_of(job))
                _delete(cron_job, job, actions)
    return gone


def _started(job: Object) -> tuple[bool, str, str]:
    started = (job.get("status") or {}).get("startTime") or ""
    return not started, started, name_of(job)


def _delete(cron_job: Object, job: Object, actions: list[Action]) -> None:
    actions.append(Delete(JOBS, namespace_of(job), name_of(job), uid_of(job), propagation_policy="Background"))
    actions.append(Emit(cron_job, NORMAL, "SuccessfulDelete", f"Deleted job {name_of(job)}"))


_Scheduling = tuple[Object | None, datetime | None, RequeueAfter | None, list[Object]]


def _schedule(observation: Observation, active: list[Object], actions: list[Action]) -> _Scheduling:
    cron_job, now = observation.cron_job, observation.now
    spec = cron_job["spec"]
    if spec.get("suspend"):
        return None, None, None, active
    schedule = _parsed(cron_job, actions)
    if schedule is None:
        return None, None, None, active
    standing = due(cron_job, schedule, now)
    requeue = None
    if standing.next is not None:
        wait = max((standing.next - now).total_seconds(), 0.0)
        requeue = RequeueAfter(wait + NEXT_SCHEDULE_SLACK_SECONDS)
    scheduled = standing.latest
    if scheduled is None:
        return None, None, requeue, active
    if standing.missed > MANY_MISSED:
        message = (
            f"too many missed start times: {standing.missed}. "
            "Set or decrease .spec.startingDeadlineSeconds or check clock skew"
        )
        actions.append(Emit(cron_job, WARNING, "TooManyMissedTimes", message))
    deadline = spec.get("startingDeadlineSeconds")
    if deadline is not None and scheduled + timedelta(seconds=deadline) < now:
        when = scheduled.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
        message = f"Missed scheduled time to start a job: {when}"
        actions.append(Emit(cron_job, WARNING, "MissSchedule", message))
        return None, None, requeue, active
    name = job_name(cron_job, scheduled)
    last = (cron_job.get("status") or {}).get("lastScheduleTime")
    if any(reference.get("name") == name for reference in active) or (last and parse_time(last) == scheduled):
        return None, None, requeue, active
    policy = spec.get("concurrencyPolicy")
    if policy == "Forbid" and active:
        message = "Not starting job because prior execution is running and concurrency policy is Forbid"
        actions.append(Emit(cron_job, NORMAL, "JobAlreadyActive", message))
        return None, None, requeue, active
    if policy == "Replace":
        running = {reference.get("uid") for reference in active}
        for job in observation.jobs:
            if uid_of(job) in running:
                _delete(cron_job, job, actions)
        active = []
    return job_of(cron_job, scheduled), scheduled, requeue, active


def _parsed(cron_job: Object, actions: list[Action]) -> CronSchedule | None:
    """The schedule; None, told by an event, where it can't be read."""
    spec = cron_job["spec"]
    zone = spec.get("timeZone")
    if zone is not None:
        try:
            time_zone(zone)
        except ValueError as error:
            actions.append(Emit(cron_job, WARNING, "UnknownTimeZone", f'invalid timeZone: "{zone}": {error}'))
            return None
    if "TZ" in spec["schedule"]:
        message = (
            f'CRON_TZ or TZ used in schedule "{spec["schedule"]}" is not officially supported, '
            "see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
        )
        actions.append(Emit(cron_job, WARNING, "UnsupportedSchedule", message))
    try:
        return parse(cron_job)
    except ValueError as error:
        message = f'unparseable schedule: "{spec["schedule"]}" : {error}'
        actions.append(Emit(cron_job, WARNING, "UnparseableSchedule", message))
        return None


def job_of(cron_job: Object, scheduled: datetime) -> Object:
    """The Job to create for that time."""
    template = cron_job["spec"]["jobTemplate"]
    given = template.get("metadata") or {}
    zone = cron_job["spec"].get("timeZone")
    local = scheduled.astimezone(time_zone(zone or "UTC"))
    stamp = local.isoformat(timespec="seconds").replace("+00:00", "Z")
    metadata: Object = {
        "name": job_name(cron_job, scheduled),
        "namespace": namespace_of(cron_job),
        "annotations": {**(given.get("annotations") or {}), SCHEDULED: stamp},
        "ownerReferences": [controller_reference(cron_job)],
    }
    if given.get("labels"):
        metadata["labels"] = dict(given["labels"])
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": deepcopy(template["spec"])}
