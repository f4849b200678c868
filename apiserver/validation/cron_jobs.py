"""Validation of CronJob."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apiserver.validation.jobs import job_template
from apiserver.validation.meta import object_meta, object_meta_update
from apiserver.validation.names import non_negative
from minikube_py.api.cron import CronSchedule, time_zone
from minikube_py.api.errors import FieldError, field_invalid, field_not_supported, field_required
from minikube_py.api.meta import Object, name_of

_POLICIES = ("Allow", "Forbid", "Replace")
_LONGEST_NAME = 52
"""Its Jobs' names add eleven characters, and a Job's name is a label of up to 63."""
_ZONE_PART = re.compile(r"[A-Za-z.\-_0-9+]{1,14}")


def cron_job(obj: Object) -> Iterator[FieldError]:
    """A CronJob about to be created."""
    yield from object_meta(obj, namespaced=True)
    yield from _spec(obj.get("spec") or {}, None)
    if len(name_of(obj)) > _LONGEST_NAME:
        yield field_invalid("metadata.name", name_of(obj), f"must be no more than {_LONGEST_NAME} characters")


def cron_job_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed CronJob: what it was let through with before is let through still."""
    yield from object_meta_update(new, old)
    yield from _spec(new.get("spec") or {}, old.get("spec") or {})


def _spec(spec: Object, old_spec: Object | None) -> Iterator[FieldError]:
    if not spec.get("schedule"):
        yield field_required("spec.schedule")
    else:
        yield from _schedule(spec, old_spec)
    yield from non_negative("spec.startingDeadlineSeconds", spec.get("startingDeadlineSeconds"))
    zone = spec.get("timeZone")
    if zone is not None and (old_spec is None or zone != old_spec.get("timeZone")):
        yield from _time_zone("spec.timeZone", zone)
    policy = spec.get("concurrencyPolicy") or ""
    if not policy:
        yield field_required("spec.concurrencyPolicy")
    elif policy not in _POLICIES:
        yield field_not_supported("spec.concurrencyPolicy", policy, _POLICIES)
    yield from job_template("spec.jobTemplate", spec.get("jobTemplate") or {})
    for key in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        yield from non_negative(f"spec.{key}", spec.get(key))


def _schedule(spec: Object, old_spec: Object | None) -> Iterator[FieldError]:
    path, schedule = "spec.schedule", spec["schedule"]
    try:
        CronSchedule.parse(schedule)
    except ValueError as error:
        yield field_invalid(path, schedule, str(error))
    if "TZ" not in schedule:
        return
    if old_spec is None or "TZ" not in (old_spec.get("schedule") or ""):
        detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        yield field_invalid(path, schedule, detail)
    elif spec.get("timeZone") is not None:
        detail = "cannot use both timeZone field and TZ or CRON_TZ in schedule"
        yield field_invalid(path, schedule, detail)


def _time_zone(path: str, zone: str) -> Iterator[FieldError]:
    if not zone:
        yield field_invalid(path, zone, "timeZone must be nil or non-empty string")
        return
    for part in zone.split("/"):
        if part in (".", "..") or part.startswith("-") or not _ZONE_PART.fullmatch(part):
            yield field_invalid(path, zone, f"unknown time zone {zone}")
            return
    if zone.lower() == "local":
        detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        yield field_invalid(path, zone, detail)
        if zone == "Local":
            return
    try:
        time_zone(zone)
    except ValueError as error:
        yield field_invalid(path, zone, str(error))
