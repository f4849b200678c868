"""When a CronJob is due, was due and will be due; pure.

Follows ``k8s.io/kubernetes/pkg/controller/cronjob`` (``mostRecentScheduleTime``): a long absence is not walked through
time by time, and of several times that were missed only the latest counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from minikube_py.api.cron import CronSchedule, time_zone
from minikube_py.api.meta import Object, metadata
from minikube_py.api.times import parse_time

MANY_MISSED = 100


@dataclass(frozen=True, slots=True)
class Due:
    """The latest time that is not met yet, if any, when the next one comes, and whether very many were missed."""

    latest: datetime | None
    next: datetime | None
    missed: int


def parse(cron_job: Object) -> CronSchedule:
    """The schedule in its time zone. Raises ValueError."""
    spec = cron_job["spec"]
    zone = spec.get("timeZone")
    if zone and "TZ" not in spec["schedule"]:
        return CronSchedule.parse(spec["schedule"], zone=time_zone(zone))
    return CronSchedule.parse(spec["schedule"])


def due(cron_job: Object, schedule: CronSchedule, now: datetime) -> Due:
    """What is due by ``now``, counted from the last time that was met or, before any was, the CronJob's creation."""
    earliest = _earliest(cron_job, now)
    following = schedule.next_after(now)
    first = schedule.next_after(earliest)
    if first is None or first > now:
        return Due(None, first if first is not None and first > now else following, 0)
    second = schedule.next_after(first)
    if second is None or second > now:
        return Due(first, following, 1)
    interval = second - first
    missed = int((now - first) / interval) + 1
    if schedule.every is not None:
        return Due(first + (missed - 1) * interval, following, missed)
    latest = first
    # An uneven schedule is walked through from shortly before now on, and from the start where that shows nothing.
    for start in (max(earliest, now - 2 * interval), max(earliest, now - timedelta(days=8)), earliest):
        found = schedule.next_after(start)
        if found is None or found > now:
            continue
        latest = _latest(schedule, found, now)
        break
    return Due(latest, following, missed)


def _latest(schedule: CronSchedule, found: datetime, now: datetime) -> datetime:
    while (after := schedule.next_after(found)) is not None and after <= now:
        found = after
    return found


def _earliest(cron_job: Object, now: datetime) -> datetime:
    last = (cron_job.get("status") or {}).get("lastScheduleTime")
    created = metadata(cron_job).get("creationTimestamp")
    earliest = parse_time(last) if last else parse_time(created) if created else now
    deadline = cron_job["spec"].get("startingDeadlineSeconds")
    return earliest if deadline is None else max(earliest, now - timedelta(seconds=deadline))
