"""Validation of the status of a Job: consistent, and never back from an end.

An inconsistency that the stored status has already is let through, so that the rest of it can be written.
"""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.job_indexes import count_indexes, first_overlap
from apiserver.validation.job_policies import invalid_without_value
from apiserver.validation.meta import object_meta_update
from apiserver.validation.names import non_negative
from minikube_py.api.errors import FieldError, field_duplicate, field_invalid, field_required
from minikube_py.api.meta import Object, condition_is_true
from minikube_py.api.times import parse_time

_COUNTS = ("active", "succeeded", "failed", "ready", "terminating")


def job_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status of a Job."""
    yield from object_meta_update(new, old)
    if errors := list(_status(new)):
        known = set(_status(old))
        yield from (error for error in errors if error not in known)
    status, old_status = new.get("status") or {}, old.get("status") or {}
    for condition in ("Failed", "Complete", "FailureTarget"):
        if condition_is_true(old, condition) and not condition_is_true(new, condition):
            detail = f"cannot disable the terminal {condition}=True condition"
            yield invalid_without_value("status.conditions", detail)
    indexed = (new.get("spec") or {}).get("completionMode") == "Indexed"
    # An Indexed Job that is given fewer completions counts fewer successes.
    for key in ("failed",) if indexed else ("failed", "succeeded"):
        if (status.get(key) or 0) < (old_status.get(key) or 0):
            yield field_invalid(f"status.{key}", status.get(key) or 0, f"cannot decrease the {key} counter")
    completed, old_completed = status.get("completionTime"), old_status.get("completionTime")
    if completed and old_completed and completed != old_completed:
        yield field_invalid("status.completionTime", completed, "completionTime cannot be mutated")
    suspended = (new.get("spec") or {}).get("suspend")
    started = old_status.get("startTime")
    if started and started != status.get("startTime") and not suspended:
        yield field_required("status.startTime", "startTime cannot be removed for unsuspended job")
    met, old_met = condition_is_true(new, "SuccessCriteriaMet"), condition_is_true(old, "SuccessCriteriaMet")
    if old_met and not met:
        yield invalid_without_value("status.conditions", "cannot disable the SuccessCriteriaMet=True condition")
    if condition_is_true(old, "Complete") and not old_met and met:
        detail = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions"
        yield invalid_without_value("status.conditions", detail)


def _status(obj: Object) -> Iterator[FieldError]:
    status = obj.get("status") or {}
    for key in _COUNTS:
        yield from non_negative(f"status.{key}", status.get(key))
    yield from _uncounted(status.get("uncountedTerminatedPods") or {})
    yield from _conditions(obj)
    yield from _times(obj, status)
    yield from _finished(obj, status)
    yield from _indexes(obj, status)
    if status.get("ready") is not None and status["ready"] > (status.get("active") or 0):
        yield field_invalid("status.ready", status["ready"], "cannot set more ready pods than active")


def _uncounted(pods: Object) -> Iterator[FieldError]:
    seen: set[str] = set()
    for key in ("succeeded", "failed"):
        for index, uid in enumerate(pods.get(key) or []):
            path = f"status.uncountedTerminatedPods.{key}[{index}]"
            if not uid:
                yield field_invalid(path, uid, "must not be empty")
            elif uid in seen:
                yield field_duplicate(path, uid)
            seen.add(uid)


def _conditions(obj: Object) -> Iterator[FieldError]:
    complete, failed = condition_is_true(obj, "Complete"), condition_is_true(obj, "Failed")
    target, met = condition_is_true(obj, "FailureTarget"), condition_is_true(obj, "SuccessCriteriaMet")
    contradictions = (
        (complete and failed, "cannot set Complete=True and Failed=true conditions"),
        (complete and target, "cannot set Complete=True and FailureTarget=true conditions"),
        (failed and not target, "cannot set Failed=True condition without the FailureTarget=true condition"),
        (complete and not met, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"),
        (met and failed, "cannot set SuccessCriteriaMet=True and Failed=true conditions"),
        (met and target, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"),
        (
            (obj.get("spec") or {}).get("successPolicy") is not None and complete and not met,
            "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True",
        ),
    )
    for is_wrong, detail in contradictions:
        if is_wrong:
            yield invalid_without_value("status.conditions", detail)


def _times(obj: Object, status: Object) -> Iterator[FieldError]:
    completed, started = status.get("completionTime"), status.get("startTime")
    complete = condition_is_true(obj, "Complete")
    if completed and not complete:
        detail = "cannot set completionTime when there is no Complete=True condition"
        yield field_invalid("status.completionTime", completed, detail)
    if complete and not completed:
        yield field_required("status.completionTime", "completionTime is required for Complete jobs")
    if started and completed and parse_time(completed) < parse_time(started):
        yield field_invalid("status.completionTime", completed, "completionTime cannot be set before startTime")


def _finished(obj: Object, status: Object) -> Iterator[FieldError]:
    if not condition_is_true(obj, "Complete") and not condition_is_true(obj, "Failed"):
        return
    for key in ("active", "terminating"):
        if (status.get(key) or 0) > 0:
            yield field_invalid(f"status.{key}", status[key], f"{key}>0 is invalid for finished job")
    if not status.get("startTime"):
        yield field_required("status.startTime", "startTime is required for finished job")
    uncounted = status.get("uncountedTerminatedPods") or {}
    if uncounted.get("failed") or uncounted.get("succeeded"):
        detail = "uncountedTerminatedPods needs to be empty for finished job"
        yield field_invalid("status.uncountedTerminatedPods", uncounted, detail)


def _indexes(obj: Object, status: Object) -> Iterator[FieldError]:
    spec = obj.get("spec") or {}
    completions, by_index = spec.get("completions"), spec.get("backoffLimitPerIndex") is not None
    completed, failed = status.get("completedIndexes") or "", status.get("failedIndexes")
    if completions is not None:
        for key, value in (("completedIndexes", completed), ("failedIndexes", failed if by_index else None)):
            try:
                count_indexes(value or "", completions)
            except ValueError as error:
                yield field_invalid(f"status.{key}", value, f"error parsing {key}: {error}")
    if completed and spec.get("completionMode") != "Indexed":
        detail = "cannot set non-empty completedIndexes when non-indexed completion mode"
        yield field_invalid("status.completedIndexes", completed, detail)
    if failed is not None and not by_index:
        detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        yield field_invalid("status.failedIndexes", failed, detail)
    if completions is not None and failed is not None:
        overlap = first_overlap(completed, failed, completions)
        if overlap is not None:
            detail = f"failedIndexes and completedIndexes overlap at index: {overlap}"
            yield field_invalid("status.failedIndexes", failed, detail)
