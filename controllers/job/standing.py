"""How a Job stands: what its pods amount to beside what its status has counted already; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from controllers.job.indexes import parse_indexes
from controllers.job.pods import all_failures, completion_index, finish_time, is_failed, is_indexed, is_tracked
from controllers.job.policies import index_has_failed, match_failure_policy, match_success_policy
from minikube_py.api.meta import Object, find_condition, is_deleting, uid_of
from minikube_py.api.pods import is_active, is_ready, is_terminal, phase
from minikube_py.api.times import parse_time

FAILURE_TARGET = "FailureTarget"
SUCCESS_CRITERIA_MET = "SuccessCriteriaMet"


@dataclass(frozen=True, slots=True)
class Observation:
    """A Job and the pods that are its own, at a time."""

    job: Object
    pods: tuple[Object, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the Job ends: ``FailureTarget`` or ``SuccessCriteriaMet``, whose reason and message its end repeats."""

    condition: str
    reason: str
    message: str

    @property
    def failed(self) -> bool:
        """Whether it ends in failure."""
        return self.condition == FAILURE_TARGET


@dataclass(frozen=True, slots=True)
class Standing:
    """What follows from an observation; counts include the pods that the status has not counted yet."""

    observation: Observation
    active: tuple[Object, ...]
    ready: int
    terminating: int
    succeeded: int
    failed: int
    succeeded_indexes: frozenset[int]
    failed_indexes: frozenset[int] | None
    """None for a Job that does not limit the failures of an index."""
    last_failures: Mapping[int, Object]
    """By index the failed pod that tells how often it failed; it is kept until the index has a newer pod or an end."""
    verdict: Verdict | None

    @property
    def job(self) -> Object:
        """The Job."""
        return self.observation.job


def is_suspended(job: Object) -> bool:
    """Whether the Job is to have no pods for now."""
    return bool(job["spec"].get("suspend"))


def assess(observation: Observation) -> Standing:
    """Counts what there is, and decides whether that ends the Job."""
    job, pods = observation.job, observation.pods
    status, spec = job.get("status") or {}, job["spec"]
    uncounted = status.get("uncountedTerminatedPods") or {}
    waiting = {*(uncounted.get("succeeded") or ()), *(uncounted.get("failed") or ())}
    fresh = [pod for pod in pods if is_tracked(pod) and uid_of(pod) not in waiting]
    active = tuple(filter(is_active, pods))
    # Pods that are deleted because the Job ends are no failures of their indexes.
    told = _told_verdict(job)
    indexed = is_indexed(job)
    completions = spec.get("completions") or 0
    succeeded = (status.get("succeeded") or 0) + len(uncounted.get("succeeded") or ())
    succeeded += sum(phase(pod) == "Succeeded" for pod in fresh)
    succeeded_indexes: frozenset[int] = frozenset()
    failed_indexes: frozenset[int] | None = None
    if indexed:
        ended = {completion_index(pod) for pod in fresh if phase(pod) == "Succeeded"}
        succeeded_indexes = parse_indexes(status.get("completedIndexes") or "", completions) | frozenset(
            index for index in ended if index is not None and index < completions
        )
        succeeded = len(succeeded_indexes)
        if spec.get("backoffLimitPerIndex") is not None:
            failed_indexes = parse_indexes(status.get("failedIndexes") or "", completions) | frozenset(
                index
                for pod in fresh
                if (index := completion_index(pod)) is not None
                and index < completions
                and index not in succeeded_indexes
                and told is None
                and index_has_failed(job, pod)
            )
    failed = (status.get("failed") or 0) + len(uncounted.get("failed") or ())
    failed += sum(
        is_failed(pod, job) and counts_an_index(pod, job) and match_failure_policy(job, pod).counts for pod in fresh
    )
    last_failures = (
        {} if failed_indexes is None else _last_failures(observation, fresh, succeeded_indexes | failed_indexes)
    )
    return Standing(
        observation,
        active,
        sum(map(is_ready, active)),
        sum(is_deleting(pod) and not is_terminal(pod) for pod in pods),
        succeeded,
        failed,
        succeeded_indexes,
        failed_indexes,
        last_failures,
        told or _verdict(observation, failed, succeeded_indexes, failed_indexes),
    )


def counts_an_index(pod: Object, job: Object) -> bool:
    """Whether the pod's index, if the Job gives its pods one, is one of the Job's."""
    if not is_indexed(job):
        return True
    index = completion_index(pod)
    return index is not None and index < (job["spec"].get("completions") or 0)


def _last_failures(observation: Observation, fresh: list[Object], ended: frozenset[int]) -> dict[int, Object]:
    job, now = observation.job, observation.now
    running = {completion_index(pod) for pod in observation.pods if is_active(pod)}
    last: dict[int, Object] = {}
    for pod in fresh:
        index = completion_index(pod)
        if not is_failed(pod, job) or not counts_an_index(pod, job) or index is None:
            continue
        if index in ended or index in running:
            continue
        known = last.get(index)
        if known is None or _recency(known, now) <= _recency(pod, now):
            last[index] = pod
    return last


def _recency(pod: Object, now: datetime) -> tuple[int, datetime]:
    return all_failures(pod), finish_time(pod, now)


def deadline(job: Object) -> datetime | None:
    """When the Job will have been active for too long; None where there is no limit, or it is not started."""
    seconds, started = job["spec"].get("activeDeadlineSeconds"), (job.get("status") or {}).get("startTime")
    if seconds is None or not started or is_suspended(job):
        return None
    return parse_time(started) + timedelta(seconds=seconds)


def _told_verdict(job: Object) -> Verdict | None:
    for condition_type in (FAILURE_TARGET, SUCCESS_CRITERIA_MET):
        told = find_condition(job, condition_type)
        if told is not None and told.get("status") == "True":
            return Verdict(condition_type, told.get("reason", ""), told.get("message", ""))
    return None


def _verdict(
    observation: Observation, failed: int, succeeded_indexes: frozenset[int], failed_indexes: frozenset[int] | None
) -> Verdict | None:
    job = observation.job
    for pod in observation.pods:
        if is_failed(pod, job) and (message := match_failure_policy(job, pod).message):
            return Verdict(FAILURE_TARGET, "PodFailurePolicy", message)
    if failed > _limit(job) or _restarted_too_often(observation):
        return Verdict(FAILURE_TARGET, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    due = deadline(job)
    if due is not None and observation.now >= due:
        return Verdict(FAILURE_TARGET, "DeadlineExceeded", "Job was active longer than specified deadline")
    if failed_indexes is not None:
        most = job["spec"].get("maxFailedIndexes")
        if most is not None and len(failed_indexes) > most:
            message = "Job has exceeded the specified maximal number of failed indexes"
            return Verdict(FAILURE_TARGET, "MaxFailedIndexesExceeded", message)
        if failed_indexes and len(failed_indexes) + len(succeeded_indexes) >= (job["spec"].get("completions") or 0):
            return Verdict(FAILURE_TARGET, "FailedIndexes", "Job has failed indexes")
    met = match_success_policy(job, succeeded_indexes)
    return None if met is None else Verdict(SUCCESS_CRITERIA_MET, "SuccessPolicy", met)


def _limit(job: Object) -> int:
    limit = job["spec"].get("backoffLimit")
    return 6 if limit is None else int(limit)


def _restarted_too_often(observation: Observation) -> bool:
    """Whether the restarts within pods have used up the limit, for pods that are restarted in place."""
    job = observation.job
    if (job["spec"]["template"].get("spec") or {}).get("restartPolicy") != "OnFailure":
        return False
    restarts = 0
    for pod in observation.pods:
        if phase(pod) in ("Running", "Pending"):
            status = pod.get("status") or {}
            for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
                restarts += container.get("restartCount", 0)
    return restarts > 0 and restarts >= _limit(job)
