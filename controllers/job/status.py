"""A Job's status: counting its ended pods exactly once, and saying how it ends; pure.

Counting takes two writes. First the pod's uid is noted in ``uncountedTerminatedPods``; then the pod ceases to be
tracked; then, where it is no longer tracked, its uid is moved to the counters. Whatever write is lost in a crash, the
next look at the Job goes on from what is stored. Indexes that succeeded are a set, and need no first write.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controllers import conditions
from controllers.actions import NORMAL, WARNING, Emit, Update
from controllers.job.indexes import format_indexes, parse_indexes
from controllers.job.pods import completion_index, is_failed, is_indexed, is_tracked
from controllers.job.policies import match_failure_policy
from controllers.job.standing import SUCCESS_CRITERIA_MET, Standing, Verdict, counts_an_index, is_suspended
from minikube_py.api.meta import Object, is_deleting, uid_of
from minikube_py.api.pods import is_ready, phase
from minikube_py.api.resources import JOBS
from minikube_py.api.times import format_time

MOST_UNCOUNTED = 500
"""At most so many uids are noted at once: it keeps the status under 20 KB, and long Jobs from starving short ones."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What carrying out the plan for pods has come to."""

    created: int = 0
    deleted: tuple[Object, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusPlan:
    """The status to write, if any; once that is stored, the pods that cease to be tracked, and what to tell."""

    update: Update | None
    untrack: tuple[Object, ...]
    events: tuple[Emit, ...]


@dataclass(slots=True)
class _Counting:
    """The counters while they are worked out."""

    succeeded: int
    failed: int
    uncounted_succeeded: list[str]
    uncounted_failed: list[str]
    indexes: set[int]
    untrack: list[Object]

    @property
    def waiting(self) -> int:
        return len(self.uncounted_succeeded) + len(self.uncounted_failed)


def sync_status(standing: Standing, outcome: Outcome) -> StatusPlan:
    """The next of the writes that count pods and tell how the Job stands."""
    job, now = standing.job, standing.observation.now
    old: Object = job.get("status") or {}
    counting = _count(standing)
    active = len(standing.active) + outcome.created - len(outcome.deleted)
    terminating = standing.terminating + len(outcome.deleted)
    verdict = standing.verdict or _completion(standing, active)
    told: Sequence[Object] = old.get("conditions") or []
    events: list[Emit] = []
    new: Object = {
        **old,
        "active": active,
        "ready": standing.ready - sum(map(is_ready, outcome.deleted)),
        "terminating": terminating,
        "succeeded": counting.succeeded,
        "failed": counting.failed,
        "uncountedTerminatedPods": {
            name: uids
            for name, uids in (("succeeded", counting.uncounted_succeeded), ("failed", counting.uncounted_failed))
            if uids
        },
    }
    if is_indexed(job):
        new["completedIndexes"] = format_indexes(counting.indexes)
        new["succeeded"] = len(counting.indexes)
        if standing.failed_indexes is not None:
            new["failedIndexes"] = format_indexes(standing.failed_indexes)
    if not new.get("startTime") and not is_suspended(job):
        new["startTime"] = format_time(now)
    if not is_deleting(job):
        if verdict is None:
            told = _suspension(standing, told, new, events)
        else:
            told = _end(standing, verdict, told, new, events)
    new["conditions"] = told
    status = {name: value for name, value in new.items() if value or name in _KEPT}
    update = None if status == old else Update(JOBS, {**job, "status": status}, "status")
    return StatusPlan(update, tuple(counting.untrack), tuple(events))


_KEPT = ("ready", "terminating", "uncountedTerminatedPods", "failedIndexes")
"""What is told even where it is nothing."""


def _count(standing: Standing) -> _Counting:
    job, pods = standing.job, standing.observation.pods
    status = job.get("status") or {}
    uncounted = status.get("uncountedTerminatedPods") or {}
    tracked = {uid_of(pod): pod for pod in pods if is_tracked(pod)}
    succeeded, failed = uncounted.get("succeeded") or [], uncounted.get("failed") or []
    counting = _Counting(
        (status.get("succeeded") or 0) + sum(uid not in tracked for uid in succeeded),
        (status.get("failed") or 0) + sum(uid not in tracked for uid in failed),
        [uid for uid in succeeded if uid in tracked],
        [uid for uid in failed if uid in tracked],
        set(parse_indexes(status.get("completedIndexes") or "", job["spec"].get("completions") or 0)),
        [tracked[uid] for uid in (*succeeded, *failed) if uid in tracked],
    )
    noted = {*succeeded, *failed}
    kept = {uid_of(pod) for pod in standing.last_failures.values()}
    added = 0
    for uid, pod in tracked.items():
        if uid in noted or not _may_untrack(standing, pod, kept):
            continue
        if counting.waiting + added >= MOST_UNCOUNTED:
            break
        counting.untrack.append(pod)
        if not counts_an_index(pod, job):
            continue
        if phase(pod) == "Succeeded":
            if is_indexed(job):
                counting.indexes.add(completion_index(pod) or 0)
                added += 1
            else:
                counting.uncounted_succeeded.append(uid)
        elif _counts_as_failed(standing, pod):
            counting.uncounted_failed.append(uid)
    return counting


def _may_untrack(standing: Standing, pod: Object, kept: set[str]) -> bool:
    job = standing.job
    if is_deleting(job) or phase(pod) == "Succeeded":
        return True
    if standing.verdict is not None:
        return phase(pod) == "Failed" or is_deleting(pod)
    return is_failed(pod, job) and uid_of(pod) not in kept


def _counts_as_failed(standing: Standing, pod: Object) -> bool:
    verdict = standing.verdict
    if verdict is not None and not verdict.failed and is_deleting(pod):
        # A pod that is not needed any more once the Job has succeeded is no failure, however it ends.
        return False
    if verdict is None and not is_failed(pod, standing.job):
        return False
    return match_failure_policy(standing.job, pod).counts


def _completion(standing: Standing, active: int) -> Verdict | None:
    """Whether enough pods have succeeded and none is left."""
    if active or is_deleting(standing.job):
        return None
    completions = standing.job["spec"].get("completions")
    if (standing.succeeded > 0) if completions is None else (standing.succeeded >= completions):
        return Verdict(SUCCESS_CRITERIA_MET, "CompletionsReached", "Reached expected number of succeeded pods")
    return None


def _suspension(standing: Standing, told: Sequence[Object], new: Object, events: list[Emit]) -> Sequence[Object]:
    job, now = standing.job, standing.observation.now
    known = conditions.find(told, "Suspended")
    suspended = known is not None and known.get("status") == "True"
    if is_suspended(job) and not suspended:
        # What was active before does not count towards the deadline of what will be.
        new.pop("startTime", None)
        events.append(Emit(job, NORMAL, "Suspended", "Job suspended"))
        return conditions.put(told, _condition(standing, "Suspended", "True", "JobSuspended", "Job suspended"))
    if not is_suspended(job) and suspended:
        new["startTime"] = new.get("startTime") or format_time(now)
        events.append(Emit(job, NORMAL, "Resumed", "Job resumed"))
        return conditions.put(told, _condition(standing, "Suspended", "False", "JobResumed", "Job resumed"))
    return told


def _end(
    standing: Standing,
    verdict: Verdict,
    told: Sequence[Object],
    new: Object,
    events: list[Emit],
) -> Sequence[Object]:
    job, now = standing.job, standing.observation.now
    if conditions.find(told, verdict.condition) is None:
        told = [*told, _condition(standing, verdict.condition, "True", verdict.reason, verdict.message)]
    if new["active"] or new["terminating"] or any(map(is_tracked, standing.observation.pods)):
        return told
    if not new.get("startTime"):
        new["startTime"] = format_time(now)
    if verdict.failed:
        events.append(Emit(job, WARNING, verdict.reason, verdict.message))
        return [*told, _condition(standing, "Failed", "True", verdict.reason, verdict.message)]
    completions = job["spec"].get("completions")
    if completions is not None and new["succeeded"] > completions:
        message = "Too many succeeded pods running after completion count reached"
        events.append(Emit(job, WARNING, "TooManySucceededPods", message))
    events.append(Emit(job, NORMAL, "Completed", "Job completed"))
    new["completionTime"] = format_time(now)
    return [*told, _condition(standing, "Complete", "True", verdict.reason, verdict.message)]


def _condition(standing: Standing, condition_type: str, status: str, reason: str, message: str) -> Object:
    new = conditions.condition(condition_type, status, reason, message, standing.observation.now)
    return {**new, "lastProbeTime": new["lastTransitionTime"]}
